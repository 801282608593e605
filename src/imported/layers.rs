//! Layers of a cache, and the chains of them that are results (`getRemoteChain`).

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use super::ImportedCache;
use super::config::{ConfigError, ConfigLayer, ConfigRecord, digest, sha256};
use super::store::Store;
use crate::digest::Digest;
use crate::image::Descriptor;

/// A layer that a cache knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheLayer {
    /// Digest of its blob.
    pub blob: Digest,
    /// The layer below, as a place in [`ImportedCache::layers`]; `None` for the lowest.
    pub parent: Option<usize>,
    /// Its media type; empty where it isn't known.
    pub media_type: String,
    /// Digest of the tar inside.
    pub diff_id: Option<Digest>,
    /// Bytes of the blob.
    pub size: Option<u64>,
    /// When it was made (RFC 3339).
    pub created_at: Option<String>,
    /// What made it, as BuildKit describes it.
    pub description: Option<String>,
    /// Whether it can be had.
    pub availability: Availability,
}

/// Whether a layer, or all layers of a result, can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Availability {
    /// The blobs are there; of a registry: its manifest lists them.
    Here,
    /// The manifest lists them, but one isn't there: a builder would find the result and fail to load it.
    Missing,
    /// The manifest doesn't list one of them: a builder doesn't see the result.
    Unlisted,
}

/// A result of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheResult {
    /// Its layers.
    pub chain: Chain,
    /// When it was made (RFC 3339).
    pub created_at: Option<String>,
    /// Whether its layers can be had.
    pub availability: Availability,
}

/// Layers in order; see [`ImportedCache::chain`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain {
    /// This layer with all its parents.
    Top(usize),
    /// These layers.
    List(Vec<usize>),
}

/// What a manifest says about a blob.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed {
    pub media_type: String,
    pub size: Option<u64>,
    pub diff_id: Option<Digest>,
    pub created_at: Option<String>,
    pub description: Option<String>,
}

impl From<&Descriptor> for Listed {
    fn from(descriptor: &Descriptor) -> Self {
        let text = |key: &str| descriptor.annotation(key).map(str::to_owned);
        Self {
            media_type: descriptor.media_type.clone().unwrap_or_default(),
            size: descriptor.size,
            diff_id: descriptor.annotation("containerd.io/uncompressed").and_then(sha256),
            created_at: text("buildkit/createdat"),
            description: text("buildkit/description"),
        }
    }
}

/// The layers of one config.
pub(super) struct Table<'c> {
    written: &'c [ConfigLayer],
    layers: Vec<CacheLayer>,
    /// By layer: what is known of the layer with its parents. Only those that a result needs are looked into.
    whole: Vec<Option<Availability>>,
    /// The place of the first in [`ImportedCache::layers`].
    offset: usize,
}

