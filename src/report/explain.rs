//! `stowaway.explain/1`.

use serde::Serialize;

use super::{DestinationField, PathField};

/// What `explain` found.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainReport {
    /// The ignore file in force.
    pub ignore_file: Option<String>,
    /// Why this one, in words.
    pub ignore_file_reason: String,
    /// An answer for each path asked about.
    pub paths: Vec<PathReport>,
    /// Why it can't be said which instructions take a path, where the Dockerfile does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps_unknown: Option<String>,
}

/// The answer for one path.
#[derive(Debug, Clone, Serialize)]
pub struct PathReport {
    /// The path below the context.
    #[serde(flatten)]
    pub path: PathField,
    /// Whether it exists on disk.
    pub exists: bool,
    /// Its type, where it exists.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Whether the engine can see it: it exists and the ignore file leaves it in view.
    pub sent: bool,
    /// Whether this build would transfer it: some instruction asks for it; `None` when the Dockerfile does not tell.
    pub requested: Option<bool>,
    /// The pattern that decided; `None` when none matched.
    pub decided_by: Option<VerdictReport>,
    /// The instructions that take it.
    pub steps: Vec<TakenBy>,
    /// In words, what is not obvious.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A pattern that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerdictReport {
    /// The ignore file.
    pub ignore_file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The pattern as written.
    pub pattern: String,
    /// True for a pattern with `!`, which brings a path back.
    pub negated: bool,
}

/// An instruction that takes a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TakenBy {
    /// The step's name.
    pub name: String,
    /// Its line.
    pub line: usize,
    /// Where the path lands in the image; `None` for a mount.
    #[serde(flatten)]
    pub destination: Option<DestinationField>,
}
