//! What the session of a build offers the engine.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bollard_buildkit_proto::pb;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::Job;
use super::inputs::Inputs;
use super::layer::STORE;
use super::load::{self, Archive};
use super::options::{SecretSource, Target, boolean};
use super::share::{self, Shared};
use super::solve::{Driver, Solve};
use super::stores;
use crate::context::{Folder, Listed, MemoryTree};
use crate::credentials::Docker;
use crate::credentials::http::Http;
use crate::digest::Digest;
use crate::error::Error;
use crate::ops::analysis::CONTEXT;
use crate::ops::transport;
use crate::report::{ErrorReport, shown};
use crate::session::auth::{self, Auth};
use crate::session::content::Content;
use crate::session::export::{Destination, Export, Exports, FileSend};
use crate::session::files::{Change, Event, FileSync, Local};
use crate::session::secrets::{Origin, Secret, Secrets};
use crate::session::ssh::{Agent, Agents};
use crate::session::upload::Uploads;
use crate::session::{Alive, Session};

/// What the environment and Docker's configuration tell.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// The builder's name.
    pub builder: String,
    /// Docker's configuration, `config.json`; null where there is none.
    pub docker_config: serde_json::Value,
    /// How a BuildKit of its own is run.
    pub driver: Driver,
    /// The builder loads its results by default.
    pub default_load: bool,
    /// The folder of Docker's configuration.
    pub docker_folder: PathBuf,
    /// The environment: secrets and agents may be in it, and it is told to nobody.
    pub environment: BTreeMap<String, String>,
}

impl Surroundings {
    /// A variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings")
            .field("builder", &self.builder)
            .field("driver", &self.driver)
            .finish_non_exhaustive()
    }
}

/// How long registries and credential helpers may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// A session, and what it takes in.
pub struct Offer {
    /// What the engine may call.
    pub session: Session,
    /// What the engine sends, where it sends anything; it has its name only once it is committed.
    pub exports: Option<Exports>,
    /// An archive of it that is to be loaded.
    pub archive: Option<Archive>,
    /// Files that changed while they were sent, in words.
    pub changed: Changed,
    /// What the frontend takes in place of what it would ask for (`SolveRequest.FrontendInputs`).
    pub definitions: BTreeMap<String, pb::Definition>,
    /// What the session says for people: with whose credentials registries are asked.
    pub told: UnboundedReceiver<String>,
}

/// Files that changed while they were sent, in words; more than a few are counted only.
#[derive(Debug, Clone, Default)]
pub struct Changed(Arc<Mutex<Changes>>);

#[derive(Debug, Default)]
struct Changes {
    named: Vec<String>,
    all: u64,
    emptied: bool,
}

impl Changed {
    fn hear(&self, event: Event<'_>) {
        if let Event::Changed { path, change, .. } = event
            && let Ok(mut changes) = self.0.lock()
        {
            changes.all += 1;
            changes.emptied |= matches!(change, Change::Unreadable(_) | Change::NoFile);
            if changes.named.len() < NAMED {
                changes.named.push(format!("{} {change}", shown(path)));
            }
        }
    }

    /// Whether a file was sent without its content, so that the result lacks it.
    pub fn emptied(&self) -> bool {
        self.0.lock().is_ok_and(|changes| changes.emptied)
    }

    /// What to say about each, and about those that aren't named.
    pub fn told(&self) -> Vec<String> {
        let Ok(changes) = self.0.lock() else { return Vec::new() };
        let more = changes.all - changes.named.len() as u64;
        let more = (more > 0).then(|| format!("{more} more files changed while they were sent"));
        changes.named.iter().cloned().chain(more).collect()
    }
}

/// So many files that changed are named.
const NAMED: usize = 10;

/// The session.
///
/// # Errors
/// What can't be offered, since it is not there or can't be read.
pub fn session(
    job: &Job,
    inputs: &mut Inputs,
    solve: &Solve,
    stdin: Box<dyn Read + Send>,
    shared: &Shared,
) -> Result<Offer, Error> {
    let key = shared_key(job, inputs);
    let mut session = Session::new(random_id(), "stowaway", key).with(&["Check"], Alive::server());
    let locals = locals(job, inputs, shared)?;
    let changed = Changed::default();
    if !locals.is_empty() {
        let (heard, shared) = (changed.clone(), shared.clone());
        let listener = Arc::new(move |event: Event<'_>| {
            shared.hear(&event);
            heard.hear(event);
        });
        session = session.with(FileSync::METHODS, FileSync::new(locals, listener));
    }
    let (sender, told) = unbounded_channel();
    // Nobody listens any more when the build is over.
    let tell: auth::Told = Arc::new(move |words| drop(sender.send(words.to_owned())));
    session = session.with(Auth::METHODS, Auth::new(auth(&job.surroundings, tell)).service());
    let secrets = job.options.secrets.iter().map(|s| secret(s, &job.surroundings));
    session = session.with(Secrets::METHODS, Secrets::new(secrets).map_err(invalid)?.service());
    if !job.options.ssh.is_empty() {
        let usual = job.surroundings.variable("SSH_AUTH_SOCK").filter(|s| !s.is_empty()).map(PathBuf::from);
        let agents = Agents::new(job.options.ssh.iter().map(agent), usual.as_deref()).map_err(invalid)?;
        session = session.with(Agents::METHODS, agents.service());
    }
    if let Some(beginning) = inputs.archive.take() {
        let uploads = Uploads::default();
        let url = uploads.add(std::io::Cursor::new(beginning).chain(stdin)).map_err(invalid)?;
        inputs.attrs.insert("context".into(), url);
        session = session.with(Uploads::METHODS, uploads.service());
    }
    let stores = stores::offered(inputs, solve)?;
    if !stores.is_empty() {
        session = session.with(Content::METHODS, stores.service());
    }
    let mut definitions = BTreeMap::new();
    if let Some(image) = &inputs.image {
        let told = transport::oci(STORE, &session.id, image.digest());
        definitions = told.inputs;
    }
    let (exports, archive) = exports(solve)?;
    if let Some(exports) = &exports {
        session = session.with(FileSend::METHODS, exports.service());
    }
    Ok(Offer { session, exports, archive, changed, definitions, told })
}

