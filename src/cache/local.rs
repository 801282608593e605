//! The tree of a client's folder: its shape, what the keys pick from it, and the digests of what was picked.

use std::io;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::checksum::Digests;
use super::header::{Producer, bare_digest, unseen_root, write_header};
use super::keys::{EntryDigests, SourceDigests};
use super::nodes::Nodes;
use super::select::{SelectError, Selection, select, union};
use super::tree::folder_stat;
use super::{Memory, Selector};
use crate::buildkit::Version;
use crate::digest::{self, Digest, HashError, Reader, Request};
use crate::entry::{ContextPath, Entry, FileType, Source};
use crate::observer::Observer;

/// So many files are hashed in one go: answers take more room than what is kept of them.
const PORTION: usize = 1 << 17;

/// A client's folder as a tree. First everything is picked, then hashed at once, then digests can be asked for.
pub(super) struct LocalTree<'a> {
    pub name: Arc<str>,
    entries: &'a [Entry],
    source: &'a dyn Source,
    memory: Option<&'a dyn Memory>,
    nodes: Nodes<'a>,
    digests: Digests,
    picked: FxHashMap<Selector, Rc<Picked>>,
    hashed: Vec<Option<EntryDigests>>,
    sums: Vec<(u64, u64)>,
}

/// What a selector picks from a folder.
pub(super) struct Picked {
    /// What enters the digest.
    pub selection: Result<Selection, SelectError>,
    /// The entries behind it, as ascending ranges.
    pub entries: Arc<[Range<usize>]>,
}

impl<'a> LocalTree<'a> {
    pub fn new(
        name: Arc<str>,
        source: &'a dyn Source,
        memory: Option<&'a dyn Memory>,
        version: Version,
    ) -> Self {
        let entries = source.entries();
        let nodes = Nodes::new(entries.iter().map(|e| (&e.path, &e.stat)), version);
        let mut digests = Digests::new(nodes.len());
        // Nobody sends the root. Without any entry BuildKit looks at the empty folder that it made itself.
        let empty = || bare_digest(&folder_stat(0o755), Producer::Scan);
        digests.set(0, if entries.is_empty() { empty() } else { unseen_root() });
        let hashed = vec![None; entries.len()];
        Self {
            name,
            entries,
            source,
            memory,
            nodes,
            digests,
            picked: FxHashMap::default(),
            hashed,
            sums: sums(entries),
        }
    }

    /// Applies a selector.
    pub fn pick(&mut self, selector: &Selector) -> Rc<Picked> {
        if let Some(picked) = self.picked.get(selector) {
            return picked.clone();
        }
        let selection = select(&self.nodes, selector);
        let nodes = selection.as_ref().map_or_else(|_| Vec::new(), |s| s.nodes(&self.nodes));
        // Node 0 is the root, which is no entry.
        let entries = nodes.into_iter().map(|r| r.start.max(1) - 1..r.end - 1).filter(|r| !r.is_empty());
        let picked = Rc::new(Picked { selection, entries: entries.collect() });
        self.picked.insert(selector.clone(), picked.clone());
        picked
    }

