//! `stowaway.bench/1`.

use std::io::{self, Write};

use serde::Serialize;

use super::{ContextSummary, Document, Look, human, json};

/// What a context costs on this machine. All times are medians, in seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BenchReport {
    /// The context in numbers.
    pub context: ContextSummary,
    /// The Dockerfile as it was named.
    pub dockerfile: String,
    /// The target stage's name; empty when it is not known.
    pub target: String,
    /// How many threads of this machine may work.
    pub cores: usize,
    /// How often each was measured.
    pub runs: usize,
    /// A plan that reads all that it needs.
    pub cold: BenchPlan,
    /// A plan that remembers what the one before has read.
    pub warm: BenchPlan,
    /// How long the very first plan took, before the system had all files in memory.
    pub first_seconds: f64,
    /// The bytes that this machine hashes in a second when they are in memory, all threads together.
    pub memory_bytes_per_second: f64,
    /// The context as a tar.
    pub pack: BenchPack,
    /// The context on its way to an engine.
    pub transfer: BenchTransfer,
    /// Where the time goes and what to do, the most important first.
    pub findings: Vec<BenchFinding>,
}

/// Where the time of a plan goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct BenchPlan {
    /// All of it.
    pub seconds: f64,
    /// Listing the folders.
    pub walk_seconds: f64,
    /// Reading and hashing files.
    pub hash_seconds: f64,
    /// The rest: the Dockerfile, the keys.
    pub keys_seconds: f64,
    /// Files that were read.
    pub files_read: u64,
    /// Their bytes.
    pub bytes_read: u64,
}

/// What a tar costs that nobody keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct BenchPack {
    /// From the walk to the last byte.
    pub seconds: f64,
    /// Bytes of the tar.
    pub bytes: u64,
}

/// What sending the context costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BenchTransfer {
    /// Why nothing was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// Who sent it.
    pub clients: Vec<BenchClient>,
}

/// Who sent the context.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BenchClient {
    /// `stowaway build` or `docker buildx build`.
    pub name: String,
    /// To an engine that has nothing of it, once.
    pub cold: BenchBuild,
    /// To an engine that has all of it.
    pub unchanged: BenchBuild,
}

/// A build that copies nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct BenchBuild {
    /// The whole build.
    pub seconds: f64,
    /// The transfer alone, as the engine tells it.
    pub transfer_seconds: f64,
    /// What was sent, as the engine tells it.
    pub bytes: u64,
}

/// Something to know or to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BenchFinding {
    /// A stable code in kebab case.
    pub code: &'static str,
    /// One sentence without a full stop.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Document for BenchReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        human::bench::write(out, self, look)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.bench/1", self)
    }
}
