//! Digests of what revisions hold, each computed once, in however many commits a content stands.

use std::sync::{Arc, RwLock};

use rustc_hash::FxHashMap;

use super::analysis::{Analysis, Read};
use crate::cache::{EntryDigests, Memory, hashed_xattrs};
use crate::context::{Context, View};
use crate::digest::Digest;
use crate::entry::{ContextPath, Source as _, Stat};
use crate::git::{ContentName, Listing};
use crate::plan::LocalSource;

/// What decides over the digest of a file without attributes: the content, and what of the header differs between files.
type Key = (ContentName, u16, u64);

/// Digests of contents of a repository.
#[derive(Debug, Default)]
pub struct Blobs {
    known: RwLock<FxHashMap<Key, EntryDigests>>,
}

impl Blobs {
    fn recall(&self, name: ContentName, stat: &Stat, fingerprint: bool) -> Option<EntryDigests> {
        if let ContentName::Unknown(name) = &name {
            return Some(stand_in(name));
        }
        let key = key(name, stat)?;
        let digests = *self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(&key)?;
        (digests.blake3.is_some() || !fingerprint).then_some(digests)
    }

    fn learn(&self, name: ContentName, stat: &Stat, digests: EntryDigests) {
        let known = !matches!(name, ContentName::Unknown(_)) && !digests.unopened;
        if let Some(key) = key(name, stat).filter(|_| known) {
            self.known.write().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(key, digests);
        }
    }
}

fn key(name: ContentName, stat: &Stat) -> Option<Key> {
    hashed_xattrs(stat).next().is_none().then_some((name, stat.mode, stat.size))
}

/// The digests of a content that isn't on this machine: equal to those of the same content alone, and to nothing that is known.
/// They are no digests of BuildKit's.
fn stand_in(name: &str) -> EntryDigests {
    let text = format!("stowaway: a content that is not here\n{name}");
    EntryDigests { headed: Digest::sha256(&text), blake3: Some(Digest::blake3(&text)), unopened: false }
}

/// The files of a revision behind a local source.
#[derive(Debug)]
pub struct RevisionFiles {
    listing: Arc<Listing>,
    /// Where each entry of the context stands in the listing.
    places: Vec<usize>,
    blobs: Arc<Blobs>,
}

impl RevisionFiles {
    /// Those of a context that was made from a listing.
    pub fn new(listing: Arc<Listing>, context: &Context, blobs: Arc<Blobs>) -> Self {
        let mut rest = listing.entries().iter().enumerate();
        // Both are in one order, and the context leaves some out.
        let place = |path: &ContextPath| rest.find(|(_, e)| e.path == *path).map_or(usize::MAX, |(at, _)| at);
        let places = context.entries().iter().map(|e| &e.path).map(place).collect();
        Self { listing, places, blobs }
    }

    /// What identifies the content of an entry of the context, by its place there.
    pub fn content_name(&self, place: usize) -> Option<ContentName> {
        self.listing.content_name(*self.places.get(place)?)
    }

    /// Takes digests that were computed of the work tree for files that are what the revision has.
    fn learn_from(&self, context: &Context, now: &Analysis<'_>, name: &str) {
        let Some(keys) = &now.keys else { return };
        for sent in now.sent.iter().filter(|s| s.source.name == name) {
            let Some(digests) = keys.sources.iter().find(|s| s.source == sent.key) else { continue };
            let mut theirs = sent.view.entries().iter().zip(&digests.entries).peekable();
            for (place, ours) in context.entries().iter().enumerate() {
                while theirs.next_if(|(e, _)| e.path < ours.path).is_some() {}
                let Some((entry, Some(digests))) = theirs.next_if(|(e, _)| e.path == ours.path) else {
                    continue;
                };
                let same = entry.stat.mode == ours.stat.mode && entry.stat.size == ours.stat.size;
                let place = self.places.get(place).filter(|at| same && self.listing.is_here(**at));
                if let Some(name) = place.and_then(|at| self.listing.content_name(*at)) {
                    self.blobs.learn(name, &ours.stat, *digests);
                }
            }
        }
    }
}

impl Read {
    /// For a revision: takes over the digests of files that git calls unchanged from an analysis of the work tree, so that their
    /// blobs need not be read.
    pub fn learn_from(&self, now: &Analysis<'_>) {
        for local in self.locals() {
            if let Some(files) = &local.revision {
                files.learn_from(&local.context, now, &local.name);
            }
        }
    }
}

/// What is known of a view of a revision.
pub struct KnownBlobs<'a> {
    files: &'a RevisionFiles,
    view: &'a View<'a>,
}

impl<'a> KnownBlobs<'a> {
    /// The memory of a view, if it is one of a revision.
    pub fn of(read: &'a Read, source: &LocalSource, view: &'a View<'a>) -> Option<Self> {
        Some(Self { files: read.local(&source.name)?.revision.as_ref()?, view })
    }
}

impl Memory for KnownBlobs<'_> {
    fn recall(&self, entry: usize, fingerprint: bool) -> Option<EntryDigests> {
        let name = self.files.content_name(self.view.place(entry))?;
        self.files.blobs.recall(name, &self.view.entries()[entry].stat, fingerprint)
    }

    fn learn(&self, entry: usize, digests: EntryDigests) {
        if let Some(name) = self.files.content_name(self.view.place(entry)) {
            self.files.blobs.learn(name, &self.view.entries()[entry].stat, digests);
        }
    }
}
