//! Caches and images in OCI registries (the distribution API): only manifests and configs are read, layers when asked for.

mod challenge;
mod client;
mod error;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use error::RegistryError;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use self::client::Client;
use self::store::Registry;
use super::import::import;
use super::{ImportError, ImportedCache};
use crate::credentials::http::Http;
use crate::image::{Image, Platform, Reference, choose};

/// How registries are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryOptions {
    /// The folder with Docker's `config.json`, which has the credentials; `None` for none.
    pub docker_config: Option<PathBuf>,
    /// Takes certificates that nobody vouches for, and plain HTTP where there is no TLS. Registries on this machine
    /// (`localhost`, `127.0.0.1`) are always asked over plain HTTP.
    pub insecure: bool,
    /// Uses the proxies that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name.
    pub proxies: bool,
    /// How long a registry, or a credential helper, may be silent.
    pub patience: Duration,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self { docker_config: None, insecure: false, proxies: true, patience: Duration::from_secs(30) }
    }
}

impl RegistryOptions {
    fn http(&self) -> Http {
        Http { insecure: self.insecure, proxies: self.proxies, patience: self.patience }
    }
}

impl ImportedCache {
    /// Reads the cache behind a reference: an export of `type=registry`, or an image with inline cache. The reference is
    /// read as Docker reads it: `alpine` is `docker.io/library/alpine:latest`.
    ///
    /// # Errors
    /// [`ImportError::Registry`] when the registry can't be asked, refuses, or doesn't have it; others when what it has is
    /// damaged.
    pub fn open_registry(reference: &str, options: &RegistryOptions) -> Result<Self, ImportError> {
        let registry = open(reference, options)?;
        let (name, root) = (registry.reference.clone(), registry.root);
        import(name, root, Arc::new(registry))
    }
}

/// What a reference stands for in its registry now: the digest of its manifest or index, and the config for the platform.
/// The layers stay where they are.
///
/// # Errors
/// As [`ImportedCache::open_registry`], and when there is no image for the platform.
pub fn resolve_image(
    reference: &str,
    platform: &Platform,
    options: &RegistryOptions,
) -> Result<Image, ImportError> {
    let registry = open(reference, options)?;
    let (_, config) = choose(&registry, &registry.root, platform)?;
    let name = format!("{} (from its registry)", registry.reference);
    Ok(Image { name, root_digest: Some(registry.root), config, layers: None })
}

fn open(reference: &str, options: &RegistryOptions) -> Result<Registry, ImportError> {
    let parsed = Reference::parse(reference).map_err(|why| {
        let reference = reference.into();
        RegistryError::Reference { reference, why }
    })?;
    let parsed = parsed.tagged();
    let client = Client::new(&parsed, options)?;
    Registry::open(client, &parsed)
}
