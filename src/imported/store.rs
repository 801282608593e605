//! [`Store`]: where the blobs of a cache are.

use std::io::{self, Read};

use super::ImportError;
use crate::digest::Digest;
use crate::image::Blobs;

/// A place that has blobs: a folder, a registry.
pub(super) trait Store: Blobs<Error = ImportError> + Send + Sync {
    /// True when a blob that a manifest lists can be had, as far as that is known without reading it.
    fn has(&self, digest: &Digest, size: Option<u64>) -> bool;

    /// The bytes of a blob from its start. They are not checked.
    fn open(&self, digest: &Digest, size: Option<u64>) -> Result<Box<dyn Read + Send + '_>, ImportError>;

    /// Reading a blob broke off.
    fn broken(&self, digest: &Digest, error: io::Error) -> ImportError;
}
