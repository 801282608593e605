//! `stowaway build`.

mod args;
mod screen;

pub use self::args::BuildVerb;

use std::io;
use std::path::{Path, PathBuf};

use self::screen::Told;
use super::options::{BuildOptions, Format};
use super::progress::Progress;
use super::{DONE, FOUND, environment, folders, interrupt, output, say, snapshot};
use crate::engine::{Endpoint, Kind};
use crate::error::Error;
use crate::ops::build::{self, Built, Flags, Interrupt, Job, Options, Surroundings};
use crate::ops::{NamedInput, Request};
use crate::report::{Document as _, Look};

/// Builds, and says what was done.
pub fn run(verb: &BuildVerb) -> Result<u8, Error> {
    let flags = verb.flags();
    let options = Options::parse(&flags, &environment)?;
    let job = Job {
        request: request(verb, &options)?,
        options,
        endpoint: endpoint(verb),
        surroundings: Surroundings {
            builder: "default".into(),
            docker_config: docker_config(),
            ..Surroundings::default()
        },
        store: snapshot::store().ok(),
        records: folders::state(|name| std::env::var_os(name)).map(|folder| folder.join("builds")),
    };
    let asked = Interrupt::default();
    interrupt::ask_first(asked.clone());
    let mut told = Told::new(verb);
    let quiet = Progress::new(super::options::Progress::Quiet, true);
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
    report(verb, &built)?;
    let differs = built.report.summary.differences > 0;
    Ok(if verb.verify && differs { FOUND } else { DONE })
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

/// Where the engine is.
fn endpoint(_verb: &BuildVerb) -> Endpoint {
    let host = environment("DOCKER_HOST").filter(|h| !h.is_empty());
    match host {
        Some(host) => Endpoint::new(&host, "DOCKER_HOST", Kind::Docker),
        None => Endpoint::new("unix:///var/run/docker.sock", "", Kind::Docker),
    }
}

/// Docker's configuration, null where there is none that can be read.
fn docker_config() -> serde_json::Value {
    let given = |name: &str| environment(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let folder = given("DOCKER_CONFIG").or_else(|| Some(given("HOME")?.join(".docker")));
    let bytes = folder.and_then(|f| std::fs::read(f.join("config.json")).ok()).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests;
