//! A context as an image of one layer, whose digest is the context's own: an engine that has seen it asks for nothing.

use std::io::{self, Read};
use std::sync::Arc;

use serde_json::json;

use super::stream::PackStream;
use super::{PackOptions, Packable, pack};
use crate::digest::{Algorithm, Digest};
use crate::error::Error;
use crate::observer::Observer;
use crate::pack::{Compression, Sink};

/// An image that consists of a context's tar.
#[derive(Debug)]
pub struct ContextImage {
    packable: Arc<Packable>,
    options: PackOptions,
    layer: Blob,
    config: (Blob, Vec<u8>),
    manifest: (Blob, Vec<u8>),
}

/// A blob of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob {
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// How many there are.
    pub size: u64,
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

impl ContextImage {
    /// Packs once to know the digest; nothing is kept, and the layer is packed again when an engine asks for it.
    ///
    /// # Errors
    /// [`Error`] when a file can't be read.
    pub fn of(packable: Arc<Packable>, options: PackOptions, observer: &dyn Observer) -> Result<Self, Error> {
        let digest = Some(Algorithm::Sha256);
        let options = PackOptions { digest, compression: Compression::None, ..options };
        let summary = pack(&packable, &options, Sink::Writer(&mut io::sink()), None, observer)?;
        let digest = summary.digest.unwrap_or_else(|| Digest::sha256(b""));
        let layer = Blob { digest, size: summary.written };
        let config = blob(&json!({
            "architecture": "unknown",
            "os": "unknown",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest.to_string()]},
        }));
        let manifest = blob(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, config.0),
            "layers": [descriptor(LAYER, layer)],
        }));
        Ok(Self { packable, options: PackOptions { digest: None, ..options }, layer, config, manifest })
    }

    /// The digest by which an engine knows the context.
    pub fn digest(&self) -> Digest {
        self.manifest.0.digest
    }

    /// The blobs: manifest, config, layer.
    pub fn blobs(&self) -> [Blob; 3] {
        [self.manifest.0, self.config.0, self.layer]
    }

    /// Reads a blob from `offset` on; `None` for one that the image doesn't have.
    ///
    /// # Errors
    /// What the system says when there is no pipe or no thread to be had. Reading fails when a file has changed since the digest was
    /// computed, if only its size tells.
    pub fn open(&self, digest: Digest, offset: u64) -> io::Result<Option<Box<dyn Read + Send>>> {
        for (blob, bytes) in [&self.manifest, &self.config] {
            if blob.digest == digest {
                let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                return Ok(Some(Box::new(io::Cursor::new(bytes[from..].to_vec()))));
            }
        }
        if digest != self.layer.digest {
            return Ok(None);
        }
        let mut stream = PackStream::new(Arc::clone(&self.packable), self.options.clone())?;
        io::copy(&mut (&mut stream).take(offset), &mut io::sink())?;
        Ok(Some(Box::new(stream)))
    }
}

/// A small blob and its bytes.
fn blob(value: &serde_json::Value) -> (Blob, Vec<u8>) {
    let bytes = value.to_string().into_bytes();
    (Blob { digest: Digest::sha256(&bytes), size: bytes.len() as u64 }, bytes)
}

fn descriptor(media_type: &str, blob: Blob) -> serde_json::Value {
    json!({"mediaType": media_type, "digest": blob.digest.to_string(), "size": blob.size})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Silent;
    use crate::ops::Request;

    fn image(folder: &std::path::Path) -> ContextImage {
        let request = Request { context: folder.to_owned(), ..Request::default() };
        let options = PackOptions::default();
        let packable = Packable::of(&request, &options, &Silent).unwrap();
        ContextImage::of(Arc::new(packable), options, &Silent).unwrap()
    }

    fn read(image: &ContextImage, blob: Blob, offset: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.open(blob.digest, offset).unwrap().unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn every_blob_has_its_digest_and_size() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), vec![7; 200_000]).unwrap();
        let image = image(folder.path());
        for blob in image.blobs() {
            let bytes = read(&image, blob, 0);
            assert_eq!((Digest::sha256(&bytes), bytes.len() as u64), (blob.digest, blob.size));
            assert_eq!(read(&image, blob, 100), bytes[100..]);
        }
        let manifest: serde_json::Value = serde_json::from_slice(&read(&image, image.blobs()[0], 0)).unwrap();
        assert_eq!(manifest["layers"][0]["digest"], image.blobs()[2].digest.to_string());
        assert!(image.open(Digest::sha256("other"), 0).unwrap().is_none());
    }

    #[test]
    fn the_same_context_is_the_same_image() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for folder in [&one, &other] {
            std::fs::write(folder.path().join("a"), "text").unwrap();
        }
        let digest = image(one.path()).digest();
        assert_eq!(image(other.path()).digest(), digest);
        std::fs::write(other.path().join("a"), "test").unwrap();
        assert_ne!(image(other.path()).digest(), digest);
    }
}
