//! What Docker's client is told: variables, `config.json`, contexts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::address::Address;
use super::endpoint::{Endpoint, Kind, Tls};
use super::error::EngineError;
use crate::wording::reason;

/// No file of Docker's client is longer.
const LIMIT: u64 = 4 << 20;

/// What Docker's client is told.
#[derive(Debug, Clone)]
pub struct Client {
    environment: BTreeMap<String, String>,
    /// Where the usual places are: `/`.
    system: PathBuf,
    /// `DOCKER_CONFIG` or `~/.docker`.
    folder: Option<PathBuf>,
    /// `config.json`; null when there is none.
    config: Value,
}

impl Client {
    /// Reads `config.json`. When it can't be read, the client goes on without, as Docker's does; the reason comes along.
    pub fn read(environment: &BTreeMap<String, String>, system: &Path) -> (Self, Option<EngineError>) {
        let mut client = Self {
            environment: environment.clone(),
            system: system.to_owned(),
            folder: None,
            config: Value::Null,
        };
        let home = || client.variable("HOME").map(|home| Path::new(home).join(".docker"));
        client.folder = client.variable("DOCKER_CONFIG").map(PathBuf::from).or_else(home);
        let Some(path) = client.folder.as_ref().map(|f| f.join("config.json")) else { return (client, None) };
        match json(&path) {
            Ok(config) => client.config = config.unwrap_or(Value::Null),
            Err(error) => return (client, Some(error)),
        }
        (client, None)
    }

    /// A variable that is set to something.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The folder of Docker's client.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// `config.json`; null when there is none.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// The context in force and who chose it, as Docker's client chooses (`resolveContextName`): `DOCKER_HOST` overrides all.
    pub fn context(&self) -> (String, String) {
        let named = |name: &str, source: &str| (name.to_owned(), source.to_owned());
        if self.variable("DOCKER_HOST").is_some() {
            return named("default", "DOCKER_HOST");
        }
        if let Some(name) = self.variable("DOCKER_CONTEXT") {
            return named(name, "DOCKER_CONTEXT");
        }
        match self.config["currentContext"].as_str().filter(|name| !name.is_empty()) {
            Some(name) => named(name, "docker context use"),
            None => named("default", "default"),
        }
    }

    /// Docker's engine as things are configured.
    ///
    /// # Errors
    /// The context does not exist, or can't be read.
    pub fn endpoint(&self) -> Result<Endpoint, EngineError> {
        let (name, source) = self.context();
        if name == "default" { Ok(self.default_endpoint()) } else { self.of_context(&name, &source) }
    }

    /// The engine of the context `default`: `DOCKER_HOST`, else the usual socket.
    pub fn default_endpoint(&self) -> Endpoint {
        let tls = self.tls_of_environment();
        let usual = format!("unix://{}", self.system.join("var/run/docker.sock").display());
        let host = self.variable("DOCKER_HOST");
        // Of all the ways to say it, TLS alone means the port on this machine.
        let usual = if tls.is_some() { "tcp://localhost:2376".to_owned() } else { usual };
        let source = if host.is_some() { "DOCKER_HOST" } else { "default" };
        self.docker(host.map_or(usual, |host| host.trim().to_owned()), source, host.is_some(), tls)
    }

    /// An endpoint of Docker's interface.
    fn docker(&self, text: String, source: &str, explicit: bool, tls: Option<Tls>) -> Endpoint {
        let mut address = Address::parse(&text, tls.is_some());
        if let Address::Ssh(ssh) = &mut address {
            // Docker's client gives ssh no terminal: it asks nothing, unless there is a program that asks.
            ssh.unattended = self.variable("SSH_ASKPASS").is_none();
        }
        let tls = tls.filter(|_| matches!(address, Address::Tcp(..)));
        let source = source.to_owned();
        let kind = Kind::Docker;
        Endpoint { kind, text, address, source, explicit, chosen: true, tls, builder: None }
    }

    /// `DOCKER_TLS_VERIFY`, `DOCKER_TLS` and `DOCKER_CERT_PATH`.
    fn tls_of_environment(&self) -> Option<Tls> {
        let verify = self.variable("DOCKER_TLS_VERIFY").is_some();
        if !verify && self.variable("DOCKER_TLS").is_none() {
            return None;
        }
        let folder = self.variable("DOCKER_CERT_PATH").map(PathBuf::from).or_else(|| self.folder.clone());
        Some(tls_in(&folder.unwrap_or_default(), verify))
    }

    /// Whether there is a context of that name: `default` always is.
    pub fn has_context(&self, name: &str) -> bool {
        name == "default" || self.meta(name).is_file()
    }

    fn meta(&self, name: &str) -> PathBuf {
        let contexts = self.folder.clone().unwrap_or_default().join("contexts");
        contexts.join("meta").join(hex(name)).join("meta.json")
    }

    /// The engine of a context that `docker context create` made.
    ///
    /// # Errors
    /// It does not exist, or can't be read.
    pub fn of_context(&self, name: &str, source: &str) -> Result<Endpoint, EngineError> {
        let meta = json(&self.meta(name))?.ok_or_else(|| EngineError::UnknownContext {
            name: name.to_owned(),
            source_of_choice: source.to_owned(),
            folder: self.folder.clone(),
        })?;
        let docker = &meta["Endpoints"]["docker"];
        let contexts = self.folder.clone().unwrap_or_default().join("contexts");
        let keys = contexts.join("tls").join(hex(name)).join("docker");
        let skip = docker["SkipTLSVerify"].as_bool().unwrap_or(false);
        let tls = (keys.is_dir() || skip).then(|| tls_in(&keys, !skip));
        // A context without a host means the usual one.
        let text = docker["Host"].as_str().filter(|h| !h.is_empty()).unwrap_or("unix:///var/run/docker.sock");
        Ok(self.docker(text.to_owned(), &format!("context {name}"), true, tls))
    }

    /// The engine that a node of a builder names: an address, or a context.
    ///
    /// # Errors
    /// The context does not exist, or can't be read.
    pub fn of_node(&self, text: &str, builder: &str) -> Result<Endpoint, EngineError> {
        let source = format!("builder {builder}");
        if text.is_empty() || text == "default" {
            return Ok(self.default_endpoint());
        }
        if !text.contains("://") {
            return self.of_context(text, &source);
        }
        let same = self.default_endpoint();
        // The same address has the same certificates.
        let tls = same.tls.filter(|_| same.text == text);
        Ok(self.docker(text.to_owned(), &source, true, tls))
    }
}

/// A folder of certificates by Docker's names.
fn tls_in(folder: &Path, verify: bool) -> Tls {
    let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    Tls { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem"), verify, name: None }
}

/// A file of JSON; `None` when there is none.
pub(super) fn json(path: &Path) -> Result<Option<Value>, EngineError> {
    let unreadable = |why: String| EngineError::Config { path: path.to_owned(), why };
    match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(meta) if meta.len() > LIMIT => return Err(unreadable("it is too long".to_owned())),
        _ => {}
    }
    let bytes = std::fs::read(path).map_err(|e| unreadable(reason(&e)))?;
    // What is not understood may be a secret: the place alone is told.
    let place = |e: serde_json::Error| format!("not valid JSON at line {}, column {}", e.line(), e.column());
    serde_json::from_slice(&bytes).map(Some).map_err(|e| unreadable(place(e)))
}

/// The name under which contexts and defaults are kept: the SHA-256 of theirs.
pub(super) fn hex(name: &str) -> String {
    Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
