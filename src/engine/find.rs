//! The engine that a build would go to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::buildx::{self, Choice};
use super::client::Client;
use super::endpoint::{Endpoint, Kind};
use super::error::EngineError;

/// What decides on the engine.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The environment: `DOCKER_HOST`, `DOCKER_CONFIG`, `BUILDX_BUILDER`, `BUILDKIT_HOST`, `HOME` and the like.
    pub environment: BTreeMap<String, String>,
    /// The builder that is asked for (`--builder`).
    pub builder: Option<String>,
    /// What is built for, as `os/architecture[/variant]`: of several nodes it chooses one.
    pub platforms: Vec<String>,
    /// Where the usual places of sockets are: `/`.
    pub system: PathBuf,
}

impl Settings {
    /// An environment, and nothing else asked for.
    pub fn new(environment: BTreeMap<String, String>) -> Self {
        Self { environment, builder: None, platforms: Vec::new(), system: PathBuf::from("/") }
    }
}

/// The engine that a build would go to: the builder that is asked for, or named by `BUILDX_BUILDER`; `BUILDKIT_HOST`; the builder in use; the
/// engine of the Docker context in force. Looks at files alone; whether anybody is there is for
/// [`Engine::connect`](super::Engine::connect) to find out.
///
/// # Errors
/// What is named does not exist, can't be read, or is nothing that can be spoken to from here.
pub fn find(settings: &Settings) -> Result<Endpoint, EngineError> {
    // Docker's client goes on without a configuration that it can't read.
    let (client, _) = Client::read(&settings.environment, &settings.system);
    let named = settings.builder.as_deref().or_else(|| client.variable("BUILDX_BUILDER"));
    if named.is_none()
        && let Some(host) = client.variable("BUILDKIT_HOST")
    {
        return Ok(Endpoint::new(host, "BUILDKIT_HOST", Kind::BuildKit));
    }
    match buildx::choose(&client, settings.builder.as_deref())? {
        Choice::Context => client.endpoint(),
        Choice::Instance(builder) => {
            let node = builder.node_for(&settings.platforms);
            let node = node.ok_or_else(|| EngineError::Unsupported {
                what: format!("the builder {}", builder.name),
                source_of_choice: builder.source.clone(),
                why: "it has no nodes".to_owned(),
            })?;
            builder.endpoint(&client, node)
        }
    }
}
