//! Lists a folder and all below it with several threads. Stats are asked for relative to their folder, which spares the kernel
//! the way from the root for each of them.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::Scope;
use rustix::fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags};

use super::stat::Raw;

/// So many entries of one folder are looked at by one thread in one go.
const CHUNK: usize = 2048;
/// Longer paths, with the NUL behind them, are no paths for the kernel, nor for a client that asks with whole ones.
const PATH_MAX: usize = 4096;

/// Looks at what a scan finds; each thread has its own.
pub(super) trait Visitor: Send {
    /// Looks at an entry, after the folder that holds it, and says whether it is a folder to enter.
    fn entry(&mut self, entry: &Listed<'_>) -> bool;

    /// Hears of a folder that can't be listed, or not to its end.
    fn failed(&mut self, folder: &Path, error: io::Error);
}

/// An entry as its folder lists it.
pub(super) struct Listed<'a> {
    folder: BorrowedFd<'a>,
    name: &'a CStr,
    /// Its whole path.
    pub(super) path: &'a Path,
    is_dir: Option<bool>,
}

impl Listed<'_> {
    /// Its stat; links are not followed.
    pub(super) fn stat(&self) -> io::Result<Raw> {
        if self.path.as_os_str().len() >= PATH_MAX {
            return Err(rustix::io::Errno::NAMETOOLONG.into());
        }
        Ok(Raw::from(&rustix::fs::statat(self.folder, self.name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    /// Whether it is a folder; not every file system says so in its listings.
    pub(super) fn is_dir(&self) -> bool {
        self.is_dir
            .unwrap_or_else(|| self.stat().is_ok_and(|stat| stat.file_type == crate::entry::FileType::Dir))
    }
}

/// Shows everything below `root` to visitors made by `make`, and gives them back. 0 threads are as many as there are.
pub(super) fn scan<V: Visitor>(root: &Path, threads: usize, make: impl Fn() -> V + Send) -> Vec<V> {
    let pool = (threads > 0).then(|| rayon::ThreadPoolBuilder::new().num_threads(threads).build());
    match pool {
        // Without threads of its own it takes those that are there.
        Some(Ok(pool)) => pool.install(|| run(root, make)),
        _ => run(root, make),
    }
}

fn run<V: Visitor>(root: &Path, make: impl Fn() -> V) -> Vec<V> {
    let visitors: Vec<Mutex<V>> = (0..rayon::current_num_threads()).map(|_| Mutex::new(make())).collect();
    rayon::scope(|scope| Scan { visitors: &visitors }.folder(scope, root.to_path_buf()));
    visitors.into_iter().map(|v| v.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

struct Scan<'v, V> {
    /// By thread.
    visitors: &'v [Mutex<V>],
}

impl<V> Clone for Scan<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Scan<'_, V> {}

/// A name in a folder, and whether it is a folder's, where the listing says so.
type Name = (CString, Option<bool>);

impl<'v, V: Visitor> Scan<'v, V> {
    /// Lists a folder and looks at its entries.
    fn folder(self, scope: &Scope<'v>, path: PathBuf) {
        if let Err(error) = self.list(scope, &path) {
            self.with_visitor(|visitor| visitor.failed(&path, error));
        }
    }

    fn list(self, scope: &Scope<'v>, path: &Path) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut folder = Dir::new(rustix::fs::open(path, flags, Mode::empty())?)?;
        let mut names = Vec::new();
        let mut end = Ok(());
        while let Some(entry) = folder.read() {
            match entry {
                Ok(entry) => names.extend(name(&entry)),
                Err(error) => {
                    end = Err(error.into());
                    break;
                }
            }
        }
        if names.len() <= CHUNK {
            self.entries(scope, folder.fd()?, path, &names);
        } else {
            self.share(scope, folder.fd()?, path, names)?;
        }
        end
    }

    /// Gives the entries of a large folder to all threads.
    fn share(
        self,
        scope: &Scope<'v>,
        folder: BorrowedFd<'_>,
        path: &Path,
        mut names: Vec<Name>,
    ) -> io::Result<()> {
        let shared = Arc::new((folder.try_clone_to_owned()?, path.to_path_buf()));
        while !names.is_empty() {
            let chunk = names.split_off(names.len().saturating_sub(CHUNK));
            let shared = shared.clone();
            scope.spawn(move |scope| self.entries(scope, shared.0.as_fd(), &shared.1, &chunk));
        }
        Ok(())
    }

    fn entries(self, scope: &Scope<'v>, folder: BorrowedFd<'_>, path: &Path, names: &[Name]) {
        // One buffer for all paths.
        let mut bytes = path.as_os_str().as_bytes().to_vec();
        if !bytes.ends_with(b"/") {
            bytes.push(b'/');
        }
        let prefix = bytes.len();
        self.with_visitor(|visitor| {
            for (name, is_dir) in names {
                bytes.truncate(prefix);
                bytes.extend_from_slice(name.to_bytes());
                let path = Path::new(OsStr::from_bytes(&bytes));
                if visitor.entry(&Listed { folder, name, path, is_dir: *is_dir }) {
                    let path = path.to_path_buf();
                    scope.spawn(move |scope| self.folder(scope, path));
                }
            }
        });
    }

    /// This thread's visitor. Nobody else has it, since nothing is waited for while it is held.
    fn with_visitor<T>(self, work: impl FnOnce(&mut V) -> T) -> T {
        let thread = rayon::current_thread_index().unwrap_or(0);
        work(&mut self.visitors[thread].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The name of an entry; none for the folder itself and the one above.
fn name(entry: &DirEntry) -> Option<Name> {
    let name = entry.file_name();
    let is_dir = match entry.file_type() {
        FileType::Unknown => None,
        other => Some(other == FileType::Directory),
    };
    (name != c"." && name != c"..").then(|| (name.to_owned(), is_dir))
}
