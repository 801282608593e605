//! OCI image layouts: a folder with `oci-layout`, `index.json` and `blobs/`. Every blob is checked against its digest.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::manifest::{Ask, Blobs, Descriptor, Document, MAX_BLOB, check_size, choose, parse_json, too_long};
use super::{Image, ImageError, Layer, Platform};
use crate::digest::Digest;

/// What a layout is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wanted<'a> {
    pub digest: Option<Digest>,
    pub tag: Option<&'a str>,
    /// Another name that the index may have for it (`io.containerd.image.name`).
    pub name: Option<&'a str>,
    /// The only manifest isn't taken when it has another name.
    pub strict: bool,
}

/// A layout's folder.
#[derive(Debug, Clone)]
pub(crate) struct Layout<'a> {
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
        let (manifest, config) = choose(self, &root, platform)?;
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
    pub fn find(&self, wanted: &Wanted<'_>) -> Result<Digest, ImageError> {
        let path = self.folder.join("index.json");
        let bytes = read_limited(&path, MAX_BLOB)?;
        let index: Document = parse_json(&bytes, &path)?;
        let manifests = index.manifests.unwrap_or_default();
        let tag = wanted.tag.unwrap_or("latest");
        let by = |key: &str, value: &str| {
            let named = |m: &&Descriptor| m.annotation(key) == Some(value);
            manifests.iter().find(named)
        };
        let full = wanted.name.and_then(|name| by(CONTAINERD_NAME, name));
        let found = full.or_else(|| by(CONTAINERD_NAME, tag)).or_else(|| by(OCI_NAME, tag));
        let found = found.or_else(|| manifests.first().filter(|_| manifests.len() == 1 && !wanted.strict));
        let found = found.ok_or_else(|| self.missing(&format!("tag {tag:?}"), &manifests))?;
        found.sha256(&path)
    }

    fn missing(&self, what: &str, have: &[Descriptor]) -> ImageError {
        let names: Vec<String> = have
            .iter()
            .map(|m| m.annotation(OCI_NAME).map_or_else(|| m.digest.clone(), |n| format!("tag {n:?}")))
            .collect();
        let hint = if names.is_empty() { String::new() } else { format!("; it has {}", names.join(", ")) };
        ImageError::Missing { path: self.folder.into(), what: what.into(), hint }
    }

    /// The layers, or `None` when one of them isn't here: an image without its layers still has its keys.
    fn layers(&self, descriptors: Vec<Descriptor>) -> Result<Option<Vec<Layer>>, ImageError> {
        let path = self.folder.join("index.json");
        let mut layers = Vec::with_capacity(descriptors.len());
        for descriptor in descriptors {
            let digest = descriptor.sha256(&path)?;
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

    /// The file of a blob, there or not.
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        self.folder.join("blobs/sha256").join(digest.hex())
    }
}

impl Blobs for Layout<'_> {
    type Error = ImageError;

    fn place(&self) -> PathBuf {
        self.folder.into()
    }

    fn name(&self, digest: &Digest) -> PathBuf {
        self.blob(digest)
    }

    fn read(&self, ask: &Ask<'_>) -> Result<Vec<u8>, ImageError> {
        let path = self.blob(&ask.digest);
        if !path.exists() {
            return Err(self.missing(ask.what, &[]));
        }
        let bytes = read_limited(&path, ask.limit)?;
        ask.check(&path, &bytes)?;
        Ok(bytes)
    }
}

const CONTAINERD_NAME: &str = "io.containerd.image.name";
const OCI_NAME: &str = "org.opencontainers.image.ref.name";

pub(super) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, ImageError> {
    let failed = |source| ImageError::Read { path: path.into(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(too_long(path, limit));
    }
    Ok(bytes)
}
