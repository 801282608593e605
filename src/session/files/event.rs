//! What the caller hears of transfers.

use std::fmt;
use std::fs::Metadata;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::context::Request;
use crate::entry::Entry;

/// Something that happened in a transfer. Several may run at once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The engine asked for a local.
    Started {
        /// Tells the transfers of a session apart.
        transfer: u64,
        /// Its name.
        local: &'a str,
        /// What of it is wanted.
        request: &'a Request,
    },
    /// A file isn't what it was when it was listed, so that what was computed from the listing may no longer hold.
    Changed {
        /// Which transfer.
        transfer: u64,
        /// The name of the local.
        local: &'a str,
        /// The path below its root; may be no UTF-8.
        path: &'a [u8],
        /// What is different.
        change: Change,
    },
    /// It is over.
    Ended {
        /// Which transfer.
        transfer: u64,
        /// The name of the local.
        local: &'a str,
        /// What was sent.
        totals: Totals,
        /// Since the engine asked.
        took: Duration,
        /// Why it failed, if it did.
        failure: Option<&'a str>,
    },
}

/// In which way a file isn't what the listing says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It can't be opened, and was sent empty under its listed size, as BuildKit's own client does.
    Unreadable(String),
    /// It is no regular file any more, or lies behind a link now; it was sent empty.
    NoFile,
    /// It has other bytes than listed: so many instead of so many.
    Size {
        /// By its stat.
        listed: u64,
        /// As sent.
        sent: u64,
    },
    /// It was written to since, and has as many bytes as before.
    Written,
    /// When the engine asked it was no longer what it had been when the folder was first walked; it was sent as it is now.
    Since,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "can't be read and was sent empty: {why}"),
            Self::NoFile => f.write_str("is no regular file any more and was sent empty"),
            Self::Size { listed, sent } => {
                write!(f, "changed while it was sent: {sent} bytes in place of {listed}")
            }
            Self::Written => f.write_str("was written to while it was sent"),
            Self::Since => f.write_str("changed after the build began"),
        }
    }
}

/// How much a transfer moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Entries listed to the engine.
    pub entries: u64,
    /// Files that it asked for.
    pub requested: u64,
    /// Bytes of their contents.
    pub content: u64,
    /// Bytes of all messages, listing and contents with their frames.
    pub bytes: u64,
}

/// [`Totals`] while they grow.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) entries: AtomicU64,
    pub(super) requested: AtomicU64,
    pub(super) content: AtomicU64,
    pub(super) bytes: AtomicU64,
}

impl Counters {
    pub(super) fn totals(&self) -> Totals {
        Totals {
            entries: self.entries.load(Relaxed),
            requested: self.requested.load(Relaxed),
            content: self.content.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
        }
    }

    /// A number that changes whenever something is asked for or taken.
    pub(super) fn pulse(&self) -> u64 {
        self.requested.load(Relaxed).wrapping_add(self.bytes.load(Relaxed))
    }
}

/// Digests contents while they go by, for those who would have to read them, too.
pub trait Digesting: fmt::Debug + Send + Sync {
    /// A file is about to be sent: as it was listed, and as it is. `None` where nobody wants to see its content.
    fn begin(&self, listed: &Entry, opened: &Metadata) -> Option<Box<dyn Passing>>;
}

/// A content that goes by.
pub trait Passing: Send {
    /// The next bytes.
    fn take(&mut self, bytes: &[u8]);

    /// That was all of it, and it was as long as listed. What is dropped before went by in parts only, or has changed.
    fn end(self: Box<Self>);
}

/// Who hears of them; called from several threads, and must return quickly.
pub type Listener = Arc<dyn Fn(Event<'_>) + Send + Sync>;
