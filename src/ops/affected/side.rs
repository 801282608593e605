//! The two states: a revision, and the work tree or another revision.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::analysis::Read;
use super::super::blobs::Blobs;
use super::super::projects::DiskFiles;
use super::super::revision::{Checkout, RevisionOptions};
use super::super::{Request, images};
use crate::error::Error;
use crate::git::{LeafKind, Permissions, Repository, Revision};
use crate::observer::Observer;
use crate::project::Files;

/// Links may lead to links so often.
const MOST_LINKS: usize = 16;

/// A state of the files.
pub struct Side {
    repository: Arc<Repository>,
    revision: Option<(String, Revision)>,
    /// The state after, in which files that are not kept in git are looked up.
    tracked: Option<Revision>,
    /// Digests of contents that git knows.
    blobs: Arc<Blobs>,
}

impl Side {
    /// The state before and the state after.
    pub fn both(base: &str, head: Option<&str>) -> Result<(Self, Self), Error> {
        let repository = Arc::new(Repository::find(Path::new("."))?);
        let read = |name: &str| -> Result<Revision, Error> {
            let commit = repository.resolve(name)?;
            Ok(Revision::read(&repository, commit, Permissions::HERE)?)
        };
        let before = read(base)?;
        let after = head.map(|name| Ok::<_, Error>((name.to_owned(), read(name)?))).transpose()?;
        let tracked = match &after {
            Some((_, revision)) => Some(revision.clone()),
            None => read("HEAD").ok(),
        };
        let blobs = Arc::<Blobs>::default();
        let before = Self {
            repository: Arc::clone(&repository),
            revision: Some((base.to_owned(), before)),
            tracked: tracked.clone(),
            blobs: Arc::clone(&blobs),
        };
        Ok((before, Self { repository, revision: after, tracked, blobs }))
    }

    /// The revision as it was named; `None` for the work tree.
    pub fn revision_name(&self) -> Option<&str> {
        self.revision.as_ref().map(|(name, _)| name.as_str())
    }

    /// The revision's full object name.
    pub fn commit(&self) -> Option<String> {
        self.revision.as_ref().map(|(_, revision)| revision.commit().to_string())
    }

    /// Its name for people.
    pub fn name(&self) -> &str {
        self.revision_name().unwrap_or("the work tree")
    }

    /// What will surprise people.
    pub fn warnings(&self) -> Vec<String> {
        let warnings = self.revision.iter().flat_map(|(_, revision)| revision.warnings());
        warnings
            .map(|w| format!("{}: {} {}", self.name(), String::from_utf8_lossy(&w.path), w.code.message()))
            .collect()
    }

    /// Reads a build's Dockerfile and folders in this state.
    pub fn read_build(&self, request: &Request, observer: &dyn Observer) -> Result<Read, Error> {
        match &self.revision {
            Some((_, revision)) => {
                let options =
                    RevisionOptions { blobs: Arc::clone(&self.blobs), ..RevisionOptions::default() };
                let checkout = Checkout::of(revision, request);
                Read::of_checkout(request, &checkout, &options, &images::Known::of(request)?, observer)
            }
            None => Read::of(request, observer),
        }
    }

    /// Whether a path is a folder in this state.
    pub fn is_folder(&self, path: &Path) -> bool {
        match &self.revision {
            None => path.is_dir(),
            Some((_, revision)) => match self.repository.below(path) {
                Some(below) => below.is_empty() || revision.below(&below).is_some(),
                None => path.is_dir(),
            },
        }
    }

    /// The top of the repository, seen from the current folder.
    pub fn top_from_here(&self) -> PathBuf {
        let depth = self.repository.below(Path::new(".")).map_or(0, |below| match below.as_slice() {
            [] => 0,
            below => below.split(|b| *b == b'/').count(),
        });
        if depth == 0 { PathBuf::from(".") } else { (0..depth).map(|_| "..").collect() }
    }

    /// A file of a revision, links followed.
    fn at(&self, revision: &Revision, below: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let mut below = below.to_vec();
        for _ in 0..MOST_LINKS {
            let Some(leaf) = revision.leaf(&below) else { return Ok(None) };
            let bytes = || self.repository.blob(leaf.object, "a file").map_err(|e| e.to_string());
            match leaf.kind {
                LeafKind::File | LeafKind::Executable => return bytes().map(Some),
                LeafKind::Submodule => return Ok(None),
                LeafKind::Link => {
                    let target = bytes()?;
                    if target.starts_with(b"/") {
                        return Err("a link that leads out of the repository".to_owned());
                    }
                    below = crate::gopath::join(&[&crate::gopath::dir(&below), &target]);
                    if below.starts_with(b"..") {
                        return Err("a link that leads out of the repository".to_owned());
                    }
                }
            }
        }
        Err("links that lead to each other".to_owned())
    }
}

impl Files for Side {
    /// A file with variables that git doesn't keep is the same in every state: the one on disk.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        let Some((_, revision)) = &self.revision else { return DiskFiles.read(path) };
        let Some(below) = self.repository.below(path) else { return DiskFiles.read(path) };
        if let Some(bytes) = self.at(revision, &below)? {
            return Ok(Some(bytes));
        }
        let untracked = self.tracked.as_ref().is_some_and(|t| t.leaf(&below).is_none());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_variables = name.starts_with(".env") || name.ends_with(".env");
        if untracked && is_variables { DiskFiles.read(path) } else { Ok(None) }
    }

    fn stays_within(&self, path: &Path, folder: &Path) -> bool {
        self.revision.is_some() || DiskFiles.stays_within(path, folder)
    }
}
