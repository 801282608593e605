//! Inline cache: records in the configs of images (`importInlineCache`).

use std::collections::HashSet;

use base64::Engine as _;
use serde::Deserialize;

use super::ImportError;
use super::config::{Config, ConfigLayer};
use super::import::Build;
use super::layers::Listed;
use crate::digest::Digest;
use crate::image::{Ask, Descriptor, Document, ImageError, MAX_BLOB, Platform, parse_json};

/// An index with more manifests below it is refused.
const MAX_MANIFESTS: usize = 4096;

/// The part of an image's config that matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ImageConfig {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
    rootfs: Option<Rootfs>,
    #[serde(rename = "moby.buildkit.cache.v0")]
    cache: Option<String>,
    history: Option<Vec<History>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rootfs {
    diff_ids: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct History {
    created: Option<String>,
    created_by: Option<String>,
    empty_layer: Option<bool>,
}

/// Reads the caches of all images below a manifest or index, whatever their platform.
pub(super) fn import(build: &mut Build<'_>, document: Document, root: Digest) -> Result<(), ImportError> {
    let mut seen = HashSet::from([root]);
    let mut open = vec![(root, document)];
    while let Some((digest, document)) = open.pop() {
        let Some(children) = &document.manifests else {
            image(build, &document, digest)?;
            continue;
        };
        let place = build.store.name(&digest);
        let mut below = Vec::new();
        for child in children {
            let child_digest = child.sha256(&place)?;
            if !seen.insert(child_digest) {
                continue;
            }
            if seen.len() > MAX_MANIFESTS {
                let why = format!("more than {MAX_MANIFESTS} manifests");
                return Err(ImageError::Format { path: place, why }.into());
            }
            let what = format!("{child_digest} of {digest}");
            let size = child.size;
            let ask = Ask { digest: child_digest, size, what: &what, manifest: true, limit: MAX_BLOB };
            let bytes = build.store.read(&ask)?;
            below.push((child_digest, Document::parse(&bytes, &build.store.name(&child_digest))?));
        }
        open.extend(below.into_iter().rev());
    }
    Ok(())
}

fn image(build: &mut Build<'_>, manifest: &Document, digest: Digest) -> Result<(), ImportError> {
    let layers = manifest.layers.as_deref().unwrap_or_default();
    let Some(config) = manifest.config.as_ref().filter(|c| !c.digest.is_empty() && !layers.is_empty()) else {
        return Ok(());
    };
    let config_digest = config.sha256(&build.store.name(&digest))?;
    let what = format!("config {config_digest}");
    let ask = Ask { digest: config_digest, size: config.size, what: &what, manifest: false, limit: MAX_BLOB };
    let bytes = build.store.read(&ask)?;
    let path = build.store.name(&config_digest);
    let image: ImageConfig = parse_json(&bytes, &path)?;
    let diff_ids = image.rootfs.as_ref().and_then(|r| r.diff_ids.as_deref()).unwrap_or_default();
    let Some(cache) = image.cache.as_ref().filter(|_| diff_ids.len() == layers.len()) else { return Ok(()) };
    let failed = |why: String| ImportError::Inline { path: path.clone(), why };
    let records =
        base64::engine::general_purpose::STANDARD.decode(cache).map_err(|e| failed(e.to_string()))?;
    let records: Option<_> = serde_json::from_slice(&records).map_err(|e| failed(e.to_string()))?;
    let config = Config { records: records.unwrap_or_default(), layers: config_layers(layers) };
    let listed = layers.iter().zip(diff_ids).enumerate();
    let listed =
        listed.map(|(i, (layer, diff_id))| (layer.digest.clone(), of_image(layer, diff_id, &image, i)));
    let platform = platform(&image);
    build.add(&config, listed.collect(), digest, platform, &path)
}

/// An image's layers, each on top of the one before.
fn config_layers(layers: &[Descriptor]) -> Vec<ConfigLayer> {
    let parents = -1_i64..;
    let layer = |(layer, parent): (&Descriptor, i64)| ConfigLayer {
        blob: layer.digest.clone(),
        parent,
        annotations: None,
    };
    layers.iter().zip(parents).map(layer).collect()
}

fn of_image(layer: &Descriptor, diff_id: &str, image: &ImageConfig, place: usize) -> Listed {
    let with_layer = |h: &&History| !h.empty_layer.unwrap_or(false);
    let history = image.history.iter().flatten().filter(with_layer).nth(place);
    let mut listed = Listed::from(layer);
    listed.diff_id = super::config::sha256(diff_id);
    listed.created_at = history.and_then(|h| h.created.clone()).or(listed.created_at);
    listed.description = history.and_then(|h| h.created_by.clone()).or(listed.description);
    listed
}

fn platform(image: &ImageConfig) -> Option<Platform> {
    Some(Platform {
        os: image.os.clone()?,
        architecture: image.architecture.clone()?,
        variant: image.variant.clone().unwrap_or_default(),
        ..Platform::default()
    })
}
