//! SIGINT: leave at once with status 130 and nothing half-written.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The temporary file that must go when the program is interrupted.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Takes SIGINT from now on.
pub fn install() {
    // Without a handler the shell still reports 130, but a temporary file of `--output` would stay behind.
    let _ = ctrlc::set_handler(|| {
        if let Ok(path) = UNFINISHED.lock()
            && let Some(path) = &*path
        {
            let _ = std::fs::remove_file(path);
        }
        std::process::exit(130);
    });
}

/// Runs `work` while `path` is known to be unfinished.
pub fn guard<T>(path: &Path, work: impl FnOnce() -> T) -> T {
    set(Some(path.to_owned()));
    let result = work();
    set(None);
    result
}

fn set(path: Option<PathBuf>) {
    if let Ok(mut unfinished) = UNFINISHED.lock() {
        *unfinished = path;
    }
}
