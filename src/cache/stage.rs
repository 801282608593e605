//! The tree that a step leaves, as BuildKit hashes a snapshot: by looking at it, only where a key needs it.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use super::checksum::Digests;
use super::header::{Producer, bare_digest, write_header};
use super::keys::StageFile;
use super::local::LocalTree;
use super::nodes::Nodes;
use super::select::{SelectError, Selection, select};
use super::{Content, FileTree, Inputs, Node, Selector};
use crate::buildkit::Version;
use crate::digest::{self, Digest, HashError, Reader, Request};
use crate::entry::{ContextPath, FileType, Stat};
use crate::observer::Observer;

/// The files of a tree in fsutil's order.
pub(super) type Listing<'t> = Vec<(ContextPath, &'t Node)>;

/// A step's tree with the digests that were needed so far.
pub(super) struct StageTree<'t> {
    root: &'t Stat,
    files: &'t Listing<'t>,
    nodes: Nodes<'t>,
    digests: Digests,
}

impl<'t> StageTree<'t> {
    /// `files` must be the listing of `tree`.
    pub fn new(tree: &'t FileTree, files: &'t Listing<'t>, version: Version) -> Self {
        let nodes = Nodes::new(files.iter().map(|(path, node)| (path, &node.stat)), version);
        let digests = Digests::new(nodes.len());
        Self { root: &tree.root().stat, files, nodes, digests }
    }

    /// Applies a selector.
    pub fn select(&self, selector: &Selector) -> Result<Selection, SelectError> {
        select(&self.nodes, selector)
    }

    /// The digest of a selection, and the files behind it.
    pub fn digest(
        &mut self,
        selection: &Selection,
        reading: &Reading<'_>,
    ) -> Result<(Digest, Vec<StageFile>), Vec<HashError>> {
        let ranges = selection.nodes(&self.nodes);
        self.hash(&ranges, reading)?;
        let file = |n: usize| {
            let digest = self.digests.own(n)?;
            Some(StageFile { path: self.nodes.get(n).path.to_vec(), digest })
        };
        let files = ranges.into_iter().flatten().filter_map(file).collect();
        Ok((self.digests.of(&self.nodes, selection), files))
    }

    /// Computes the digests of these nodes that aren't known yet.
    fn hash(&mut self, ranges: &[Range<usize>], reading: &Reading<'_>) -> Result<(), Vec<HashError>> {
        let mut wanted = Vec::new();
        for node in
            ranges.iter().cloned().flatten().filter(|n| self.digests.own(*n).is_none()).collect::<Vec<_>>()
        {
            let Some(i) = node.checked_sub(1) else {
                self.digests.set(0, bare_digest(self.root, Producer::Scan));
                continue;
            };
            match reading.known(self.files[i].1) {
                Some(digest) => self.digests.set(node, digest),
                None => wanted.push(i),
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let files = Scanned { files: self.files, wanted, inputs: reading.inputs };
        let request = Request { headed: true, sha256: false, blake3: false };
        let mut errors = Vec::new();
        for (answer, i) in digest::hash(&files, request, reading.observer).into_iter().zip(&files.wanted) {
            match answer {
                Ok(d) if d.unopened => self.digests.set(i + 1, emptied(&self.files[*i].1.stat)),
                Ok(d) => d.headed.into_iter().for_each(|d| self.digests.set(i + 1, d)),
                Err(e) => errors.push(*e),
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// A file that the client could not open arrived without content, and that is what a snapshot shows.
fn emptied(stat: &Stat) -> Digest {
    bare_digest(&Stat { size: 0, ..stat.clone() }, Producer::Scan)
}

/// Where the contents of a stage's files come from.
pub(super) struct Reading<'r> {
    pub inputs: &'r Inputs<'r>,
    pub locals: &'r [LocalTree<'r>],
    pub observer: &'r dyn Observer,
}

impl Reading<'_> {
    /// The digest of a file whose content need not be read: it has none, or it was hashed under the same header when the
    /// client sent it.
    fn known(&self, node: &Node) -> Option<Digest> {
        if node.stat.file_type != FileType::File || node.stat.size == 0 {
            return Some(bare_digest(&node.stat, Producer::Scan));
        }
        let Content::Entry(source, entry) = &node.content else { return None };
        let hashed = self.locals.iter().find(|l| l.name == *source)?.entry_digests(*entry)?;
        if hashed.unopened {
            return Some(emptied(&node.stat));
        }
        let sent = &self.inputs.named(source)?.entries()[*entry].stat;
        (header(sent, Producer::Transfer) == header(&node.stat, Producer::Scan)).then_some(hashed.headed)
    }
}

fn header(stat: &Stat, producer: Producer) -> Vec<u8> {
    let mut out = Vec::new();
    write_header(stat, producer, &mut out);
    out
}

/// Regular files of a stage as BuildKit reads them.
struct Scanned<'s> {
    files: &'s Listing<'s>,
    wanted: Vec<usize>,
    inputs: &'s Inputs<'s>,
}

impl digest::Files for Scanned<'_> {
    fn count(&self) -> usize {
        self.wanted.len()
    }

    fn path(&self, file: usize) -> ContextPath {
        self.files[self.wanted[file]].0.clone()
    }

    fn size(&self, file: usize) -> u64 {
        self.files[self.wanted[file]].1.stat.size
    }

    fn header(&self, file: usize, out: &mut Vec<u8>) {
        write_header(&self.files[self.wanted[file]].1.stat, Producer::Scan, out);
    }

    fn open(&self, file: usize) -> io::Result<Reader<'_>> {
        match &self.files[self.wanted[file]].1.content {
            Content::Empty => Ok(Reader::Stream(Box::new(io::empty()))),
            Content::Bytes(bytes) => Ok(Reader::Stream(Box::new(&bytes[..]))),
            Content::Range { file, offset, len } => {
                Ok(Reader::Stream(Box::new(RangeReader { file, offset: *offset, left: *len })))
            }
            Content::Entry(source, entry) => {
                let source = self.inputs.named(source).ok_or(io::ErrorKind::NotFound)?;
                Reader::of(source, &source.entries()[*entry])
            }
        }
    }
}

/// Reads a part of a file without moving its cursor.
struct RangeReader<'a> {
    file: &'a File,
    offset: u64,
    left: u64,
}

impl Read for RangeReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let n = self.file.read_at(&mut buffer[..most], self.offset)?;
        self.offset += n as u64;
        self.left -= n as u64;
        Ok(n)
    }
}
