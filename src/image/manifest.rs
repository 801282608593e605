//! Manifests and indexes, wherever they are kept: which of them is for a platform (containerd's `images.Manifest`).

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::config::parse_config;
use super::platform::{Matcher, show};
use super::{ImageConfig, ImageError, Platform};
use crate::digest::{Algorithm, Digest};

/// No manifest, index or config is longer.
pub(crate) const MAX_BLOB: u64 = 64 << 20;
/// How deep indexes may stand in indexes.
const MAX_DEPTH: usize = 16;

/// What a manifest or an index says about a blob.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Descriptor {
    #[serde(default, rename = "mediaType")]
    pub media_type: Option<String>,
    #[serde(default)]
    pub digest: String,
    #[serde(default)]
    pub size: Option<u64>,
    #[serde(default)]
    pub platform: Option<IndexPlatform>,
    #[serde(default)]
    pub annotations: Option<std::collections::BTreeMap<String, String>>,
}

impl Descriptor {
    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// Its digest; `path` names what it stands in.
    pub fn sha256(&self, path: &Path) -> Result<Digest, ImageError> {
        let sha256 = Digest::parse(&self.digest).filter(|d| d.algorithm == Algorithm::Sha256);
        sha256.ok_or_else(|| ImageError::Format {
            path: path.into(),
            why: format!("{:?} is no sha256 digest", self.digest),
        })
    }
}

/// A platform as an index has it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct IndexPlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default, rename = "os.version")]
    os_version: Option<String>,
    #[serde(default, rename = "os.features")]
    os_features: Option<Vec<String>>,
}

impl From<&IndexPlatform> for Platform {
    fn from(p: &IndexPlatform) -> Self {
        Self {
            os: p.os.clone(),
            architecture: p.architecture.clone(),
            variant: p.variant.clone().unwrap_or_default(),
            os_version: p.os_version.clone().unwrap_or_default(),
            os_features: p.os_features.clone().unwrap_or_default(),
        }
    }
}

/// A manifest or an index: which one, its fields tell (`DetectManifestBlobMediaType`).
#[derive(Debug, Deserialize)]
pub(crate) struct Document {
    #[serde(default, rename = "mediaType")]
    pub media_type: Option<String>,
    #[serde(default)]
    pub config: Option<Descriptor>,
    #[serde(default)]
    pub layers: Option<Vec<Descriptor>>,
    #[serde(default)]
    pub manifests: Option<Vec<Descriptor>>,
}

impl Document {
    /// Reads one; `path` names it in errors.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, ImageError> {
        let document: Self = parse_json(bytes, path)?;
        let manifest = document.config.is_some() || document.layers.is_some();
        let said = document.media_type.as_deref().and_then(is_manifest);
        let why = match (manifest, document.manifests.is_some()) {
            (true, true) => "invalid ambiguous manifest and manifest list",
            (false, false) => "neither an image manifest nor an index",
            _ if said.is_some_and(|said| said != manifest) => {
                "mediaType in manifest does not match manifest contents"
            }
            _ => return Ok(document),
        };
        Err(ImageError::Format { path: path.into(), why: why.into() })
    }
}

/// True for a manifest's media type, false for an index's, `None` for others.
fn is_manifest(media_type: &str) -> Option<bool> {
    match media_type {
        "application/vnd.docker.distribution.manifest.v2+json"
        | "application/vnd.oci.image.manifest.v1+json" => Some(true),
        "application/vnd.docker.distribution.manifest.list.v2+json"
        | "application/vnd.oci.image.index.v1+json" => Some(false),
        _ => None,
    }
}

/// A blob that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub digest: Digest,
    /// Its length where that is known.
    pub size: Option<u64>,
    /// What it is, for messages.
    pub what: &'a str,
    /// A manifest or an index: registries keep those apart.
    #[cfg_attr(not(feature = "registry"), expect(dead_code, reason = "folders keep all blobs in one place"))]
    pub manifest: bool,
    /// No more bytes than these are read.
    pub limit: u64,
}

impl Ask<'_> {
    /// Refuses bytes that are not those that were asked for; `path` names them.
    pub fn check(&self, path: &Path, bytes: &[u8]) -> Result<(), ImageError> {
        if bytes.len() as u64 > self.limit {
            return Err(too_long(path, self.limit));
        }
        check_size(path, self.size, bytes.len() as u64)?;
        let found = Digest::sha256(bytes);
        if found == self.digest {
            return Ok(());
        }
        Err(ImageError::Digest { path: path.into(), expected: self.digest, found })
    }
}

