//! Looks at the entries of one folder: what is sent, its stat, which folders are entered.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::{ContextWarning, WarningCode};
use super::handles::{Handles, Kept};
use super::names::{Lister, Names};
use super::ordered::Found;
use super::sieve::{BadList, Fate, Infos, Sieve};
use super::stat::{At, Raw, Stats};
use super::walk::{Hidden, Inode, Problem, ProblemKind, is_gone, warning, warnings_of};
use crate::entry::{ContextPath, Entry, FileType};
use crate::index::{Identity, Index};
use crate::observer::{Event, Observer};
use crate::pattern::Decision;

/// So many entries of one folder are looked at in one go.
const PIECE: usize = 1024;
/// So many entries are told to the observer at a time.
const TELL_EVERY: u64 = 512;
/// Longer paths, with the NUL behind them, are no paths for the kernel, nor for a client that asks with whole ones.
const PATH_MAX: usize = 4096;

/// What all threads of a walk have in common.
pub(super) struct Walk<'a> {
    pub(super) root: &'a Path,
    pub(super) sieve: &'a Sieve<'a>,
    pub(super) index: Option<&'a Index>,
    pub(super) observer: &'a dyn Observer,
    pub(super) handles: Handles,
}

/// A folder to look into, or a piece of a large one. The one that comes first in fsutil's order is the greatest.
pub(super) struct Job<'w> {
    /// Below the root; empty for the root.
    folder: Box<[u8]>,
    /// The folder that it is in, if that is still open.
    above: Option<Arc<Kept<'w>>>,
    infos: Infos,
    /// Whether the folder itself is sent.
    sent: bool,
    piece: Option<Piece<'w>>,
    /// Where the listing is awaited.
    pub(super) slot: Slot,
}

struct Piece<'w> {
    folder: Arc<Kept<'w>>,
    names: Names,
    /// Its first entry's path.
    first: Box<[u8]>,
}

/// The place of a listing that comes later.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<Listing>>>);

/// What is in a folder, in order; what is in the folders there comes later.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) found: Vec<Found>,
    /// What stands between them: before so many of them.
    pub(super) marks: Vec<(usize, Mark)>,
    pub(super) warnings: Vec<ContextWarning>,
    /// Hidden entries whose stat can't be read, and how many are folders.
    pub(super) ignored: u64,
    pub(super) hidden_folders: u64,
}

/// What stands between two entries.
#[derive(Debug)]
pub(super) enum Mark {
    /// All that is in the last folder.
    Below(Slot),
    /// The next entry is sent when something in it is.
    Held(Option<Decision>),
    Hidden(Hidden),
    Problem(Problem),
}

impl Job<'_> {
    /// The whole walk.
    pub(super) fn root() -> Self {
        Self {
            folder: Box::default(),
            above: None,
            infos: Infos::default(),
            sent: true,
            piece: None,
            slot: Slot::default(),
        }
    }

    fn key(&self) -> &[u8] {
        self.piece.as_ref().map_or(&self.folder, |piece| &piece.first)
    }
}

impl Ord for Job<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        ContextPath::compare(other.key(), self.key())
    }
}

impl PartialOrd for Job<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Job<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Job<'_> {}

impl Slot {
    pub(super) fn take(&self) -> Option<Listing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn fill(&self, listing: Listing) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(listing);
    }
}

/// One thread's tools.
pub(super) struct Looker<'w> {
    walk: &'w Walk<'w>,
    lister: Lister,
    names: Names,
    stats: Stats,
    /// The whole path of the folder at hand with a slash, then that of an entry.
    path: Vec<u8>,
    /// Where in it the path below the root begins.
    prefix: usize,
    untold: u64,
}

