//! What a step takes from the client's folders.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::digest::Digest;
use crate::entry::{ContextPath, Entry};
use crate::snapshot::{ContentState, PickedFiles, Snapshot, SourceState};

/// One file with its content, where that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    pub entry: &'a Entry,
    pub content: Option<Digest>,
}

impl<'a> Item<'a> {
    /// Its path.
    pub fn path(&self) -> &'a ContextPath {
        &self.entry.path
    }

    /// The bytes of its path.
    pub fn bytes(&self) -> &'a [u8] {
        self.entry.path.as_bytes()
    }
}

/// What a step takes from one local source.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken<'a> {
    /// In the order of paths, each path once.
    pub items: Vec<Item<'a>>,
    /// Everything that is sent is taken.
    pub whole: bool,
}

impl<'a> Taken<'a> {
    /// The place of a path.
    pub fn find(&self, path: &[u8]) -> Option<Item<'a>> {
        let at = self.items.binary_search_by(|i| ContextPath::compare(i.bytes(), path)).ok()?;
        Some(self.items[at])
    }
}

/// By local source: what the inputs of a vertex that `wanted` accepts take from it.
pub(super) fn taken(
    snapshot: &Snapshot,
    vertex: usize,
    wanted: impl Fn(usize) -> bool,
) -> BTreeMap<&str, Taken<'_>> {
    let mut ranges: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
    let inputs = snapshot.vertices.get(vertex).map_or(&[][..], |v| &v.inputs);
    for (_, input) in inputs.iter().enumerate().filter(|(i, _)| wanted(*i)) {
        let ContentState::Known { picked, .. } = &input.content else { continue };
        for files in picked.iter().map(|p| &p.files) {
            if let PickedFiles::Local { source, entries } = files {
                ranges.entry(*source).or_default().extend(entries.iter().cloned());
            }
        }
    }
    let mut out: BTreeMap<&str, Taken<'_>> = BTreeMap::new();
    for (source, mut ranges) in ranges {
        let Some(source) = snapshot.sources.get(source) else { continue };
        ranges.sort_unstable_by_key(|r| (r.start, r.end));
        let taken = out.entry(&source.local).or_default();
        taken.whole |= ranges.first().is_some_and(|r| *r == (0..source.entries.len()));
        let mut next = 0;
        for range in ranges {
            let range = range.start.max(next)..range.end.min(source.entries.len());
            next = next.max(range.end);
            taken.items.extend(range.map(|i| item(source, i)));
        }
    }
    for taken in out.values_mut() {
        // Two requests for parts of one folder may send a file twice.
        taken.items.sort_by(|a, b| a.path().cmp(b.path()));
        taken.items.dedup_by(|a, b| a.path() == b.path());
    }
    out
}

fn item(source: &SourceState, index: usize) -> Item<'_> {
    let entry = &source.entries[index];
    let content = |i: usize| source.contents.get(i).copied().flatten();
    let first =
        || entry.hardlink.as_ref().and_then(|path| position(source, path.as_bytes())).and_then(content);
    Item { entry, content: content(index).or_else(first) }
}

fn position(source: &SourceState, path: &[u8]) -> Option<usize> {
    source.entries.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), path)).ok()
}

/// All that is sent of one local source.
pub(super) struct Listing<'a>(Vec<&'a SourceState>);

impl<'a> Listing<'a> {
    /// Of the local source `local`.
    pub fn of(snapshot: &'a Snapshot, local: &str) -> Self {
        Self(snapshot.sources.iter().filter(|s| s.local == local).collect())
    }

    /// The entry of that path.
    pub fn find(&self, path: &[u8]) -> Option<Item<'a>> {
        self.0.iter().find_map(|source| position(source, path).map(|i| item(source, i)))
    }

    /// Every entry; one that was asked for twice may come twice.
    pub fn entries(&self) -> impl Iterator<Item = &'a Entry> {
        self.0.iter().flat_map(|s| &s.entries)
    }

    /// Whether modification times mean something.
    pub fn has_times(&self) -> bool {
        self.0.iter().all(|s| s.has_times)
    }
}
