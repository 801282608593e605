//! What the index knows of a view's files.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use rustc_hash::FxHashMap;

use super::analysis::Read;
use super::local::Local;
use crate::cache::{EntryDigests, Memory};
use crate::context::{Context, View, WarningCode};
use crate::entry::Source as _;
use crate::index::{Identity, Index, Known};
use crate::observer::{Event, Observer};
use crate::plan::LocalSource;

/// The digests of a folder's files as they were when this run first read them: however often it is looked at, each is read once.
#[derive(Debug, Default)]
pub struct Seen {
    /// What earlier runs knew.
    index: Option<Index>,
    known: RwLock<FxHashMap<Identity, Known>>,
}

impl Seen {
    /// Nothing read yet in this run.
    pub fn new(index: Option<Index>) -> Self {
        Self { index, known: RwLock::default() }
    }

    /// Writes what was learned for the next run; `context` has all files that are there.
    pub fn save(&self, context: &Context, observer: &dyn Observer) {
        if let Some(index) = &self.index {
            save_index(index, context, observer);
        }
    }

    /// Lets the index remember what was learned in this run, and forgets it.
    pub fn hand_over(&self, index: &Index) {
        let known = std::mem::take(&mut *self.known.write().unwrap_or_else(PoisonError::into_inner));
        known.iter().for_each(|(identity, known)| index.learn(identity, *known));
    }

    /// The digests of a file in this state, if they are known.
    pub fn recall(&self, identity: &Identity) -> Option<Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(identity).copied().or_else(|| self.index.as_ref()?.recall(identity))
    }

    /// Takes the digests of a file that was in this state when it was opened, and was read in full.
    pub fn learn(&self, identity: Identity, known: Known) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(identity, known);
    }
}

/// The memory of a view's files.
pub struct KnownFiles<'a> {
    index: Option<&'a Index>,
    seen: Option<&'a Seen>,
    view: &'a View<'a>,
    /// Which files were opened in the state in which they were listed.
    opened: Vec<AtomicBool>,
    /// What may not be opened counts as empty, whatever it held when it could be.
    unreadable: BTreeSet<&'a [u8]>,
}

/// The memories of views, each of the local source that stands beside it.
pub fn all<'a>(read: &'a Read, views: &'a [(LocalSource, View<'_>)]) -> Vec<Option<KnownFiles<'a>>> {
    views.iter().map(|(source, view)| KnownFiles::of(read.local(&source.name)?, view)).collect()
}

impl<'a> KnownFiles<'a> {
    /// The memory of `view`, if there is an index.
    fn of(local: &'a Local, view: &'a View<'a>) -> Option<Self> {
        let unreadable = local.context.warnings().iter();
        let unreadable =
            unreadable.filter(|w| matches!(w.code, WarningCode::Unreadable | WarningCode::Withheld));
        let seen = local.seen.as_deref();
        let index = local.index.as_ref().or_else(|| seen?.index.as_ref());
        if index.is_none() && seen.is_none() {
            return None;
        }
        Some(Self {
            index,
            seen,
            view,
            opened: view.entries().iter().map(|_| AtomicBool::new(false)).collect(),
            unreadable: unreadable.map(|w| &w.path[..]).collect(),
        })
    }

    fn identity(&self, entry: usize) -> Option<Identity> {
        self.view.context().identity(self.view.place(entry))
    }
}

impl Memory for KnownFiles<'_> {
    fn recall(&self, entry: usize, fingerprint: bool) -> Option<EntryDigests> {
        if !self.unreadable.is_empty() && self.unreadable.contains(self.view.entries()[entry].path.as_bytes())
        {
            return None;
        }
        let identity = self.identity(entry)?;
        let known = self.seen.and_then(|seen| seen.recall(&identity));
        let Known { headed, blake3 } = known.or_else(|| self.index?.recall(&identity))?;
        let enough = blake3.is_some() || !fingerprint;
        enough.then_some(EntryDigests { headed, blake3, unopened: false })
    }

    fn opened(&self, entry: usize, file: &File) {
        let same = || Some(self.identity(entry)?.is_of(&file.metadata().ok()?));
        if same() == Some(true) {
            self.opened[entry].store(true, Ordering::Relaxed);
        }
    }

    fn learn(&self, entry: usize, digests: EntryDigests) {
        let EntryDigests { headed, blake3, unopened } = digests;
        let Some(identity) = self.identity(entry) else { return };
        let known = Known { headed, blake3 };
        if let Some(seen) = self.seen.filter(|_| !unopened) {
            seen.learn(identity, known);
        }
        // A file without content isn't opened.
        let same = identity.size == 0 || self.opened[entry].load(Ordering::Relaxed);
        if let Some(index) = self.index.filter(|_| !unopened && same) {
            index.learn(&identity, known);
        }
    }
}

/// Writes what was learned of a folder's files. Nothing hangs on it, so that a failure is only told.
pub fn save(local: &Local, observer: &dyn Observer) {
    if let Some(index) = &local.index {
        save_index(index, &local.context, observer);
    }
}

fn save_index(index: &Index, context: &Context, observer: &dyn Observer) {
    if let Err(error) = index.save(context.identities()) {
        observer.event(Event::NotRemembered(error.kind()));
    }
}