impl<'w> Looker<'w> {
    pub(super) fn new(walk: &'w Walk<'w>) -> Self {
        let mut path = walk.root.as_os_str().as_bytes().to_vec();
        if !path.ends_with(b"/") {
            path.push(b'/');
        }
        let prefix = path.len();
        let (lister, names, stats) = (Lister::default(), Names::default(), Stats::default());
        Self { walk, lister, names, stats, path, prefix, untold: 0 }
    }

    /// Does a job and fills its slot; gives the number of entries found.
    pub(super) fn work(&mut self, mut job: Job<'w>, new: &mut Vec<Job<'w>>) -> usize {
        let mut listing = Listing::default();
        match job.piece.take() {
            Some(piece) => {
                self.entries(&job, piece.folder.as_fd(), &piece.names, &mut listing, new);
                give(new, Some(&piece.folder));
            }
            None => {
                if let Err(error) = self.folder(&job, &mut listing, new) {
                    self.failed(&job, error, &mut listing);
                }
            }
        }
        let count = listing.found.len();
        job.slot.fill(listing);
        count
    }

    fn folder(&mut self, job: &Job<'w>, listing: &mut Listing, new: &mut Vec<Job<'w>>) -> io::Result<()> {
        self.path.truncate(self.prefix);
        self.path.extend_from_slice(&job.folder);
        self.path.push(0);
        let path = CStr::from_bytes_with_nul(&self.path[self.prefix..]).map_err(io::Error::other)?;
        let mut folder = self.walk.handles.open(path, job.above.as_deref())?;
        let mut names = std::mem::take(&mut self.names);
        names.clear();
        let listed = self.lister.list(folder.as_fd(), &mut names);
        names.sort();
        if names.len() > PIECE {
            match self.share(job, folder, &names, listing, new) {
                Ok(()) => {
                    self.names = names;
                    return listed;
                }
                Err(back) => folder = back,
            }
        }
        self.entries(job, folder.as_fd(), &names, listing, new);
        self.names = names;
        if !new.is_empty() {
            give(new, self.walk.handles.keep(folder).ok().as_ref());
        }
        listed
    }

    /// Gives the entries of a large folder to all threads, unless too many folders are open: then it is given back.
    fn share(
        &self,
        job: &Job<'w>,
        folder: OwnedFd,
        names: &Names,
        listing: &mut Listing,
        new: &mut Vec<Job<'w>>,
    ) -> Result<(), OwnedFd> {
        let folder = self.walk.handles.keep(folder)?;
        for names in names.pieces(PIECE) {
            let first = names.iter().next().map_or(&b""[..], |(name, _)| name.to_bytes());
            let first = join(&job.folder, first);
            let slot = Slot::default();
            listing.marks.push((0, Mark::Below(slot.clone())));
            new.push(Job {
                folder: job.folder.clone(),
                above: None,
                infos: job.infos.clone(),
                sent: job.sent,
                piece: Some(Piece { folder: folder.clone(), names, first }),
                slot,
            });
        }
        Ok(())
    }

    /// Looks at entries of a folder; the jobs that they bring have yet to be given the folder.
    fn entries(
        &mut self,
        job: &Job<'w>,
        folder: BorrowedFd<'_>,
        names: &Names,
        listing: &mut Listing,
        new: &mut Vec<Job<'w>>,
    ) {
        self.path.truncate(self.prefix);
        if !job.folder.is_empty() {
            self.path.extend_from_slice(&job.folder);
            self.path.push(b'/');
        }
        let start = self.path.len();
        listing.found.reserve_exact(names.len());
        for (name, is_dir) in names.iter() {
            self.count();
            self.path.truncate(start);
            self.path.extend_from_slice(name.to_bytes_with_nul());
            let listed = Listed { folder, name, raw: None, is_dir, too_long: self.path.len() > PATH_MAX };
            new.extend(self.entry(&job.infos, listed, listing));
        }
    }

