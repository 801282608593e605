//! OCI image layouts: a folder with `oci-layout`, `index.json` and `blobs/`. Every blob is checked against its digest.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::config::parse_config;
use super::platform::{Matcher, show};
use super::{Image, ImageConfig, ImageError, Layer, Platform};
use crate::digest::Digest;

/// No manifest, index or config is longer.
const MAX_BLOB: u64 = 64 << 20;
/// How deep indexes may stand in indexes.
const MAX_DEPTH: usize = 16;

/// What a layout is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wanted<'a> {
    pub digest: Option<Digest>,
    pub tag: Option<&'a str>,
    /// Another name that the index may have for it (`io.containerd.image.name`).
    pub name: Option<&'a str>,
}

#[derive(Debug, Clone, Deserialize)]
struct Descriptor {
    #[serde(default, rename = "mediaType")]
    media_type: Option<String>,
    digest: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    platform: Option<IndexPlatform>,
    #[serde(default)]
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Deserialize)]
struct IndexPlatform {
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

/// A manifest or an index: which one, its fields tell (`DetectManifestBlobMediaType`).
#[derive(Debug, Deserialize)]
struct Document {
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
}

/// A layout's folder.
pub(super) struct Layout<'a> {
    pub folder: &'a Path,
}

impl Layout<'_> {
    /// Reads the image for a platform.
    pub fn image(&self, name: &str, wanted: &Wanted<'_>, platform: &Platform) -> Result<Image, ImageError> {
        self.check()?;
        let root = match wanted.digest {
            Some(digest) => digest,
            None => self.find(wanted)?,
        };
        let matcher = Matcher::only(platform);
        let document = self.document(&root, None, &format!("{root}"))?;
        let mut seen = Vec::new();
        let found = self.choose(document, &root, &matcher, &mut seen, 0)?;
        let Some((manifest, config)) = found else {
            let have = if seen.is_empty() { "none".to_owned() } else { seen.join(", ") };
            return Err(ImageError::Platform {
                path: self.folder.into(),
                wanted: show(platform),
                digest: root,
                have,
            });
        };
        let layers = self.layers(manifest.layers.unwrap_or_default())?;
        Ok(Image { name: name.into(), root_digest: Some(root), config, layers })
    }

    /// True when the layout has a blob of that digest.
    pub fn has(&self, digest: &Digest) -> bool {
        self.blob(digest).is_file()
    }

    fn check(&self) -> Result<(), ImageError> {
        let wrong = |why: String| ImageError::NotLayout { path: self.folder.into(), why };
        match fs::read(self.folder.join("oci-layout")) {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Err(wrong("there is no file `oci-layout` in it".into()))
            }
            Err(e) => Err(wrong(format!("oci-layout: {e}"))),
        }
    }

    /// The digest that a tag names in `index.json`: containerd's name first, then the OCI name, then the only manifest
    /// (buildx's `resolveDigest`, `client/ociindex`).
    fn find(&self, wanted: &Wanted<'_>) -> Result<Digest, ImageError> {
        let path = self.folder.join("index.json");
        let bytes = read_limited(&path)?;
        let index: Document = parse(&bytes, &path)?;
        let manifests = index.manifests.unwrap_or_default();
        let tag = wanted.tag.unwrap_or("latest");
        let by = |key: &str, value: &str| {
            let named = |m: &&Descriptor| annotation(m, key) == Some(value);
            manifests.iter().find(named)
        };
        let full = wanted.name.and_then(|name| by(CONTAINERD_NAME, name));
        let found = full.or_else(|| by(CONTAINERD_NAME, tag)).or_else(|| by(OCI_NAME, tag));
        let found = found.or_else(|| manifests.first().filter(|_| manifests.len() == 1));
        let found = found.ok_or_else(|| self.missing(&format!("tag {tag:?}"), &manifests))?;
        digest_of(found, &path)
    }

    fn missing(&self, what: &str, have: &[Descriptor]) -> ImageError {
        let names: Vec<String> = have
            .iter()
            .map(|m| annotation(m, OCI_NAME).map_or_else(|| m.digest.clone(), |n| format!("tag {n:?}")))
            .collect();
        let hint = if names.is_empty() { String::new() } else { format!("; it has {}", names.join(", ")) };
        ImageError::Missing { path: self.folder.into(), what: what.into(), hint }
    }

    /// The manifest for the platform, with its config (containerd's `images.Manifest`). A manifest that the reference names
    /// itself is taken whatever its platform.
    fn choose(
        &self,
        document: Document,
        digest: &Digest,
        matcher: &Matcher,
        seen: &mut Vec<String>,
        depth: usize,
    ) -> Result<Option<(Document, ImageConfig)>, ImageError> {
        let Some(manifests) = document.manifests else {
            let config = self.config(&document, digest)?;
            return Ok(Some((document, config)));
        };
        seen.extend(manifests.iter().filter_map(|m| m.platform.as_ref()).map(|p| show(&p.into())));
        let fits = |m: &&Descriptor| m.platform.as_ref().is_none_or(|p| matcher.matches(&p.into()));
        let mut fitting: Vec<&Descriptor> = manifests.iter().filter(fits).collect();
        fitting.sort_by(|a, b| match (&a.platform, &b.platform) {
            (None, None) => std::cmp::Ordering::Equal,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(_), None) => std::cmp::Ordering::Less,
            (Some(a), Some(b)) => matcher.compare(&a.into(), &b.into()),
        });
        let Some(best) = fitting.first().filter(|_| depth < MAX_DEPTH) else { return Ok(None) };
        let path = self.blob(digest);
        let child = digest_of(best, &path)?;
        let document = self.document(&child, best.size, &format!("{child} of {digest}"))?;
        let found = self.choose(document, &child, matcher, seen, depth + 1)?;
        // A manifest of which the index doesn't say the platform is taken when its config says a fitting one.
        let known = best.platform.is_some();
        Ok(found.filter(|(_, config)| known || matcher.matches(&config.platform)))
    }

    fn document(&self, digest: &Digest, size: Option<u64>, what: &str) -> Result<Document, ImageError> {
        let path = self.blob(digest);
        let document: Document = parse(&self.read(digest, size, what)?, &path)?;
        let manifest = document.config.is_some() || document.layers.is_some();
        let why = match (manifest, document.manifests.is_some()) {
            (true, true) => "invalid ambiguous manifest and manifest list",
            (false, false) => "neither an image manifest nor an index",
            _ => return Ok(document),
        };
        Err(ImageError::Format { path, why: why.into() })
    }

    fn config(&self, manifest: &Document, digest: &Digest) -> Result<ImageConfig, ImageError> {
        let path = self.blob(digest);
        let Some(descriptor) = &manifest.config else {
            return Err(ImageError::Format { path, why: "the manifest has no config".into() });
        };
        let digest = digest_of(descriptor, &path)?;
        let bytes = self.read(&digest, descriptor.size, &format!("config {digest}"))?;
        let path = self.blob(&digest);
        parse_config(&parse(&bytes, &path)?, &path)
    }

    /// The layers, or `None` when one of them isn't here: an image without its layers still has its keys.
    fn layers(&self, descriptors: Vec<Descriptor>) -> Result<Option<Vec<Layer>>, ImageError> {
        let path = self.folder.join("index.json");
        let mut layers = Vec::with_capacity(descriptors.len());
        for descriptor in descriptors {
            let digest = digest_of(&descriptor, &path)?;
            let blob = self.blob(&digest);
            let size = match fs::metadata(&blob) {
                Ok(meta) => meta.len(),
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(source) => return Err(ImageError::Read { path: blob, source }),
            };
            check_size(&blob, descriptor.size, size)?;
            let media_type = descriptor.media_type.unwrap_or_default();
            layers.push(Layer { path: blob, media_type, digest: Some(digest) });
        }
        Ok(Some(layers))
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.folder.join("blobs/sha256").join(digest.hex())
    }

    fn read(&self, digest: &Digest, size: Option<u64>, what: &str) -> Result<Vec<u8>, ImageError> {
        let path = self.blob(digest);
        if !path.exists() {
            return Err(self.missing(what, &[]));
        }
        let bytes = read_limited(&path)?;
        check_size(&path, size, bytes.len() as u64)?;
        let found = Digest::sha256(&bytes);
        if found == *digest { Ok(bytes) } else { Err(ImageError::Digest { path, expected: *digest, found }) }
    }
}

