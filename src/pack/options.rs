//! What can be chosen about an archive, where it goes, and what is said about it afterwards.

use std::fmt;
use std::io::Write;
use std::os::fd::BorrowedFd;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;

use crate::digest::{Algorithm, Digest};
use crate::entry::Entry;

/// How a listing becomes an archive. The default is uncompressed, with times 0, listed modes, all cores and no digest.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// The times in the archive.
    pub mtime: Mtime<'a>,
    /// The mode of an entry in place of the listed one: permission bits with setuid, setgid and sticky.
    pub modes: Option<&'a (dyn Fn(&Entry) -> u16 + Sync)>,
    /// How the archive is compressed.
    pub compression: Compression,
    /// Threads that read and compress; 0 takes as many as the machine has. The bytes don't depend on it.
    pub threads: usize,
    /// The digest for [`Summary`]. Without one, large files needn't pass through this process at all.
    pub digest: Option<Algorithm>,
    /// Where the first entry needs pax records, the top folder stands before it, as `./` with mode 0755 and that entry's time. Docker's
    /// client and BuildKit take for a tar only what has a whole member in its first 1024 bytes (`frontend/dockerui/context.go`,
    /// `isArchive`).
    pub top: bool,
    /// Set by another thread to end the work with [`PackError::Cancelled`](super::PackError::Cancelled).
    pub cancel: Option<&'a AtomicBool>,
}

/// Modification times in the archive.
#[derive(Clone, Copy, Default)]
pub enum Mtime<'a> {
    /// 1970.
    #[default]
    Zero,
    /// The same for all, in seconds since 1970.
    Fixed(i64),
    /// Of each entry its own, in nanoseconds since 1970. Called several times for one entry, from several threads; it
    /// must always answer the same.
    Of(&'a (dyn Fn(&Entry) -> i64 + Sync)),
}

impl Mtime<'_> {
    /// The time of an entry in nanoseconds since 1970.
    pub(super) fn of(&self, entry: &Entry) -> i128 {
        match self {
            Self::Zero => 0,
            Self::Fixed(seconds) => i128::from(*seconds) * 1_000_000_000,
            Self::Of(time) => i128::from(time(entry)),
        }
    }
}

/// How an archive is compressed. The bytes depend on the version of the compressor, but neither on threads nor on the
/// machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// One gzip member without name and time.
    Gzip,
    /// Zstandard at a level from 1 to 22.
    Zstd(u8),
}

/// The level of `zstd` where none is named; that of the program `zstd`.
const ZSTD_LEVEL: u8 = 3;

/// Text that names no [`Compression`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no compression: none, gzip, zstd or zstd:LEVEL with a level from 1 to 22")]
pub struct CompressionError(String);

impl FromStr for Compression {
    type Err = CompressionError;

    fn from_str(text: &str) -> Result<Self, CompressionError> {
        let level = |text: &str| text.parse().ok().filter(|level| (1..=22).contains(level));
        match text {
            "none" => Some(Self::None),
            "gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd(ZSTD_LEVEL)),
            _ => text.strip_prefix("zstd:").and_then(level).map(Self::Zstd),
        }
        .ok_or_else(|| CompressionError(text.to_owned()))
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Gzip => f.write_str("gzip"),
            Self::Zstd(ZSTD_LEVEL) => f.write_str("zstd"),
            Self::Zstd(level) => write!(f, "zstd:{level}"),
        }
    }
}

/// Where an archive goes.
pub enum Sink<'a> {
    /// An open file, a pipe or a socket (standard output among them), written from its present position on. What it is decides
    /// how large files get there without passing through this process.
    Descriptor(BorrowedFd<'a>),
    /// Anything else.
    Writer(&'a mut (dyn Write + Send)),
}

/// What was packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Regular files, with hard links and sockets.
    pub files: u64,
    /// Directories.
    pub dirs: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Pipes and devices.
    pub special: u64,
    /// Bytes of contents, as in the archive: hard links have none of their own.
    pub bytes: u64,
    /// Bytes of the archive before compression.
    pub tar_bytes: u64,
    /// Bytes that were written.
    pub written: u64,
    /// The digest of the archive before compression, if one was asked for.
    pub tar_digest: Option<Digest>,
    /// The digest of what was written, if one was asked for; the same as `tar_digest` without compression.
    pub digest: Option<Digest>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressions_are_named_as_they_are_shown() {
        for text in ["none", "gzip", "zstd", "zstd:1", "zstd:22"] {
            assert_eq!(text.parse::<Compression>().unwrap().to_string(), text);
        }
        assert_eq!("zstd:3".parse(), Ok(Compression::Zstd(3)));
        for bad in ["", "zstd:", "zstd:0", "zstd:23", "zstd:-1", "zstd:300", "gzip:6", "xz", "Zstd"] {
            let error = bad.parse::<Compression>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{bad:?} is no compression")), "{error}");
        }
    }
}
