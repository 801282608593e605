//! Blobs that the engine reads from and writes to this machine: local caches (`type=local`), OCI layouts as named contexts
//! (`session/content`, over containerd's content service).
//!
//! A store is an OCI layout's folder, where a blob gets its name when all of it is there and its digest is right, and not before; or
//! something that makes blobs when they are asked for, of which nothing is on disk.

mod digest;
mod ingest;
pub mod layout;
mod proto;
mod service;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::digest::BlobDigest;
pub use self::service::Content;

use self::store::Store;

/// What the engine may do with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Blobs are read.
    Read,
    /// Blobs are read, added and removed.
    Write,
}

/// Blobs that are in no folder: they are made when they are asked for, and only read. The engine's name for a blob reaches these methods
/// only when it is a digest.
pub trait Blobs: std::fmt::Debug + Send + Sync {
    /// All that there are.
    fn digests(&self) -> Vec<BlobDigest>;

    /// How many bytes a blob has; `None` for one that isn't here.
    fn size(&self, digest: &BlobDigest) -> Option<u64>;

    /// Fills `buffer` with the blob's bytes from `offset` on. A client of containerd's reads a blob in many calls, each at the offset where
    /// the last one ended (`core/content/proxy/content_reader.go`).
    ///
    /// # Errors
    /// Why it can't be made, in words that the engine passes on.
    fn read_exact_at(&self, digest: &BlobDigest, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

/// The stores that a build offers, by the names under which the engine asks for them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Stores {
    offered: Arc<BTreeMap<String, Arc<Store>>>,
}

impl Stores {
    /// The store of `--cache-to type=local,dest=FOLDER` and of `--cache-from type=local,src=FOLDER`.
    pub fn local(folder: &str) -> String {
        format!("local:{folder}")
    }

    /// The store of a named context `oci-layout:…`.
    pub fn oci(name: &str) -> String {
        format!("oci:{name}")
    }

    /// The store of `--output type=oci,tar=false,dest=FOLDER`.
    pub const EXPORT: &str = "export";

    /// Offers folders under names. Two folders under one name are one, when they are the same: a cache that is read and
    /// written.
    ///
    /// # Errors
    /// A folder that can't be made; one to read from that isn't there; a name with two folders.
    pub fn new(stores: impl IntoIterator<Item = (String, PathBuf, Access)>) -> Result<Self, StoreError> {
        let mut wanted: BTreeMap<String, (PathBuf, Access)> = BTreeMap::new();
        for (id, folder, access) in stores {
            let entry = wanted.entry(id.clone()).or_insert_with(|| (folder.clone(), access));
            if entry.0 != folder {
                return Err(StoreError::Twice { id });
            }
            entry.1 = entry.1.max(access);
        }
        let mut offered = BTreeMap::new();
        for (id, (folder, access)) in wanted {
            let store = Store::open(&folder, access);
            let store = store.map_err(|error| StoreError::Folder { folder, error })?;
            offered.insert(id, Arc::new(store));
        }
        Ok(Self { offered: Arc::new(offered) })
    }

    /// Offers blobs under a name, too.
    ///
    /// # Errors
    /// A name with two stores.
    pub fn with(self, id: String, blobs: Arc<dyn Blobs>) -> Result<Self, StoreError> {
        let mut offered = Arc::unwrap_or_clone(self.offered);
        if offered.contains_key(&id) {
            return Err(StoreError::Twice { id });
        }
        offered.insert(id, Arc::new(Store::of(blobs)));
        Ok(Self { offered: Arc::new(offered) })
    }

    /// True when there is nothing to offer.
    pub fn is_empty(&self) -> bool {
        self.offered.is_empty()
    }

    /// The service, as [`super::Session::with`] takes it.
    pub fn service(&self) -> Content {
        Content::new(self.clone())
    }
}

/// Why a store can't be offered.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Its folder can't be used.
    #[error("content store {}: {error}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Two stores have one name.
    #[error("oci store key {id:?} already exists")]
    Twice {
        /// The name.
        id: String,
    },
}

/// Whether a folder has a blob: an import whose manifest is gone is left out.
pub fn has(folder: &Path, digest: &str) -> bool {
    BlobDigest::parse(digest).is_some_and(|digest| folder.join(digest.path()).is_file())
}
