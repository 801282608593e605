//! What is on disk of what builds name, asked once for each path.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::check::project::Presence;
use crate::context::find_dockerfile;
use crate::dockerfile::Dockerfile;
use crate::project::{Build, ContextRef, DockerfileRef, join};

/// A Dockerfile that is there or not, and what it says.
pub type OnDisk = (Presence, Option<Arc<Dockerfile>>);

/// Answers that were given already.
#[derive(Default)]
pub struct Disk {
    paths: RefCell<HashMap<PathBuf, Presence>>,
    dockerfiles: RefCell<HashMap<PathBuf, OnDisk>>,
}

impl Disk {
    /// Whether something is at a path, links followed.
    pub fn presence(&self, path: &Path) -> Presence {
        *self.paths.borrow_mut().entry(path.to_owned()).or_insert_with(|| match path.metadata() {
            Ok(meta) if meta.is_dir() => Presence::Folder,
            Ok(_) => Presence::File,
            Err(_) => Presence::Missing,
        })
    }

    /// The context of a build.
    pub fn context(&self, build: &Build) -> Presence {
        match &build.context.value {
            ContextRef::Folder { path, .. } => self.presence(path),
            ContextRef::Remote(_) => Presence::Elsewhere,
        }
    }

    /// The Dockerfile of a build.
    pub fn dockerfile(&self, build: &Build) -> OnDisk {
        if let DockerfileRef::Inline(text) = &build.dockerfile.value {
            return (Presence::Elsewhere, Dockerfile::parse(text.as_bytes()).ok().map(Arc::new));
        }
        match path_of(build) {
            Some(path) => self.dockerfile_at(&path),
            None => (Presence::Elsewhere, None),
        }
    }

    /// The Dockerfile at a path: what BuildKit reads there.
    fn dockerfile_at(&self, path: &Path) -> OnDisk {
        if let Some(known) = self.dockerfiles.borrow().get(path) {
            return known.clone();
        }
        let folder_is_there = path.parent().is_none_or(|p| p.as_os_str().is_empty() || p.is_dir());
        let answer = match () {
            () if !folder_is_there => (Presence::Missing, None),
            () if path.is_dir() => (Presence::Folder, None),
            () => match find_dockerfile(path) {
                Ok(Some(found)) => (Presence::File, Dockerfile::parse(&found.bytes).ok().map(Arc::new)),
                Ok(None) => (Presence::Missing, None),
                // Whoever checks the build tells why it can't be read.
                Err(_) => (Presence::File, None),
            },
        };
        self.dockerfiles.borrow_mut().insert(path.to_owned(), answer.clone());
        answer
    }
}

/// Where the Dockerfile of a build lies, when it is a file of this machine.
pub fn path_of(build: &Build) -> Option<PathBuf> {
    let context = build.context.value.folder()?;
    match &build.dockerfile.value {
        DockerfileRef::Default => Some(join(context, "Dockerfile")),
        DockerfileRef::Path { path, .. } => Some(path.clone()),
        DockerfileRef::Inline(_) | DockerfileRef::Remote(_) => None,
    }
}
