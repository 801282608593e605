//! What Docker's client is told: variables, `config.json`, contexts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::endpoint::{Address, Endpoint, Kind, Tls};
use crate::report::{DoctorFinding, DoctorSeverity, ToolHealth};

/// No file of Docker's client is longer.
const LIMIT: u64 = 4 << 20;

/// What Docker's client is told.
#[derive(Debug, Clone)]
pub struct Client {
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// `DOCKER_CONFIG` or `~/.docker`.
    pub folder: Option<PathBuf>,
    /// `config.json`; null when there is none.
    config: Value,
    /// What can't be read.
    pub problems: Vec<DoctorFinding>,
}

impl Client {
    /// Reads `config.json`.
    pub fn read(environment: &BTreeMap<String, String>) -> Self {
        let mut client = Self {
            environment: environment.clone(),
            folder: None,
            config: Value::Null,
            problems: Vec::new(),
        };
        let home = || client.variable("HOME").map(|home| Path::new(home).join(".docker"));
        client.folder = client.variable("DOCKER_CONFIG").map(PathBuf::from).or_else(home);
        if let Some(path) = client.folder.as_ref().map(|f| f.join("config.json")) {
            match json(&path) {
                Ok(config) => client.config = config.unwrap_or(Value::Null),
                Err(why) => client.problems.push(unreadable(&path, &why)),
            }
        }
        client
    }

    /// A variable that is set to something.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The context in force, as Docker's client chooses it (`resolveContextName`): `DOCKER_HOST` overrides all.
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
    pub fn endpoint(&self, system: &Path) -> Result<Endpoint, DoctorFinding> {
        let (name, source) = self.context();
        if name == "default" { Ok(self.default_endpoint(system)) } else { self.of_context(&name, &source) }
    }

    /// The engine of the context `default`: `DOCKER_HOST`, else the usual socket.
    pub fn default_endpoint(&self, system: &Path) -> Endpoint {
        let tls = self.tls_of_environment();
        let usual = format!("unix://{}", system.join("var/run/docker.sock").display());
        let host = self.variable("DOCKER_HOST");
        let text = host.map_or(usual, str::to_owned);
        let address = Address::parse(&text, tls.is_some());
        let source = if host.is_some() { "DOCKER_HOST" } else { "default" };
        let tls = tls.filter(|_| matches!(address, Address::Tcp(..)));
        Endpoint {
            kind: Kind::Docker,
            text,
            address,
            source: source.to_owned(),
            explicit: host.is_some(),
            chosen: true,
            tls,
        }
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

    /// The engine of a context that `docker context create` made.
    pub fn of_context(&self, name: &str, source: &str) -> Result<Endpoint, DoctorFinding> {
        let id = hex(name);
        let folder = self.folder.clone().unwrap_or_default().join("contexts");
        let path = folder.join("meta").join(&id).join("meta.json");
        let meta = json(&path).map_err(|why| unreadable(&path, &why))?;
        let meta = meta.ok_or_else(|| self.unknown_context(name, source))?;
        let docker = &meta["Endpoints"]["docker"];
        let keys = folder.join("tls").join(&id).join("docker");
        let skip = docker["SkipTLSVerify"].as_bool().unwrap_or(false);
        let tls = (keys.is_dir() || skip).then(|| tls_in(&keys, !skip));
        // A context without a host means the usual one.
        let text = docker["Host"].as_str().filter(|h| !h.is_empty()).unwrap_or("unix:///var/run/docker.sock");
        let address = Address::parse(text, tls.is_some());
        let tls = tls.filter(|_| matches!(address, Address::Tcp(..)));
        let source = format!("context {name}");
        Ok(Endpoint {
            kind: Kind::Docker,
            text: text.to_owned(),
            address,
            source,
            explicit: true,
            chosen: true,
            tls,
        })
    }

    fn unknown_context(&self, name: &str, source: &str) -> DoctorFinding {
        let folder = self.folder.as_ref().map_or_else(String::new, |f| format!(" in {}", f.display()));
        DoctorFinding {
            severity: DoctorSeverity::Error,
            code: "context-unknown",
            message: format!("the Docker context {name}, chosen by {source}, does not exist{folder}"),
            help: Some("choose another with `docker context use`, or set DOCKER_HOST".to_owned()),
        }
    }

    /// The programs that builds are started with.
    pub fn tools(&self, system: &Path) -> Vec<ToolHealth> {
        let folders: Vec<PathBuf> =
            self.variable("PATH").map(|p| std::env::split_paths(p).collect()).unwrap_or_default();
        let plugins = self.plugin_folders(system);
        let find = |name: &'static str, folders: &[PathBuf]| {
            let path = folders.iter().map(|f| f.join(name)).find(|path| path.is_file());
            ToolHealth { name, path: path.map(|p| p.display().to_string()) }
        };
        vec![
            find("docker", &folders),
            find("docker-buildx", &plugins),
            find("docker-compose", &plugins),
            find("buildctl", &folders),
            find("git", &folders),
        ]
    }

    /// Where Docker's client looks for its plugins (`cli-plugins/manager`).
    fn plugin_folders(&self, system: &Path) -> Vec<PathBuf> {
        let more = self.config["cliPluginsExtraDirs"].as_array().into_iter().flatten();
        let mut folders: Vec<PathBuf> = more.filter_map(Value::as_str).map(PathBuf::from).collect();
        folders.extend(self.folder.as_ref().map(|f| f.join("cli-plugins")));
        let usual = ["usr/local/lib", "usr/local/libexec", "usr/lib", "usr/libexec"];
        folders.extend(usual.map(|f| system.join(f).join("docker/cli-plugins")));
        folders
    }
}

/// A folder of certificates by Docker's names.
fn tls_in(folder: &Path, verify: bool) -> Tls {
    let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    Tls { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem"), verify }
}

/// A file of JSON; `None` when there is none.
pub fn json(path: &Path) -> Result<Option<Value>, String> {
    match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(meta) if meta.len() > LIMIT => return Err("it is too long".to_owned()),
        _ => {}
    }
    let bytes = std::fs::read(path).map_err(|e| crate::error::reason(&e))?;
    // What is not understood may be a secret: the place alone is told.
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|e| format!("not valid JSON at line {}, column {}", e.line(), e.column()))
}

/// A file that is there and can't be read.
pub fn unreadable(path: &Path, why: &str) -> DoctorFinding {
    DoctorFinding {
        severity: DoctorSeverity::Error,
        code: "config-unreadable",
        message: format!("reading {}: {why}", path.display()),
        help: None,
    }
}

/// The name under which contexts and defaults are kept: the SHA-256 of theirs.
pub fn hex(name: &str) -> String {
    Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
