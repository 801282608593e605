//! The build context as BuildKit will see it: a parallel walk, stats as a client sends them, filtered views.
//!
//! A [`Context`] lists all that the ignore file leaves visible, what `COPY . /` would show. A [`View`] of it is what the
//! engine is sent when it asks for some paths only. Both are in fsutil's order, with owners reset to 0.
//!
//! Nobody has to wait for the end of a walk: [`Context::load_streaming`] hands entries on in blocks while the context is being put
//! together, and [`Request::list`] hands on what an engine asks for without keeping it, however slowly it is taken. Both hand on in
//! order, on the calling thread, with hard links resolved and ignored parents in their places, and tell the first problem where a
//! client's walk would end. Folders are opened relative to the one that they are in, at most some dozens at a time.

mod crew;
mod disk;
mod error;
mod explain;
mod filter;
mod follow;
mod handles;
mod identity;
mod ignore;
mod links;
mod look;
mod memory;
mod names;
mod near;
mod ordered;
mod request;
mod sieve;
mod stat;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod tests;
mod tree;
mod view;
mod walk;
mod withheld;

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::{ContextError, ContextWarning, WarningCode};
pub use explain::{Cause, Ignored, PathState, Verdict};
pub use ignore::{FoundDockerfile, GENERAL, IgnoreSource, Place, find_dockerfile};
pub use memory::MemoryTree;
pub use request::{Excludes, Request};
pub use stat::Stats;
pub use tree::{Folder, Listed, Tree};
pub use view::View;
pub use withheld::is_withheld;

use crate::entry::{ContextPath, Entry, FileType, Source};
use crate::index::{Index, nanoseconds};
use crate::observer::{Observer, Silent};
use crate::pattern::IgnoreFile;

/// How a context is loaded.
#[derive(Debug, Clone, Copy, Default)]
pub struct ContextOptions<'i> {
    /// Threads of the walk; 0 takes as many as the machine has.
    pub threads: usize,
    /// What is remembered of its files, which spares questions to the system.
    pub index: Option<&'i Index>,
}

/// What is told of a context while it is being walked, see [`Context::load_streaming`].
#[derive(Debug)]
pub enum Streamed<'a> {
    /// The next entries in order.
    Entries(&'a [Entry]),
    /// Here a client's walk ends with an error, the one that [`Context::check`] gives. Nothing is told after it, though the
    /// context is walked to its end.
    Problem(ContextError),
}

/// How many entries are there, and how many are hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Regular files that are listed, hard links and sockets among them.
    pub files: u64,
    /// Listed folders.
    pub dirs: u64,
    /// Listed symbolic links.
    pub symlinks: u64,
    /// Listed pipes and devices.
    pub special: u64,
    /// Bytes of the listed files; hard links count once.
    pub bytes: u64,
    /// Entries that the walk met and the ignore file hides. What is in a folder that isn't entered isn't counted.
    pub ignored: u64,
    /// How many of these are folders that aren't entered.
    pub hidden_folders: u64,
}

/// A directory as BuildKit's client sees it: on disk, or as a listing (a git revision, files in memory) that stands for one.
#[derive(Debug)]
pub struct Context {
    root: PathBuf,
    tree: Arc<dyn Tree>,
    entries: Vec<Entry>,
    inodes: Vec<walk::Inode>,
    only_parents: Vec<u32>,
    counts: Counts,
    warnings: Vec<ContextWarning>,
    /// Those of files that are listed and not opened, for a quick look.
    withheld: Vec<ContextWarning>,
    problems: Vec<walk::Problem>,
    hidden: Vec<walk::Hidden>,
    ignore: Option<IgnoreFile>,
}

impl Context {
    /// Walks `root` (which may itself be a link) and lists what `ignore` leaves visible. No content is read.
    ///
    /// What can't be read inside of it is no error yet, because a build may never look there: [`Context::view`] and
    /// [`Context::check`] tell.
    ///
    /// # Errors
    /// [`ContextError`] when `root` is missing or no directory.
    pub fn load(
        root: &Path,
        ignore: Option<IgnoreFile>,
        options: &ContextOptions<'_>,
        observer: &dyn Observer,
    ) -> Result<Self, ContextError> {
        let whole = disk::Portions { entries: usize::MAX, ahead: usize::MAX, keep: true };
        Self::walk(root, ignore, options, observer, whole, &mut |_| ControlFlow::Continue(()))
    }

