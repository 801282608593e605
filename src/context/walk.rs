//! What a walk brings: everything that the ignore file leaves visible, with its stat, in order.

use std::io;

use super::Counts;
use super::error::{ContextError, ContextWarning, WarningCode};
use super::filter::{Filter, Parents, Sight};
use super::ordered::{Found, Ordered};
use crate::entry::{ContextPath, Entry, FileType};
use crate::observer::{Event, Observer};
use crate::pattern::Decision;

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
    /// What isn't listed because the ignore file hides it, in order.
    pub(super) hidden: Vec<Hidden>,
}

/// An entry that the ignore file hides.
#[derive(Debug)]
pub(super) struct Hidden {
    pub(super) path: ContextPath,
    pub(super) file_type: FileType,
    /// As its stat says; 0 for a folder.
    pub(super) size: u64,
    /// A folder that isn't entered.
    pub(super) closed: bool,
    pub(super) decision: Decision,
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
    /// A pattern of that list can't be compiled; for folders, and for all else.
    Match { list: &'static str, is_dir: bool },
}

impl Problem {
    pub(super) fn to_error(&self) -> ContextError {
        let doing = match self.kind {
            ProblemKind::List => "reading folder",
            ProblemKind::Stat => "reading the stat of",
            ProblemKind::Match { list, .. } => return ContextError::Match { list },
        };
        let source = copy(&self.source);
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

/// Picks what is visible from a listing of everything, as a walk does on disk. `inodes` stand beside the entries, or there are
/// none.
pub(super) fn pick(
    entries: &[Entry],
    inodes: &[Inode],
    filter: Option<&Filter<'_>>,
    observer: &dyn Observer,
) -> Walked {
    let mut ordered = Ordered::default();
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
        let found = || Found { entry: entry.clone(), inode: inodes.get(place).copied() };
        match filter.map_or(Ok(Sight::Visible), |f| f.look(&mut parents, path, is_dir)) {
            Ok(Sight::Visible) => {
                ordered.walked.warnings.extend(warnings_of(&entry.path, entry.stat.file_type, false));
                ordered.push(found());
            }
            Ok(Sight::Entered(decision)) => ordered.hold(found(), Some(decision)),
            Ok(Sight::Hidden(decision)) => {
                let (path, file_type, size) = (entry.path.clone(), entry.stat.file_type, entry.stat.size);
                ordered.hide(Hidden { path, file_type, size, closed: is_dir, decision });
                closed = Some(entry.path.as_bytes()).filter(|_| is_dir);
            }
            Err(_) => {
                let kind = ProblemKind::Match { list: "excludepatterns", is_dir };
                let source = io::Error::other("syntax error in pattern");
                ordered.walked.problems.push(Problem { path: entry.path.clone(), kind, source });
                closed = Some(path).filter(|_| is_dir);
            }
        }
    }
    observer.event(Event::Walked(seen));
    observer.event(Event::WalkDone);
    ordered.finish()
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

/// What is odd about an entry.
pub(super) fn warnings_of(
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

pub(super) fn warning(path: &[u8], code: WarningCode) -> ContextWarning {
    ContextWarning { path: path.to_vec(), code, message: code.message().to_owned() }
}

pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

pub(super) fn copy(error: &io::Error) -> io::Error {
    let told = || io::Error::new(error.kind(), error.to_string());
    error.raw_os_error().map_or_else(told, io::Error::from_raw_os_error)
}