    /// Computes the digests of all that was picked.
    pub fn hash(&mut self, fingerprints: bool, observer: &dyn Observer) -> Result<(), Vec<HashError>> {
        let picked = union(self.picked.values().flat_map(|p| p.entries.iter().cloned()).collect());
        let mut wanted = Vec::new();
        for i in picked.iter().cloned().flatten() {
            let original = self.original(i);
            if self.hashed[original].is_none() {
                self.hash_bare(original, fingerprints, &mut wanted);
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        self.hash_files(&wanted, fingerprints, observer)?;
        for i in picked.into_iter().flatten() {
            let digests = self.hashed[self.original(i)];
            self.hashed[i] = digests;
            if let Some(digests) = digests {
                self.digests.set(i + 1, digests.headed);
            }
        }
        Ok(())
    }

    /// A hard link counts as its first name (`checksum.go`, `HandleChange`).
    fn original(&self, entry: usize) -> usize {
        let first = self.entries[entry].hardlink.as_ref();
        let found = first.and_then(|path| self.nodes.find(path.as_bytes()));
        found.and_then(|node| node.checked_sub(1)).unwrap_or(entry)
    }

    /// The digests of what need not be read; a file that has to be is put on the list.
    fn hash_bare(&mut self, entry: usize, fingerprints: bool, wanted: &mut Vec<usize>) {
        let stat = &self.entries[entry].stat;
        if stat.file_type == FileType::File {
            self.hashed[entry] = self.memory.and_then(|m| m.recall(entry, fingerprints));
            if self.hashed[entry].is_none() {
                wanted.push(entry);
            }
            return;
        }
        let headed = bare_digest(stat, Producer::Transfer);
        self.hashed[entry] = Some(EntryDigests { headed, blake3: None, unopened: false });
    }

    fn hash_files(
        &mut self,
        wanted: &[usize],
        fingerprints: bool,
        observer: &dyn Observer,
    ) -> Result<(), Vec<HashError>> {
        let request = Request { headed: true, sha256: false, blake3: fingerprints };
        let mut errors = Vec::new();
        for wanted in wanted.chunks(PORTION) {
            let files = Transferred { source: self.source, memory: self.memory, wanted };
            for (answer, i) in digest::hash(&files, request, observer).into_iter().zip(wanted.iter().copied())
            {
                match answer {
                    Ok(digest::Digests { headed: Some(headed), blake3, unopened, .. }) => {
                        let digests = EntryDigests { headed, blake3, unopened };
                        self.hashed[i] = Some(digests);
                        self.memory.into_iter().for_each(|m| m.learn(i, digests));
                    }
                    Ok(_) => {}
                    Err(e) => errors.push(*e),
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The digest of what was picked, after [`LocalTree::hash`].
    pub fn digest(&mut self, selection: &Selection) -> Digest {
        self.digests.of(&self.nodes, selection)
    }

    /// The digests of one entry, as far as they were needed.
    pub fn entry_digests(&self, entry: usize) -> Option<EntryDigests> {
        self.hashed.get(entry).copied().flatten()
    }

    /// How many regular files lie in a range of entries, and their bytes.
    pub fn size(&self, entries: &Range<usize>) -> (u64, u64) {
        let (from, to) = (self.sums[entries.start], self.sums[entries.end]);
        (to.0 - from.0, to.1 - from.1)
    }

    /// What is left to know of the folder when all keys are computed.
    pub fn finish(self) -> SourceDigests {
        SourceDigests { source: self.name, entries: self.hashed }
    }
}

/// Running sums of regular files and their bytes.
fn sums(entries: &[Entry]) -> Vec<(u64, u64)> {
    let mut sum = (0, 0);
    let mut out = vec![sum];
    out.extend(entries.iter().map(|e| {
        if e.stat.file_type == FileType::File {
            sum = (sum.0 + 1, sum.1 + e.stat.size);
        }
        sum
    }));
    out
}

/// Regular files of a folder as a client sends them.
struct Transferred<'a> {
    source: &'a dyn Source,
    memory: Option<&'a dyn Memory>,
    wanted: &'a [usize],
}

impl Transferred<'_> {
    fn entry(&self, file: usize) -> &Entry {
        &self.source.entries()[self.wanted[file]]
    }
}

impl digest::Files for Transferred<'_> {
    fn count(&self) -> usize {
        self.wanted.len()
    }

    fn path(&self, file: usize) -> ContextPath {
        self.entry(file).path.clone()
    }

    fn size(&self, file: usize) -> u64 {
        self.entry(file).stat.size
    }

    fn header(&self, file: usize, out: &mut Vec<u8>) {
        write_header(&self.entry(file).stat, Producer::Transfer, out);
    }

    fn open(&self, file: usize) -> io::Result<Reader<'_>> {
        let reader = Reader::of(self.source, self.entry(file))?;
        if let (Some(memory), Reader::File(open)) = (self.memory, &reader) {
            memory.opened(self.wanted[file], open);
        }
        Ok(reader)
    }
}