    /// As [`Context::load`], and `take` gets the entries while the walk is going on: in blocks of some hundred, in order, together just
    /// what the context lists in the end. It is called by the thread that called this, while others walk on.
    ///
    /// # Errors
    /// As [`Context::load`]; [`ContextError::Stopped`] when `take` broke off.
    pub fn load_streaming(
        root: &Path,
        ignore: Option<IgnoreFile>,
        options: &ContextOptions<'_>,
        observer: &dyn Observer,
        take: &mut dyn FnMut(Streamed<'_>) -> ControlFlow<()>,
    ) -> Result<Self, ContextError> {
        let blocks = disk::Portions { entries: disk::PORTION, ahead: usize::MAX, keep: true };
        Self::walk(root, ignore, options, observer, blocks, take)
    }

    fn walk(
        root: &Path,
        ignore: Option<IgnoreFile>,
        options: &ContextOptions<'_>,
        observer: &dyn Observer,
        portions: disk::Portions,
        take: &mut dyn FnMut(Streamed<'_>) -> ControlFlow<()>,
    ) -> Result<Self, ContextError> {
        let failed = |source| ContextError::Root { path: root.to_path_buf(), source };
        let resolved = root.canonicalize().map_err(failed)?;
        if !resolved.is_dir() {
            return Err(ContextError::NotADirectory { path: root.to_path_buf() });
        }
        let exclude = ignore.as_ref().map(|file| filter::Filter::exclude(file.matcher()));
        let sieve = sieve::Sieve::new(None, exclude);
        let mut entries = Vec::new();
        let mut told = false;
        let walked = disk::walk(&resolved, &sieve, options, observer, portions, &mut |handed| match handed {
            disk::Handed::Entries(block) => {
                let flow = if told { ControlFlow::Continue(()) } else { take(Streamed::Entries(&block)) };
                if entries.is_empty() {
                    entries = block
                } else {
                    entries.extend(block)
                }
                flow
            }
            disk::Handed::Problem(problem) => {
                told = true;
                take(Streamed::Problem(problem))
            }
        });
        let mut walked = walked.ok_or(ContextError::Stopped)?;
        entries.shrink_to_fit();
        walked.inodes.shrink_to_fit();
        walked.entries = entries;
        Ok(Self::of_walk(resolved.clone(), Arc::new(Folder::resolved(resolved)), walked, ignore))
    }

    /// What `ignore` leaves visible of a listing that holds everything, as if it were the folder `root`.
    ///
    /// # Errors
    /// None at present: what can't be matched is a problem, as in [`Context::load`].
    pub fn of(
        root: &Path,
        listed: Listed,
        ignore: Option<IgnoreFile>,
        observer: &dyn Observer,
    ) -> Result<Self, ContextError> {
        let filter = ignore.as_ref().map(|file| filter::Filter::exclude(file.matcher()));
        let filter = filter.filter(|f| !f.matcher().patterns().is_empty());
        let walked = walk::pick(listed.source().entries(), &[], filter.as_ref(), observer);
        Ok(Self::of_walk(root.to_path_buf(), Arc::new(listed), walked, ignore))
    }

    /// What `ignore` leaves visible of what this lists, without another walk: the context as [`Context::load`] would have it with
    /// that ignore file, provided that this one hides nothing which `ignore` lets through.
    ///
    /// # Errors
    /// None at present: what can't be matched is a problem, as in [`Context::load`].
    pub fn filtered(&self, ignore: Option<IgnoreFile>) -> Result<Self, ContextError> {
        let filter = ignore.as_ref().map(|file| filter::Filter::exclude(file.matcher()));
        let filter = filter.filter(|f| !f.matcher().patterns().is_empty());
        let mut walked = walk::pick(&self.entries, &self.inodes, filter.as_ref(), &Silent);
        walked.take_over(&self.problems, &self.warnings, filter.as_ref());
        Ok(Self::of_walk(self.root.clone(), self.tree.clone(), walked, ignore))
    }

    fn of_walk(
        root: PathBuf,
        tree: Arc<dyn Tree>,
        mut walked: walk::Walked,
        ignore: Option<IgnoreFile>,
    ) -> Self {
        let withheld = ignore
            .as_ref()
            .map(|file| withheld::warnings(&walked.entries, file.matcher()))
            .unwrap_or_default();
        if !withheld.is_empty() {
            walked.warnings.extend(withheld.iter().cloned());
            walked.warnings.sort_unstable();
        }
        Self {
            withheld,
            root,
            tree,
            counts: count(&walked.entries, walked.counts),
            entries: walked.entries,
            inodes: walked.inodes,
            only_parents: walked.only_parents,
            warnings: walked.warnings,
            problems: walked.problems,
            hidden: walked.hidden,
            ignore,
        }
    }

    /// Where its files are, hidden ones among them.
    pub fn tree(&self) -> &dyn Tree {
        &*self.tree
    }

    /// The directory, with links resolved; for a listing the one that it stands for.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The ignore file in force.
    pub fn ignore_file(&self) -> Option<&IgnoreFile> {
        self.ignore.as_ref()
    }

    /// How many entries are there, and how many are hidden.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What will surprise people, sorted by path.
    pub fn warnings(&self) -> &[ContextWarning] {
        &self.warnings
    }

    /// All that will make a build fail whose request reaches it, in the order of the walk.
    pub fn problems(&self) -> impl Iterator<Item = ContextError> {
        self.problems.iter().map(walk::Problem::to_error)
    }

    /// The listed entry of that path.
    pub fn get(&self, path: &[u8]) -> Option<&Entry> {
        self.position(path).map(|at| &self.entries[at])
    }

    /// Where an entry of this context lies on disk.
    pub fn on_disk(&self, path: &[u8]) -> PathBuf {
        tree::below(&self.root, path)
    }

    /// Whether an entry has other size, time, mode or type than at the walk.
    ///
    /// # Errors
    /// What the file system says; a file that went away is an error.
    pub fn changed(&self, entry: &Entry) -> io::Result<bool> {
        let path = self.on_disk(entry.path.as_bytes());
        let meta = std::fs::symlink_metadata(&path)?;
        let mtime = nanoseconds(meta.mtime(), meta.mtime_nsec());
        let size = if meta.is_dir() { 0 } else { meta.size() };
        let now = (stat::file_type(meta.file_type()), meta.mode() & 0o7777, size, mtime);
        let was = (entry.stat.file_type, u32::from(entry.stat.mode), entry.stat.size, entry.stat.mtime_ns);
        Ok(now != was)
    }

    fn position(&self, path: &[u8]) -> Option<usize> {
        self.entries.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), path)).ok()
    }
}

impl Source for Context {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The content; empty for a socket. Of a file that may not be opened or is [withheld](Context::withheld) the engine gets the
    /// name without the content; here it is an error, so that nobody takes it for an empty one.
    fn open(&self, entry: &Entry) -> io::Result<Box<dyn Read + Send + '_>> {
        if self.withholds(entry.path.as_bytes()) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.tree.open(entry)
    }

    /// The open file, where it is one on disk; `None` also for a file that may not be opened, which counts as empty.
    fn file(&self, entry: &Entry) -> io::Result<Option<File>> {
        if self.withholds(entry.path.as_bytes()) {
            return Ok(None);
        }
        self.tree.file(entry)
    }
}

fn count(entries: &[Entry], mut counts: Counts) -> Counts {
    for entry in entries {
        match entry.stat.file_type {
            FileType::File | FileType::Socket => {
                counts.files += 1;
                counts.bytes += if entry.hardlink.is_none() { entry.stat.size } else { 0 };
            }
            FileType::Dir => counts.dirs += 1,
            FileType::Symlink => counts.symlinks += 1,
            FileType::Fifo | FileType::CharDevice | FileType::BlockDevice => counts.special += 1,
        }
    }
    counts
}