impl<'c> Table<'c> {
    pub fn new(
        written: &'c [ConfigLayer],
        listed: &FxHashMap<String, Listed>,
        store: &dyn Store,
        offset: usize,
    ) -> Self {
        // Several layers may have one blob: each blob is looked for once.
        let mut found: FxHashMap<&str, Availability> = FxHashMap::default();
        let mut availability = |blob: &'c str| {
            *found.entry(blob).or_insert_with(|| match (listed.get(blob), sha256(blob)) {
                (Some(listed), Some(digest)) if store.has(&digest, listed.size) => Availability::Here,
                (Some(_), _) => Availability::Missing,
                (None, _) => Availability::Unlisted,
            })
        };
        let layers: Vec<CacheLayer> = written
            .iter()
            .map(|layer| cache_layer(layer, listed.get(&layer.blob), availability(&layer.blob), offset))
            .collect();
        Self { written, whole: vec![None; layers.len()], layers, offset }
    }

    pub fn layers(self) -> Vec<CacheLayer> {
        self.layers
    }

    /// The results of a record, the newest first.
    pub fn results(&mut self, record: &ConfigRecord) -> Result<Vec<CacheResult>, ConfigError> {
        let mut out = Vec::with_capacity(record.layers.len() + record.chains.len());
        for result in &record.layers {
            let top = self.place(result.layer)?;
            let availability = self.with_parents(top)?;
            let chain = Chain::Top(top + self.offset);
            out.push(CacheResult { chain, created_at: made(result.created_at.as_deref()), availability });
        }
        for result in &record.chains {
            let mut availability = Availability::Here;
            let mut chain = Vec::with_capacity(result.layers.len());
            for layer in &result.layers {
                let place = self.place(*layer)?;
                availability = availability.max(self.layers[place].availability);
                chain.push(place + self.offset);
                if availability == Availability::Unlisted {
                    break;
                }
            }
            let chain = Chain::List(chain);
            out.push(CacheResult { chain, created_at: made(result.created_at.as_deref()), availability });
        }
        out.sort_by_key(|r| Reverse(r.created_at.as_ref().map(|t| t.trim_end_matches('Z').to_owned())));
        Ok(out)
    }

    fn place(&self, index: i64) -> Result<usize, ConfigError> {
        let place = usize::try_from(index).ok().filter(|i| *i < self.layers.len());
        place.ok_or(ConfigError::Layer(index))
    }

    /// Walks down until a layer of which it is known, one without a parent, or one that isn't listed: BuildKit looks no further.
    fn with_parents(&mut self, top: usize) -> Result<Availability, ConfigError> {
        let mut way = Vec::new();
        let mut here = top;
        let mut known = loop {
            if let Some(known) = self.whole[here] {
                break known;
            }
            way.push(here);
            if way.len() > self.layers.len() {
                return Err(ConfigError::LoopingLayer);
            }
            let parent = self.written[here].parent;
            if self.layers[here].availability == Availability::Unlisted || parent == -1 {
                break self.layers[here].availability;
            }
            here = self.place(parent)?;
        };
        for layer in way.into_iter().rev() {
            known = known.max(self.layers[layer].availability);
            self.whole[layer] = Some(known);
        }
        Ok(known)
    }
}

fn cache_layer(
    written: &ConfigLayer,
    listed: Option<&Listed>,
    availability: Availability,
    offset: usize,
) -> CacheLayer {
    let listed = listed.cloned().unwrap_or_default();
    let own = written.annotations.clone().unwrap_or_default();
    let own_type = Some(own.media_type).filter(|t| !t.is_empty());
    CacheLayer {
        blob: digest(&written.blob),
        parent: usize::try_from(written.parent).ok().map(|p| p + offset),
        media_type: own_type.unwrap_or(listed.media_type),
        diff_id: listed.diff_id.or_else(|| sha256(&own.diff_id)),
        size: listed.size.or_else(|| own.size.and_then(|s| u64::try_from(s).ok())),
        created_at: listed.created_at.or(own.created_at),
        description: listed.description,
        availability,
    }
}

/// Go writes a time that isn't set as one in the year 1.
fn made(created_at: Option<&str>) -> Option<String> {
    created_at.filter(|t| !t.is_empty() && !t.starts_with("0001-")).map(str::to_owned)
}

/// The layers of a chain from the lowest.
pub(super) fn chain(layers: &[CacheLayer], chain: &Chain) -> Vec<usize> {
    let top = match chain {
        Chain::List(list) => return list.clone(),
        Chain::Top(top) => *top,
    };
    let below = |layer: &usize| layers.get(*layer)?.parent;
    let mut out: Vec<usize> = std::iter::successors(Some(top), below).take(layers.len()).collect();
    out.reverse();
    out
}

/// A builder's records have a handful of results for each input; no more are looked at.
const MAX_INPUTS: usize = 1000;

/// The layers of a record's result that none of its inputs has.
pub(super) fn own(cache: &ImportedCache, record: usize) -> Option<Vec<usize>> {
    let mut layers = cache.chain(cache.result(record)?);
    let blobs = |layers: &[usize]| layers.iter().map(|l| cache.layers[*l].blob).collect::<Vec<_>>();
    let whole = blobs(&layers);
    let links = cache.remembered.records[record].inputs.iter().flatten();
    let inputs =
        links.flat_map(|l| cache.results[l.record].iter()).filter(|r| r.availability == Availability::Here);
    // The longest, in case that one input is built upon another.
    let shared = inputs.take(MAX_INPUTS).map(|r| blobs(&cache.chain(r)));
    let shared = shared.filter(|b| whole.starts_with(b)).map(|b| b.len()).max();
    let lower = shared.unwrap_or_else(|| layers.len().saturating_sub(1));
    Some(layers.split_off(lower))
}
