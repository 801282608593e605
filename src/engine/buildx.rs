//! buildx's own state: the builder in use, and its nodes (`store/store.go`, `store/storeutil`).

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::address::{Address, Container};
use super::client::{Client, hex, json};
use super::endpoint::{Builder, Endpoint, Kind, Tls};
use super::error::EngineError;

/// A builder that `docker buildx create` made.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Who chose it.
    pub source: String,
    /// Its nodes.
    pub nodes: Vec<Node>,
}

/// One of a builder's engines.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// An address, or a Docker context.
    pub endpoint: String,
    /// What it was said to build for, as `os/architecture[/variant]`.
    pub platforms: Vec<String>,
    /// The driver's options.
    pub options: Value,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// The engine of the Docker context in force.
    Context,
    /// A builder.
    Instance(Instance),
}

/// The builder in force: `named` (`--builder`), else `BUILDX_BUILDER`, else the one in use.
///
/// # Errors
/// The builder that is named does not exist, or its file can't be read.
pub fn choose(client: &Client, named: Option<&str>) -> Result<Choice, EngineError> {
    let folder = folder(client);
    let named = named.filter(|n| !n.is_empty()).map(|name| (name, "--builder"));
    let named = named.or_else(|| client.variable("BUILDX_BUILDER").map(|name| (name, "BUILDX_BUILDER")));
    match (named, folder) {
        (Some((name, source)), folder) => by_name(client, folder.as_deref(), name, source),
        (None, Some(folder)) => Ok(in_use(client, &folder)?.map_or(Choice::Context, Choice::Instance)),
        (None, None) => Ok(Choice::Context),
    }
}

/// `BUILDX_CONFIG`, else `buildx` beside Docker's configuration.
fn folder(client: &Client) -> Option<PathBuf> {
    let own = client.variable("BUILDX_CONFIG").map(PathBuf::from);
    own.or_else(|| client.folder().map(|f| f.join("buildx")))
}

/// A builder by its name: an instance of the store before a context, of which only the one in force is a builder
/// (`GetNodeGroup`, `Builder.Validate`).
fn by_name(client: &Client, folder: Option<&Path>, name: &str, source: &str) -> Result<Choice, EngineError> {
    let stored = folder.map_or(Ok(None), |folder| instance(folder, name, source))?;
    if let Some(stored) = stored {
        return Ok(Choice::Instance(stored));
    }
    if name == client.context().0 {
        return Ok(Choice::Context);
    }
    if client.has_context(name) {
        return Err(EngineError::OtherContext { name: name.to_owned() });
    }
    Err(EngineError::UnknownBuilder {
        name: name.to_owned(),
        source_of_choice: source.to_owned(),
        folder: folder.map(Path::to_owned),
    })
}

/// The builder in use (`Txn.Current`); one that is gone is none.
fn in_use(client: &Client, folder: &Path) -> Result<Option<Instance>, EngineError> {
    // What builders are chosen for: the context's name, or for the default one its address.
    let (context, _) = client.context();
    let key = if context == "default" { client.default_endpoint().text } else { context };
    let source = "docker buildx use";
    let current = json(&folder.join("current"))?.unwrap_or(Value::Null);
    if let Some(name) = current["Name"].as_str().filter(|name| !name.is_empty()) {
        let found = instance(folder, name, source);
        if current["Global"] == true && matches!(found, Ok(Some(_))) {
            return found;
        }
        if current["Key"].as_str() == Some(&key) {
            return Ok(found.ok().flatten());
        }
    }
    let default = folder.join("defaults").join(&hex(&key)[..20]);
    match std::fs::read_to_string(default) {
        Ok(name) => Ok(instance(folder, &name, source).ok().flatten()),
        Err(_) => Ok(None),
    }
}

/// What the store knows of a builder.
fn instance(folder: &Path, name: &str, source: &str) -> Result<Option<Instance>, EngineError> {
    // A name with a slash would lead out of the folder.
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(plain) {
        return Ok(None);
    }
    let name = name.to_ascii_lowercase();
    let Some(stored) = json(&folder.join("instances").join(&name))? else { return Ok(None) };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let nodes = stored["Nodes"].as_array().into_iter().flatten().map(|node| Node {
        name: text(&node["Name"]),
        endpoint: text(&node["Endpoint"]),
        platforms: node["Platforms"].as_array().into_iter().flatten().map(platform).collect(),
        options: node["DriverOpts"].clone(),
    });
    let nodes = nodes.collect();
    Ok(Some(Instance { name, driver: text(&stored["Driver"]), source: source.to_owned(), nodes }))
}

