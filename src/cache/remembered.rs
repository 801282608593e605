//! What a builder remembers: the records of a cache, from a snapshot or from a cache export (`solver/cachemanager.go`,
//! `cache/remotecache/v1`).

use crate::digest::Digest;

/// The records of a cache. Identity of a record is its place here: several may have one digest (one operation on different
/// inputs).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The records; links point at places in this list.
    pub records: Vec<RememberedRecord>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedRecord {
    /// `H(operation digest || "@" || output index)`; of a content key `H(content digest || "@-1")`.
    pub digest: Digest,
    /// For each input of the operation its alternatives; empty for a content key and for a source.
    pub inputs: Vec<Vec<RememberedLink>>,
    /// There is a result that can be loaded. Without one the record is a key only, through which later ones are found.
    pub result: bool,
    /// An input may have more alternatives than are listed: what a program wrote was not known when this was recorded.
    pub partial: bool,
    /// `digest` is no digest of BuildKit's: it stands for what is known of an operation or of a source whose real digest was
    /// not known when this was recorded.
    pub stand_in: bool,
}

/// One way to an input of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RememberedLink {
    /// The record that has the input, as its place in [`Remembered::records`].
    pub record: usize,
    /// The selector, where there is one; a link to a content key has none.
    pub selector: Option<Digest>,
}
