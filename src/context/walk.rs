//! The parallel walk: everything that the ignore file leaves visible, with its stat.

use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Mutex;

use ignore::{DirEntry, ParallelVisitor, ParallelVisitorBuilder, WalkBuilder, WalkState};
use rayon::slice::ParallelSliceMut;

use super::error::{ContextError, ContextWarning, WarningCode};
use super::filter::{Filter, Parents, Sight};
use super::stat::Stats;
use super::{ContextOptions, Counts};
use crate::entry::{ContextPath, Entry, FileType, Stat};
use crate::index::nanoseconds;
use crate::observer::{Event, Observer};

/// So many entries are told to the observer at a time.
const TELL_EVERY: u64 = 512;

/// What a walk brought.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) entries: Vec<Entry>,
    /// What identifies each entry on disk; empty for a listing.
    pub(super) inodes: Vec<Inode>,
    /// The places of ignored folders that are listed only because something in them is visible.
    pub(super) only_parents: Vec<u32>,
    pub(super) counts: Counts,
    pub(super) warnings: Vec<ContextWarning>,
    pub(super) problems: Vec<Problem>,
}

/// Something that makes a build fail, if its request reaches it.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) path: ContextPath,
    pub(super) kind: ProblemKind,
    pub(super) source: io::Error,
}

/// What can't be done with the path of a [`Problem`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProblemKind {
    /// The folder can't be listed.
    List,
    /// Its stat can't be read, which every walk needs that lists its folder.
    Stat,
    /// A pattern of the exclude list can't be compiled; for folders, and for all else.
    Match { is_dir: bool },
}

impl Problem {
    pub(super) fn to_error(&self) -> ContextError {
        let doing = match self.kind {
            ProblemKind::List => "reading folder",
            ProblemKind::Stat => "reading the stat of",
            ProblemKind::Match { .. } => return ContextError::Match { list: "excludepatterns" },
        };
        let source = match self.source.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(self.source.kind(), self.source.to_string()),
        };
        ContextError::Entry { doing, path: self.path.to_string(), source }
    }
}

/// What of a stat isn't sent, but tells whether a file is still the same; all zero for an entry that isn't on disk.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Inode {
    pub(super) device: u64,
    pub(super) number: u64,
    pub(super) ctime_ns: i64,
}

impl Inode {
    fn of(meta: &Metadata) -> Self {
        let ctime_ns = nanoseconds(meta.ctime(), meta.ctime_nsec());
        Self { device: meta.dev(), number: meta.ino(), ctime_ns }
    }
}

/// One entry as a thread of the walk found it.
struct Found {
    path: ContextPath,
    stat: Stat,
    /// `None` in a listing.
    inode: Option<Inode>,
    only_parent: bool,
}

#[derive(Default)]
struct Part {
    found: Vec<Found>,
    ignored: u64,
    hidden_folders: u64,
    warnings: Vec<ContextWarning>,
    problems: Vec<Problem>,
    failure: Option<String>,
}

