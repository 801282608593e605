//! How the core speaks without printing: it tells events to an [`Observer`], and the command line decides what to show.

/// Something that happened while work was going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The walk has seen this many further entries.
    Walked(u64),
    /// The walk is over.
    WalkDone,
    /// Hashing begins: so many files with so many bytes.
    HashStarted {
        /// Regular files to read.
        files: u64,
        /// Their bytes together.
        bytes: u64,
    },
    /// So many further bytes were hashed.
    Hashed(u64),
    /// Hashing is over.
    HashDone,
    /// Packing begins: contents of so many bytes.
    PackStarted {
        /// Their bytes together.
        bytes: u64,
    },
    /// So many further bytes of an archive were written, counted before compression.
    Packed(u64),
    /// The digests can't be remembered for the next run, and why.
    NotRemembered(std::io::ErrorKind),
}

/// Listens to events; called from several threads at once.
pub trait Observer: Sync {
    /// Takes one event. It must return quickly.
    fn event(&self, event: Event);
}

/// The observer that ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event) {}
}
