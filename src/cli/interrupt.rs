//! SIGINT: leave at once with status 130 and nothing half-written.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::ops::build::Interrupt;

/// The temporary file that must go when the program is interrupted.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Who is asked to end before the program leaves at once.
static ASKED: Mutex<Option<Interrupt>> = Mutex::new(None);

/// Takes SIGINT from now on.
pub fn install() {
    // Without a handler the shell still reports 130, but a temporary file of `--output` would stay behind.
    let _ = ctrlc::set_handler(|| {
        if let Some(asked) = ASKED.lock().ok().and_then(|mut asked| asked.take()) {
            return asked.send();
        }
        if let Ok(path) = UNFINISHED.lock()
            && let Some(path) = &*path
        {
            let _ = std::fs::remove_file(path);
        }
        std::process::exit(130);
    });
}

/// Lets the next SIGINT ask for an end; the one after it leaves at once.
pub fn ask_first(interrupt: Interrupt) {
    if let Ok(mut asked) = ASKED.lock() {
        *asked = Some(interrupt);
    }
}

/// Lets the next SIGINT leave at once.
pub fn ask_nobody() {
    if let Ok(mut asked) = ASKED.lock() {
        *asked = None;
    }
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
