//! The index: the digests of files that were read before, so that a run in which nothing changed reads no content.
//!
//! One file for each context, in the user's cache folder. It says which digests a file had when it was in a certain state, and
//! the state is what the file system tells without the file being opened: an [`Identity`].
//!
//! # When a digest may be remembered
//!
//! A file system sets a file's ctime from its clock whenever content, mode, owner or links change, and no program can set it
//! to anything else. So as long as clocks run forward, a file of the same identity has the same content, provided that its
//! ctime already lay in the past when it was read: a change after that gets another ctime. Near its own ctime a file may
//! change once more without a trace, because clocks have a grain. That is git's "racy" rule, and these are the conditions:
//!
//! * The open file, before its first byte was read, still had the identity that the walk saw ([`Identity::is_of`]).
//! * mtime and ctime are at least [`GRAIN`] older than the moment before the walk began. Times in the future never are.
//! * ctime has a fraction of a second. One without comes from a file system with a coarse clock, or from an image that was
//!   made with a fixed time (squashfs, `mke2fs -d`), of which two can look alike.
//! * The file system is one that keeps inode numbers and sets ctime from this machine's clock (`volume`): no network, no
//!   FUSE, no FAT, nothing unknown.
//! * It was read in full, and could be opened.
//!
//! Extended attributes enter a digest, too, and some file systems change them without moving ctime (f2fs, tmpfs of older
//! kernels); so an identity holds a hash of them. On those that do move it, nobody has to ask again ([`Index::is_bare`]).
//!
//! What nothing can see: content that is written through a shared mapping moves the times when a page gets dirty, not with
//! every store; a program that holds such a mapping for seconds and goes on writing is missed, as it is by git and make. And a
//! clock that is set back, after which a file is changed in the very nanosecond that it had been changed in before.
//!
//! # Trust
//!
//! An index that is cut short, damaged, of another version, of another machine or context, of another user, or from the future
//! is as good as none: it is made anew. It holds a checksum over every byte, which is verified on every run (12 MB for 100,000
//! files, about 3 ms). Programs may run at once: an index gets its name when it is complete, and the last writer wins.

mod format;
mod merge;
#[cfg(test)]
mod simulated;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod volume;

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustc_hash::FxHashMap;

use crate::digest::Digest;
use format::Record;
use table::Table;
use volume::Volume;

/// How much older than the walk a file's times must be. The coarsest clock of a file system has a grain of two seconds.
pub const GRAIN: Duration = Duration::from_secs(2);

/// A state of a regular file, told from all others as well as a file system can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The device's number (`st_dev`); in an index file that of the volume.
    pub device: u64,
    /// The inode's number.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Change time in nanoseconds since 1970.
    pub ctime_ns: i64,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u16,
    /// [`xattrs_hash`] of the extended attributes.
    pub xattrs: u64,
}

impl Identity {
    /// Whether this is what the system says of a file, extended attributes aside.
    pub fn is_of(&self, meta: &Metadata) -> bool {
        meta.is_file()
            && self.device == meta.dev()
            && self.inode == meta.ino()
            && self.size == meta.size()
            && self.mtime_ns == nanoseconds(meta.mtime(), meta.mtime_nsec())
            && self.ctime_ns == nanoseconds(meta.ctime(), meta.ctime_nsec())
            && u32::from(self.mode) == meta.mode() & 0o7777
    }
}

/// A stat's time as nanoseconds since 1970.
pub fn nanoseconds(seconds: i64, fraction: i64) -> i64 {
    seconds.wrapping_mul(1_000_000_000).wrapping_add(fraction)
}

/// A hash of extended attributes, sorted by name; 0 for none.
pub fn xattrs_hash(xattrs: &[(Vec<u8>, Vec<u8>)]) -> u64 {
    if xattrs.is_empty() {
        return 0;
    }
    let mut hasher = blake3::Hasher::new();
    for part in xattrs.iter().flat_map(|(name, value)| [name, value]) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    first_word(&hasher.finalize())
}

/// The first 8 bytes of a hash; never 0.
fn first_word(hash: &blake3::Hash) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(word).max(1)
}

/// The digests of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// SHA-256 of header and content: BuildKit's digest of a file.
    pub headed: Digest,
    /// BLAKE3 of the content, when somebody wanted it.
    pub blake3: Option<Digest>,
}

