//! Source operations (`solver/llbsolver/ops/source.go`) and the keys of the sources behind them.

use crate::cache::json::Object;
use crate::digest::Digest;
use crate::image::{Image, Platform};
use crate::plan::Source;

/// The keys of a source that is no local folder, each an alternative of its own; and which of them is missing, in words.
pub(super) fn keys(source: &Source, platform: &Platform) -> (Vec<String>, Vec<String>) {
    let missing = |reason: String| (Vec::new(), vec![reason]);
    match source {
        Source::Local(local) => missing(format!("the local source {} has a random key", local.name)),
        Source::Image { reference, image: None } => {
            missing(format!("the base image {reference} is not known offline"))
        }
        Source::Image { reference, image: Some(image) } => image_keys(reference, &image.0, platform),
        Source::Http { checksum: Some(checksum), filename, .. } => {
            (vec![http_key(filename, checksum)], Vec::new())
        }
        Source::Http { url, .. } => missing(format!("the file behind {url} is not known offline")),
        Source::Git { remote, .. } => missing(format!("the commit behind {remote} is not known offline")),
    }
}

/// The digest that stands for a source key in its record.
pub(in crate::cache) fn digest(key: &str) -> Digest {
    Digest::sha256(format!("buildkit.source.v0:{key}"))
}

/// An image is identified by its root manifest for a platform, and by the chain id of its layers
/// (`source/containerimage/pull.go`).
fn image_keys(reference: &str, image: &Image, platform: &Platform) -> (Vec<String>, Vec<String>) {
    let manifest = image.root_digest.as_ref().map(|d| manifest_key(d, platform));
    let open = match manifest {
        Some(_) => Vec::new(),
        None => vec![format!("the manifest digest of {reference} is not known offline")],
    };
    let chain = chain_id(&image.config.diff_ids).map(|d| d.to_string());
    (manifest.into_iter().chain(chain).collect(), open)
}

fn manifest_key(root: &Digest, platform: &Platform) -> String {
    let json = Object::new()
        .text_always("Digest", &root.to_string())
        .text_always("OS", &platform.os)
        .text_always("Arch", &platform.architecture)
        .text("Variant", &platform.variant)
        .text("OSVersion", &platform.os_version)
        .texts("OSFeatures", &platform.os_features)
        .finish();
    Digest::sha256(json).to_string()
}

/// The OCI chain id of a list of layers; `None` for no layers.
fn chain_id(diff_ids: &[Digest]) -> Option<Digest> {
    let (first, rest) = diff_ids.split_first()?;
    Some(rest.iter().fold(*first, |chain, layer| Digest::sha256(format!("{chain} {layer}"))))
}

/// With `--checksum` the key is known without asking the server (`source/http/source.go`, `formatCacheKey`).
fn http_key(filename: &str, checksum: &str) -> String {
    let json = Object::new()
        .text_always("Filename", filename)
        .int_always("Perm", 0)
        .int_always("UID", 0)
        .int_always("GID", 0)
        .text_always("Checksum", checksum)
        .finish();
    Digest::sha256(json).to_string()
}
