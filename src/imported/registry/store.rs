//! A repository as a place that has blobs.

use std::io::{self, Read};
use std::path::PathBuf;

use super::client::{Client, Wanted};
use crate::digest::Digest;
use crate::image::{Ask, Blobs, ImageError, MAX_BLOB, Reference};
use crate::imported::ImportError;
use crate::imported::store::Store;

/// What a reference stands for, with its manifest or index.
pub(super) struct Registry {
    client: Client,
    /// The reference in full.
    pub reference: String,
    /// Digest of the manifest or index.
    pub root: Digest,
    manifest: Vec<u8>,
}

impl Registry {
    /// Reads the manifest or index of a reference.
    pub fn open(client: Client, reference: &Reference) -> Result<Self, ImportError> {
        let shown = reference.to_string();
        let path = format!("manifests/{}", reference.object());
        let manifest = client.read(&Wanted { path: &path, what: &shown, size: None }, MAX_BLOB)?;
        let root = Digest::sha256(&manifest);
        let registry = Self { client, root, reference: shown, manifest };
        match Digest::parse(reference.object()).filter(|digest| *digest != root) {
            None => Ok(registry),
            Some(expected) => {
                let path = registry.name(&expected);
                Err(ImageError::Digest { path, expected, found: root }.into())
            }
        }
    }
}

impl Blobs for Registry {
    type Error = ImportError;

    fn place(&self) -> PathBuf {
        PathBuf::from(&self.reference)
    }

    fn name(&self, digest: &Digest) -> PathBuf {
        if *digest == self.root {
            return self.place();
        }
        let name = self.reference.split('@').next().unwrap_or_default();
        PathBuf::from(format!("{name} {digest}"))
    }

    fn read(&self, ask: &Ask<'_>) -> Result<Vec<u8>, ImportError> {
        let path = self.name(&ask.digest);
        if ask.digest == self.root {
            ask.check(&path, &self.manifest)?;
            return Ok(self.manifest.clone());
        }
        let kind = if ask.manifest { "manifests" } else { "blobs" };
        let wanted = Wanted { path: &format!("{kind}/{}", ask.digest), what: ask.what, size: ask.size };
        let bytes = self.client.read(&wanted, ask.limit)?;
        ask.check(&path, &bytes)?;
        Ok(bytes)
    }
}

impl Store for Registry {
    /// A manifest is only taken by a registry when its blobs are there.
    fn has(&self, _: &Digest, _: Option<u64>) -> bool {
        true
    }

    fn open(&self, digest: &Digest, size: Option<u64>) -> Result<Box<dyn Read + Send + '_>, ImportError> {
        let wanted = Wanted { path: &format!("blobs/{digest}"), what: &self.layer(digest), size };
        let body = self.client.get(&wanted)?.into_body();
        let reader = body.into_with_config().limit(u64::MAX).reader();
        Ok(Box::new(Limited { inner: reader, left: size.unwrap_or(u64::MAX) }))
    }

    fn broken(&self, digest: &Digest, error: io::Error) -> ImportError {
        let wanted = Wanted { path: "", what: &self.layer(digest), size: None };
        self.client.answer(&wanted, format!("the answer breaks off: {error}")).into()
    }
}

impl Registry {
    fn layer(&self, digest: &Digest) -> String {
        format!("layer {digest} of {}", self.reference)
    }
}

/// Refuses to go on behind the length that the manifest says.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other("it is longer than its manifest says"))?;
        Ok(read)
    }
}