/// Refuses a blob that hasn't the length that its descriptor says.
pub(super) fn check_size(path: &Path, expected: Option<u64>, found: u64) -> Result<(), ImageError> {
    match expected {
        Some(expected) if expected != found => Err(ImageError::Size { path: path.into(), expected, found }),
        _ => Ok(()),
    }
}

pub(super) fn too_long(path: &Path, limit: u64) -> ImageError {
    let why = format!("longer than {limit} bytes, which is too much for a manifest or config");
    ImageError::Format { path: path.into(), why }
}

/// Where manifests, indexes and configs are read from.
pub(crate) trait Blobs {
    /// Why a blob can't be read.
    type Error: From<ImageError>;

    /// The place, for messages.
    fn place(&self) -> PathBuf;

    /// The name of a blob, for messages.
    fn name(&self, digest: &Digest) -> PathBuf;

    /// The bytes of a blob, checked against its digest and length.
    fn read(&self, ask: &Ask<'_>) -> Result<Vec<u8>, Self::Error>;
}

/// The manifest for the platform, with its config. A manifest that the reference names itself is taken whatever its platform.
pub(crate) fn choose<B: Blobs>(
    blobs: &B,
    root: &Digest,
    platform: &Platform,
) -> Result<(Document, ImageConfig), B::Error> {
    let mut chooser = Chooser { blobs, matcher: Matcher::only(platform), seen: Vec::new() };
    let document = chooser.document(root, None, &root.to_string())?;
    if let Some(found) = chooser.choose(document, root, 0)? {
        return Ok(found);
    }
    let have = if chooser.seen.is_empty() { "none".to_owned() } else { chooser.seen.join(", ") };
    let error = ImageError::Platform { path: blobs.place(), wanted: show(platform), digest: *root, have };
    Err(error.into())
}

struct Chooser<'b, B> {
    blobs: &'b B,
    matcher: Matcher,
    /// The platforms that came up.
    seen: Vec<String>,
}

impl<B: Blobs> Chooser<'_, B> {
    fn choose(
        &mut self,
        document: Document,
        digest: &Digest,
        depth: usize,
    ) -> Result<Option<(Document, ImageConfig)>, B::Error> {
        let Some(manifests) = document.manifests else {
            let config = self.config(&document, digest)?;
            return Ok(Some((document, config)));
        };
        self.seen.extend(manifests.iter().filter_map(|m| m.platform.as_ref()).map(|p| show(&p.into())));
        let Some(best) = self.best(&manifests).filter(|_| depth < MAX_DEPTH) else { return Ok(None) };
        let child = best.sha256(&self.blobs.name(digest))?;
        let document = self.document(&child, best.size, &format!("{child} of {digest}"))?;
        let found = self.choose(document, &child, depth + 1)?;
        // A manifest of which the index doesn't say the platform is taken when its config says a fitting one.
        let known = best.platform.is_some();
        Ok(found.filter(|(_, config)| known || self.matcher.matches(&config.platform)))
    }

    fn best<'m>(&self, manifests: &'m [Descriptor]) -> Option<&'m Descriptor> {
        let fits = |m: &&Descriptor| m.platform.as_ref().is_none_or(|p| self.matcher.matches(&p.into()));
        let order = |a: &&Descriptor, b: &&Descriptor| match (&a.platform, &b.platform) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => self.matcher.compare(&a.into(), &b.into()),
        };
        manifests.iter().filter(fits).min_by(order)
    }

    fn document(&self, digest: &Digest, size: Option<u64>, what: &str) -> Result<Document, B::Error> {
        let ask = Ask { digest: *digest, size, what, manifest: true, limit: MAX_BLOB };
        let bytes = self.blobs.read(&ask)?;
        Ok(Document::parse(&bytes, &self.blobs.name(digest))?)
    }

    fn config(&self, manifest: &Document, digest: &Digest) -> Result<ImageConfig, B::Error> {
        let path = self.blobs.name(digest);
        let Some(descriptor) = &manifest.config else {
            return Err(ImageError::Format { path, why: "the manifest has no config".into() }.into());
        };
        let digest = descriptor.sha256(&path)?;
        let what = format!("config {digest}");
        let ask = Ask { digest, size: descriptor.size, what: &what, manifest: false, limit: MAX_BLOB };
        let bytes = self.blobs.read(&ask)?;
        let path = self.blobs.name(&digest);
        Ok(parse_config(&parse_json(&bytes, &path)?, &path)?)
    }
}

pub(crate) fn parse_json<T: serde::de::DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T, ImageError> {
    serde_json::from_slice(bytes).map_err(|e| ImageError::Format { path: path.into(), why: e.to_string() })
}