/// Walks `root`, which is resolved and a directory.
pub(super) fn walk(
    root: &Path,
    filter: Option<&Filter<'_>>,
    options: &ContextOptions,
    observer: &dyn Observer,
) -> Result<Walked, ContextError> {
    let parts = Mutex::new(Vec::new());
    let mut builder = Builder { root, filter, observer, parts: &parts };
    WalkBuilder::new(root)
        .standard_filters(false)
        .follow_links(false)
        .threads(options.threads)
        .build_parallel()
        .visit(&mut builder);
    observer.event(Event::WalkDone);
    gather(parts.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

/// Picks what is visible from a listing of everything, as [`walk`] does on disk. `inodes` stand beside the entries, or there are
/// none.
pub(super) fn pick(
    entries: &[Entry],
    inodes: &[Inode],
    filter: Option<&Filter<'_>>,
    observer: &dyn Observer,
) -> Result<Walked, ContextError> {
    let mut part = Part::default();
    let mut parents = Parents::default();
    let mut closed: Option<&[u8]> = None;
    let mut seen = 0;
    for (place, entry) in entries.iter().enumerate() {
        let path = entry.path.as_bytes();
        if closed.is_some_and(|folder| entry.path.is_below(folder)) {
            continue;
        }
        seen += 1;
        let is_dir = entry.stat.is_dir();
        let looked = filter.map_or(Ok(Sight::Visible), |f| f.look(&mut parents, path, is_dir));
        let Ok(sight) = looked else {
            let source = io::Error::other("syntax error in pattern");
            let kind = ProblemKind::Match { is_dir };
            part.problems.push(Problem { path: entry.path.clone(), kind, source });
            closed = Some(path).filter(|_| is_dir);
            continue;
        };
        if let Sight::Hidden(_) = sight {
            part.ignored += 1;
            part.hidden_folders += u64::from(is_dir);
            closed = Some(path).filter(|_| is_dir);
            continue;
        }
        let only_parent = sight != Sight::Visible;
        if !only_parent {
            part.warnings.extend(warnings_of(&entry.path, entry.stat.file_type, false));
        }
        part.found.push(Found {
            path: entry.path.clone(),
            stat: entry.stat.clone(),
            inode: inodes.get(place).copied(),
            only_parent,
        });
    }
    observer.event(Event::Walked(seen));
    observer.event(Event::WalkDone);
    gather(vec![part])
}

impl Walked {
    /// Takes over from an earlier walk what only the disk tells, as far as a walk with `filter` comes upon it.
    pub(super) fn take_over(
        &mut self,
        problems: &[Problem],
        warnings: &[ContextWarning],
        filter: Option<&Filter<'_>>,
    ) {
        let mut parents = Parents::default();
        let mut enters = |folder: &[u8]| {
            let ends = folder.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i);
            ends.chain((!folder.is_empty()).then_some(folder.len())).all(|end| {
                let look = filter.map(|f| f.look(&mut parents, &folder[..end], true));
                !matches!(look, Some(Ok(Sight::Hidden(_)) | Err(_)))
            })
        };
        for problem in problems {
            let path = problem.path.as_bytes();
            let folder = match problem.kind {
                ProblemKind::List => path,
                ProblemKind::Stat => &path[..path.iter().rposition(|b| *b == b'/').unwrap_or(0)],
                ProblemKind::Match { .. } => continue,
            };
            if enters(folder) {
                let source = copy(&problem.source);
                self.problems.push(Problem { path: problem.path.clone(), kind: problem.kind, source });
            }
        }
        self.problems.sort_by(|a, b| a.path.cmp(&b.path));
        let listed = |path: &[u8]| {
            self.entries.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), path)).is_ok()
        };
        let from_disk = |w: &&ContextWarning| match w.code {
            WarningCode::Unreadable => listed(&w.path),
            WarningCode::RootUnreadable => true,
            _ => false,
        };
        self.warnings.extend(warnings.iter().filter(from_disk).cloned());
        self.warnings.sort_unstable();
    }
}

struct Builder<'a> {
    root: &'a Path,
    filter: Option<&'a Filter<'a>>,
    observer: &'a dyn Observer,
    parts: &'a Mutex<Vec<Part>>,
}

impl<'s, 'a: 's> ParallelVisitorBuilder<'s> for Builder<'a> {
    fn build(&mut self) -> Box<dyn ParallelVisitor + 's> {
        let root_len = self.root.as_os_str().len();
        Box::new(Visitor {
            // `/` ends with the slash that everywhere else follows the root.
            prefix: if self.root == Path::new("/") { 1 } else { root_len + 1 },
            filter: self.filter,
            observer: self.observer,
            parts: self.parts,
            parents: Parents::default(),
            stats: Stats::default(),
            part: Part::default(),
            untold: 0,
        })
    }
}

struct Visitor<'a> {
    prefix: usize,
    filter: Option<&'a Filter<'a>>,
    observer: &'a dyn Observer,
    parts: &'a Mutex<Vec<Part>>,
    parents: Parents,
    stats: Stats,
    part: Part,
    untold: u64,
}