/// How registries are asked: with Docker's credentials, in Docker's way.
fn auth(surroundings: &Surroundings, tell: auth::Told) -> auth::Options {
    let no_tokens = surroundings.variable("BUILDKIT_NO_CLIENT_TOKEN").and_then(boolean) == Some(true);
    auth::Options {
        docker: logins(surroundings),
        http: Http { insecure: false, proxies: true, patience: PATIENCE },
        tokens: !no_tokens,
        told: Some(tell),
    }
}

/// Docker's credentials.
pub fn logins(surroundings: &Surroundings) -> Docker {
    Docker {
        folder: surroundings.docker_folder.clone(),
        environment: surroundings.variable("DOCKER_AUTH_CONFIG").map(str::to_owned),
        patience: PATIENCE,
    }
}

fn secret(given: &super::options::Secret, surroundings: &Surroundings) -> Secret {
    let (file, variable) = match &given.source {
        Some(SecretSource::File(path)) => (Some(Path::new(path)), None),
        Some(SecretSource::Variable(name)) => (None, Some(name.as_str())),
        None => (None, None),
    };
    let value = |name: &str| surroundings.variable(name).map(|v| v.as_bytes().to_vec());
    Secret { id: given.id.clone(), origin: Origin::choose(&given.id, file, variable, value) }
}

fn agent(given: &super::options::Ssh) -> Agent {
    Agent { id: given.id.clone(), paths: given.paths.iter().map(PathBuf::from).collect(), raw: false }
}

/// What the engine sends back, and where that goes.
fn exports(solve: &Solve) -> Result<(Option<Exports>, Option<Archive>), Error> {
    let (mut exports, mut archive) = (Vec::new(), None);
    for (id, export) in (0u32..).zip(&solve.exports) {
        let to = match &export.target {
            Target::File(path) => Destination::File(path.clone()),
            Target::Stdout => Destination::Stream(Box::new(std::io::stdout())),
            Target::Folder { path, delete: false } => Destination::Folder(path.clone()),
            Target::Folder { path, delete: true } => Destination::Mirror(path.clone()),
            Target::Load => {
                let (writer, reader) = load::pipe();
                archive = Some(reader);
                Destination::Stream(Box::new(writer))
            }
            Target::Engine | Target::Store(_) => continue,
        };
        exports.push(Export { id, to });
    }
    let exports = (!exports.is_empty()).then(|| Exports::new(exports).map_err(invalid)).transpose()?;
    Ok((exports, archive))
}

/// The folders, each under its name.
fn locals(job: &Job, inputs: &Inputs, shared: &Shared) -> Result<BTreeMap<String, Local>, Error> {
    // The folder that the prediction walks.
    let foreseen = job.request.as_ref().filter(|_| job.options.call.is_none()).map(|r| &*r.context);
    let mut locals = BTreeMap::new();
    for (name, path) in &inputs.locals {
        let found = Folder::find(path)?;
        let folder = found.ok_or_else(|| Error::read(path, std::io::ErrorKind::NotFound.into()))?;
        let walked = name == CONTEXT && foreseen.is_some_and(|context| share::is_same(context, path));
        let local = if walked { Local::walked(folder, shared.walk()) } else { Local::folder(folder) };
        let digesting = shared.digesting().filter(|_| walked);
        locals.insert(name.clone(), digesting.into_iter().fold(local, Local::digested));
    }
    if let Some(bytes) = &inputs.dockerfile {
        locals.insert("dockerfile".into(), Local::file(b"Dockerfile", bytes).map_err(invalid)?);
    }
    if inputs.empty_context {
        locals.insert("context".into(), Local::listed(Listed::new(Arc::new(MemoryTree::new()))));
    }
    Ok(locals)
}

/// Wrong use, in the words of whoever found it.
pub fn invalid(error: impl std::fmt::Display) -> Error {
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
    if let Some(hint) = &fault.hint {
        text.push_str(&format!("; {hint}"));
    }
    text
}
