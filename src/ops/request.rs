//! What a verb is asked about.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::plan::{NamedContext, PlanOptions};

/// A build: its context, its Dockerfile and its options.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The context folder.
    pub context: PathBuf,
    /// Where the Dockerfile is.
    pub dockerfile: DockerfileInput,
    /// Named contexts by name.
    pub named: BTreeMap<String, NamedInput>,
    /// Base images: the reference, and the file or folder that tells what it is.
    pub bases: Vec<(String, PathBuf)>,
    /// How registries are asked for base images that nothing else tells; `None` for not at all.
    #[cfg(feature = "registry")]
    pub registries: Option<crate::imported::RegistryOptions>,
    /// The build's options. Its `named_contexts` are filled in from `named`.
    pub plan: PlanOptions,
    /// The folder in which the digests of files are remembered from run to run; without one, all that is needed is read.
    pub index: Option<PathBuf>,
}

/// Where the Dockerfile is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DockerfileInput {
    /// `Dockerfile` in the context, or `dockerfile`.
    #[default]
    Default,
    /// This file, in the context or elsewhere.
    Path(PathBuf),
    /// These bytes; there is no Dockerfile-specific ignore file then.
    Bytes(Vec<u8>),
}

/// Where a named context is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedInput {
    /// A folder.
    Folder(PathBuf),
    /// An OCI layout: `PATH[:TAG][@DIGEST]`.
    OciLayout(String),
    /// An image reference.
    DockerImage(String),
    /// A URL.
    Remote(String),
    /// `target:…` and other forms that only a builder knows.
    Other(String),
}

impl NamedInput {
    /// What the plan has to know of it.
    pub fn to_plan(&self) -> NamedContext {
        match self {
            Self::Folder(_) => NamedContext::Local,
            Self::OciLayout(_) => NamedContext::OciLayout,
            Self::DockerImage(reference) => NamedContext::DockerImage(reference.clone()),
            Self::Remote(url) => NamedContext::Remote(url.clone()),
            Self::Other(text) => NamedContext::Other(text.clone()),
        }
    }
}