impl ParallelVisitor for Visitor<'_> {
    fn visit(&mut self, entry: Result<DirEntry, ignore::Error>) -> WalkState {
        match entry {
            Ok(entry) if entry.depth() == 0 => WalkState::Continue,
            Ok(entry) => self.entry(&entry),
            Err(error) => {
                self.failed(&error);
                WalkState::Continue
            }
        }
    }
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        self.observer.event(Event::Walked(self.untold));
        let mut parts = self.parts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        parts.push(std::mem::take(&mut self.part));
    }
}

impl Visitor<'_> {
    fn entry(&mut self, entry: &DirEntry) -> WalkState {
        self.count();
        let Some(path) = self.relative(entry.path()) else { return WalkState::Skip };
        let is_dir = entry.file_type().is_some_and(|t| t.is_dir());
        let sight = match self.filter {
            None => Sight::Visible,
            Some(filter) => match filter.look(&mut self.parents, path.as_bytes(), is_dir) {
                Ok(sight) => sight,
                Err(bad) => {
                    self.problem(path, ProblemKind::Match { is_dir }, io::Error::other(bad));
                    return WalkState::Skip;
                }
            },
        };
        if let Sight::Hidden(_) = sight {
            self.part.ignored += 1;
            self.part.hidden_folders += u64::from(is_dir);
        }
        match sight {
            Sight::Hidden(_) => self.look_at_hidden(entry, path, is_dir),
            _ => self.take(entry, path, sight != Sight::Visible),
        }
    }

    fn take(&mut self, entry: &DirEntry, path: ContextPath, only_parent: bool) -> WalkState {
        let stats = &mut self.stats;
        let mut stat = |meta: Metadata| Ok((stats.of(entry.path(), &meta)?, Inode::of(&meta)));
        match entry.metadata().map_err(into_io).and_then(&mut stat) {
            Ok((stat, inode)) => {
                if !only_parent {
                    self.warn_of(entry.path(), &path, &stat);
                }
                self.part.found.push(Found { path, stat, inode: Some(inode), only_parent });
                WalkState::Continue
            }
            Err(error) => self.no_stat(path, error),
        }
    }

    /// The client reads the stat of every entry of a folder that it lists, and fails if it can't (`fsutil/filter.go`: the
    /// filter that resets owners has no patterns and comes first).
    fn look_at_hidden(&mut self, entry: &DirEntry, path: ContextPath, is_dir: bool) -> WalkState {
        match entry.metadata().map_err(into_io) {
            Ok(_) if is_dir => WalkState::Skip,
            Ok(_) => WalkState::Continue,
            Err(error) => self.no_stat(path, error),
        }
    }

    fn no_stat(&mut self, path: ContextPath, error: io::Error) -> WalkState {
        if is_gone(&error) {
            self.warn(path.as_bytes(), WarningCode::Vanished);
        } else {
            self.problem(path, ProblemKind::Stat, error);
        }
        WalkState::Skip
    }

    fn failed(&mut self, error: &ignore::Error) {
        let path = path_of(error).and_then(|path| Some((self.relative(path), error.io_error()?)));
        match path {
            Some((Some(path), io)) if is_gone(io) => self.warn(path.as_bytes(), WarningCode::Vanished),
            Some((Some(path), io)) => self.problem(path, ProblemKind::List, copy(io)),
            // fsutil drops the error of the root (`fs.go`, "Skip root"), and so an empty context is sent.
            Some((None, _)) => self.warn(b"", WarningCode::RootUnreadable),
            None => self.part.failure = Some(error.to_string()),
        }
    }

    fn warn_of(&mut self, on_disk: &Path, path: &ContextPath, stat: &Stat) {
        let unreadable = stat.file_type == FileType::File && !is_readable(on_disk, stat);
        self.part.warnings.extend(warnings_of(path, stat.file_type, unreadable));
    }

    fn warn(&mut self, path: &[u8], code: WarningCode) {
        self.part.warnings.push(warning(path, code));
    }

    fn problem(&mut self, path: ContextPath, kind: ProblemKind, source: io::Error) {
        self.part.problems.push(Problem { path, kind, source });
    }

    /// The path below the root; `None` for the root itself.
    fn relative(&self, path: &Path) -> Option<ContextPath> {
        ContextPath::new(path.as_os_str().as_bytes().get(self.prefix..)?).ok()
    }

    fn count(&mut self) {
        self.untold += 1;
        if self.untold == TELL_EVERY {
            self.observer.event(Event::Walked(self.untold));
            self.untold = 0;
        }
    }
}

