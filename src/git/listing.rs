//! [`Listing`]: a folder of a revision as files that can be read.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Oid, Repository};
use crate::entry::{ContextPath, Entry, FileType, Source};

/// Where the content of a file of a revision is.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// It has none: a folder, a link.
    None,
    /// A blob as it is.
    Blob(Arc<Repository>, Oid),
    /// What git's filters made of a blob.
    Bytes(Arc<[u8]>, [u8; 32]),
    /// A file on disk that is known to have it, and its SHA-256 in hex.
    File(PathBuf, Arc<str>),
    /// It isn't on this machine. What it is called, such as the SHA-256 in a pointer.
    Unknown(Arc<str>),
}

/// What identifies a content: equal names are equal contents.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ContentName {
    /// A blob.
    Blob(Oid),
    /// BLAKE3 of what a filter made.
    Converted([u8; 32]),
    /// SHA-256 of a content of Git LFS.
    Lfs(Arc<str>),
    /// A content that isn't on this machine, by its name: nothing but equality with itself is known of it.
    Unknown(Arc<str>),
}

impl ContentName {
    /// The bytes of the name: those of different kinds are of different lengths or of no use together.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Blob(oid) => oid.as_bytes(),
            Self::Converted(digest) => digest,
            Self::Lfs(name) | Self::Unknown(name) => name.as_bytes(),
        }
    }
}

/// A folder of a revision: its entries in fsutil's order, each with its content.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    pub(super) entries: Vec<Entry>,
    pub(super) contents: Vec<Content>,
    pub(super) here: Vec<bool>,
}

impl Listing {
    /// What identifies the content of a regular file, by its place in the listing; `None` for all else.
    pub fn content_name(&self, at: usize) -> Option<ContentName> {
        match self.contents.get(at)? {
            Content::None => None,
            Content::Blob(_, oid) => Some(ContentName::Blob(*oid)),
            Content::Bytes(_, digest) => Some(ContentName::Converted(*digest)),
            Content::File(_, sha256) => Some(ContentName::Lfs(sha256.clone())),
            Content::Unknown(name) => Some(ContentName::Unknown(name.clone())),
        }
    }

    /// Whether the work tree has a file byte for byte as the revision has it, for sure.
    pub fn is_here(&self, at: usize) -> bool {
        self.here.get(at).copied().unwrap_or(false)
            && matches!(self.contents.get(at), Some(Content::Blob(..)))
    }

    /// Where a path stands.
    pub fn position(&self, path: &[u8]) -> Option<usize> {
        self.entries.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), path)).ok()
    }

    fn content(&self, entry: &Entry) -> io::Result<&Content> {
        let at = self.position(entry.path.as_bytes());
        at.and_then(|at| self.contents.get(at)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Source for Listing {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn open(&self, entry: &Entry) -> io::Result<Box<dyn Read + Send + '_>> {
        if entry.stat.file_type != FileType::File {
            return Ok(Box::new(io::empty()));
        }
        Ok(match self.content(entry)? {
            Content::None => Box::new(io::empty()),
            // The content is asked for when it is read: whoever may not be opened counts as empty, and this may not.
            Content::Blob(repository, blob) => Box::new(Lazy { repository, blob: *blob, reader: None }),
            Content::Bytes(bytes, _) => Box::new(&bytes[..]),
            Content::File(path, _) => Box::new(File::open(path)?),
            Content::Unknown(_) => Box::new(Nowhere),
        })
    }

    fn file(&self, entry: &Entry) -> io::Result<Option<File>> {
        match self.content(entry)? {
            Content::File(path, _) => File::open(path).map(Some),
            _ => Ok(None),
        }
    }
}

/// A blob that is opened by its first read.
struct Lazy<'a> {
    repository: &'a Repository,
    blob: Oid,
    reader: Option<super::objects::BlobReader<'a>>,
}

impl Read for Lazy<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.reader {
            Some(reader) => reader.read(buffer),
            None => self.reader.insert(self.repository.open(self.blob)?).read(buffer),
        }
    }
}

/// A content that isn't on this machine.
struct Nowhere;

impl Read for Nowhere {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("its content is not on this machine"))
    }
}