    /// Looks at the entry at `self.path`; gives the job if it is a folder to enter.
    fn entry(&mut self, above: &Infos, mut listed: Listed<'_>, listing: &mut Listing) -> Option<Job<'w>> {
        let is_dir = listed.is_dir();
        let relative = &self.path[self.prefix..self.path.len() - 1];
        match self.walk.sieve.look(above, relative, is_dir) {
            Ok((Fate::Sent, infos)) => self.take(listed, None, is_dir.then_some(infos), listing),
            Ok((Fate::Entered(by), infos)) => self.take(listed, Some(by), is_dir.then_some(infos), listing),
            Ok((Fate::Hidden(by), _)) => {
                self.look_at_hidden(&mut listed, Some(by), is_dir, listing);
                None
            }
            Ok((Fate::Passed, _)) => {
                self.look_at_hidden(&mut listed, None, is_dir, listing);
                None
            }
            Err(BadList(list)) => {
                let source = io::Error::other("syntax error in pattern");
                self.problem(ProblemKind::Match { list, is_dir }, source, listing);
                None
            }
        }
    }

    /// Lists an entry, if its stat can be read. `held` is set for one that is sent when something in it is; `infos` for one that
    /// is entered.
    fn take(
        &mut self,
        mut listed: Listed<'_>,
        held: Option<Option<Decision>>,
        infos: Option<Infos>,
        listing: &mut Listing,
    ) -> Option<Job<'w>> {
        let path = self.relative()?;
        let found = match self.found(&mut listed, path) {
            Ok(found) => found,
            Err(error) => {
                self.no_stat(error, listing);
                return None;
            }
        };
        match held {
            Some(by) => listing.marks.push((listing.found.len(), Mark::Held(by))),
            None => {
                let (path, stat) = (&found.entry.path, &found.entry.stat);
                let unreadable = stat.file_type == FileType::File && !listed.is_readable(stat.mode);
                listing.warnings.extend(warnings_of(path, stat.file_type, unreadable));
            }
        }
        let job = infos.map(|infos| Job {
            folder: found.entry.path.as_bytes().into(),
            above: None,
            infos,
            sent: held.is_none(),
            piece: None,
            slot: Slot::default(),
        });
        listing.found.push(found);
        listing.marks.extend(job.iter().map(|job| (listing.found.len(), Mark::Below(job.slot.clone()))));
        job
    }

    fn found(&mut self, listed: &mut Listed<'_>, path: ContextPath) -> io::Result<Found> {
        let raw = listed.stat()?;
        let bare = is_bare(self.walk.index, &raw);
        let on_disk = CStr::from_bytes_with_nul(&self.path).map_err(io::Error::other)?;
        let stat =
            self.stats.of(&At { folder: listed.folder, name: listed.name, path: on_disk }, &raw, bare)?;
        let inode = Inode { device: raw.device, number: raw.inode, ctime_ns: raw.ctime_ns };
        Ok(Found { entry: Entry { path, stat, hardlink: None }, inode: Some(inode) })
    }

    /// The client reads the stat of every entry of a folder that it lists, and fails if it can't (`fsutil/filter.go`: the
    /// filter that resets owners has no patterns and comes first).
    fn look_at_hidden(
        &mut self,
        listed: &mut Listed<'_>,
        by: Option<Decision>,
        closed: bool,
        listing: &mut Listing,
    ) {
        match (listed.stat(), by, self.relative()) {
            (Ok(raw), Some(decision), Some(path)) => {
                let size = if raw.file_type == FileType::Dir { 0 } else { raw.size };
                let hidden = Hidden { path, file_type: raw.file_type, size, closed, decision };
                listing.marks.push((listing.found.len(), Mark::Hidden(hidden)));
            }
            (Ok(_), ..) => {}
            (Err(error), by, _) => {
                listing.ignored += u64::from(by.is_some());
                listing.hidden_folders += u64::from(by.is_some() && closed);
                self.no_stat(error, listing);
            }
        }
    }

