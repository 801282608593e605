//! What the index knows of a view's files.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};

use super::analysis::Read;
use super::local::Local;
use crate::cache::{EntryDigests, Memory};
use crate::context::{View, WarningCode};
use crate::entry::Source as _;
use crate::index::{Identity, Index, Known};
use crate::observer::{Event, Observer};
use crate::plan::LocalSource;

/// The memory of a view's files.
pub struct KnownFiles<'a> {
    index: &'a Index,
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
        let unreadable = local.context.warnings().iter().filter(|w| w.code == WarningCode::Unreadable);
        Some(Self {
            index: local.index.as_ref()?,
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
        let Known { headed, blake3 } = self.index.recall(&self.identity(entry)?)?;
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
        // A file without content isn't opened.
        if !unopened && (identity.size == 0 || self.opened[entry].load(Ordering::Relaxed)) {
            self.index.learn(&identity, Known { headed, blake3 });
        }
    }
}

/// Writes what was learned of a folder's files. Nothing hangs on it, so that a failure is only told.
pub fn save(local: &Local, observer: &dyn Observer) {
    let Some(index) = &local.index else { return };
    if let Err(error) = index.save(local.context.identities()) {
        observer.event(Event::NotRemembered(error.kind()));
    }
}
