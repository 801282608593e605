//! Where an engine is, and who says so.

use std::path::PathBuf;

use super::address::Address;

/// An engine that is configured, or that may be in a usual place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// What is expected to be spoken there; [`Engine::connect`](super::Engine::connect) finds out what is.
    pub kind: Kind,
    /// The address as it was written.
    pub text: String,
    /// Where that is.
    pub address: Address,
    /// Who says so.
    pub source: String,
    /// Somebody has written it down: a variable, a context, a builder.
    pub explicit: bool,
    /// Builds go there as things are configured.
    pub chosen: bool,
    /// Keys and certificates.
    pub tls: Option<Tls>,
    /// The builder of buildx that it is a node of.
    pub builder: Option<Builder>,
}

/// A builder of buildx, as far as it matters to a build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Builder {
    /// Its name.
    pub name: String,
    /// Its driver: `docker-container` or `remote`.
    pub driver: String,
    /// The node that was chosen.
    pub node: String,
    /// The nodes that were not.
    pub others: Vec<String>,
    /// Its results are loaded into Docker unless something else is asked for (`default-load`).
    pub default_load: bool,
}

/// What is spoken at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Docker's HTTP interface.
    Docker,
    /// BuildKit's gRPC interface.
    BuildKit,
}

/// Keys and certificates of a TLS connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// Who vouches for the engine.
    pub ca: Option<PathBuf>,
    /// Our certificate.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// Whether the engine's certificate is looked at.
    pub verify: bool,
    /// The name that the engine's certificate is for, where it is not the host's.
    pub name: Option<String>,
}

impl Endpoint {
    /// An endpoint that a caller names itself.
    pub fn new(text: &str, source: &str, kind: Kind) -> Self {
        let address = match kind {
            Kind::Docker => Address::parse(text, false),
            Kind::BuildKit => Address::of_buildkit(text),
        };
        Self {
            kind,
            text: text.to_owned(),
            address,
            source: source.to_owned(),
            explicit: true,
            chosen: true,
            tls: None,
            builder: None,
        }
    }

    /// The address and who named it, for people.
    pub fn place(&self) -> String {
        if self.source.is_empty() { self.text.clone() } else { format!("{} ({})", self.text, self.source) }
    }
}
