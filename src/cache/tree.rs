//! A file tree as a build step leaves it: what `COPY --from` looks into.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use crate::entry::{ContextPath, Stat};

/// A whole file tree with real owners, as a snapshot would hold it.
#[derive(Debug, Clone)]
pub struct FileTree {
    /// The root folder's own stat (0755, owner 0 on scratch).
    pub root: Stat,
    /// Everything below, in fsutil's order.
    pub nodes: BTreeMap<ContextPath, Node>,
}

/// One file of a [`FileTree`].
#[derive(Debug, Clone)]
pub struct Node {
    /// Its stat; hard links are independent nodes with equal content.
    pub stat: Stat,
    /// Where its content is.
    pub content: Content,
}

/// Where the bytes of a regular file are; nothing is read before a digest needs it.
#[derive(Debug, Clone)]
pub enum Content {
    /// No bytes (everything but regular files, and empty files).
    Empty,
    /// In memory.
    Bytes(Arc<[u8]>),
    /// An entry of a local source: the name of the source and the index in its listing.
    Entry(Arc<str>, usize),
    /// A part of a file on disk (an unpacked archive or layer).
    Range {
        /// The file, usually a temporary one that goes when the last user goes.
        file: Arc<File>,
        /// Where the content begins.
        offset: u64,
        /// How long it is.
        len: u64,
    },
}
