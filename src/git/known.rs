//! What was read of a repository once: sizes, targets of links, contents that filters made.

use std::sync::{Arc, Mutex, MutexGuard};

use rustc_hash::FxHashMap;

use super::attributes::Conversion;
use super::{GitError, Oid, Repository};

/// What was read already; objects never change.
#[derive(Debug, Default)]
pub(super) struct Known {
    sizes: Mutex<FxHashMap<Oid, u64>>,
    blobs: Mutex<FxHashMap<Oid, Arc<[u8]>>>,
    converted: Mutex<FxHashMap<Converted, Option<Arc<[u8]>>>>,
}

/// What decides over a converted content: the blob, its path and its attributes.
pub(super) type Converted = (Oid, Vec<u8>, Conversion);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Repository {
    /// Makes the sizes of blobs known, all that are not yet in one go.
    pub(super) fn know_sizes(&self, blobs: impl Iterator<Item = Oid>) -> Result<(), GitError> {
        let mut unknown: Vec<Oid> = {
            let sizes = lock(&self.known.sizes);
            blobs.filter(|b| !sizes.contains_key(b)).collect()
        };
        unknown.sort_unstable();
        unknown.dedup();
        let sizes = self.sizes(&unknown)?;
        lock(&self.known.sizes).extend(sizes);
        Ok(())
    }

    /// The size of a blob after [`Repository::know_sizes`]; `None` for one that isn't there.
    pub(super) fn known_size(&self, blob: Oid) -> Option<u64> {
        lock(&self.known.sizes).get(&blob).copied()
    }

    /// A small blob that is wanted again and again: a link, a pointer, an ignore file.
    ///
    /// # Errors
    /// As [`Repository::blob`].
    pub fn small_blob(&self, blob: Oid, what: &str) -> Result<Arc<[u8]>, GitError> {
        if let Some(bytes) = lock(&self.known.blobs).get(&blob) {
            return Ok(bytes.clone());
        }
        let bytes: Arc<[u8]> = self.blob(blob, what)?.into();
        lock(&self.known.blobs).insert(blob, bytes.clone());
        Ok(bytes)
    }

    /// What a conversion made before; the inner `None` when it failed.
    pub(super) fn known_conversion(&self, key: &Converted) -> Option<Option<Arc<[u8]>>> {
        lock(&self.known.converted).get(key).cloned()
    }

    /// Takes note of what a conversion made.
    pub(super) fn know_conversion(&self, key: Converted, content: Option<Arc<[u8]>>) {
        lock(&self.known.converted).insert(key, content);
    }
}