fn platform(value: &Value) -> String {
    let parts = ["os", "architecture", "variant"].map(|name| value[name].as_str().unwrap_or_default());
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

impl Instance {
    /// The node for a build: the first that was said to build for the first of `platforms`, else the first.
    pub fn node_for(&self, platforms: &[String]) -> Option<&Node> {
        let wanted = platforms.first();
        let fits = |node: &&Node| wanted.is_some_and(|wanted| node.platforms.contains(wanted));
        self.nodes.iter().find(fits).or_else(|| self.nodes.first())
    }

    /// Where a node is.
    ///
    /// # Errors
    /// Its driver can't be spoken to from here, or its context does not exist.
    pub fn endpoint(&self, client: &Client, node: &Node) -> Result<Endpoint, EngineError> {
        let mut endpoint = match self.driver.as_str() {
            "docker" | "" => return client.of_node(&node.endpoint, &self.name),
            "docker-container" => self.container(client, node)?,
            "remote" => self.remote(node)?,
            "kubernetes" => return Err(self.unsupported("builders in Kubernetes can't be reached from here")),
            other => return Err(self.unsupported(&format!("its driver {other} is not known"))),
        };
        let others = self.nodes.iter().map(|n| n.name.clone()).filter(|name| *name != node.name);
        let default_load = node.options["default-load"].as_str();
        endpoint.builder = Some(Builder {
            name: self.name.clone(),
            driver: self.driver.clone(),
            node: node.name.clone(),
            others: others.collect(),
            default_load: default_load.is_some_and(|v| ["1", "t", "T", "TRUE", "true", "True"].contains(&v)),
        });
        Ok(endpoint)
    }

    fn unsupported(&self, why: &str) -> EngineError {
        EngineError::Unsupported {
            what: format!("the builder {}", self.name),
            source_of_choice: self.source.clone(),
            why: why.to_owned(),
        }
    }

    /// The container `buildx_buildkit_<node>` of some Docker engine.
    fn container(&self, client: &Client, node: &Node) -> Result<Endpoint, EngineError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        // A name from a file must not become another request.
        if node.name.is_empty() || !node.name.chars().all(plain) {
            return Err(self.unsupported("the name of its node is none that Docker knows"));
        }
        let engine = Box::new(client.of_node(&node.endpoint, &self.name)?);
        let name = format!("buildx_buildkit_{}", node.name);
        let text = format!("docker-container://{name}");
        let address = Address::Container(Container { engine, name, builder: self.name.clone() });
        Ok(self.buildkit(text, address, None))
    }

    /// A buildkitd somewhere (`driver/remote`).
    fn remote(&self, node: &Node) -> Result<Endpoint, EngineError> {
        let option = |name: &str| node.options[name].as_str().filter(|value| !value.is_empty());
        let file = |name: &str| option(name).map(PathBuf::from);
        let named = ["servername", "cacert", "cert", "key"].iter().any(|name| option(name).is_some());
        let tls = named.then(|| Tls {
            ca: file("cacert"),
            cert: file("cert"),
            key: file("key"),
            verify: true,
            name: option("servername").map(str::to_owned),
        });
        if let Some(tls) = &tls {
            let missing = match (&tls.ca, &tls.cert, &tls.key) {
                (None, ..) => Some("cacert"),
                (_, Some(_), None) => Some("key"),
                (_, None, Some(_)) => Some("cert"),
                _ => None,
            };
            if let Some(missing) = missing {
                return Err(self.unsupported(&format!("it wants TLS and names no {missing}")));
            }
        }
        let address = Address::of_buildkit(&node.endpoint);
        let tls = tls.filter(|_| matches!(address, Address::Tcp(..)));
        Ok(self.buildkit(node.endpoint.clone(), address, tls))
    }

    fn buildkit(&self, text: String, address: Address, tls: Option<Tls>) -> Endpoint {
        let source = format!("builder {}", self.name);
        let kind = Kind::BuildKit;
        Endpoint { kind, text, address, source, explicit: true, chosen: true, tls, builder: None }
    }
}
