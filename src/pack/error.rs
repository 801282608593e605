//! Why there is no archive.

use std::io;

use crate::entry::ContextPath;

/// Why packing failed. What was written until then is no archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// A file can't be opened or read.
    #[error("packing {path}: {source}")]
    Read {
        /// The file.
        path: ContextPath,
        /// What the system said.
        source: io::Error,
    },
    /// A file that may not be read. An engine would get it empty, under a stat that says otherwise: no archive can say that.
    #[error(
        "packing {path}: it may not be read; make it readable, or leave it out with a line in the ignore file"
    )]
    Unreadable {
        /// The file.
        path: ContextPath,
    },
    /// A file isn't any more what the listing says.
    #[error(
        "packing {path}: it changed meanwhile ({found}); pack again when nothing writes to it, or ignore it"
    )]
    Changed {
        /// The file.
        path: ContextPath,
        /// What was found, in words.
        found: String,
    },
    /// Something that a tar can't hold.
    #[error("packing {path}: a tar can't hold {what}")]
    Unrepresentable {
        /// The entry.
        path: ContextPath,
        /// What it is.
        what: &'static str,
    },
    /// Who reads the archive has closed the pipe or socket.
    #[error("writing the archive: its reader has gone away")]
    Closed,
    /// The archive can't be written: the disk is full, say.
    #[error("writing the archive: {0}")]
    Write(io::Error),
    /// The compressor failed.
    #[error("compressing the archive: {0}")]
    Compress(io::Error),
    /// The caller wanted no more.
    #[error("packing was cancelled")]
    Cancelled,
}

impl PackError {
    /// The error for a failed write.
    pub(super) fn write(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Closed,
            _ => Self::Write(error),
        }
    }
}

/// Why an archive can't be compared with a listing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The archive can't be read, or is none.
    #[error("reading the archive at byte {offset}: {why}")]
    Archive {
        /// Where in the archive, after decompression.
        offset: u64,
        /// What is wrong.
        why: String,
    },
    /// The archive holds a file without its holes, in one of several ways that aren't read here.
    #[error(
        "reading the archive: {name:?} is stored as a sparse file, which can't be compared; pack it without holes being detected"
    )]
    Sparse {
        /// The file's name, lossily.
        name: String,
    },
    /// A file of the context can't be read.
    #[error("reading {path}: {source}")]
    Read {
        /// The file.
        path: ContextPath,
        /// What the system said.
        source: io::Error,
    },
    /// The caller wanted no more.
    #[error("comparing was cancelled")]
    Cancelled,
}
