//! What BuildKit's operations are identified by (`solver/llbsolver/ops`): the digest of an operation, and for each input
//! a selector and the paths whose content stands for it.

mod exec;
mod file;
mod merge;
#[cfg(test)]
mod recorded;
mod source;

use super::{Selector, selector};
use crate::buildkit::Versions;
use crate::digest::Digest;
use crate::plan::{Op, Source, Vertex};

/// BuildKit's `CacheMap` of a vertex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CacheMap {
    /// An operation on inputs.
    Operation {
        /// What is hashed, in JSON; with `open` not empty it is not what BuildKit hashes.
        json: String,
        /// One for each input.
        inputs: Vec<Dependency>,
        /// Why the operation isn't fully known, in words.
        open: Vec<String>,
    },
    /// A client's folder: its key is random and never exported.
    Local,
    /// A source under one or more keys.
    Source {
        /// Those that are known.
        keys: Vec<String>,
        /// Why others aren't, in words.
        open: Vec<String>,
    },
}

/// How an operation looks at one of its inputs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Dependency {
    /// The paths of the selector in their order; `None` for no selector.
    pub paths: Option<Vec<String>>,
    /// What the content key is made of; `None` when the input has none.
    pub content: Option<Vec<Selector>>,
}

impl Dependency {
    /// The digest that goes with links to the input's own records.
    pub fn selector(&self) -> Option<Digest> {
        self.paths.as_deref().map(selector::digest)
    }
}

/// The cache map of a vertex in these versions.
pub(super) fn cache_map(vertex: &Vertex, versions: Versions) -> CacheMap {
    let (json, inputs) = match &vertex.op {
        Op::Source(Source::Local(_)) => return CacheMap::Local,
        Op::Source(_) if !vertex.open.is_empty() => {
            return CacheMap::Source { keys: Vec::new(), open: vertex.open.clone() };
        }
        Op::Source(source) => {
            let (keys, open) = source::keys(source, &vertex.platform);
            return CacheMap::Source { keys, open };
        }
        Op::File(actions) => file::identity(actions, vertex.inputs.len(), versions.engine),
        Op::Exec(exec) => exec::identity(exec, &vertex.platform, vertex.inputs.len(), versions),
        Op::Merge => merge::identity(vertex.inputs.len(), versions.engine),
    };
    CacheMap::Operation { json, inputs, open: vertex.open.clone() }
}

/// The digest of a source that goes into its record.
pub(super) use source::digest as source_digest;

/// The record of a key: BuildKit's `rootKey` of output `index` (`solver/cachemanager.go`).
pub(super) fn record(digest: &Digest, index: i64) -> Digest {
    Digest::sha256(format!("{digest}@{index}"))
}
