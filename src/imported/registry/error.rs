//! [`RegistryError`]: why a registry doesn't give what it was asked for. No secret is ever in it.

use std::time::Duration;

use crate::credentials::CredentialsError;

/// Why a registry doesn't give what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The reference can't be read.
    #[error("{reference:?}: {why}")]
    Reference {
        /// As given.
        reference: String,
        /// What is wrong with it.
        why: String,
    },
    /// The credentials for a registry can't be had.
    #[error("reading the credentials for {host}: {why}")]
    Credentials {
        /// The registry.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// No connection, or none that can be trusted.
    #[error("asking {host}: {why}")]
    Unreachable {
        /// The registry, or the server that gives tokens for it.
        host: String,
        /// Why.
        why: String,
    },
    /// It is silent.
    #[error("asking {host}: no answer within {} seconds", patience.as_secs_f32())]
    Silent {
        /// The registry, or the server that gives tokens for it.
        host: String,
        /// How long it was waited for.
        patience: Duration,
    },
    /// It wants other credentials.
    #[error("{host} refuses to give {what} (status {status}{said}): {with}")]
    Denied {
        /// The registry.
        host: String,
        /// What it was asked for.
        what: String,
        /// 401 or 403.
        status: u16,
        /// What it says about it, with `: ` before it.
        said: String,
        /// Which credentials it was asked with.
        with: String,
    },
    /// It doesn't have it.
    #[error("{host} has no {what}{said}")]
    NotFound {
        /// The registry.
        host: String,
        /// What it was asked for.
        what: String,
        /// What it says about it, with `: ` before it.
        said: String,
    },
    /// Another answer than was asked for.
    #[error("asking {host} for {what}: {why}")]
    Answer {
        /// The registry.
        host: String,
        /// What it was asked for.
        what: String,
        /// What it answered.
        why: String,
    },
}

impl From<CredentialsError> for RegistryError {
    fn from(error: CredentialsError) -> Self {
        Self::Credentials { host: error.host, why: error.why }
    }
}

impl RegistryError {
    /// True when the network or the registry is to blame, not what was given.
    pub fn is_remote(&self) -> bool {
        !matches!(self, Self::Reference { .. } | Self::Credentials { .. })
    }

    /// What to do about it, where something can be said.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Reference { .. } => "name it as for `docker pull`: [HOST/]NAME[:TAG][@sha256:…]".into(),
            Self::Credentials { host, .. } | Self::Denied { host, .. } => format!("try `docker login {host}`"),
            Self::NotFound { .. } => {
                "check the name and the tag; a cache has its own tag: the `ref=…` of `--cache-to type=registry`".into()
            }
            Self::Unreachable { why, .. } if why.contains("certificate") => {
                "let this machine trust the registry's certificate authority, or allow the registry to be insecure".into()
            }
            Self::Unreachable { .. } | Self::Silent { .. } => {
                "check the host's name, the network, and HTTPS_PROXY and NO_PROXY".into()
            }
            Self::Answer { .. } => return None,
        })
    }
}
