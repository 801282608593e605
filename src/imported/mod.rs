//! What a builder remembers, read from where it put it: a `type=local` cache export, an image with inline cache, a registry.
//!
//! ```no_run
//! use stowaway::image::LayoutSpec;
//! use stowaway::imported::ImportedCache;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cache = ImportedCache::open_folder(&LayoutSpec::parse("path/to/cache")?)?;
//! if let Some(why) = cache.unusable(None) {
//!     println!("{why}");
//! }
//! println!("{} records", cache.remembered.records.len());
//! # Ok(())
//! # }
//! ```

mod config;
mod error;
mod folder;
mod import;
mod inline;
mod layers;
#[cfg(feature = "registry")]
mod registry;
mod store;
#[cfg(test)]
mod tests;
mod unusable;

pub use config::ConfigError;
pub use error::ImportError;
pub use layers::{Availability, CacheLayer, CacheResult, Chain};
#[cfg(feature = "registry")]
pub use registry::{RegistryError, RegistryOptions, resolve_image};
pub use unusable::Unusable;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use self::store::Store;
use crate::cache::{LayerEntry, LayerError, Remembered};
use crate::digest::Digest;
use crate::image::Platform;

/// A cache as its records, and the layers that hold their results.
#[derive(Clone)]
pub struct ImportedCache {
    /// What it is called in messages: the folder, or the reference.
    pub name: String,
    /// In which form it is kept.
    pub kind: CacheKind,
    /// Digest of the manifest or index that it was read from; `None` for a folder without one.
    pub root: Option<Digest>,
    /// Its records. `result` is true for those of which all layers can be had.
    pub remembered: Remembered,
    /// By record: its results, the newest first.
    pub results: Vec<Vec<CacheResult>>,
    /// The layers that results point at.
    pub layers: Vec<CacheLayer>,
    /// Where the records come from: one part for an export, one for each image with inline cache.
    pub parts: Vec<CachePart>,
    store: Arc<dyn Store>,
    absent: Option<Unusable>,
}

/// In which form a cache is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheKind {
    /// There is nothing.
    None,
    /// A cache export as an image manifest (`image-manifest=true`, the default).
    Manifest,
    /// A cache export as an index or a manifest list (`image-manifest=false`).
    Index,
    /// In the configs of images.
    Inline,
}

/// Records that were written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachePart {
    /// Digest of the manifest or index.
    pub manifest: Digest,
    /// The platform that they were written for; `None` for an export, which doesn't say.
    pub platform: Option<Platform>,
    /// Their places in [`Remembered::records`].
    pub records: Range<usize>,
}

impl ImportedCache {
    /// Why nothing (or nothing of a build for `platform`) can be taken from it; `None` when something may be.
    pub fn unusable(&self, platform: Option<&Platform>) -> Option<Unusable> {
        unusable::unusable(self, platform)
    }

    /// The layers of a result from the lowest, as places in [`ImportedCache::layers`].
    pub fn chain(&self, result: &CacheResult) -> Vec<usize> {
        layers::chain(&self.layers, &result.chain)
    }

    /// The newest result of a record whose layers can all be had.
    pub fn result(&self, record: usize) -> Option<&CacheResult> {
        self.results.get(record)?.iter().find(|r| r.availability == Availability::Here)
    }

    /// The layers that the record's own step added, from the lowest: those that its result has on top of the result of one
    /// of its inputs. A step that changed nothing has none. `None` when the record has no result.
    ///
    /// Where a cache doesn't hold the results of the inputs (`mode=min`), only the uppermost layer is taken for the step's own.
    pub fn own_layers(&self, record: usize) -> Option<Vec<usize>> {
        layers::own(self, record)
    }

    /// What the record's own step put into its files and took away, in the order of its layers.
    ///
    /// Each layer is read from its start to its end, and only digests of the contents are kept. `None` when the record has no
    /// result.
    ///
    /// # Errors
    /// [`ImportError`] when a layer can't be read, is damaged, or too large.
    pub fn layer_entries(&self, record: usize) -> Result<Option<Vec<LayerEntry>>, ImportError> {
        let Some(layers) = self.own_layers(record) else { return Ok(None) };
        let mut entries = Vec::new();
        for layer in layers {
            entries.append(&mut self.read_layer(layer)?);
        }
        Ok(Some(entries))
    }

    /// What one layer holds.
    ///
    /// # Errors
    /// As [`ImportedCache::layer_entries`].
    pub fn read_layer(&self, layer: usize) -> Result<Vec<LayerEntry>, ImportError> {
        let Some(layer) = self.layers.get(layer) else { return Ok(Vec::new()) };
        let blob = self.store.open(&layer.blob, layer.size)?;
        crate::cache::scan_layer(blob, &layer.blob).map_err(|why| match why {
            LayerError::Read(error) => self.store.broken(&layer.blob, error),
            why => ImportError::Layer { path: self.store.name(&layer.blob), why },
        })
    }
}

impl fmt::Debug for ImportedCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportedCache")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("root", &self.root)
            .field("records", &self.remembered.records.len())
            .field("layers", &self.layers)
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}
