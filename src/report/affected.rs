//! `stowaway.affected/1`.

use std::io::{self, Write};

use serde::Serialize;

use super::{CauseReport, Document, Look, human, json, markdown};

/// What `affected` found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AffectedReport {
    /// The state before.
    pub base: StateReport,
    /// The state after.
    pub head: StateReport,
    /// The files that were read to find the builds.
    pub files: Vec<String>,
    /// Every build, in the order of the files; those that are gone last.
    pub builds: Vec<AffectedBuild>,
    /// What is wrong with the files without belonging to one build, and what has to be known to read the answer, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How many builds there are of each kind.
    pub summary: AffectedSummary,
}

/// A state of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StateReport {
    /// The revision as it was named; null for the work tree.
    pub name: Option<String>,
    /// Its full object name; null for the work tree.
    pub revision: Option<String>,
}

/// One build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AffectedBuild {
    /// Its name: a service's, a target's, or a Dockerfile's path.
    pub name: String,
    /// Whether it has to be built again. False for one that is gone.
    pub affected: bool,
    /// What became of it.
    pub change: Change,
    /// The file that asks for it; the Dockerfile itself where no other does.
    pub file: String,
    /// The line in that file, from 1; null for a Dockerfile.
    pub line: Option<usize>,
    /// The context: a folder or a URL.
    pub context: String,
    /// The Dockerfile; null for one that is written into the file.
    pub dockerfile: Option<String>,
    /// The stage; empty for the last one.
    pub target: String,
    /// The platforms; empty for the builder's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// Why it is affected, the first causes first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<AffectedReason>,
}

/// What became of a build; its names in JSON are in kebab case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The result is the same.
    #[default]
    None,
    /// The result is another.
    Changed,
    /// It was not there.
    New,
    /// It is not there any more.
    Gone,
    /// It can't be told: one of the two states can't be planned.
    Unknown,
}

/// Why a build is affected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AffectedReason {
    /// Which kind of reason.
    pub kind: ReasonKind,
    /// In words, without the causes.
    pub text: String,
    /// The step that reruns first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The line of the step in the Dockerfile, or of the option in the project's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The build that it stands on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Why the step reruns, the first ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<CauseReport>,
    /// How many more causes there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
}

/// The kinds of reason; their names in JSON are in kebab case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonKind {
    /// A step reruns.
    #[default]
    Step,
    /// Every step is cached, and the image is another: what it runs by default, its labels, its environment.
    Image,
    /// An option of the build changed.
    Option,
    /// A build that it stands on is affected.
    StandsOn,
    /// It was not there.
    New,
    /// It can't be planned.
    Error,
}

/// How many builds there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AffectedSummary {
    /// That have to be built again.
    pub affected: usize,
    /// Whose result is the same.
    pub unaffected: usize,
    /// That are gone.
    pub gone: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// A job of a matrix.
#[derive(Serialize)]
struct Job<'a> {
    name: &'a str,
    context: &'a str,
    dockerfile: &'a str,
    target: &'a str,
}

impl<'a> Job<'a> {
    fn of(build: &'a AffectedBuild) -> Self {
        let dockerfile = build.dockerfile.as_deref().unwrap_or_default();
        Self { name: &build.name, context: &build.context, dockerfile, target: &build.target }
    }
}

impl AffectedReport {
    /// The builds that have to be built again.
    pub fn affected(&self) -> impl Iterator<Item = &AffectedBuild> {
        self.builds.iter().filter(|b| b.affected)
    }
}

impl Document for AffectedReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        human::affected::write(out, self, look)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.affected/1", self)
    }

    fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        markdown::affected(out, self)
    }

    fn names(&self, out: &mut dyn Write) -> io::Result<()> {
        self.affected().try_for_each(|build| writeln!(out, "{}", super::shown(build.name.as_bytes())))
    }

    fn matrix(&self, out: &mut dyn Write) -> io::Result<()> {
        let jobs: Vec<Job<'_>> = self.affected().map(Job::of).collect();
        serde_json::to_writer(&mut *out, &serde_json::json!({ "include": jobs })).map_err(io::Error::from)?;
        writeln!(out)
    }
}
