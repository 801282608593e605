//! Values → bytes: what a command found, as text for people or as JSON, one file per format.
//!
//! The types here are the documents that `--format json` writes; their field names are a promise (`docs/json.md`).
//! Nothing here looks at a file, a terminal or the environment: [`Look`] says how wide and whether in colour.

mod affected;
mod bench;
mod build;
mod cause;
mod check;
mod churn;
mod doctor;
mod du;
mod explain;
mod github;
mod gitlab;
mod html;
mod human;
mod ignore;
mod json;
mod key;
mod listing;
mod log;
mod markdown;
mod pack;
mod path;
mod place;
mod plan;
mod rules;
mod sarif;
mod snapshot;
mod time;
mod why;

pub use affected::{
    AffectedBuild, AffectedReason, AffectedReport, AffectedSummary, Change, ReasonKind, StateReport,
};
pub use bench::{BenchBuild, BenchClient, BenchFinding, BenchPack, BenchPlan, BenchReport, BenchTransfer};
pub use build::{BuildReport, BuildSummary, BuiltStep, Difference, foretold, prediction};
pub use check::{
    CheckCounts, CheckReport, CheckedBuild, EditReport, FindingReport, FixReport, HelpReport, LabelReport,
};
pub use churn::{
    ChurnCause, ChurnCommit, ChurnHistory, ChurnLeftOut, ChurnMark, ChurnOutcome, ChurnPath, ChurnPattern,
    ChurnProposal, ChurnReport, ChurnStep,
};
pub use doctor::{
    BuilderHealth, CommandsHealth, DiskHealth, DoctorFinding, DoctorReport, DoctorSeverity, DoctorVerdict,
    EngineHealth, LimitsHealth, MemoryHealth, NodeHealth, ToolHealth,
};
pub use du::{DuFile, DuFolder, DuLimit, DuNamed, DuReport, Shares, Weight};
pub use explain::{ExplainReport, PathReport, TakenBy, VerdictReport};
pub use html::{Fate, Hold, HoldFolder, HoldItem, HoldState, PageReport, PageVerb};
pub use human::{Look, size};
pub use ignore::{
    IgnoreAside, IgnoreBuild, IgnoreFailure, IgnoreFold, IgnoreGroup, IgnoreLine, IgnoreReport, IgnoreStep,
    IgnoreSum, IgnoreWritten,
};
pub use key::{KeyPart, KeyReport, KeyStep};
pub use listing::{EntryReport, ListReport, type_name};
pub use log::{LogCounts, LogReport, LogStep, LogSummary, OtherWork, StepOutcome};
pub use pack::{DifferenceReport, PackReport, PackVerifyReport, PackedDockerfile};
pub use path::{DestinationField, LinkField, PathField, shown};
pub use plan::{
    Cause, ContextSummary, ErrorReport, LinkReport, NamedSummary, PlanReport, Reads, RecordReport, Sent,
    StepReport, WarningReport,
};
pub use rules::{RuleList, RulePage};
pub use snapshot::SnapshotReport;
pub use why::{
    BaselineReport, CacheAnswer, CauseReport, FoldReport, HintReport, WhyReport, WhyStep, WhySummary,
    kind_name, verdict_name,
};

use std::io::{self, Write};

/// A document that can be written for people and for programs.
pub trait Document {
    /// Writes the document as text for people.
    ///
    /// # Errors
    /// What `out` says.
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()>;

    /// Writes the document as JSON, indented by two spaces, with a newline at its end.
    ///
    /// # Errors
    /// What `out` says.
    fn json(&self, out: &mut dyn Write) -> io::Result<()>;

    /// Writes the document as Markdown, for a job's summary or a pull request's comment: short, details folded, and never
    /// longer than GitHub takes.
    ///
    /// # Errors
    /// What `out` says; unsupported for a document that has no such form.
    fn markdown(&self, _out: &mut dyn Write) -> io::Result<()> {
        unavailable("markdown")
    }

    /// Writes the document as workflow commands, which GitHub shows as annotations of files.
    ///
    /// # Errors
    /// What `out` says; unsupported for a document that has no such form.
    fn github(&self, _out: &mut dyn Write) -> io::Result<()> {
        unavailable("github")
    }

    /// Writes the document as SARIF 2.1.0, which code scanning tools and editors read.
    ///
    /// # Errors
    /// What `out` says; unsupported for a document that has no such form.
    fn sarif(&self, _out: &mut dyn Write) -> io::Result<()> {
        unavailable("sarif")
    }

    /// Writes the document as GitLab's code quality report.
    ///
    /// # Errors
    /// What `out` says; unsupported for a document that has no such form.
    fn gitlab(&self, _out: &mut dyn Write) -> io::Result<()> {
        unavailable("gitlab")
    }

    /// Writes the names that the document tells, one a line.
    ///
    /// # Errors
    /// What `out` says; unsupported for a document that has no such form.
    fn names(&self, _out: &mut dyn Write) -> io::Result<()> {
        unavailable("names")
    }

    /// Writes the document as a GitHub job matrix, in one line.
    ///
    /// # Errors
    /// What `out` says; unsupported for a document that has no such form.
    fn matrix(&self, _out: &mut dyn Write) -> io::Result<()> {
        unavailable("matrix")
    }
}

/// The command line offers only what a document has, so that this is for callers of the library.
fn unavailable(format: &str) -> io::Result<()> {
    let message = format!("this document has no form `{format}`");
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}

#[cfg(test)]
mod tests;