const CONTAINERD_NAME: &str = "io.containerd.image.name";
const OCI_NAME: &str = "org.opencontainers.image.ref.name";

fn annotation<'d>(descriptor: &'d Descriptor, key: &str) -> Option<&'d str> {
    descriptor.annotations.as_ref()?.get(key).map(String::as_str)
}

fn digest_of(descriptor: &Descriptor, path: &Path) -> Result<Digest, ImageError> {
    let sha256 =
        Digest::parse(&descriptor.digest).filter(|d| d.algorithm == crate::digest::Algorithm::Sha256);
    sha256.ok_or_else(|| ImageError::Format {
        path: path.into(),
        why: format!("{:?} is no sha256 digest", descriptor.digest),
    })
}

fn check_size(path: &Path, expected: Option<u64>, found: u64) -> Result<(), ImageError> {
    match expected {
        Some(expected) if expected != found => Err(ImageError::Size { path: path.into(), expected, found }),
        _ => Ok(()),
    }
}

pub(super) fn read_limited(path: &Path) -> Result<Vec<u8>, ImageError> {
    let failed = |source| ImageError::Read { path: path.into(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(MAX_BLOB + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BLOB {
        let why = format!("longer than {MAX_BLOB} bytes, which no manifest or config is");
        return Err(ImageError::Format { path: path.into(), why });
    }
    Ok(bytes)
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T, ImageError> {
    serde_json::from_slice(bytes).map_err(|e| ImageError::Format { path: path.into(), why: e.to_string() })
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
