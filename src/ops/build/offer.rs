//! What the session of a build offers the engine.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Job;
use super::inputs::Inputs;
use super::options::Target;
use super::solve::{Driver, Solve, cache_folders};
use crate::context::{Folder, Listed, MemoryTree};
use crate::digest::Digest;
use crate::error::Error;
use crate::report::ErrorReport;
use crate::session::files::{FileSync, Local};
use crate::session::{Alive, Session};

/// What the environment and Docker's configuration tell.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The builder's name.
    pub builder: String,
    /// Docker's configuration, `config.json`; null where there is none.
    pub docker_config: serde_json::Value,
    /// How a BuildKit of its own is run.
    pub driver: Driver,
    /// The builder loads its results by default.
    pub default_load: bool,
    /// The dockerd that `--load` loads into takes OCI archives.
    pub loads_oci: bool,
}

/// The session.
///
/// # Errors
/// What can't be offered, since it is not there or can't be read.
pub fn session(
    job: &Job,
    inputs: Inputs,
    solve: &Solve,
    _stdin: Box<dyn Read + Send>,
) -> Result<Session, Error> {
    refuse(job, &inputs, solve)?;
    let key = shared_key(job, &inputs);
    let mut session = Session::new(random_id(), "stowaway", key).with(&["Check"], Alive::server());
    let locals = locals(&inputs)?;
    if !locals.is_empty() {
        session = session.with(FileSync::METHODS, FileSync::new(locals, Arc::new(|_| {})));
    }
    Ok(session)
}

/// What the session has no service for.
fn refuse(job: &Job, inputs: &Inputs, solve: &Solve) -> Result<(), Error> {
    let missing = [
        (inputs.archive.is_some(), "an archive on standard input"),
        (!inputs.layouts.is_empty(), "a named context in an OCI layout"),
        (!cache_folders(solve).is_empty(), "a cache in a folder"),
        (!job.options.secrets.is_empty(), "--secret"),
        (!job.options.ssh.is_empty(), "--ssh"),
        (job.options.call.is_some(), "--call"),
        (solve.exports.iter().any(|e| e.target != Target::Engine), "an output that is not the engine's own"),
    ];
    match missing.iter().find(|(is, _)| *is) {
        Some((_, what)) => {
            Err(Error::usage(format!("{what} is not supported yet"), "use `docker build` for this"))
        }
        None => Ok(()),
    }
}

/// The folders, each under its name.
fn locals(inputs: &Inputs) -> Result<BTreeMap<String, Local>, Error> {
    let mut locals = BTreeMap::new();
    for (name, path) in &inputs.locals {
        locals.insert(name.clone(), folder(path)?);
    }
    if let Some(bytes) = &inputs.dockerfile {
        locals.insert("dockerfile".into(), Local::file(b"Dockerfile", bytes).map_err(invalid)?);
    }
    if inputs.empty_context {
        locals.insert("context".into(), Local::listed(Listed::new(Arc::new(MemoryTree::new()))));
    }
    Ok(locals)
}

fn folder(path: &Path) -> Result<Local, Error> {
    let found = Folder::find(path)?;
    let folder = found.ok_or_else(|| Error::read(path, std::io::ErrorKind::NotFound.into()))?;
    Ok(Local::folder(folder))
}

fn invalid(error: impl std::fmt::Display) -> Error {
    Error::Usage { message: error.to_string(), hint: None }
}

/// One key for each context, Dockerfile and target: an engine deletes from its tree what a build no longer sends.
fn shared_key(job: &Job, inputs: &Inputs) -> String {
    let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let folder = |name: &str| inputs.locals.get(name).map(absolute).unwrap_or_default();
    let mut parts = Vec::new();
    for part in [
        folder("context").as_os_str().as_encoded_bytes(),
        folder("dockerfile").as_os_str().as_encoded_bytes(),
        inputs.attrs.get("filename").map(String::as_bytes).unwrap_or_default(),
        job.options.target.as_deref().unwrap_or_default().as_bytes(),
    ] {
        parts.extend_from_slice(&(part.len() as u64).to_le_bytes());
        parts.extend_from_slice(part);
    }
    Digest::blake3(parts).hex()[..32].to_owned()
}

/// A name that nobody else has: as long as BuildKit's own.
pub fn random_id() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // Each state has keys of the system's random numbers.
    let random = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    let seed = [random(), random(), u64::from(std::process::id()), COUNT.fetch_add(1, Ordering::Relaxed)];
    let bytes: Vec<u8> = seed.iter().flat_map(|n| n.to_le_bytes()).collect();
    Digest::blake3(bytes).hex()[..25].to_owned()
}

/// What is known of a failure's reason.
pub fn explanation(fault: &ErrorReport) -> String {
    let mut text = fault.message.clone();
    if let Some(cause) = &fault.cause {
        text.push_str(&format!(": {}:{} hides it with `{}`", cause.ignore_file, cause.line, cause.pattern));
    }
    if let Some(hint) = &fault.hint {
        text.push_str(&format!("; {hint}"));
    }
    text
}
