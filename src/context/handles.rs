//! Open folders, of which there are few at any time.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// So many folders stay open for what is below them; each thread has one more.
const KEPT: usize = 32;
/// How long others have for closing something, when the process has too many open files.
const PATIENCE: (u32, Duration) = (100, Duration::from_millis(10));

/// Opens folders below a root.
#[derive(Debug)]
pub(super) struct Handles {
    root: io::Result<OwnedFd>,
    kept: AtomicUsize,
}

/// A folder that stays open for several jobs.
#[derive(Debug)]
pub(super) struct Kept<'h> {
    folder: OwnedFd,
    kept: &'h AtomicUsize,
}

impl Handles {
    pub(super) fn new(root: &Path) -> Self {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let root = rustix::fs::open(root, flags, Mode::empty()).map_err(io::Error::from);
        Self { root, kept: AtomicUsize::new(0) }
    }

    /// Opens the folder at `path` below the root, empty for the root itself. `above` is the folder that it is in, where that is
    /// open: then nothing above it is looked at again.
    pub(super) fn open(&self, path: &CStr, above: Option<&Kept<'_>>) -> io::Result<OwnedFd> {
        let bytes = path.to_bytes_with_nul();
        let name = above.and_then(|_| bytes.rsplit(|b| *b == b'/').next());
        let name = name.and_then(|name| CStr::from_bytes_with_nul(name).ok());
        let root = self.root.as_ref().map_err(super::walk::copy)?;
        match (above, name) {
            (Some(above), Some(name)) => open_patiently(above.folder.as_fd(), name),
            _ if path.is_empty() => open_patiently(root.as_fd(), c"."),
            _ => open_patiently(root.as_fd(), path),
        }
    }

    /// Keeps a folder open for later jobs, unless there are too many already: then it is given back.
    pub(super) fn keep(&self, folder: OwnedFd) -> Result<Arc<Kept<'_>>, OwnedFd> {
        let room = |kept| (kept < KEPT).then_some(kept + 1);
        match self.kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) {
            Ok(_) => Ok(Arc::new(Kept { folder, kept: &self.kept })),
            Err(_) => Err(folder),
        }
    }
}

impl AsFd for Kept<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.kept.fetch_sub(1, Ordering::Relaxed);
    }
}

fn open_patiently(folder: BorrowedFd<'_>, path: &CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || rustix::fs::openat(folder, path, flags, Mode::empty());
    for _ in 0..PATIENCE.0 {
        match open() {
            Err(Errno::MFILE | Errno::NFILE) => std::thread::sleep(PATIENCE.1),
            opened => return Ok(opened?),
        }
    }
    Ok(open()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_folders_stay_open_and_all_are_found_below_the_root() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        let handles = Handles::new(dir.path());
        let a = handles.keep(handles.open(c"a", None).unwrap()).unwrap();
        assert!(handles.open(c"a/b", Some(&a)).is_ok() && handles.open(c"a/b", None).is_ok());
        assert!(handles.open(c"", None).is_ok() && handles.open(c"a/none", Some(&a)).is_err());
        let mut kept: Vec<_> =
            (1..KEPT).map(|_| handles.keep(handles.open(c"a", None).unwrap()).unwrap()).collect();
        let refused = handles.keep(handles.open(c"a", None).unwrap()).unwrap_err();
        kept.pop();
        assert!(handles.keep(refused).is_ok());
    }

    #[test]
    fn a_link_is_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/", dir.path().join("l")).unwrap();
        let error = Handles::new(dir.path()).open(c"l", None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
    }
}
