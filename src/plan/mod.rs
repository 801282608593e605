//! Dockerfile and options → the build graph that BuildKit's frontend would make: what is written, not yet what it means.
//!
//! No I/O: base images and the contexts' files come in through traits or options.

mod args;
mod base;
mod chmod;
mod config;
mod copy;
mod dispatch;
mod env;
mod epoch;
mod expose;
mod git;
#[cfg(test)]
mod golden;
mod graph;
mod lint;
#[cfg(test)]
mod lint_golden;
mod mounts;
mod named;
mod names;
mod nodes;
mod paths;
mod platform;
mod problem;
mod remote;
mod resolve;
mod run;
mod stage;
mod stages;
#[cfg(test)]
mod tests;
mod text;
mod url;
mod versions;
mod warn;
mod words;
mod workdir;

pub use config::TargetImage;
pub use env::Variable;
pub use graph::*;
pub use lint::{Linted, lints_of_unreadable};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::buildkit::{Version, Versions};
use crate::dockerfile::{Lint, Span};
use crate::image::{Image, Platform};
use crate::pattern::Matcher;

/// What a plan is made for.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// `--target`; `None` for the last stage.
    pub target: Option<String>,
    /// `--build-arg K=V`, values known (the command line has already looked up `K` in the environment).
    pub build_args: BTreeMap<String, String>,
    /// `--build-context NAME=…`, by the name as given.
    pub named_contexts: BTreeMap<String, NamedContext>,
    /// `--platform`; `None` for `linux/` and this machine's architecture.
    pub platform: Option<Platform>,
    /// The platform that the build runs on; `None` for `linux/` and this machine's architecture.
    pub build_platform: Option<Platform>,
    /// `--no-cache`.
    pub no_cache: bool,
    /// `--no-cache-filter`: names of stages.
    pub no_cache_filter: Vec<String>,
    /// The patterns of the context's ignore file, for the check `CopyIgnoredFile`; `None` for no file, or one that can't be read.
    pub ignore: Option<Arc<Matcher>>,
    /// The engine's version of BuildKit, whose frontend reads the Dockerfile unless a `# syntax` line names another; `None` where
    /// nobody told, for the newest.
    pub buildkit: Option<Version>,
}

/// Where a named context comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedContext {
    /// A folder on this machine.
    Local,
    /// `oci-layout://…`: the image is looked up under the context's name with [`Images::named`].
    OciLayout,
    /// `docker-image://REF`.
    DockerImage(String),
    /// A git or http(s) URL.
    Remote(String),
    /// `target:…` and other forms that only a builder knows.
    Other(String),
}

/// Why no plan could be made at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// An image that should be readable and is not.
    #[error("reading image {name}: {why}")]
    Image {
        /// Its reference, or the named context.
        name: String,
        /// What [`Images`] said.
        why: String,
    },
}

/// Knows base images.
pub trait Images {
    /// The image that a reference names (already normalised: `docker.io/library/alpine:3.19`), `None` when it isn't known offline.
    ///
    /// # Errors
    /// What is wrong with an image that should be readable.
    fn image(&self, reference: &str, platform: &Platform) -> Result<Option<Image>, String>;

    /// The image behind `--build-context NAME=oci-layout://…`.
    ///
    /// # Errors
    /// What is wrong with the layout.
    fn named(&self, name: &str, platform: &Platform) -> Result<Image, String>;
}

/// The build of one target, as far as the Dockerfile tells it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The versions of BuildKit that it is made for.
    pub versions: Versions,
    /// Every vertex that the target needs, inputs before users.
    pub graph: Graph,
    /// The vertex of the target's final state; `None` for an empty scratch image.
    pub target: Option<VertexId>,
    /// The name of the target: its stage's name, or `stage-N` for one without.
    pub target_name: String,
    /// The config of the target's image.
    pub image: TargetImage,
    /// The steps in the order of the Dockerfile.
    pub steps: Vec<Step>,
    /// What would make the build fail, known without looking at any file.
    pub errors: Vec<PlanError>,
    /// What will surprise people, in words.
    pub warnings: Vec<PlanWarning>,
    /// What BuildKit's own checks say while it builds the target, in its order, up to the first error.
    pub lints: Vec<Lint>,
}

/// One step: an instruction that makes a vertex of its own, as BuildKit's progress shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// BuildKit's name, such as `[builder 2/4] COPY . .`.
    pub name: String,
    /// The stage's name (`stage-0` for one without; empty when the file has one nameless stage).
    pub stage: String,
    /// Where the instruction stands.
    pub span: Span,
    /// Its keyword in upper case: `FROM`, `COPY`, `ADD`, `RUN`, `WORKDIR`.
    pub instruction: String,
    /// The instruction as written (continuations joined).
    pub text: String,
    /// The vertex that holds the step's own work.
    pub vertex: VertexId,
    /// An ONBUILD trigger of the base.
    pub onbuild: bool,
    /// `--no-cache` or `--no-cache-filter` makes it run anew (its key stays what it is).
    pub ignore_cache: bool,
    /// The path sources that are looked up in files, as resolved, with what they were written as.
    pub sources: Vec<StepSource>,
    /// The variables in force, the one that was set last standing last. Of FROM: the global ones.
    pub variables: Arc<Vec<Variable>>,
}

/// One source of a COPY, ADD or bind mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSource {
    /// As written, variables expanded.
    pub written: String,
    /// The absolute path that BuildKit looks up, such as `/src/a.txt` (with `..` clamped to the root).
    pub path: String,
    /// Index of the input of the step's vertex that it is looked up in; `None` for an input that isn't there (empty scratch stage).
    pub input: Option<usize>,
}

/// A reason for which the build fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    /// Where; `None` when the file as a whole is meant.
    pub span: Option<Span>,
    /// The step, when it has a name by then.
    pub step: Option<String>,
    /// A stable code in kebab case, such as `unknown-stage`.
    pub code: &'static str,
    /// What is wrong, in our words.
    pub message: String,
    /// BuildKit's own text, without `failed to solve: `.
    pub engine_message: String,
    /// What to do, where something can be said: `did you mean …`.
    pub hint: Option<String>,
}

/// Something that works but not as people expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanWarning {
    /// Where.
    pub span: Option<Span>,
    /// A stable code in kebab case.
    pub code: &'static str,
    /// In words.
    pub message: String,
}
