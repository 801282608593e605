//! `stowaway.ignore/1`.

use std::io::{self, Write};

use serde::Serialize;

use super::{Document, Look, PathField, human, json, markdown};

/// What `ignore` found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IgnoreReport {
    /// What was asked: `propose`, `test` or `from-gitignore`.
    pub mode: String,
    /// The context as it was named.
    pub context: String,
    /// The ignore file that is meant: the one in force, or `.dockerignore` where there is none.
    pub ignore_file: String,
    /// It is there.
    pub exists: bool,
    /// Why it is this one, in words.
    pub ignore_file_reason: String,
    /// The builds that it counts for.
    pub builds: Vec<IgnoreBuild>,
    /// Builds that were found and that it doesn't count for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<IgnoreAside>,
    /// `propose`: the new lines, the one that saves most first. `from-gitignore`: those that the conversion gave, in their order.
    pub lines: Vec<IgnoreLine>,
    /// Lines of an earlier run that stay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// Lines of an earlier run that go, because a build fails with them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
    /// What the new lines hide together.
    pub saved: IgnoreSum,
    /// What is still in view and no step takes.
    pub left: IgnoreSum,
    /// `test`, `from-gitignore`: what comes into view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<IgnoreFold>,
    /// `test`, `from-gitignore`: what goes out of view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<IgnoreFold>,
    /// The steps whose keys would be others, once.
    pub changes: Vec<IgnoreStep>,
    /// What would fail that works now.
    pub failures: Vec<IgnoreFailure>,
    /// What would work that fails now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mended: Vec<IgnoreFailure>,
    /// `from-gitignore`: the files that were converted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gitignores: Vec<PathField>,
    /// `from-gitignore`: on this tree, the lines alone hide the very files that git ignores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<bool>,
    /// What has to be known, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// The file would be another.
    pub differs: bool,
    /// What was written; `null` for a dry run, and where there was nothing to write.
    pub written: Option<IgnoreWritten>,
}

/// A build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IgnoreBuild {
    /// Its Dockerfile as it was named.
    pub dockerfile: String,
    /// What tells it from others of that Dockerfile: a service, a stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Why it fails now, in words; empty for one that works.
    pub fails: Vec<String>,
}

/// A build that is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IgnoreAside {
    /// Its Dockerfile.
    pub dockerfile: String,
    /// What tells it from others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Why, in words.
    pub why: String,
}

/// A line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IgnoreLine {
    /// As it stands in the file.
    pub line: String,
    /// `unneeded`: no step takes what it hides; `litter`: steps take it, and nobody needs it; `converted`.
    pub kind: String,
    /// `litter`: what it is, in words. `converted`: where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// What it hides that no line above it does.
    #[serde(flatten)]
    pub sum: IgnoreSum,
    /// What of that a build sends to the engine now.
    pub sent: IgnoreSum,
    /// The steps that take some of it: their keys move with these files now, and will not any more.
    pub steps: Vec<IgnoreStep>,
    /// Some of the paths, three at most.
    pub examples: Vec<PathField>,
}

/// Files in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct IgnoreSum {
    /// Files, links and special files among them.
    pub files: u64,
    /// Folders.
    pub dirs: u64,
    /// Bytes of files; hard links count once.
    pub bytes: u64,
}

/// A step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IgnoreStep {
    /// Its Dockerfile.
    pub dockerfile: String,
    /// What tells the build from others of that Dockerfile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// BuildKit's name.
    pub step: String,
    /// Its line.
    pub line: usize,
    /// It takes files that come or go itself; else only what it stands on does.
    pub own: bool,
}

/// Something that fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IgnoreFailure {
    /// Its Dockerfile.
    pub dockerfile: String,
    /// What tells the build from others of that Dockerfile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// The step, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The line, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The code that `plan` gives it.
    pub code: String,
    /// In words.
    pub message: String,
    /// What the engine says.
    pub engine_message: String,
}

/// Entries that come or go, folded into folders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IgnoreFold {
    /// All of them.
    #[serde(flatten)]
    pub total: IgnoreSum,
    /// The largest first, 50 at most.
    pub groups: Vec<IgnoreGroup>,
    /// How many groups are not told.
    pub more: usize,
}

/// Entries of one folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IgnoreGroup {
    /// The folder, or the file.
    #[serde(flatten)]
    pub path: PathField,
    /// It is a folder.
    pub folder: bool,
    /// All of it; else some of the files right in it.
    pub whole: bool,
    /// What comes or goes.
    #[serde(flatten)]
    pub sum: IgnoreSum,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IgnoreWritten {
    /// The file.
    pub file: String,
    /// Where the old one is kept; `null` when there was none.
    pub backup: Option<String>,
}

impl Document for IgnoreReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        human::ignore::write(out, self, look)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.ignore/1", self)
    }

    fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        markdown::ignore(out, self)
    }
}
