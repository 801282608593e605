//! `stowaway.du/1`.

use std::io::{self, Write};

use serde::Serialize;

use super::{ContextSummary, Document, Look, PathField, human, json, markdown};

/// What `du` found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DuReport {
    /// The context in numbers.
    pub context: ContextSummary,
    /// The Dockerfile as it was named.
    pub dockerfile: String,
    /// The target stage's name; empty when it is not known.
    pub target: String,
    /// The context as a whole.
    #[serde(flatten)]
    pub shares: Shares,
    /// Folders of the context, the heaviest first.
    pub folders: Vec<DuFolder>,
    /// How many folders are left out of `folders`.
    pub folders_left_out: usize,
    /// The largest files in view, the heaviest first.
    pub files: Vec<DuFile>,
    /// The named local contexts that the build reads.
    pub named_contexts: Vec<DuNamed>,
    /// The limit that was asked about, and whether it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<DuLimit>,
    /// Why it is not known what is sent and used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps_unknown: Option<String>,
    /// What has to be known to read the numbers, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Files and their bytes. Hard links count as files and once as bytes; links count as neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Weight {
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The parts of a context, or of a folder with all that is below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Shares {
    /// What the ignore file leaves in view.
    pub visible: Weight,
    /// What the engine asks for, of what is in view; `None` when the Dockerfile doesn't tell.
    pub sent: Option<Weight>,
    /// What some instruction takes, of what is sent.
    pub used: Option<Weight>,
    /// What no instruction takes, of what is in view.
    pub unused: Option<Weight>,
    /// What the ignore file hides.
    pub hidden: Weight,
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DuFolder {
    /// Its path below the context.
    #[serde(flatten)]
    pub path: PathField,
    /// Its parts.
    #[serde(flatten)]
    pub shares: Shares,
}

/// A file in view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DuFile {
    /// Its path below the context.
    #[serde(flatten)]
    pub path: PathField,
    /// Its size.
    pub bytes: u64,
    /// Whether the engine asks for it; `None` when the Dockerfile doesn't tell.
    pub sent: Option<bool>,
    /// Whether some instruction takes it.
    pub used: Option<bool>,
}

/// A named local context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DuNamed {
    /// Its name.
    pub name: String,
    /// The folder in numbers.
    pub context: ContextSummary,
    /// Its parts.
    #[serde(flatten)]
    pub shares: Shares,
}

/// A limit on what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DuLimit {
    /// The bytes that may be sent.
    pub max: u64,
    /// The bytes that are sent of the context and the named contexts; what is in view where the Dockerfile doesn't tell.
    pub bytes: u64,
    /// Whether they are more than allowed.
    pub exceeded: bool,
}

impl Document for DuReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        human::du::write(out, self, look)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.du/1", self)
    }

    fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        markdown::du(out, self)
    }
}
