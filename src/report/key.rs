//! `stowaway.key/1`.

use serde::Serialize;

use crate::digest::Digest;

/// What went into a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyReport {
    /// The key.
    #[serde(serialize_with = "super::plan::plain_digest")]
    pub key: Digest,
    /// The target stage's name.
    pub target: String,
    /// The steps that count, in the order of the Dockerfile. One that only gives files which are known by content doesn't.
    pub steps: Vec<KeyStep>,
    /// The parts of the image's config.
    pub image: Vec<KeyPart>,
    /// What has to stay the same for the key to mean anything, in words.
    pub assumes: Vec<String>,
    /// People are told what went in, and not the key alone.
    #[serde(skip)]
    pub explain: bool,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyStep {
    /// The name that BuildKit's progress output gives it.
    pub name: String,
    /// Its first line.
    pub line: usize,
    /// Its own digest: its operation and the contents that it takes in, without what it stands on.
    #[serde(serialize_with = "super::plan::plain_digest")]
    pub digest: Digest,
    /// What has to stay the same for that, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumes: Vec<String>,
}

/// A part of the image's config, such as `CMD` or `ENV PATH`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyPart {
    /// Its name.
    pub name: String,
    /// The digest of its value.
    #[serde(serialize_with = "super::plan::plain_digest")]
    pub digest: Digest,
}
