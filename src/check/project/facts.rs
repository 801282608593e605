//! What rules about projects look at.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::dockerfile::Dockerfile;
use crate::project::{Build, Project};

/// A project, read, and what is on disk of what it names.
#[derive(Debug)]
pub struct ProjectFacts<'a> {
    /// What its files ask for.
    pub project: &'a Project,
    /// What is known of each of [`Project::builds`], in the same order.
    pub builds: Vec<BuildFacts<'a>>,
    /// The text of its files by name, for the columns of places.
    pub texts: BTreeMap<String, String>,
    /// Files below the project's folder that look like Dockerfiles, or have the name of one that is missing: paths as
    /// [`crate::project::DockerfileRef`] has them.
    pub dockerfiles: Vec<PathBuf>,
    /// Folders below the project's folder, for contexts that are missing.
    pub folders: Vec<PathBuf>,
}

/// What is on disk of what a build names.
#[derive(Debug, Clone, Default)]
pub struct BuildFacts<'a> {
    /// The context.
    pub context: Presence,
    /// The Dockerfile.
    pub dockerfile: Presence,
    /// What the Dockerfile says; `None` when it can't be read, or is not on this machine.
    pub parsed: Option<&'a Dockerfile>,
    /// The named contexts that are folders.
    pub named: BTreeMap<String, Presence>,
    /// The files of secrets, in the order of [`Build::secrets`]; elsewhere for those that come from a variable.
    pub secrets: Vec<Presence>,
    /// Platforms that are none: their place in [`Build::platforms`], and why.
    pub bad_platforms: Vec<(usize, String)>,
}

/// Whether something is on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Presence {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// Nothing.
    Missing,
    /// It is not on this machine, or written in the project itself.
    #[default]
    Elsewhere,
}

impl<'a> ProjectFacts<'a> {
    /// The builds with what is known of each; those that are only there to inherit from are left out.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'a Build, &BuildFacts<'a>)> {
        self.project.builds.iter().zip(&self.builds).filter(|(build, _)| !build.template)
    }
}
