//! `stowaway.plan/1`.

use serde::{Serialize, Serializer};

use super::PathField;
use crate::digest::Digest;

/// What `plan` found.
#[derive(Debug, Clone, Serialize)]
pub struct PlanReport {
    /// The build context as the ignore file leaves it.
    pub context: ContextSummary,
    /// The Dockerfile as it was named, `-` for standard input.
    pub dockerfile: String,
    /// The target stage's name.
    pub target: String,
    /// The steps of the target in the order of the Dockerfile.
    pub steps: Vec<StepReport>,
    /// The cache records that an export of this build with `mode=max` would hold.
    pub records: Vec<RecordReport>,
    /// Why the build would fail; empty when it would not.
    pub errors: Vec<ErrorReport>,
    /// What works, but not as most people expect.
    pub warnings: Vec<WarningReport>,
    /// What a first build would transfer of the context: BuildKit asks only for the paths that some instruction names.
    pub sent: Sent,
    /// The named local contexts that the build reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub named_contexts: Vec<NamedSummary>,
}

/// A local context in numbers: what is visible under its ignore file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ContextSummary {
    /// The folder as it was named.
    #[serde(flatten)]
    pub path: Option<PathField>,
    /// The ignore file in force; `None` when there is none.
    pub ignore_file: Option<String>,
    /// Why this one: the other candidate and what became of it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_file_reason: Option<String>,
    /// The folder could not be listed, so that the numbers are all 0: `errors` says why.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unlisted: bool,
    /// Regular files, hard links and sockets included.
    pub files: u64,
    /// Folders.
    pub dirs: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Named pipes and devices.
    pub special: u64,
    /// Bytes of the regular files.
    pub bytes: u64,
    /// Entries that the ignore file hides; a folder that is hidden with all it holds counts once.
    pub ignored: u64,
}

/// What a transfer would carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// Regular files.
    pub files: u64,
    /// Folders.
    pub dirs: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Bytes of the regular files.
    pub bytes: u64,
}

/// A named local context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedSummary {
    /// Its name in the Dockerfile.
    pub name: String,
    /// Its numbers.
    #[serde(flatten)]
    pub context: ContextSummary,
    /// What is transferred of it.
    pub sent: Sent,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// The name that BuildKit's progress output gives it.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// First line, from 1.
    pub line: usize,
    /// Last line.
    pub end_line: usize,
    /// The keyword in upper case.
    pub instruction: String,
    /// The instruction as written, continuations joined.
    pub text: String,
    /// The content key, `None` when it can't be known.
    #[serde(serialize_with = "digest")]
    pub content_key: Option<Digest>,
    /// The cache key, `None` when it can't be known.
    #[serde(serialize_with = "digest")]
    pub cache_key: Option<Digest>,
    /// What is missing for a key, in words.
    pub open: Vec<String>,
    /// What it reads from local contexts.
    pub reads: Reads,
    /// `--no-cache` or `--no-cache-filter` makes it run anew, whatever its key.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore_cache: bool,
}

/// What a step reads from local contexts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reads {
    /// Regular files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// One cache record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordReport {
    /// Its digest.
    #[serde(serialize_with = "plain_digest")]
    pub digest: Digest,
    /// For each input its alternatives.
    pub inputs: Vec<Vec<LinkReport>>,
}

/// One alternative of a record's input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkReport {
    /// Digest of the record that it points at.
    #[serde(serialize_with = "plain_digest")]
    pub digest: Digest,
    /// The selector, where there is one.
    #[serde(serialize_with = "digest", skip_serializing_if = "Option::is_none")]
    pub selector: Option<Digest>,
    /// The index of that record in `records`: several records may have one digest.
    pub record: usize,
}

/// A reason for which the build would fail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ErrorReport {
    /// The file that is wrong, where it is not the Dockerfile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1; `None` when the file as a whole is meant.
    pub line: Option<usize>,
    /// The column in bytes, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The step's name, where it has one by then.
    pub step: Option<String>,
    /// A stable code in kebab case.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What the engine says.
    pub engine_message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The ignore pattern that is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The line's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A line of an ignore file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The ignore file.
    pub ignore_file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The pattern as written.
    pub pattern: String,
}

/// Something that will surprise people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WarningReport {
    /// The Dockerfile's line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// A stable code in kebab case.
    pub code: String,
    /// In words.
    pub message: String,
}

/// `sha256:…` or `null`.
#[allow(clippy::ref_option, reason = "serde's signature")]
pub(super) fn digest<S: Serializer>(digest: &Option<Digest>, serializer: S) -> Result<S::Ok, S::Error> {
    match digest {
        Some(digest) => plain_digest(digest, serializer),
        None => serializer.serialize_none(),
    }
}

/// `sha256:…`.
pub(super) fn plain_digest<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}
