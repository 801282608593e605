//! One file of a context as the engine will see it: path, stat, and where its content can be read.

mod path;

pub use path::{ContextPath, PathError};

use std::fs::File;
use std::io::{self, Read};

/// The type of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileType {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A unix socket. On the wire it loses its type and arrives as an empty regular file.
    Socket,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
}

/// The fields of fsutil's `Stat` packet, normalised as a client sends them (`fsutil/stat.go`, owner reset to 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// What the entry is.
    pub file_type: FileType,
    /// Permission bits with setuid (0o4000), setgid (0o2000) and sticky (0o1000); no type bits.
    pub mode: u16,
    /// Owner; 0 for everything in a context.
    pub uid: u32,
    /// Group; 0 for everything in a context.
    pub gid: u32,
    /// Bytes: of a file its size, of a symlink the length of its target, 0 for a directory.
    pub size: u64,
    /// Modification time in nanoseconds since 1970 (never part of a digest).
    pub mtime_ns: i64,
    /// What few entries have.
    pub extra: Option<Box<Extra>>,
}

/// The parts of a stat that few entries have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extra {
    /// A symlink's target, as raw bytes.
    pub linkname: Vec<u8>,
    /// A device's major number.
    pub devmajor: u64,
    /// A device's minor number.
    pub devminor: u64,
    /// Extended attributes as `llistxattr` shows them, sorted by name, without `com.apple.*`.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// `(device, inode)` of a file with more than one link, to tell hard links.
    pub inode: Option<(u64, u64)>,
}

impl Stat {
    /// A symlink's target; empty for everything else.
    pub fn linkname(&self) -> &[u8] {
        self.extra.as_ref().map_or(&[], |e| &e.linkname)
    }

    /// Extended attributes sorted by name.
    pub fn xattrs(&self) -> &[(Vec<u8>, Vec<u8>)] {
        self.extra.as_ref().map_or(&[], |e| &e.xattrs)
    }

    /// `(major, minor)` of a device; `(0, 0)` for everything else.
    pub fn device(&self) -> (u64, u64) {
        self.extra.as_ref().map_or((0, 0), |e| (e.devmajor, e.devminor))
    }

    /// True for a directory.
    pub fn is_dir(&self) -> bool {
        self.file_type == FileType::Dir
    }
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the root of the listing.
    pub path: ContextPath,
    /// Its stat.
    pub stat: Stat,
    /// For the second and later names of one inode: the first name in this listing.
    pub hardlink: Option<ContextPath>,
}

/// A listing with contents: a directory, a filtered view of one, a tree in memory.
///
/// `entries` is sorted by [`ContextPath`]'s order, parents come before their children, and the root itself is not listed.
pub trait Source: Sync {
    /// The entries in fsutil's order.
    fn entries(&self) -> &[Entry];

    /// Opens the content of a regular file that `entries` listed.
    ///
    /// # Errors
    /// What the file system says.
    fn open(&self, entry: &Entry) -> io::Result<Box<dyn Read + Send + '_>>;

    /// The content as an open file, where it is one on disk (so that it can be mapped or sent without copying).
    ///
    /// # Errors
    /// What the file system says.
    fn file(&self, entry: &Entry) -> io::Result<Option<File>> {
        let _ = entry;
        Ok(None)
    }
}
