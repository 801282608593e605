//! `stowaway.why/1`.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::{Document, Look, PathField, github, human, json, markdown};
use crate::diff::{Cause, CauseKind, Verdict};

/// What `why` found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WhyReport {
    /// What the build is compared with.
    pub baseline: BaselineReport,
    /// The Dockerfile as it was named, `-` for standard input.
    pub dockerfile: String,
    /// Its path from the folder that the command ran in; left out for standard input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dockerfile_path: Option<String>,
    /// The target stage's name.
    pub target: String,
    /// The steps of the target in the order of the Dockerfile.
    pub steps: Vec<WhyStep>,
    /// What would have kept a layer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<HintReport>,
    /// What has to be known to read the answer, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How many steps have each verdict.
    pub summary: WhySummary,
}

impl Document for WhyReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        human::why::write(out, self, look)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.why/1", self)
    }

    fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        markdown::why(out, self)
    }

    fn github(&self, out: &mut dyn Write) -> io::Result<()> {
        github::why(out, self)
    }
}

/// What a build is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BaselineReport {
    /// `snapshot`, `git`, `cache` or `registry`.
    pub kind: String,
    /// As it was named: a file, a revision, a folder, a reference.
    pub name: String,
    /// When it was taken, in seconds since 1970; left out where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<i64>,
    /// The revision's full object name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Whether anything in it can be used for this build.
    pub usable: bool,
    /// What stands in the way, or what the misses come from; for a cache only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheAnswer>,
}

impl Default for BaselineReport {
    fn default() -> Self {
        Self {
            kind: "snapshot".to_owned(),
            name: String::new(),
            taken: None,
            revision: None,
            usable: true,
            cache: None,
        }
    }
}

/// What a cache is good for, as one word; its names in JSON are in kebab case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheAnswer {
    /// There is no cache, or nothing in it.
    None,
    /// It was made for another platform.
    OtherPlatform,
    /// It was made on another base image.
    OtherBase,
    /// It is one of this build, and these files differ.
    TheseFiles,
    /// It is one of this build, and nothing that it holds is missed.
    Complete,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhyStep {
    /// The name that BuildKit's progress output gives it.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// First line, from 1.
    pub line: usize,
    /// Last line.
    pub end_line: usize,
    /// `cached`, `rerun` or `unknown`.
    #[serde(serialize_with = "verdict")]
    pub verdict: Verdict,
    /// For an unknown verdict: what becomes of the step if every name still stands for the same image, URL or repository.
    #[serde(serialize_with = "likely", skip_serializing_if = "Option::is_none")]
    pub likely: Option<Verdict>,
    /// It would rerun even if all that it stands on were cached.
    pub first_cause: bool,
    /// What an unknown verdict hangs on, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
    /// A daemon that holds an older copy of the context may show the step cached, since its transfer does not notice what changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub may_be_stale: bool,
    /// Every cause.
    pub causes: Vec<CauseReport>,
    /// Causes that are one and the same, in one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folded: Vec<FoldReport>,
}

impl Default for WhyStep {
    fn default() -> Self {
        Self {
            name: String::new(),
            stage: String::new(),
            line: 0,
            end_line: 0,
            verdict: Verdict::Unknown,
            likely: None,
            first_cause: false,
            open: Vec::new(),
            may_be_stale: false,
            causes: Vec::new(),
            folded: Vec::new(),
        }
    }
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CauseReport {
    /// What changed; in JSON in kebab case.
    #[serde(serialize_with = "kind")]
    pub kind: CauseKind,
    /// The file, where one is to blame.
    #[serde(flatten)]
    pub path: Option<PathField>,
    /// Where `path` is: a named context, or a stage's step; left out for the build context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The step that reruns, for a parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What was there: a mode, a type, a link's target, an old path, a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What is there now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The line of the Dockerfile or of the ignore file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// More in words: the ignore file's pattern, an argument's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// A daemon's incremental transfer does not notice it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unnoticed: bool,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The place in the step's `folded` of the line that stands for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fold: Option<usize>,
}

impl From<&Cause> for CauseReport {
    fn from(cause: &Cause) -> Self {
        let parent = cause.kind == CauseKind::Parent;
        let named = !cause.source.is_empty() && cause.source != "context";
        Self {
            kind: cause.kind,
            path: cause.path.as_ref().map(PathField::new),
            source: named.then(|| cause.source.clone()),
            step: cause.detail.clone().filter(|_| parent),
            before: cause.before.clone(),
            after: cause.after.clone(),
            line: cause.line,
            detail: cause.detail.clone().filter(|_| !parent),
            unnoticed: cause.unnoticed,
            hint: None,
            fold: None,
        }
    }
}

/// Many causes in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoldReport {
    /// What changed.
    #[serde(serialize_with = "kind")]
    pub kind: CauseKind,
    /// How many causes it stands for.
    pub count: usize,
    /// In words: `1,204 files differ only in mode: 0664 here, 0644 there: umask 0002`.
    pub text: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HintReport {
    /// What to do and what it would have kept, in words.
    pub text: String,
    /// The keys were computed with it: it is true.
    pub checked: bool,
    /// The step that would have been cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// Verdicts counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WhySummary {
    /// Steps that are cached.
    pub cached: usize,
    /// Steps that rerun.
    pub rerun: usize,
    /// Steps of which it can't be told.
    pub unknown: usize,
}

impl WhySummary {
    /// Counts the verdicts of `steps`.
    pub fn of(steps: &[WhyStep]) -> Self {
        let count = |verdict| steps.iter().filter(|s| s.verdict == verdict).count();
        Self {
            cached: count(Verdict::Cached),
            rerun: count(Verdict::Rerun),
            unknown: count(Verdict::Unknown),
        }
    }
}

/// A verdict's name in JSON.
pub fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Cached => "cached",
        Verdict::Rerun => "rerun",
        Verdict::Unknown => "unknown",
    }
}

/// The name of a kind of cause in JSON.
pub fn kind_name(kind: CauseKind) -> &'static str {
    match kind {
        CauseKind::Content => "content",
        CauseKind::Mode => "mode",
        CauseKind::Owner => "owner",
        CauseKind::Type => "type",
        CauseKind::Linkname => "linkname",
        CauseKind::Xattr => "xattr",
        CauseKind::Added => "added",
        CauseKind::Removed => "removed",
        CauseKind::Renamed => "renamed",
        CauseKind::Instruction => "instruction",
        CauseKind::Arg => "arg",
        CauseKind::Ignore => "ignore",
        CauseKind::Base => "base",
        CauseKind::Parent => "parent",
        CauseKind::Missing => "missing",
        CauseKind::NoCache => "no-cache",
        CauseKind::NotRemembered => "not-remembered",
        CauseKind::Unknown => "unknown",
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn verdict<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict_name(*verdict))
}

#[allow(clippy::trivially_copy_pass_by_ref, clippy::ref_option, reason = "serde's signature")]
fn likely<S: Serializer>(likely: &Option<Verdict>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_some(&likely.map(verdict_name))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn kind<S: Serializer>(kind: &CauseKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind_name(*kind))
}

#[cfg(test)]
mod tests;
