//! Where the files of a context are: a folder on disk, or a listing such as a git revision or files in memory.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ContextError;
use super::stat::{Stats, file_type};
use crate::entry::{ContextPath, Entry, FileType, Source, Stat};

/// Small questions about files by their paths below a root, whatever an ignore file says. Paths are clean and relative; an
/// empty one is the root, and no link is followed.
pub trait Tree: fmt::Debug + Send + Sync {
    /// What is at a path, and its size.
    ///
    /// # Errors
    /// What the file system says; [`io::ErrorKind::NotFound`] for nothing.
    fn look(&self, path: &[u8]) -> io::Result<(FileType, u64)>;

    /// The text of a link.
    ///
    /// # Errors
    /// What the file system says, also for what is no link.
    fn read_link(&self, path: &[u8]) -> io::Result<Vec<u8>>;

    /// The names in a folder in bytewise order, and whether each is a folder itself.
    ///
    /// # Errors
    /// What the file system says.
    fn names(&self, folder: &[u8]) -> io::Result<Vec<(Vec<u8>, bool)>>;

    /// Reads a small file that isn't in the listing of a context, such as an ignore file.
    ///
    /// # Errors
    /// What the file system says.
    fn read(&self, path: &[u8]) -> io::Result<Vec<u8>>;

    /// Opens a listed entry; empty for a file that may not be opened and for what is no regular file, as the engine gets them.
    ///
    /// # Errors
    /// What the file system says.
    fn open(&self, entry: &Entry) -> io::Result<Box<dyn Read + Send + '_>>;

    /// A listed entry as an open file, where it is one on disk.
    ///
    /// # Errors
    /// What the file system says.
    fn file(&self, entry: &Entry) -> io::Result<Option<File>>;

    /// The stat of a path as a client sends it, without hard links.
    ///
    /// # Errors
    /// What the file system says.
    fn stat(&self, path: &[u8], stats: &mut Stats) -> io::Result<Stat>;

    /// The folder on disk in which the paths are, with links resolved; `None` for a listing.
    fn folder(&self) -> Option<&Path> {
        None
    }

    /// True for a regular file; where links can lead out of the tree, also for one behind them.
    fn is_file(&self, path: &[u8]) -> bool {
        matches!(self.look(path), Ok((FileType::File, _)))
    }
}

/// A folder on disk.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at `root`, with links resolved; `None` when there is none.
    ///
    /// # Errors
    /// [`ContextError::Root`] when that can't be told.
    pub fn find(root: &Path) -> Result<Option<Self>, ContextError> {
        match root.canonicalize() {
            Ok(root) => Ok(Some(Self { root })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ContextError::Root { path: root.to_path_buf(), source }),
        }
    }

    /// A folder whose path has no links.
    pub(super) fn resolved(root: PathBuf) -> Self {
        Self { root }
    }

    fn at(&self, path: &[u8]) -> PathBuf {
        below(&self.root, path)
    }
}

/// A path below `root` on disk.
pub(super) fn below(root: &Path, path: &[u8]) -> PathBuf {
    root.join(OsStr::from_bytes(path))
}

impl Tree for Folder {
    fn look(&self, path: &[u8]) -> io::Result<(FileType, u64)> {
        let meta = std::fs::symlink_metadata(self.at(path))?;
        Ok((file_type(meta.file_type()), if meta.is_dir() { 0 } else { meta.len() }))
    }

    fn read_link(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        Ok(std::fs::read_link(self.at(path))?.into_os_string().into_vec())
    }

    fn names(&self, folder: &[u8]) -> io::Result<Vec<(Vec<u8>, bool)>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.at(folder))? {
            let entry = entry?;
            names.push((entry.file_name().into_vec(), entry.file_type()?.is_dir()));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open(self.at(path))?;
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn open(&self, entry: &Entry) -> io::Result<Box<dyn Read + Send + '_>> {
        match self.file(entry)? {
            Some(file) => Ok(Box::new(file)),
            None if entry.stat.file_type == FileType::File => Err(io::ErrorKind::PermissionDenied.into()),
            None => Ok(Box::new(io::empty())),
        }
    }

    /// `None` for a file that may not be opened: it is sent empty (`fsutil/send.go`, `sendFile`).
    fn file(&self, entry: &Entry) -> io::Result<Option<File>> {
        if entry.stat.file_type != FileType::File {
            return Ok(None);
        }
        // Should it have become a link or a pipe since, it isn't followed and nothing blocks.
        let flags = (rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW).bits().cast_signed();
        match OpenOptions::new().read(true).custom_flags(flags).open(self.at(entry.path.as_bytes())) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn stat(&self, path: &[u8], stats: &mut Stats) -> io::Result<Stat> {
        stats.read(&self.at(path))
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.root)
    }

    fn is_file(&self, path: &[u8]) -> bool {
        self.at(path).is_file()
    }
}

/// A listing of everything: a git revision, files in memory.
#[derive(Clone)]
pub struct Listed {
    source: Arc<dyn Source + Send>,
}

impl Listed {
    /// The tree of a listing that holds everything, every folder among it.
    pub fn new(source: Arc<dyn Source + Send>) -> Self {
        Self { source }
    }

    /// The listing.
    pub fn source(&self) -> &dyn Source {
        &*self.source
    }

    fn find(&self, path: &[u8]) -> io::Result<&Entry> {
        let entries = self.source.entries();
        let at = entries.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), path));
        at.map(|at| &entries[at]).map_err(|_| io::ErrorKind::NotFound.into())
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listed").field("entries", &self.source.entries().len()).finish()
    }
}

impl Tree for Listed {
    fn look(&self, path: &[u8]) -> io::Result<(FileType, u64)> {
        if path.is_empty() {
            return Ok((FileType::Dir, 0));
        }
        self.find(path).map(|e| (e.stat.file_type, e.stat.size))
    }

    fn read_link(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let entry = self.find(path)?;
        match entry.stat.file_type {
            FileType::Symlink => Ok(entry.stat.linkname().to_vec()),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn names(&self, folder: &[u8]) -> io::Result<Vec<(Vec<u8>, bool)>> {
        if !self.look(folder)?.0.eq(&FileType::Dir) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let children = children(self.source.entries(), folder);
        let mut names: Vec<_> = children.map(|e| (e.path.name().to_vec(), e.stat.is_dir())).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.source.open(self.find(path)?)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn open(&self, entry: &Entry) -> io::Result<Box<dyn Read + Send + '_>> {
        self.source.open(entry)
    }

    fn file(&self, entry: &Entry) -> io::Result<Option<File>> {
        self.source.file(entry)
    }

    fn stat(&self, path: &[u8], _: &mut Stats) -> io::Result<Stat> {
        self.find(path).map(|entry| entry.stat.clone())
    }
}

/// The entries right inside of `folder` (empty for the top).
pub(super) fn children<'a>(entries: &'a [Entry], folder: &[u8]) -> impl Iterator<Item = &'a Entry> + use<'a> {
    let below = match folder {
        b"" => entries,
        _ => {
            let start = entries.partition_point(|e| ContextPath::compare(e.path.as_bytes(), folder).is_le());
            let len = entries[start..].partition_point(|e| e.path.is_below(folder));
            &entries[start..start + len]
        }
    };
    let depth = if folder.is_empty() { 0 } else { folder.len() + 1 };
    below.iter().filter(move |e| !e.path.as_bytes()[depth..].contains(&b'/'))
}
