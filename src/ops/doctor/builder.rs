//! The builder that buildx would take: its store in `DOCKER_CONFIG/buildx`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::client::{Client, hex, json, unreadable};
use super::endpoint::{Address, Endpoint, Kind, Tls};
use super::{DoctorOptions, ask};
use crate::report::{BuilderHealth, DoctorFinding, DoctorSeverity, NodeHealth};

/// The builder in force, unless it is Docker's own, and the engines that its remote nodes are.
pub fn current(
    client: &Client,
    docker: Option<&Endpoint>,
    options: &DoctorOptions,
    problems: &mut Vec<DoctorFinding>,
) -> (Option<BuilderHealth>, Vec<Endpoint>) {
    let Some(folder) = folder(client) else { return (None, Vec::new()) };
    let key = key(client, docker);
    let chosen = match client.variable("BUILDX_BUILDER") {
        Some(name) => Some((name.to_owned(), "BUILDX_BUILDER")),
        None => in_use(&folder, &key).map(|name| (name, "docker buildx use")),
    };
    let Some((name, source)) = chosen else { return (None, Vec::new()) };
    // The instances of the driver `docker` are the contexts themselves.
    if name == "default" || name == key || client.of_context(&name, source).is_ok() {
        return (None, Vec::new());
    }
    match instance(&folder, &name) {
        Ok(Some(instance)) => described(client, &instance, (&name, source), options),
        Ok(None) => {
            problems.push(unknown(&name, source, &folder));
            (None, Vec::new())
        }
        Err(problem) => {
            problems.push(problem);
            (None, Vec::new())
        }
    }
}

/// `BUILDX_CONFIG`, else `buildx` beside Docker's configuration.
fn folder(client: &Client) -> Option<PathBuf> {
    let own = client.variable("BUILDX_CONFIG").map(PathBuf::from);
    own.or_else(|| client.folder.as_ref().map(|f| f.join("buildx")))
}

/// What builders are chosen for: the context's name, or for the default one its address.
fn key(client: &Client, docker: Option<&Endpoint>) -> String {
    let (name, _) = client.context();
    if name == "default" { docker.map_or(name, |e| e.text.clone()) } else { name }
}

/// The name of the builder in use for `key` (`store.Current`).
fn in_use(folder: &Path, key: &str) -> Option<String> {
    let current = json(&folder.join("current")).ok().flatten().unwrap_or(Value::Null);
    let name = current["Name"].as_str().filter(|name| !name.is_empty());
    let holds = current["Global"].as_bool() == Some(true) || current["Key"].as_str() == Some(key);
    if let Some(name) = name.filter(|_| holds) {
        return Some(name.to_owned());
    }
    let default = std::fs::read_to_string(folder.join("defaults").join(hex(key))).ok()?;
    Some(default.trim().to_owned()).filter(|name| !name.is_empty())
}

/// What the store knows of a builder.
fn instance(folder: &Path, name: &str) -> Result<Option<Value>, DoctorFinding> {
    // A name with a slash would lead out of the folder.
    if name.contains('/') {
        return Ok(None);
    }
    let path = folder.join("instances").join(name);
    json(&path).map_err(|why| unreadable(&path, &why))
}

fn unknown(name: &str, source: &str, folder: &Path) -> DoctorFinding {
    DoctorFinding {
        severity: DoctorSeverity::Error,
        code: "builder-unknown",
        message: format!("the builder {name}, chosen by {source}, does not exist in {}", folder.display()),
        help: Some(
            "choose another with `docker buildx use`, or create it with `docker buildx create`".to_owned(),
        ),
    }
}

/// The builder and its nodes.
fn described(
    client: &Client,
    instance: &Value,
    (name, source): (&str, &str),
    options: &DoctorOptions,
) -> (Option<BuilderHealth>, Vec<Endpoint>) {
    let driver = instance["Driver"].as_str().unwrap_or("unknown").to_owned();
    let mut builder =
        BuilderHealth { name: name.to_owned(), driver, source: source.to_owned(), nodes: Vec::new() };
    let mut remote = Vec::new();
    for node in instance["Nodes"].as_array().into_iter().flatten() {
        let mut health = NodeHealth {
            name: node["Name"].as_str().unwrap_or_default().to_owned(),
            endpoint: node["Endpoint"].as_str().unwrap_or_default().to_owned(),
            state: "unknown",
            why: None,
        };
        match builder.driver.as_str() {
            "remote" => remote.push(remote_node(name, &health.endpoint, &node["DriverOpts"])),
            "docker-container" => container(client, &mut health, options),
            "docker" => health.state = "running",
            driver => health.why = Some(format!("the driver {driver} is not asked")),
        }
        builder.nodes.push(health);
    }
    (Some(builder), remote)
}

/// A node that is a buildkitd somewhere.
fn remote_node(builder: &str, text: &str, options: &Value) -> Endpoint {
    let file = |name: &str| options[name].as_str().filter(|path| !path.is_empty()).map(PathBuf::from);
    let tls = Tls { ca: file("cacert"), cert: file("cert"), key: file("key"), verify: true };
    let tls = (tls.ca.is_some() || tls.cert.is_some()).then_some(tls);
    let address = match Address::parse(text, tls.is_some()) {
        Address::Ssh(_) => Address::Other("a BuildKit behind ssh is not asked".to_owned()),
        address => address,
    };
    let source = format!("builder {builder}");
    Endpoint {
        kind: Kind::BuildKit,
        text: text.to_owned(),
        address,
        source,
        explicit: true,
        chosen: true,
        tls,
    }
}

/// A node that is a container of some Docker engine: `buildx_buildkit_<node>`.
fn container(client: &Client, node: &mut NodeHealth, options: &DoctorOptions) {
    let endpoint = engine_of(client, &node.endpoint, options);
    let endpoint = match endpoint {
        Ok(endpoint) => endpoint,
        Err(problem) => return set(node, "unreachable", Some(problem.message)),
    };
    if matches!(endpoint.address, Address::Ssh(_)) && !options.connect {
        return set(
            node,
            "unknown",
            Some("its engine is behind ssh, which runs with --connect alone".to_owned()),
        );
    }
    // A name from a file must not become another request.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !node.name.chars().all(plain) {
        return set(node, "unknown", Some("its name is none that Docker knows".to_owned()));
    }
    match ask::get(&endpoint, &format!("/containers/buildx_buildkit_{}/json", node.name), options.patience) {
        Err(why) => set(node, "unreachable", Some(why)),
        Ok(answer) if answer.status == 404 => set(node, "absent", None),
        Ok(answer) => {
            let container: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
            match container["State"]["Running"].as_bool() {
                Some(true) => set(node, "running", None),
                Some(false) => set(node, "stopped", None),
                None => set(node, "unknown", Some(format!("status {}", answer.status))),
            }
        }
    }
}

fn set(node: &mut NodeHealth, state: &'static str, why: Option<String>) {
    node.state = state;
    node.why = why;
}

/// The engine that a node's endpoint names: an address, or a context.
fn engine_of(client: &Client, text: &str, options: &DoctorOptions) -> Result<Endpoint, DoctorFinding> {
    if text.contains("://") {
        let same = client.default_endpoint(&options.system);
        // The same address has the same certificates.
        let tls = same.tls.clone().filter(|_| same.text == text);
        let address = Address::parse(text, tls.is_some());
        return Ok(Endpoint { text: text.to_owned(), address, tls, ..same });
    }
    if text.is_empty() || text == "default" {
        return Ok(client.default_endpoint(&options.system));
    }
    client.of_context(text, "the builder")
}
