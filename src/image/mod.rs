//! Base images: OCI layouts and image configs read from disk, as BuildKit would see them.

mod config;
mod error;
mod layout;
mod manifest;
mod platform;
mod reference;
mod store;
#[cfg(test)]
mod tests;

pub use error::ImageError;
pub(crate) use layout::{Layout, Wanted};
#[cfg(feature = "registry")]
pub(crate) use manifest::choose;
pub(crate) use manifest::{Ask, Blobs, Descriptor, Document, MAX_BLOB, parse_json};
pub(crate) use platform::{Matcher, show as show_platform};
pub(crate) use reference::{Reference, check_digest};
pub use store::{ImageStore, LayoutSpec};

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;

/// An operating system and processor, as in `linux/arm64/v8`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Platform {
    /// `linux`, `windows`, …
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `v7`, `v8`, …; empty for none.
    pub variant: String,
    /// Version of the operating system; empty for none (Windows has one).
    pub os_version: String,
    /// Features of the operating system.
    pub os_features: Vec<String>,
}

/// What an image's config says of the containers that are made from it, beside what steers a build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Defaults {
    /// CMD; empty for none.
    pub cmd: Vec<String>,
    /// ENTRYPOINT; empty for none.
    pub entrypoint: Vec<String>,
    /// LABELs.
    pub labels: BTreeMap<String, String>,
    /// EXPOSEd ports, as `80/tcp`.
    pub ports: BTreeSet<String>,
    /// VOLUMEs.
    pub volumes: BTreeSet<String>,
    /// STOPSIGNAL; empty for none.
    pub stop_signal: String,
    /// HEALTHCHECK; `None` where nothing is said.
    pub healthcheck: Option<Healthcheck>,
    /// MAINTAINER; empty for none.
    pub author: String,
}

/// How a container is checked (Docker's `HealthcheckConfig`). Times in nanoseconds, 0 for the default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Healthcheck {
    /// `NONE`, `CMD …` or `CMD-SHELL …`.
    pub test: Vec<String>,
    /// Between two checks.
    pub interval: i64,
    /// Until a check counts as failed.
    pub timeout: i64,
    /// Until failed checks count.
    pub start_period: i64,
    /// Between two checks in that period.
    pub start_interval: i64,
    /// How many checks may fail.
    pub retries: i64,
}

/// The part of an image's config that a build reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// The platform that the config names.
    pub platform: Platform,
    /// `K=V`, in order.
    pub env: Vec<String>,
    /// Default user; empty for none.
    pub user: String,
    /// Working directory; empty for none.
    pub working_dir: String,
    /// Docker's SHELL; empty for none.
    pub shell: Vec<String>,
    /// ONBUILD triggers, in order.
    pub onbuild: Vec<String>,
    /// What it says of containers.
    pub defaults: Defaults,
    /// `rootfs.diff_ids` in order.
    pub diff_ids: Vec<Digest>,
    /// True when `history` has an entry that is not `empty_layer`.
    pub has_nonempty_history: bool,
}

/// A base image as far as it is known offline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What the user called it, and where it was read.
    pub name: String,
    /// Digest of the root manifest or index: the one that BuildKit's first image key names; `None` when only the config is known.
    pub root_digest: Option<Digest>,
    /// Its config for the platform asked for.
    pub config: ImageConfig,
    /// Its layers' blobs in order; `None` where not all of them are on disk.
    pub layers: Option<Vec<Layer>>,
}

/// One layer on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The blob.
    pub path: std::path::PathBuf,
    /// Its media type, which tells the compression.
    pub media_type: String,
    /// The blob's digest, which is checked when it is read.
    pub digest: Option<Digest>,
}
