//! What is done when the engine has built, beside taking what it sends.

use super::offer;
use super::run::Response;
use super::{Job, Screen, files, provenance, push};
use crate::engine::Engine;
use crate::error::Error;

/// What buildx adds to the response: the build's name in the engine's history, and its provenance where a metadata file asks for it.
///
/// # Errors
/// [`Error::Build`] for a provenance that the engine has and doesn't give.
pub async fn describe(
    job: &Job,
    engine: &Engine,
    reference: &str,
    response: &mut Response,
) -> Result<(), Error> {
    let builder = &job.surroundings.builder;
    let node = engine.endpoint().builder.as_ref().map_or(builder, |b| &b.node);
    response.insert("buildx.build.ref".into(), format!("{builder}/{node}/{reference}"));
    if job.options.metadata_file.is_some() {
        let mode = provenance::Mode::parse(job.surroundings.variable("BUILDX_METADATA_PROVENANCE"));
        let found = provenance::of_build(engine, reference, mode).await;
        response.extend(found.map_err(|status| Error::Build {
            message: format!("resolving provenance for metadata file: {}", status.message()),
        })?);
    }
    Ok(())
}

/// Has the engine push what its BuildKit couldn't.
///
/// # Errors
/// [`Error`] for credentials that can't be read, and for what the engine or the registry says.
pub async fn push(
    job: &Job,
    engine: &Engine,
    names: &[String],
    response: &mut Response,
    screen: &mut dyn Screen,
) -> Result<(), Error> {
    let Some(docker) = engine.docker() else { return Ok(()) };
    let logins = offer::logins(&job.surroundings);
    for (at, name) in names.iter().enumerate() {
        screen.note(&format!("pushing {name} with docker"));
        if let Some(digest) = push::push(&docker, &logins, name).await?.filter(|_| at == 0)
            && let Some(local) = response.insert(files::DIGEST.into(), digest)
        {
            response.entry(files::CONFIG.into()).or_insert(local);
        }
    }
    Ok(())
}
