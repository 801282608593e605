//! Blobs that the engine reads from and writes to this machine: local caches (`type=local`), OCI layouts as named contexts
//! (`session/content`, over containerd's content service).
//!
//! A store is an OCI layout's folder. A blob gets its name when all of it is there and its digest is right, and not before.

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
    /// Two folders have one name.
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