    fn no_stat(&self, error: io::Error, listing: &mut Listing) {
        if is_gone(&error) {
            let path = &self.path[self.prefix..self.path.len() - 1];
            listing.warnings.push(warning(path, WarningCode::Vanished));
        } else {
            self.problem(ProblemKind::Stat, error, listing);
        }
    }

    /// A problem with the entry at hand.
    fn problem(&self, kind: ProblemKind, source: io::Error, listing: &mut Listing) {
        let problem = self.relative().map(|path| Mark::Problem(Problem { path, kind, source }));
        listing.marks.extend(problem.map(|mark| (listing.found.len(), mark)));
    }

    /// The folder can't be listed, or not to its end.
    fn failed(&self, job: &Job<'_>, source: io::Error, listing: &mut Listing) {
        let Ok(path) = ContextPath::new(job.folder.clone()) else {
            // fsutil drops the error of the root (`fs.go`, "Skip root"), and so an empty context is sent.
            listing.warnings.push(warning(b"", WarningCode::RootUnreadable));
            return;
        };
        if is_gone(&source) {
            listing.warnings.push(warning(path.as_bytes(), WarningCode::Vanished));
        } else if job.sent || source.kind() != io::ErrorKind::PermissionDenied {
            // One that isn't sent itself may be unreadable (`fsutil/filter.go`, "skip && errors.Is").
            let problem = Problem { path, kind: ProblemKind::List, source };
            listing.marks.insert(0, (0, Mark::Problem(problem)));
        }
    }

    /// The path of the entry at hand.
    fn relative(&self) -> Option<ContextPath> {
        ContextPath::new(&self.path[self.prefix..self.path.len() - 1]).ok()
    }

    fn count(&mut self) {
        self.untold += 1;
        if self.untold == TELL_EVERY {
            self.walk.observer.event(Event::Walked(self.untold));
            self.untold = 0;
        }
    }
}

impl Drop for Looker<'_> {
    fn drop(&mut self) {
        self.walk.observer.event(Event::Walked(self.untold));
    }
}

fn join(folder: &[u8], name: &[u8]) -> Box<[u8]> {
    if folder.is_empty() { name.into() } else { [folder, b"/", name].concat().into() }
}

fn give<'w>(jobs: &mut [Job<'w>], folder: Option<&Arc<Kept<'w>>>) {
    jobs.iter_mut().filter(|job| job.piece.is_none()).for_each(|job| job.above = folder.cloned());
}

/// Whether it is remembered that the file has no attributes; asking takes as long as the stat itself.
fn is_bare(index: Option<&Index>, raw: &Raw) -> bool {
    let Some(index) = index.filter(|_| raw.file_type == FileType::File) else { return false };
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

/// An entry as its folder lists it.
struct Listed<'a> {
    folder: BorrowedFd<'a>,
    name: &'a CStr,
    raw: Option<Raw>,
    is_dir: Option<bool>,
    too_long: bool,
}

impl Listed<'_> {
    /// Its stat; links are not followed.
    fn stat(&mut self) -> io::Result<Raw> {
        if self.too_long {
            return Err(rustix::io::Errno::NAMETOOLONG.into());
        }
        if let Some(raw) = self.raw {
            return Ok(raw);
        }
        let stat = rustix::fs::statat(self.folder, self.name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(*self.raw.insert(Raw::from(&stat)))
    }

    fn is_dir(&mut self) -> bool {
        self.is_dir.unwrap_or_else(|| self.stat().is_ok_and(|raw| raw.file_type == FileType::Dir))
    }

    /// A file that everybody may read needs no question to the system; that costs a call for each of the others.
    fn is_readable(&self, mode: u16) -> bool {
        use rustix::fs::{Access, AtFlags, accessat};
        use rustix::io::Errno;
        mode & 0o444 == 0o444
            || !matches!(
                accessat(self.folder, self.name, Access::READ_OK, AtFlags::empty()),
                Err(Errno::ACCESS | Errno::PERM)
            )
    }
}
