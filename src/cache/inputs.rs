//! The files that a plan's local sources stand for.

use std::fs::File;
use std::sync::Arc;

use super::EntryDigests;
use crate::entry::Source;
use crate::plan::LocalSource;

/// Digests that are known before anything is read.
pub trait Memory: Sync {
    /// The digests of a regular file of a listing, `None` when they aren't known for sure. With `fingerprint` an answer
    /// without BLAKE3 is no answer.
    fn recall(&self, entry: usize, fingerprint: bool) -> Option<EntryDigests>;

    /// Is shown the open file of a listing's regular file that is about to be read, so that it can tell whether that still is
    /// the file which was listed. Called from several threads. Files without content aren't opened.
    fn opened(&self, entry: usize, file: &File) {
        let _ = (entry, file);
    }

    /// Takes the digests of a regular file that was read just now.
    fn learn(&self, entry: usize, digests: EntryDigests);
}

/// The files of a plan's local sources, already filtered as a client sends them (ignore rules and follow paths).
#[derive(Default)]
pub struct Inputs<'a> {
    /// Also compute the BLAKE3 of every content that a key needs, from the same read.
    pub fingerprints: bool,
    locals: Vec<Input<'a>>,
}

/// One local source with its files.
pub(super) struct Input<'a> {
    pub name: Arc<str>,
    pub local: LocalSource,
    pub files: &'a dyn Source,
    pub memory: Option<&'a dyn Memory>,
}

impl<'a> Inputs<'a> {
    /// No files yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says which files `local` stands for, and returns the name under which they appear in
    /// [`Keys`](super::Keys) and [`Content::Entry`](super::Content::Entry): the source's own name, with a number behind
    /// it when another source has the same.
    pub fn add(&mut self, local: &LocalSource, files: &'a dyn Source) -> Arc<str> {
        let same = self.locals.iter().filter(|i| i.local.name == local.name).count();
        let name: Arc<str> =
            if same == 0 { local.name.as_str().into() } else { format!("{}#{same}", local.name).into() };
        self.locals.push(Input { name: name.clone(), local: local.clone(), files, memory: None });
        name
    }

    /// As [`Inputs::add`], with a memory of the files' digests by their place in `files`.
    pub fn add_remembered(
        &mut self,
        local: &LocalSource,
        files: &'a dyn Source,
        memory: &'a dyn Memory,
    ) -> Arc<str> {
        let name = self.add(local, files);
        if let Some(input) = self.locals.last_mut() {
            input.memory = Some(memory);
        }
        name
    }

    /// The files behind a name.
    pub fn named(&self, name: &str) -> Option<&'a dyn Source> {
        self.locals.iter().find(|i| *i.name == *name).map(|i| i.files)
    }

    pub(super) fn of(&self, local: &LocalSource) -> Option<usize> {
        self.locals.iter().position(|i| i.local == *local)
    }

    pub(super) fn all(&self) -> &[Input<'a>] {
        &self.locals
    }
}
