//! One analysis of a build, frozen: what was read, what it means, and nothing secret.
//!
//! Values of build arguments are kept as digests only, and nothing that was expanded with them is kept as text.

mod codec;
mod comparable;
mod file;
mod store;

use std::collections::BTreeMap;
use std::ops::Range;

pub use codec::{FormatError, Malformed};
pub use comparable::{Incomparable, comparable};
pub use file::{FileError, read};
pub use store::{Kept, Last, Store};

use crate::buildkit::Version;
use crate::cache::Remembered;
use crate::digest::Digest;
use crate::entry::Entry;

/// What a build was made from at some moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is a snapshot of.
    pub subject: Subject,
    /// The version of BuildKit whose keys these are.
    pub buildkit: Version,
    /// Build arguments that were given, by name: BLAKE3 of their values.
    pub arguments: BTreeMap<String, Digest>,
    /// The ignore files, by the name of the local source: `context`, or a named context's.
    pub ignore_files: BTreeMap<String, IgnoreRules>,
    /// The local sources as they were sent, by their names in [`Keys`](crate::cache::Keys) (`context`, `context#1`, …).
    pub sources: Vec<SourceState>,
    /// The build graph, inputs before users.
    pub vertices: Vec<VertexState>,
    /// The steps in the order of the Dockerfile.
    pub steps: Vec<StepState>,
    /// The vertex of the target's final state; `None` for an empty scratch image.
    pub target: Option<usize>,
    /// The records that a builder which has just built this remembers.
    pub remembered: Remembered,
    /// Why the build fails, in words; empty when nothing of the kind is known.
    pub failures: Vec<Failure>,
}

impl Snapshot {
    /// The bytes of its file: the same for equal snapshots.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads the bytes of a file, of this version of the format or an older one.
    ///
    /// # Errors
    /// Why they are no snapshot.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        codec::decode(bytes)
    }
}

/// What a snapshot is of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The program that took it, such as `stowaway 0.1.0`.
    pub tool: String,
    /// When, in seconds since 1970; `None` for a revision.
    pub taken: Option<i64>,
    /// The context's folder as an absolute path, in bytes.
    pub context: Vec<u8>,
    /// The Dockerfile: its path below the context, or as it was named when it lies elsewhere; `-` for standard input.
    pub dockerfile: String,
    /// The target stage's name.
    pub target: String,
    /// The platform, as `linux/amd64`.
    pub platform: String,
    /// The revision, where it is one: its full object name.
    pub revision: Option<String>,
}

/// An ignore file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreRules {
    /// Its name; `None` when there was none.
    pub name: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A local source as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceState {
    /// Its name in the keys: `context`, `context#1`, a named context's.
    pub name: String,
    /// The local source: `context`, or a named context's name.
    pub local: String,
    /// The entries in fsutil's order.
    pub entries: Vec<Entry>,
    /// By entry: BLAKE3 of the content of a regular file, where a key needed it.
    pub contents: Vec<Option<Digest>>,
    /// Whether modification times mean something: they don't in a revision.
    pub has_times: bool,
}

/// A vertex.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VertexState {
    /// What it is.
    pub kind: VertexKind,
    /// The places in [`Snapshot::remembered`] of its records: one for an operation, up to two for an image, none for a local
    /// source. Where the real digest is not known it is one stand-in.
    pub records: Vec<usize>,
    /// Why its own operation or source isn't fully known, in words.
    pub open: Vec<String>,
    /// The operation in parts that can be compared one by one, sorted by name.
    pub fields: Vec<Field>,
    /// Its inputs.
    pub inputs: Vec<InputState>,
    /// It runs whatever is remembered (`--no-cache`).
    pub ignore_cache: bool,
}

/// What a vertex is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum VertexKind {
    /// A folder of the client's.
    #[default]
    Local,
    /// An image.
    Image,
    /// A file behind a URL.
    Http,
    /// A git repository.
    Git,
    /// Copies and makes files.
    File,
    /// Runs a program.
    Exec,
    /// `--link`.
    Merge,
}

/// One part of an operation. Two operations are the same for BuildKit exactly when they have the same parts.
///
/// * Programs: `args`, `cwd`, `user`, `hostname`, `extraHosts`, `env NAME`, `mount DESTINATION`, `secret env NAME`,
///   `device NAME`, `network`, `security`, `platform`; and `env order`, `mount order`, `secret env order`, `device order`,
///   since the order counts, too.
/// * File operations, for the action of number N: `copy N source` (of a path that is selected by content the base name
///   alone), `copy N destination`, `owner`, `mode`, `modeStr`, `exclude`, `parents`, `required`, `unpack`, `timestamp` and
///   flags under their names in BuildKit; `mkdir N path` and the like; `mkfile N data` and the like; `indexes`.
/// * Images: `reference` (without digest), `digest`, `platform`, `layers`, `keys`. URLs and repositories: `url`, `checksum`,
///   `file name`, `keep-git-dir`, `keys`. Local sources: `name`, and `paths` that are asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// Its name: `env PATH`, `args`, `cwd`, `mount /root/.cache`, `copy 1 destination`, `reference`, …
    pub name: String,
    /// BLAKE3 of its value.
    pub digest: Digest,
}

/// An input of a vertex.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputState {
    /// The vertex that gives it.
    pub vertex: usize,
    /// The digest that goes with a link to that vertex's records.
    pub selector: Option<Digest>,
    /// What stands for its content.
    pub content: ContentState,
}

/// The content key of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ContentState {
    /// It has none.
    #[default]
    None,
    /// It is known.
    Known {
        /// The digest of the record.
        record: Digest,
        /// What was picked, by selector.
        picked: Vec<Picked>,
    },
    /// It can't be known offline: why, in words.
    Open(String),
    /// The build fails on it.
    Failed,
}

/// What one selector picked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// BuildKit's digest of it.
    pub digest: Digest,
    /// The files behind it.
    pub files: PickedFiles,
}

/// The files behind a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PickedFiles {
    /// Entries of a local source.
    Local {
        /// Its place in [`Snapshot::sources`].
        source: usize,
        /// Ascending ranges of its entries.
        entries: Vec<Range<usize>>,
    },
    /// Files of a stage.
    Stage(Vec<StageFileState>),
}

/// A file of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFileState {
    /// Its path in the stage without leading `/`; a value of a build argument in it is replaced by `${NAME}`.
    pub path: Vec<u8>,
    /// BuildKit's digest of its header and content.
    pub digest: Digest,
}

/// A step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepState {
    /// Its name as BuildKit gives it, but with the instruction as written: `[build 2/4] COPY ${DIR} .`.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// First line.
    pub line: usize,
    /// Last line.
    pub end_line: usize,
    /// The keyword in upper case.
    pub instruction: String,
    /// The instruction as written, continuations joined, without the bodies of heredocs.
    pub text: String,
    /// The vertex that holds the step's own work.
    pub vertex: usize,
    /// `ARG` and `ENV` instructions in force for this step, nearest last: the variable and the line that set it.
    pub variables: Vec<Variable>,
}

/// A variable of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Declared by `ARG`; otherwise set by `ENV`.
    pub argument: bool,
    /// The line of the instruction; `None` when the base image or BuildKit itself sets it.
    pub line: Option<usize>,
    /// BLAKE3 of its value; `None` when it has none, or when it can't be known.
    pub value: Option<Digest>,
}

/// Why a build fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The step, where it has one.
    pub step: Option<usize>,
    /// A stable code in kebab case.
    pub code: String,
    /// In words.
    pub message: String,
    /// The path that was looked up, without leading `/`; empty when no path is to blame.
    pub path: Vec<u8>,
}
