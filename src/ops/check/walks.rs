//! Folders that several builds send are walked once: a build leaves what it walked for the next one.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::analysis::Read;
use super::super::local::{self, Local};
use super::super::locate::IgnoreFile;
use crate::check::Hidden;
use crate::error::Error;
use crate::observer::Observer;

/// So many folders are kept, the last ones that were used.
const MOST: usize = 8;

/// Folders that were walked.
#[derive(Default)]
pub struct Walks {
    kept: Vec<(Local, Option<Hidden>)>,
    /// What the ignore files of the folders hide that were given out since [`Walks::hidden`] was asked last.
    hidden: BTreeMap<String, Hidden>,
}

impl Walks {
    /// A folder as an earlier build left it, if its ignore file was the same; else it is walked.
    ///
    /// # Errors
    /// As [`local::load`].
    pub fn load(
        &mut self,
        name: &str,
        root: &Path,
        found: IgnoreFile,
        observer: &dyn Observer,
    ) -> Result<local::Loaded, Error> {
        let same = |local: &Local| {
            local.root == root && local.found.name == found.name && local.found.bytes == found.bytes
        };
        let Some(at) = self.kept.iter().position(|(local, _)| same(local)) else {
            return local::load(name, root, found, None, observer);
        };
        let (local, hidden) = self.kept.remove(at);
        if let Some(hidden) = hidden {
            self.hidden.insert(name.to_owned(), hidden);
        }
        // Why this ignore file is in force is another matter for each Dockerfile.
        Ok(Ok(Local { name: name.to_owned(), found, ..local }))
    }

    /// What the ignore files hide of the folders that were given out, by name, as far as it was asked before.
    pub fn hidden(&mut self) -> BTreeMap<String, Hidden> {
        std::mem::take(&mut self.hidden)
    }

    /// Keeps what a build has walked.
    pub fn keep(&mut self, read: Read, mut hidden: BTreeMap<String, Hidden>) {
        let locals = std::iter::once(read.context).chain(read.named).flatten();
        self.kept.extend(locals.map(|local| {
            let hidden = hidden.remove(&local.name);
            (local, hidden)
        }));
        let more = self.kept.len().saturating_sub(MOST);
        self.kept.drain(..more);
    }
}
