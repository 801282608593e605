//! From a manifest or an index to records, as `cache/remotecache/import.go` goes.

use std::path::Path;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::config::Config;
use super::layers::{Listed, Table};
use super::store::Store;
use super::{CacheKind, CachePart, ImportError, ImportedCache, Unusable, inline};
use crate::cache::Remembered;
use crate::digest::Digest;
use crate::image::{Ask, Descriptor, Document, Platform};

/// The media type of a cache's config.
const CONFIG_TYPE: &str = "application/vnd.buildkit.cacheconfig.v0";
/// BuildKit refuses a cache whose manifest or config is longer (`readBlob`).
const MAX_CONFIG: u64 = 1 << 20;

/// Reads the cache that a manifest or an index describes.
pub(super) fn import(
    name: String,
    root: Digest,
    store: Arc<dyn Store>,
) -> Result<ImportedCache, ImportError> {
    let what = format!("manifest {root}");
    let ask = Ask { digest: root, size: None, what: &what, manifest: true, limit: MAX_CONFIG };
    let bytes = store.read(&ask)?;
    let document = Document::parse(&bytes, &store.name(&root))?;
    let mut build = Build { store: &*store, out: Parts::default() };
    let kind = match config_of(&document) {
        Some(config) => {
            build.export(&root, config, listed(&document))?;
            if document.manifests.is_some() { CacheKind::Index } else { CacheKind::Manifest }
        }
        None => {
            inline::import(&mut build, document, root)?;
            CacheKind::Inline
        }
    };
    let Parts { remembered, results, layers, parts } = build.out;
    let absent = match (kind, parts.is_empty()) {
        (CacheKind::Inline, true) => Some(Unusable::NoInlineCache),
        _ => None,
    };
    Ok(ImportedCache { name, kind, root: Some(root), remembered, results, layers, parts, store, absent })
}

/// The descriptor of the cache's config; of several in an index the last.
fn config_of(document: &Document) -> Option<&Descriptor> {
    let is_config = |d: &&Descriptor| d.media_type.as_deref() == Some(CONFIG_TYPE);
    let in_index = document.manifests.iter().flatten().rfind(is_config);
    in_index.or_else(|| document.config.as_ref().filter(is_config))
}

/// The blobs that the manifest or index lists beside the config.
fn listed(document: &Document) -> FxHashMap<String, Listed> {
    let blobs = document.manifests.iter().chain(&document.layers).flatten();
    let blobs = blobs.filter(|d| d.media_type.as_deref() != Some(CONFIG_TYPE) || document.layers.is_some());
    blobs.map(|d| (d.digest.clone(), Listed::from(d))).collect()
}

/// What has been read so far.
#[derive(Default)]
struct Parts {
    remembered: Remembered,
    results: Vec<Vec<super::CacheResult>>,
    layers: Vec<super::CacheLayer>,
    parts: Vec<CachePart>,
}

/// A cache that is being put together.
pub(super) struct Build<'s> {
    pub store: &'s dyn Store,
    out: Parts,
}

impl Build<'_> {
    fn export(
        &mut self,
        root: &Digest,
        descriptor: &Descriptor,
        listed: FxHashMap<String, Listed>,
    ) -> Result<(), ImportError> {
        let digest = descriptor.sha256(&self.store.name(root))?;
        let what = format!("cache config {digest}");
        let ask = Ask { digest, size: descriptor.size, what: &what, manifest: false, limit: MAX_CONFIG };
        let bytes = self.store.read(&ask)?;
        let path = self.store.name(&digest);
        let config = Config::parse(&bytes).map_err(|why| ImportError::Config { path: path.clone(), why })?;
        self.add(&config, listed, *root, None, &path)
    }

    /// Adds the records of one config.
    pub fn add(
        &mut self,
        config: &Config,
        listed: FxHashMap<String, Listed>,
        manifest: Digest,
        platform: Option<Platform>,
        path: &Path,
    ) -> Result<(), ImportError> {
        let failed = |why| ImportError::Config { path: path.into(), why };
        let mut remembered = config.remembered().map_err(failed)?;
        let offset = self.out.layers.len();
        let mut table = Table::new(&config.layers, &listed, self.store, offset);
        let first = self.out.remembered.records.len();
        for (record, written) in remembered.records.iter_mut().zip(&config.records) {
            let results = table.results(written).map_err(failed)?;
            record.result = results.iter().any(|r| r.availability == super::Availability::Here);
            record.inputs.iter_mut().flatten().for_each(|link| link.record += first);
            self.out.results.push(results);
        }
        self.out.layers.append(&mut table.layers());
        self.out.remembered.records.append(&mut remembered.records);
        let records = first..self.out.remembered.records.len();
        self.out.parts.push(CachePart { manifest, platform, records });
        Ok(())
    }
}
