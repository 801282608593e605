//! Content keys: what a selection's digests become (`opsutils/contenthash.go`, `solver/edge.go`).

use super::keys::{Files, Key, Part, Preimage, Selected};
use super::op;
use super::select::SelectError;
use super::{KeyErrorKind, Selector};
use crate::digest::Digest;

/// What is known about the content of an operation's input.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// The operation has no content key for it.
    None,
    /// Its key.
    Known(Key),
    /// Not known offline, and why.
    Open(String),
    /// The build fails on it.
    Failed,
}

/// The content key of an input of which these were picked.
pub(super) fn key(picked: Vec<(Selector, Digest, Files)>) -> Key {
    let texts: Vec<String> = picked.iter().map(|(_, digest, _)| digest.to_string()).collect();
    let content = Digest::sha256(texts.join("\0"));
    let part = |(selector, digest, files)| Part::Selected(Selected { selector, digest, files });
    // Content has no output, which counts as -1 (`edge.go`, `processDepSlowCacheReq`).
    Key {
        digest: op::record(&content, -1),
        preimage: Preimage { parts: picked.into_iter().map(part).collect() },
    }
}

/// What kind of error a failed lookup is, and the path that it is about.
pub(super) fn describe(error: &SelectError) -> (KeyErrorKind, Vec<u8>) {
    match error {
        SelectError::NotFound(path) => (KeyErrorKind::Missing, path.clone()),
        SelectError::TooManyLinks(_) => (KeyErrorKind::TooManyLinks, Vec::new()),
        SelectError::Pattern(_) => (KeyErrorKind::BadPattern, Vec::new()),
    }
}

/// The stable code of a failed lookup.
pub(super) fn code(kind: KeyErrorKind) -> &'static str {
    match kind {
        KeyErrorKind::Missing => "copy-source-missing",
        KeyErrorKind::TooManyLinks => "copy-source-links",
        KeyErrorKind::BadPattern => "bad-pattern",
        KeyErrorKind::Run => "step-fails",
    }
}
