//! The parallel walk on disk: everything that the ignore file leaves visible, with its stat.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::ContextOptions;
use super::error::WarningCode;
use super::filter::{Filter, Parents, Sight};
use super::scan::{self, Listed};
use super::stat::{Raw, Stats};
use super::walk::{
    Found, Hidden, Inode, Part, Problem, ProblemKind, Walked, entered, gather, warning, warnings_of,
};
use crate::entry::{ContextPath, FileType, Stat};
use crate::index::{Identity, Index};
use crate::observer::{Event, Observer};
use crate::pattern::Decision;

/// So many entries are told to the observer at a time.
const TELL_EVERY: u64 = 512;

/// Walks `root`, which is resolved and a directory.
pub(super) fn walk(
    root: &Path,
    filter: Option<&Filter<'_>>,
    options: &ContextOptions<'_>,
    observer: &dyn Observer,
) -> Walked {
    let visitor = || Visitor {
        // `/` ends with the slash that everywhere else follows the root.
        prefix: if root == Path::new("/") { 1 } else { root.as_os_str().len() + 1 },
        filter,
        index: options.index,
        observer,
        parents: Parents::default(),
        stats: Stats::default(),
        part: Part::default(),
        untold: 0,
    };
    let visitors = scan::scan(root, options.threads, visitor);
    observer.event(Event::Walked(visitors.iter().map(|v| v.untold).sum()));
    observer.event(Event::WalkDone);
    gather(visitors.into_iter().map(|v| v.part).collect())
}

struct Visitor<'a> {
    prefix: usize,
    filter: Option<&'a Filter<'a>>,
    index: Option<&'a Index>,
    observer: &'a dyn Observer,
    parents: Parents,
    stats: Stats,
    part: Part,
    untold: u64,
}

impl scan::Visitor for Visitor<'_> {
    fn entry(&mut self, entry: &Listed<'_>) -> bool {
        self.count();
        let Some(path) = self.relative(entry.path) else { return false };
        let is_dir = entry.is_dir();
        let sight = match self.filter {
            None => Sight::Visible,
            Some(filter) => match filter.look(&mut self.parents, path.as_bytes(), is_dir) {
                Ok(sight) => sight,
                Err(bad) => {
                    self.problem(path, ProblemKind::Match { is_dir }, io::Error::other(bad));
                    return false;
                }
            },
        };
        match sight {
            Sight::Hidden(decision) => {
                self.look_at_hidden(entry, path, decision, is_dir);
                false
            }
            _ => self.take(entry, path, entered(sight)) && is_dir,
        }
    }

    fn failed(&mut self, folder: &Path, error: io::Error) {
        match self.relative(folder) {
            Some(path) if is_gone(&error) => self.warn(path.as_bytes(), WarningCode::Vanished),
            Some(path) => self.problem(path, ProblemKind::List, error),
            // fsutil drops the error of the root (`fs.go`, "Skip root"), and so an empty context is sent.
            None => self.warn(b"", WarningCode::RootUnreadable),
        }
    }
}

impl Visitor<'_> {
    /// Lists an entry, if its stat can be read.
    fn take(&mut self, entry: &Listed<'_>, path: ContextPath, hidden_by: Option<Decision>) -> bool {
        match self.stat(entry) {
            Ok((stat, inode)) => {
                if hidden_by.is_none() {
                    let unreadable = stat.file_type == FileType::File && !is_readable(entry.path, &stat);
                    self.part.warnings.extend(warnings_of(&path, stat.file_type, unreadable));
                }
                self.part.found.push(Found { path, stat, inode: Some(inode), hidden_by });
                true
            }
            Err(error) => {
                self.no_stat(path, error);
                false
            }
        }
    }

    fn stat(&mut self, entry: &Listed<'_>) -> io::Result<(Stat, Inode)> {
        let raw = entry.stat()?;
        let stat = self.stats.of(entry.path, &raw, self.is_bare(&raw))?;
        Ok((stat, Inode { device: raw.device, number: raw.inode, ctime_ns: raw.ctime_ns }))
    }

    /// Whether it is remembered that the file has no attributes; asking takes as long as the stat itself.
    fn is_bare(&self, raw: &Raw) -> bool {
        let Some(index) = self.index.filter(|_| raw.file_type == FileType::File) else { return false };
        index.is_bare(&Identity {
            device: raw.device,
            inode: raw.inode,
            size: raw.size,
            mtime_ns: raw.mtime_ns,
            ctime_ns: raw.ctime_ns,
            mode: raw.mode,
            xattrs: 0,
        })
    }

    /// The client reads the stat of every entry of a folder that it lists, and fails if it can't (`fsutil/filter.go`: the
    /// filter that resets owners has no patterns and comes first).
    fn look_at_hidden(&mut self, entry: &Listed<'_>, path: ContextPath, decision: Decision, closed: bool) {
        match entry.stat() {
            Ok(raw) => {
                let size = if raw.file_type == FileType::Dir { 0 } else { raw.size };
                self.part.hide(Hidden { path, file_type: raw.file_type, size, closed, decision });
            }
            Err(error) => {
                self.part.ignored += 1;
                self.part.hidden_folders += u64::from(closed);
                self.no_stat(path, error);
            }
        }
    }

    fn no_stat(&mut self, path: ContextPath, error: io::Error) {
        if is_gone(&error) {
            self.warn(path.as_bytes(), WarningCode::Vanished);
        } else {
            self.problem(path, ProblemKind::Stat, error);
        }
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
