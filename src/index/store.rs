//! Index files in their folder: named by context, replaced at once, the oldest removed.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

use super::table::Table;
use crate::digest;

/// So many contexts are remembered.
const MOST_FILES: usize = 64;
/// So many bytes they may have together, and one alone.
const MOST_BYTES: u64 = 1 << 30;
/// The ending of index files.
const ENDING: &str = ".index";
/// What files are called while they are written.
const UNFINISHED: &str = ".stowaway-index-";
/// A file that is still being written after this long has been left behind by a process that was killed.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);
/// How old an index may look while it is in use.
const DAY_NS: i64 = 24 * 3600 * 1_000_000_000;

/// The index file of a context.
pub(super) fn file(folder: &Path, root: &Path) -> PathBuf {
    let name = blake3::hash(root.as_os_str().as_bytes()).to_hex();
    folder.join(format!("{}{ENDING}", &name[..32]))
}

/// A hash of what an index is bound to: the machine, the user, and the context's folder.
pub(super) fn place(root: &Path) -> [u8; 32] {
    let machine = fs::read("/etc/machine-id").unwrap_or_default();
    let user = rustix::process::geteuid().as_raw();
    let folder = fs::metadata(root).map_or((0, 0), |meta| (meta.dev(), meta.ino()));
    let mut hasher = blake3::Hasher::new();
    for part in [&machine, root.as_os_str().as_bytes()] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    for word in [u64::from(user), folder.0, folder.1] {
        hasher.update(&word.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// The table of an index file, if there is one that can be trusted.
pub(super) fn read(path: &Path, place: &[u8; 32], now_ns: i64) -> Option<Table> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let meta = file.metadata().ok()?;
    let ours = meta.uid() == rustix::process::geteuid().as_raw() && meta.mode() & 0o022 == 0;
    if !meta.is_file() || !ours || meta.size() > MOST_BYTES {
        return None;
    }
    Table::new(digest::own_file(file).ok()?, place, now_ns)
}

/// Puts an index in its place at once, and makes room for it.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if bytes.len() as u64 > MOST_BYTES {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Not synced: what a power cut leaves is told by its checksum.
    let mut temporary = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.persist(path).map_err(|e| e.error)?;
    make_room(folder, path);
    Ok(())
}

/// Lets an index that is in use look young.
pub(super) fn keep_alive(path: &Path, now_ns: i64) -> io::Result<()> {
    let Ok(meta) = fs::symlink_metadata(path) else { return Ok(()) };
    if now_ns - super::nanoseconds(meta.mtime(), meta.mtime_nsec()) < DAY_NS {
        return Ok(());
    }
    File::open(path)?.set_modified(SystemTime::now())
}

/// Removes the indexes that were not used for longest, until few enough are left beside `newest`. What can't be removed stays.
fn make_room(folder: &Path, newest: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut indexes = Vec::new();
    let (mut count, mut bytes) = (0, 0);
    for entry in entries.flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        let age = meta.modified().ok().and_then(|m| m.elapsed().ok()).unwrap_or_default();
        let name = entry.file_name();
        if is_unfinished(&name) && age > LEFT_BEHIND {
            let _ = fs::remove_file(entry.path());
        } else if is_index(&name) && meta.is_file() {
            count += 1;
            bytes += meta.len();
            indexes.push((age, meta.len(), entry.path()));
        }
    }
    indexes.retain(|(_, _, path)| path != newest);
    indexes.sort_unstable_by(|a, b| b.cmp(a));
    for (_, size, path) in indexes {
        if count <= MOST_FILES && bytes <= MOST_BYTES {
            return;
        }
        let _ = fs::remove_file(path);
        count -= 1;
        bytes -= size;
    }
}

/// 32 hex digits and the ending: a folder that the user named may hold other things.
fn is_index(name: &OsStr) -> bool {
    let digits = name.as_bytes().strip_suffix(ENDING.as_bytes());
    digits.is_some_and(|d| d.len() == 32 && d.iter().all(u8::is_ascii_hexdigit))
}

fn is_unfinished(name: &OsStr) -> bool {
    name.as_bytes().starts_with(UNFINISHED.as_bytes())
}
