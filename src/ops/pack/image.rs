//! A context as an image of one layer, whose digest is the context's own: an engine that has seen it asks for nothing.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
    /// Packs once to know the digest of the layer; nothing is kept.
    ///
    /// # Errors
    /// [`Error`] when a file can't be read, or `cancel` was set.
    pub fn layer_of(
        packable: &Packable,
        options: &PackOptions,
        cancel: Option<&AtomicBool>,
        observer: &dyn Observer,
    ) -> Result<Blob, Error> {
        let options = Self::options(options, Some(Algorithm::Sha256));
        let summary = pack(packable, &options, Sink::Writer(&mut io::sink()), cancel, observer)?;
        let digest = summary.digest.unwrap_or_else(|| Digest::sha256(b""));
        Ok(Blob { digest, size: summary.written })
    }

    /// The image of which the layer is known. It is packed when somebody reads it.
    pub fn new(packable: Arc<Packable>, options: &PackOptions, layer: Blob) -> Self {
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
        Self { packable, options: Self::options(options, None), layer, config, manifest }
    }

    fn options(options: &PackOptions, digest: Option<Algorithm>) -> PackOptions {
        PackOptions { digest, compression: Compression::None, ..options.clone() }
    }

    /// The digest by which an engine knows the context.
    pub fn digest(&self) -> Digest {
        self.manifest.0.digest
    }

    /// The blobs: manifest, config, layer.
    pub fn blobs(&self) -> [Blob; 3] {
        [self.manifest.0, self.config.0, self.layer]
    }

    /// The bytes of manifest or config.
    pub fn document(&self, digest: Digest) -> Option<&[u8]> {
        let found = [&self.manifest, &self.config].into_iter().find(|(blob, _)| blob.digest == digest);
        found.map(|(_, bytes)| &bytes[..])
    }

    /// The layer, packed anew. It is for the reader to see whether it still has the digest.
    ///
    /// # Errors
    /// What the system says when there is no pipe or no thread to be had.
    pub fn layer(&self) -> io::Result<PackStream> {
        PackStream::new(Arc::clone(&self.packable), self.options.clone())
    }

    /// What was packed.
    pub fn packable(&self) -> &Packable {
        &self.packable
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
    use std::io::Read as _;

    use super::*;
    use crate::observer::Silent;
    use crate::ops::Request;

    fn image(folder: &std::path::Path) -> ContextImage {
        let request = Request { context: folder.to_owned(), ..Request::default() };
        let options = PackOptions::default();
        let packable = Arc::new(Packable::of(&request, &options, &Silent).unwrap());
        let layer = ContextImage::layer_of(&packable, &options, None, &Silent).unwrap();
        ContextImage::new(packable, &options, layer)
    }

    #[test]
    fn every_blob_has_its_digest_and_size() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), vec![7; 200_000]).unwrap();
        let image = image(folder.path());
        let [manifest, config, layer] = image.blobs();
        let mut packed = Vec::new();
        image.layer().unwrap().read_to_end(&mut packed).unwrap();
        let document = |blob: Blob| image.document(blob.digest).unwrap().to_vec();
        for (blob, bytes) in [(manifest, document(manifest)), (config, document(config)), (layer, packed)] {
            assert_eq!((Digest::sha256(&bytes), bytes.len() as u64), (blob.digest, blob.size));
        }
        let manifest: serde_json::Value = serde_json::from_slice(&document(manifest)).unwrap();
        assert_eq!(manifest["layers"][0]["digest"], layer.digest.to_string());
        assert_eq!((image.document(Digest::sha256("other")), image.document(layer.digest)), (None, None));
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