/// The digests that are remembered of a context's files.
#[derive(Debug)]
pub struct Index {
    file: PathBuf,
    place: [u8; 32],
    opened_ns: i64,
    table: Table,
    /// By device.
    volumes: FxHashMap<u64, Volume>,
    learned: Mutex<Vec<Record>>,
}

impl Index {
    /// Opens what the folder `folder` has on the context `root`, which is resolved. To be called before the walk, since files
    /// that change later than this are not remembered. An index that is missing or can't be trusted is an empty one.
    pub fn open(folder: &Path, root: &Path) -> Self {
        let mut index = Self::open_at(folder, root, now());
        if let Ok(meta) = root.metadata() {
            index.admit(meta.dev(), root);
        }
        index
    }

    fn open_at(folder: &Path, root: &Path, opened_ns: i64) -> Self {
        let file = store::file(folder, root);
        let place = store::place(root);
        let table = store::read(&file, &place, opened_ns).unwrap_or_default();
        Self { file, place, opened_ns, table, volumes: FxHashMap::default(), learned: Mutex::default() }
    }

    /// Says that files of another device than the context's own are asked about, of which `path` is one; they are remembered if
    /// its file system can be trusted.
    pub fn admit(&mut self, device: u64, path: &Path) {
        if let Some(volume) = volume::volume(device, path) {
            self.volumes.insert(device, volume);
        }
    }

    /// The digests of a file in this state, if they are known.
    pub fn recall(&self, identity: &Identity) -> Option<Known> {
        self.table.find(&self.lasting(identity)?)
    }

    /// Whether a file in this state, apart from its attributes, is known to have none, so that nobody needs to ask.
    pub fn is_bare(&self, identity: &Identity) -> bool {
        self.volumes.get(&identity.device).is_some_and(|volume| volume.minds_xattrs)
            && self.recall(&Identity { xattrs: 0, ..*identity }).is_some()
    }

    /// Takes the digests of a file that was opened in this state and read in full. Those that mayn't be remembered are dropped.
    pub fn learn(&self, identity: &Identity, known: Known) {
        if let Some(identity) = self.lasting(identity).filter(|i| self.is_settled(i)) {
            let record = Record { identity, known, unseen: 0 };
            self.learned.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        }
    }

    /// What a file in this state can be told by from now on, in place of its content; `None` where a change could leave no trace.
    pub fn memorable(&self, identity: &Identity) -> Option<Identity> {
        self.lasting(identity).filter(|i| self.is_settled(i))
    }

    /// Writes what was learned, together with what was known before; does nothing when nothing was learned. `present` are all
    /// files of the context that are there.
    ///
    /// # Errors
    /// What the file system says. An older index is then still there.
    pub fn save(&self, present: impl IntoIterator<Item = Identity>) -> io::Result<()> {
        self.save_at(present, now())
    }

    fn save_at(&self, present: impl IntoIterator<Item = Identity>, written_ns: i64) -> io::Result<()> {
        let learned = std::mem::take(&mut *self.learned.lock().unwrap_or_else(PoisonError::into_inner));
        if written_ns < self.opened_ns {
            // The clock was set back meanwhile: no time can be compared with another.
            return Ok(());
        }
        if learned.is_empty() {
            return store::keep_alive(&self.file, written_ns);
        }
        let present = present.into_iter().filter_map(|identity| self.lasting(&identity));
        let records = merge::merge(self.table.records(), learned, present);
        store::write(&self.file, &format::encode(&self.place, written_ns, &records))
    }

    /// The identity with the volume in place of the device, whose number is another one after the next boot; `None` when the
    /// file system isn't trusted.
    fn lasting(&self, identity: &Identity) -> Option<Identity> {
        Some(Identity { device: self.volumes.get(&identity.device)?.key, ..*identity })
    }

    /// Whether a later change must have other times.
    fn is_settled(&self, identity: &Identity) -> bool {
        let newest = identity.mtime_ns.max(identity.ctime_ns);
        let grain = i64::try_from(GRAIN.as_nanos()).unwrap_or(i64::MAX);
        identity.ctime_ns % 1_000_000_000 != 0 && newest < self.opened_ns.saturating_sub(grain)
    }
}

/// The clock that file systems of this machine take their times from.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}
