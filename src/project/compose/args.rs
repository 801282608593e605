//! Build arguments without a value take the environment's; for Bake the service's own environment comes first.

use std::collections::BTreeMap;

use super::super::yaml::{Node, Value};
use super::super::{Note, NoteKind, Placed, ProjectError, dotenv};
use super::service::Reads;
use super::{Reading, keys};

/// The arguments of a build.
pub(super) fn arguments(
    service: &Node,
    build: &Node,
    reads: &Reads<'_>,
    notes: &mut Vec<Note>,
) -> Result<BTreeMap<String, Placed<Option<String>>>, ProjectError> {
    let Some(node) = build.get("args") else { return Ok(BTreeMap::new()) };
    let own = match reads.reading {
        Reading::Compose => BTreeMap::new(),
        Reading::Bake => environment(service, reads, notes),
    };
    let map = pairs(node, "args")?;
    let lookup = |name: &str| own.get(name).or_else(|| reads.environment.get(name)).cloned();
    Ok(map
        .into_iter()
        .map(|(name, value)| {
            let found = value.value.or_else(|| lookup(&name));
            (name, Placed::new(found, &value.place))
        })
        .collect())
}

/// `NAME=VALUE` pairs, as a list or a mapping.
pub(super) fn pairs(
    node: &Node,
    key: &str,
) -> Result<BTreeMap<String, Placed<Option<String>>>, ProjectError> {
    let wrong = || {
        ProjectError::new(&node.place, format!("`{key}` must be a mapping or a list of NAME=VALUE"))
            .hint("write `NAME: value` lines below it")
    };
    let map = keys::keyed(node).ok_or_else(wrong)?;
    map.into_iter()
        .map(|(name, entry)| match entry.node.value {
            Value::List(_) | Value::Map(_) => {
                let message = format!("the value of {name} must be text, and is {}", entry.node.kind());
                Err(ProjectError::new(&entry.node.place, message).hint("put quotes around it"))
            }
            _ => Ok((name, Placed::new(entry.node.scalar(), &entry.node.place))),
        })
        .collect()
}

/// A service's own environment: `env_file`, and `environment` over it.
fn environment(service: &Node, reads: &Reads<'_>, notes: &mut Vec<Note>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for file in env_files(service) {
        match read(&file, reads, &all) {
            Ok(own) => all.extend(own),
            Err(error) => {
                notes.push(Note {
                    place: file.0.place.clone(),
                    kind: NoteKind::Unread,
                    message: error.message,
                });
            }
        }
    }
    for (name, value) in
        service.get("environment").and_then(|n| pairs(n, "environment").ok()).unwrap_or_default()
    {
        if let Some(value) = value.value.or_else(|| reads.environment.get(&name).cloned()) {
            all.insert(name, value);
        }
    }
    all
}

/// An environment file, and whether it must be there.
type EnvFile<'a> = (&'a Node, String, bool);

fn env_files(service: &Node) -> Vec<EnvFile<'_>> {
    let one = |node: &'_ Node| -> Option<(String, bool)> {
        match node.as_map() {
            Some(_) => {
                let required = !matches!(node.get("required").map(|n| &n.value), Some(Value::Bool(false)));
                Some((node.get("path")?.scalar()?, required))
            }
            None => Some((node.scalar()?, true)),
        }
    };
    let Some(node) = service.get("env_file") else { return Vec::new() };
    let nodes: &[Node] = node.as_list().unwrap_or(std::slice::from_ref(node));
    nodes.iter().filter_map(|n| one(n).map(|(path, required)| (n, path, required))).collect()
}

fn read(
    (node, path, required): &EnvFile<'_>,
    reads: &Reads<'_>,
    before: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ProjectError> {
    let path = node.resolve(path);
    let Some(text) = reads.reader.referred_if_there(&path, &node.place)? else {
        if *required {
            return Err(ProjectError::new(&node.place, format!("there is no file {}", path.display())));
        }
        return Ok(BTreeMap::new());
    };
    let mut known = before.clone();
    known.extend(reads.environment.clone());
    dotenv::parse(&text.text, &known)
        .map_err(|(line, why)| ProjectError::new(&node.place, format!("{}:{line}: {why}", path.display())))
}
