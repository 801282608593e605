//! [`ImportError`]: what is wrong with a cache that should be readable.

use std::path::PathBuf;

use super::ConfigError;
use crate::cache::LayerError;
use crate::image::ImageError;

/// Why a cache can't be read: what was being done, to what, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A manifest, an index or a blob can't be read, or isn't what its digest says.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The folder holds no cache.
    #[error("{why} in {}", path.display())]
    NotACache {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        why: String,
    },
    /// The cache's records make no sense.
    #[error("reading the cache records in {}: {why}", path.display())]
    Config {
        /// The blob.
        path: PathBuf,
        /// What is wrong in it.
        why: ConfigError,
    },
    /// The image's inline cache makes no sense.
    #[error("reading the inline cache in {}: {why}", path.display())]
    Inline {
        /// The image's config.
        path: PathBuf,
        /// What is wrong in it.
        why: String,
    },
    /// A layer can't be read.
    #[error("reading layer {}: {why}", path.display())]
    Layer {
        /// The blob.
        path: PathBuf,
        /// What is wrong with it.
        why: LayerError,
    },
    /// A registry can't be asked, refuses, or doesn't have it.
    #[cfg(feature = "registry")]
    #[error(transparent)]
    Registry(#[from] super::RegistryError),
}

impl ImportError {
    /// True when a registry is to blame, not what was given.
    pub fn is_remote(&self) -> bool {
        match self {
            #[cfg(feature = "registry")]
            Self::Registry(error) => error.is_remote(),
            _ => false,
        }
    }

    /// What to do about it, where something can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotACache { .. } => {
                Some("give the folder that `--cache-to type=local,dest=…` wrote, or an OCI layout of an image with inline cache".into())
            }
            Self::Config { .. } | Self::Inline { .. } => {
                Some("the cache is damaged, and a builder doesn't take it either: export it again".into())
            }
            #[cfg(feature = "registry")]
            Self::Registry(error) => error.hint(),
            _ => None,
        }
    }
}
