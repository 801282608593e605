//! `stowaway.check/1`.

use serde::{Serialize, Serializer};

use super::PathField;
use crate::check::{Amount, Edit, Finding, Fix, Group, Help, Reference, Rule, Severity};

/// What `check` found.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// What was checked.
    pub builds: Vec<CheckedBuild>,
    /// What was found, by file and line; findings without a place come last.
    pub findings: Vec<FindingReport>,
    /// How many of each severity.
    pub counts: CheckCounts,
    /// Findings of this severity and worse make the exit status 1.
    pub threshold: Severity,
}

/// A build that was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckedBuild {
    /// Its name: a service or target; the Dockerfile's name where there is no other.
    pub name: String,
    /// The context as it was named.
    #[serde(flatten)]
    pub context: Option<PathField>,
    /// The Dockerfile's path from where the program ran, `-` for standard input.
    pub dockerfile: String,
    /// The target stage's name; empty where the Dockerfile doesn't tell.
    pub target: String,
    /// Why it could not be checked; its findings are then those that other files tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// How many findings there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CheckCounts {
    /// Errors.
    pub errors: u64,
    /// Warnings.
    pub warnings: u64,
    /// Notes.
    pub notes: u64,
    /// Findings that a comment or the configuration switches off.
    pub suppressed: u64,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingReport {
    /// The rule's row in the table.
    #[serde(rename = "code", serialize_with = "code")]
    pub rule: &'static Rule,
    /// What the rule looks at.
    pub group: Group,
    /// How bad it is, configuration applied.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The places, the one to blame first; empty when no line of any file is meant.
    pub labels: Vec<LabelReport>,
    /// The names of the builds that it concerns.
    pub builds: Vec<String>,
    /// The steps that it concerns, by BuildKit's names.
    pub steps: Vec<String>,
    /// Paths below the context that it is about, a few at most.
    pub paths: Vec<PathField>,
    /// How many files, folders and bytes.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "amount")]
    pub amount: Option<Amount>,
    /// What the engine will say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_message: Option<String>,
    /// What to do, best first.
    pub help: Vec<HelpReport>,
    /// The path of a project's file that leads nowhere.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "reference")]
    pub reference: Option<Reference>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelReport {
    /// The file, from where the program ran.
    pub file: String,
    /// Its first line, from 1.
    pub line: usize,
    /// Its last line, inclusive.
    pub end_line: usize,
    /// The column of the first byte, from 1; `None` when the lines as a whole are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The column behind the last byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<usize>,
    /// What is said at that place; may be empty.
    pub text: String,
    /// The lines themselves, without their ends, the first [`LabelReport::SOURCE`] at most; empty where the file's text is not at hand.
    pub source: Vec<String>,
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HelpReport {
    /// In the imperative, without a full stop.
    pub message: String,
    /// It was applied in memory, and the check repeated: the finding went away, and nothing as bad came.
    pub tried: bool,
    /// The change that does it, where it can be written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<FixReport>,
}

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FixReport {
    /// The file, as labels name it.
    pub file: String,
    /// Its edits, by line.
    pub edits: Vec<EditReport>,
}

/// Lines that take the place of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EditReport {
    /// The first line that changes, from 1; one more than the file has lines to add at its end.
    pub line: usize,
    /// How many lines go away.
    pub remove: usize,
    /// The lines that come, without line ends.
    pub insert: Vec<String>,
}

impl CheckReport {
    /// Whether there is a finding at the threshold or over it.
    pub fn fails(&self) -> bool {
        self.findings.iter().any(|f| f.severity >= self.threshold)
    }
}

impl FindingReport {
    /// A finding of these builds. `lines` gives the lines of a file, from the first to the last.
    pub fn new(
        finding: Finding,
        builds: Vec<String>,
        lines: impl Fn(&str, usize, usize) -> Vec<String>,
    ) -> Self {
        let known = |n: usize| Some(n).filter(|n| *n > 0);
        let label = |l: crate::check::Label| LabelReport {
            source: lines(&l.file, l.line, l.end_line.min(l.line + LabelReport::SOURCE - 1)),
            file: l.file,
            line: l.line,
            end_line: l.end_line,
            column: known(l.column),
            end_column: known(l.end_column),
            text: l.text,
        };
        Self {
            rule: finding.rule,
            group: finding.rule.group,
            severity: finding.severity,
            message: finding.message,
            labels: finding.labels.into_iter().map(label).collect(),
            builds,
            steps: finding.steps,
            paths: finding.paths.into_iter().map(PathField).collect(),
            amount: finding.amount,
            engine_message: finding.engine_message,
            help: finding.help.into_iter().map(HelpReport::from).collect(),
            reference: finding.reference,
        }
    }
}

impl LabelReport {
    /// So many lines of a place are told at most.
    pub const SOURCE: usize = 12;
}

impl From<Help> for HelpReport {
    fn from(help: Help) -> Self {
        Self { message: help.message, tried: help.tried, fix: help.fix.map(FixReport::from) }
    }
}

impl From<Fix> for FixReport {
    fn from(fix: Fix) -> Self {
        let edit = |Edit { line, remove, insert }: Edit| EditReport { line, remove, insert };
        Self { file: fix.file, edits: fix.edits.into_iter().map(edit).collect() }
    }
}

/// A rule's code.
fn code<S: Serializer>(rule: &&'static Rule, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(rule.code)
}

/// `{"files": …, "dirs": …, "bytes": …}`.
#[allow(clippy::ref_option, reason = "serde's signature")]
fn amount<S: Serializer>(amount: &Option<Amount>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Fields {
        files: u64,
        dirs: u64,
        bytes: u64,
    }
    let fields = |Amount { files, dirs, bytes }: Amount| Fields { files, dirs, bytes };
    amount.map(fields).serialize(serializer)
}

/// `{"build": …, "written": …, "resolved": …, "found": […], "fix": …}`.
#[allow(clippy::ref_option, reason = "serde's signature")]
fn reference<S: Serializer>(reference: &Option<Reference>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Fields<'a> {
        build: &'a str,
        written: &'a str,
        resolved: &'a str,
        found: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        fix: Option<&'a str>,
    }
    match reference {
        None => serializer.serialize_none(),
        Some(Reference { build, written, resolved, found, fix }) => {
            Fields { build, written, resolved, found, fix: fix.as_deref() }.serialize(serializer)
        }
    }
}
