//! `extends`: a service over another, of the same file or of another one (compose-go's `loader/extends.go`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::yaml::{Entry, Map, Node, Value};
use super::super::{DEEPEST_FILE, Place, ProjectError};
use super::load::{Loader, Model, Reach};
use super::merge;

/// Puts what services extend below them. A service that can't be extended is told of, and hides no other.
pub(super) fn apply(loader: &mut Loader<'_>, file: &Path, model: &mut Model, reach: &Reach) {
    let Some(Entry { key, node }) = model.root.remove("services") else { return };
    let Value::Map(services) = node.value else {
        model.root.insert("services".to_owned(), Entry { key, node });
        return;
    };
    let services = Arc::new(services);
    let faults = Arc::new(model.faults.clone());
    let own = Services { file: file.to_owned(), services: Arc::clone(&services), faults };
    let mut extended = Map::new();
    for (name, entry) in services.iter() {
        let mut faults = Vec::new();
        let resolved = Chain { loader, reach, faults: &mut faults, steps: Vec::new() }.resolve(&own, name);
        let node = resolved.unwrap_or_else(|error| {
            faults.push(error);
            entry.node.clone()
        });
        if !faults.is_empty() {
            model.faults.entry(name.clone()).or_default().extend(faults);
        }
        extended.insert(name.clone(), Entry { key: entry.key.clone(), node });
    }
    let node = Node { value: Value::Map(extended), ..Node::new(Value::Null, &node.place) };
    model.root.insert("services".to_owned(), Entry { key, node });
}

/// The services of one file.
#[derive(Clone)]
struct Services {
    file: PathBuf,
    services: Arc<Map>,
    /// What is wrong with them.
    faults: Arc<BTreeMap<String, Vec<ProjectError>>>,
}

/// One service and what it extends.
struct Chain<'a, 'b> {
    loader: &'a mut Loader<'b>,
    reach: &'a Reach,
    faults: &'a mut Vec<ProjectError>,
    steps: Vec<(PathBuf, String)>,
}

impl Chain<'_, '_> {
    /// The service with all that it extends below it.
    fn resolve(&mut self, own: &Services, name: &str) -> Result<Node, ProjectError> {
        let Some(Entry { key, node }) = own.services.get(name) else {
            return Err(ProjectError::new(
                &Place::whole(&own.file.to_string_lossy().into()),
                format!("there is no service {name}"),
            ));
        };
        if !self.steps.is_empty() {
            self.faults.extend(own.faults.get(name).into_iter().flatten().cloned());
        }
        if !matches!(node.value, Value::Map(_) | Value::Null) {
            let message = format!("the service {name} must be a mapping, and is {}", node.kind());
            return Err(ProjectError::new(&node.place, message).hint("write `build:` or `image:` below it"));
        }
        let Some(extends) = node.get("extends") else { return Ok(node.clone()) };
        self.step(own, name, key)?;
        let (target, from) = self.target(own, extends)?;
        if !from.services.contains_key(&target) {
            let message = format!("there is no service {target} in {}", from.file.display());
            return Err(ProjectError::new(&extends.place, message).hint("name a service that is there"));
        }
        let base = self.resolve(&from, &target)?;
        let mut service = node.clone();
        if let Value::Map(map) = &mut service.value {
            map.remove("extends");
        }
        if base.value == Value::Null { Ok(service) } else { merge::services(base, service) }
    }

    /// Remembers a step, unless it was taken before.
    fn step(&mut self, own: &Services, name: &str, place: &Place) -> Result<(), ProjectError> {
        let step = (own.file.clone(), name.to_owned());
        let again = self.steps.contains(&step);
        if self.steps.len() >= DEEPEST_FILE {
            let message = format!("services extend each other deeper than {DEEPEST_FILE}");
            return Err(ProjectError::new(place, message).hint("make the chain shorter"));
        }
        self.steps.push(step);
        if !again {
            return Ok(());
        }
        let chain: Vec<&str> = self.steps.iter().map(|(_, name)| name.as_str()).collect();
        let message = format!("services extend each other: {}", chain.join(" → "));
        Err(ProjectError::new(place, message).hint("take one `extends` away"))
    }

    /// Which service of which file is extended.
    fn target(&mut self, own: &Services, extends: &Node) -> Result<(String, Services), ProjectError> {
        if let Some(name) = extends.scalar() {
            return Ok((name, own.clone()));
        }
        let name = extends.get("service").and_then(Node::scalar).ok_or_else(|| {
            ProjectError::new(&extends.place, "`extends` names no service")
                .hint("write `service: NAME` below it")
        })?;
        let Some(file) = extends.get("file") else { return Ok((name, own.clone())) };
        let Some(written) = file.scalar() else {
            return Err(ProjectError::new(&file.place, "`file` must be a path"));
        };
        if super::super::is_url(&written) || written.contains("://") {
            let message = format!("{written} is not on this machine; only local files are read");
            return Err(ProjectError::new(&file.place, message).hint("extend a copy of it"));
        }
        let path = file.resolve(&written);
        if path == own.file {
            return Ok((name, own.clone()));
        }
        let model = self.loader.base(&path, &file.place, self.reach)?;
        let services = match model.root.get("services").map(|e| &e.node.value) {
            Some(Value::Map(services)) => services.clone(),
            _ => Map::new(),
        };
        Ok((
            name,
            Services { file: path, services: Arc::new(services), faults: Arc::new(model.faults.clone()) },
        ))
    }
}
