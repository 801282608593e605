//! `stowaway build`.

mod args;
mod screen;

pub use self::args::BuildVerb;
use self::args::TransportArg;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::screen::Told;
use super::options::{BuildOptions, Format};
use super::{DONE, FOUND, environment, folders, interrupt, output, say, snapshot};
use crate::engine::{self, Endpoint, Settings};
use crate::error::Error;
use crate::observer::{Observer, Silent};
use crate::ops::build::{self, Built, Driver, Flags, Interrupt, Job, Options, Surroundings};
use crate::ops::transport::Transport;
use crate::ops::{NamedInput, Request};
use crate::report::{Document as _, Look};

/// Builds, and says what was done.
pub fn run(verb: &BuildVerb) -> Result<u8, Error> {
    let flags = verb.flags();
    let options = Options::parse(&flags, &environment)?;
    let endpoint = endpoint(verb, &options)?;
    let job = Job {
        request: request(verb, &options)?,
        options,
        surroundings: surroundings(&endpoint),
        endpoint,
        load_into: docker_endpoint()?,
        skip_unchanged: verb.skip_unchanged,
        transport: match verb.transport {
            TransportArg::Files => Transport::Files,
            TransportArg::Tar => Transport::Tar,
            TransportArg::Oci => Transport::Oci,
        },
        store: snapshot::store().ok(),
        records: folders::state(|name| std::env::var_os(name)).map(|folder| folder.join("builds")),
    };
    let asked = Interrupt::default();
    interrupt::ask_first(asked.clone());
    let mut told = Told::new(verb);
    let quiet: Arc<dyn Observer + Send + Sync> = Arc::new(Silent);
    let built = build::build(&job, Box::new(io::stdin()), &asked, &mut told, &quiet);
    interrupt::ask_nobody();
    let built = match built {
        Ok(built) => built,
        // The screen has told it.
        Err(e @ Error::Build { .. }) => return Ok(e.exit_code()),
        Err(e) => {
            told.finish();
            return Err(e);
        }
    };
    told.finish();
    if let Some(call) = &job.options.call {
        let (text, status) = build::answer(call, &built.response);
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        return Ok(status);
    }
    report(verb, &built)?;
    let differs = built.report.summary.differences > 0;
    Ok(if built.emptied || (verb.verify && differs) { FOUND } else { DONE })
}

/// Says what was done: the image's id, or what was predicted beside it.
fn report(verb: &BuildVerb, built: &Built) -> Result<(), Error> {
    if verb.format == Format::Json {
        return output::to_stdout(|out| built.report.json(out));
    }
    if verb.is_quiet() {
        let id = built.report.image.as_deref().unwrap_or_default();
        return output::to_stdout(|out| writeln!(out, "{id}"));
    }
    let mut text = Vec::new();
    let color = output::in_color(verb.color, &io::stderr());
    // A vector takes every byte.
    let _ = built.report.human(&mut text, &Look { color, ..Look::default() });
    say(&String::from_utf8_lossy(&text));
    Ok(())
}

/// The build as it is planned here; `None` where its context is not a folder, and for several platforms.
fn request(verb: &BuildVerb, options: &Options) -> Result<Option<Request>, Error> {
    if !Path::new(&verb.context).is_dir() || options.platforms.len() > 1 || verb.file.as_deref() == Some("-")
    {
        return Ok(None);
    }
    let given = BuildOptions {
        file: options.file.as_ref().map(PathBuf::from),
        target: options.target.clone(),
        build_arg: options.build_args.iter().map(|(k, v)| format!("{k}={v}")).collect(),
        build_context: options.named.iter().map(|(k, v)| format!("{k}={v}")).collect(),
        base: verb.base.clone(),
        #[cfg(feature = "registry")]
        resolve_bases: false,
        #[cfg(feature = "registry")]
        insecure_registry: false,
        platform: options.platforms.first().map(crate::image::Platform::full),
        no_cache: options.no_cache,
        no_cache_filter: options.no_cache_filter.clone(),
        // The engine tells.
        buildkit: None,
        secret: Vec::new(),
        ssh: Vec::new(),
        no_index: verb.no_index,
        index: verb.index.clone(),
    };
    let mut request = super::request(Path::new(&verb.context), &given)?;
    // A folder is one, whatever its name looks like.
    for (name, value) in &options.named {
        if Path::new(value).is_dir() {
            request.named.insert(name.clone(), NamedInput::Folder(value.into()));
        }
    }
    Ok(Some(request))
}

/// The environment as far as it is text.
fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.to_string_lossy().into_owned())))
        .collect()
}

/// Where the engine is.
fn endpoint(verb: &BuildVerb, options: &Options) -> Result<Endpoint, Error> {
    let platforms = options.platforms.iter().map(crate::image::Platform::full).collect();
    Ok(engine::find(&Settings { builder: verb.builder.clone(), platforms, ..Settings::new(variables()) })?)
}

/// The Docker engine of the context in force.
fn docker_endpoint() -> Result<Endpoint, Error> {
    Ok(engine::Client::read(&variables(), Path::new("/")).0.endpoint()?)
}

/// What the environment, Docker's configuration and the builder tell.
fn surroundings(endpoint: &Endpoint) -> Surroundings {
    let builder = endpoint.builder.as_ref();
    let folder = docker_folder().unwrap_or_default();
    Surroundings {
        builder: builder.map_or_else(|| "default".to_owned(), |b| b.name.clone()),
        docker_config: docker_config(&folder),
        driver: match builder.map(|b| b.driver.as_str()) {
            Some("docker-container") => Driver::Container,
            _ => Driver::Remote,
        },
        default_load: builder.is_some_and(|b| b.default_load),
        docker_folder: folder,
        environment: variables(),
    }
}

/// The folder of Docker's configuration.
fn docker_folder() -> Option<PathBuf> {
    let given = |name: &str| environment(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    given("DOCKER_CONFIG").or_else(|| Some(given("HOME")?.join(".docker")))
}

/// Docker's configuration, null where there is none that can be read.
fn docker_config(folder: &Path) -> serde_json::Value {
    let bytes = std::fs::read(folder.join("config.json")).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests;
