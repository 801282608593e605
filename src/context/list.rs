//! Small questions to the disk.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The names in a folder below `root` in order, and whether each is a folder itself.
pub(super) fn folder(root: &Path, folder: &[u8]) -> io::Result<Vec<(Vec<u8>, bool)>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(below(root, folder))? {
        let entry = entry?;
        names.push((entry.file_name().into_vec(), entry.file_type()?.is_dir()));
    }
    names.sort_unstable();
    Ok(names)
}

/// A path below `root` on disk.
pub(super) fn below(root: &Path, path: &[u8]) -> PathBuf {
    root.join(OsStr::from_bytes(path))
}

/// Opens a file that was a regular one during the walk. `None` when it may not be opened: such a file is sent empty
/// (`fsutil/send.go`, `sendFile`).
pub(super) fn open(path: &Path) -> io::Result<Option<File>> {
    // Should it have become a link or a pipe since, it isn't followed and nothing blocks.
    let flags = (rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW).bits().cast_signed();
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(error),
    }
}