/// What is odd about an entry.
fn warnings_of(
    path: &ContextPath,
    file_type: FileType,
    unreadable: bool,
) -> impl Iterator<Item = ContextWarning> {
    let code = match file_type {
        FileType::Socket => Some(WarningCode::Socket),
        FileType::Fifo => Some(WarningCode::Fifo),
        FileType::CharDevice | FileType::BlockDevice => Some(WarningCode::Device),
        FileType::File => unreadable.then_some(WarningCode::Unreadable),
        FileType::Dir | FileType::Symlink => None,
    };
    let odd_name = path.as_str().is_none() && std::str::from_utf8(path.name()).is_err();
    let name = odd_name.then_some(WarningCode::NameNotUtf8);
    code.into_iter().chain(name).map(|code| warning(path.as_bytes(), code))
}

fn warning(path: &[u8], code: WarningCode) -> ContextWarning {
    ContextWarning { path: path.to_vec(), code, message: code.message().to_owned() }
}

/// A file that everybody may read needs no question to the system; that costs a call for each of the others.
fn is_readable(path: &Path, stat: &Stat) -> bool {
    stat.mode & 0o444 == 0o444
        || !matches!(
            rustix::fs::access(path, rustix::fs::Access::READ_OK),
            Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM)
        )
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn into_io(error: ignore::Error) -> io::Error {
    let text = error.to_string();
    error.into_io_error().unwrap_or_else(|| io::Error::other(text))
}

fn copy(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| io::Error::other(error.to_string()), io::Error::from_raw_os_error)
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

/// Puts the threads' parts together: in order, without ignored folders that hold nothing visible.
fn gather(parts: Vec<Part>) -> Result<Walked, ContextError> {
    let mut walked = Walked::default();
    let mut found = Vec::with_capacity(parts.iter().map(|p| p.found.len()).sum());
    for part in parts {
        if let Some(message) = part.failure {
            return Err(ContextError::Walk { message });
        }
        found.extend(part.found);
        walked.counts.ignored += part.ignored;
        walked.counts.hidden_folders += part.hidden_folders;
        walked.warnings.extend(part.warnings);
        walked.problems.extend(part.problems);
    }
    found.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
    walked.warnings.sort_unstable();
    walked.problems.sort_by(|a, b| a.path.cmp(&b.path));
    let kept = drop_empty_parents(&mut found);
    walked.counts.ignored += (kept.dropped) as u64;
    walked.only_parents = kept.only_parents;
    walked.inodes = found.iter().filter_map(|f| f.inode).collect();
    walked.entries =
        found.into_iter().map(|f| Entry { path: f.path, stat: f.stat, hardlink: None }).collect();
    Ok(walked)
}

struct Kept {
    only_parents: Vec<u32>,
    dropped: usize,
}

/// Takes out ignored folders behind which nothing that is kept lies below them.
fn drop_empty_parents(found: &mut Vec<Found>) -> Kept {
    let before = found.len();
    let mut keep = vec![true; before];
    let mut next: Option<usize> = None;
    for i in (0..before).rev() {
        let has_child = || next.is_some_and(|n| found[n].path.is_below(found[i].path.as_bytes()));
        keep[i] = !found[i].only_parent || has_child();
        if keep[i] {
            next = Some(i);
        }
    }
    let mut keep = keep.into_iter();
    found.retain(|_| keep.next().unwrap_or(true));
    let places = found.iter().enumerate().filter(|(_, f)| f.only_parent);
    Kept {
        only_parents: places.filter_map(|(i, _)| u32::try_from(i).ok()).collect(),
        dropped: before - found.len(),
    }
}
