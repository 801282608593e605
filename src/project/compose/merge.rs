//! One tree over another, by the rules of the Compose specification for several files (compose-go's `override` package).

use super::super::ProjectError;
use super::super::yaml::{Entry, Map, Node, Tag, Value};
use super::keys;

/// Merges the top level of a file over what there is.
pub(super) fn over(base: &mut Map, other: Map) -> Result<(), ProjectError> {
    let mut path = Vec::new();
    mappings(base, other, &mut path)
}

/// Merges a service over another.
pub(super) fn services(base: Node, other: Node) -> Result<Node, ProjectError> {
    nodes(base, other, &mut vec!["services".to_owned(), "x".to_owned()])
}

/// Lists of `NAME=VALUE` and mappings are the same thing here.
fn is_keyed(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(
        path.as_slice(),
        ["services", _, "build", "args" | "additional_contexts" | "labels"]
            | ["services", _, "environment" | "labels" | "annotations" | "sysctls"]
            | ["services", _, "depends_on" | "networks"]
    )
}

/// Values of these keys replace each other.
fn is_replaced(path: &[String]) -> bool {
    matches!(path, [s, _, key] if s == "services" && ["command", "entrypoint"].contains(&key.as_str()))
        || matches!(path, [s, _, h, key] if s == "services" && h == "healthcheck" && key == "test")
}

/// A single text is a list of one here.
fn is_listed(path: &[String]) -> bool {
    const LISTED: [&str; 6] = ["env_file", "dns", "dns_opt", "dns_search", "tmpfs", "label_file"];
    matches!(path, [s, _, key] if s == "services" && LISTED.contains(&key.as_str()))
}

/// Lists whose entries stand once.
fn is_unique(path: &[String]) -> bool {
    matches!(path, [s, _, b, key] if s == "services" && b == "build" && key == "tags")
        || matches!(path, [s, _, key] if s == "services" && key == "profiles")
}

fn mappings(base: &mut Map, other: Map, path: &mut Vec<String>) -> Result<(), ProjectError> {
    for (name, entry) in other {
        if entry.node.tag == Tag::Reset {
            base.remove(&name);
            continue;
        }
        let Some(Entry { key, node }) = base.remove(&name) else {
            base.insert(name, Entry { node: without_resets(entry.node), ..entry });
            continue;
        };
        path.push(name.clone());
        let merged = nodes(node, entry.node, path);
        path.pop();
        base.insert(name, Entry { key, node: merged? });
    }
    Ok(())
}

fn nodes(base: Node, other: Node, path: &mut Vec<String>) -> Result<Node, ProjectError> {
    if other.tag == Tag::Override || is_replaced(path) {
        return Ok(without_resets(other));
    }
    if other.value == Value::Null {
        return Ok(base);
    }
    if matches!(path.as_slice(), [s, _, b] if s == "services" && b == "build") {
        return builds(base, other, path);
    }
    if is_keyed(path) {
        let (Some(mut map), Some(over)) = (keys::keyed(&base), keys::keyed(&other)) else { return Ok(other) };
        map.extend(over);
        return Ok(Node { value: Value::Map(map), ..other });
    }
    if is_listed(path) {
        return Ok(lists(keys::listed(base), keys::listed(other), path));
    }
    match (base.value, other.value) {
        (Value::Map(mut map), Value::Map(over)) => {
            mappings(&mut map, over, path)?;
            Ok(Node { value: Value::Map(map), place: base.place, tag: base.tag, base: base.base })
        }
        (Value::List(list), Value::List(over)) => {
            let left = Node::new(Value::List(list), &base.place);
            let right =
                Node { value: Value::List(over), place: other.place, tag: other.tag, base: other.base };
            Ok(lists(left, right, path))
        }
        (Value::Map(_) | Value::List(_), value) => {
            let message =
                format!("`{}` can't be merged: it is another kind of value elsewhere", path.join("."));
            let _ = value;
            Err(ProjectError::new(&other.place, message).hint("write it the same way in both files"))
        }
        (_, value) => {
            Ok(without_resets(Node { value, place: other.place, tag: other.tag, base: other.base }))
        }
    }
}

/// `build: path` is short for `build: {context: path}`.
fn builds(base: Node, other: Node, path: &mut Vec<String>) -> Result<Node, ProjectError> {
    let (base, other) = (keys::long_build(base), keys::long_build(other));
    let (Value::Map(mut map), Value::Map(over)) = (base.value, other.value) else {
        return Err(ProjectError::new(&other.place, "`build` must be a path or a mapping"));
    };
    mappings(&mut map, over, path)?;
    Ok(Node { value: Value::Map(map), place: base.place, tag: base.tag, base: base.base })
}

/// One list behind the other.
fn lists(base: Node, other: Node, path: &[String]) -> Node {
    let (Value::List(mut list), Value::List(over)) = (base.value, other.value) else {
        return Node { value: Value::Null, place: other.place, tag: other.tag, base: other.base };
    };
    let extra_hosts = path.last().is_some_and(|p| p == "extra_hosts");
    for node in over {
        let same = |n: &Node| n.scalar().is_some() && n.scalar() == node.scalar();
        if (is_unique(path) || extra_hosts) && list.iter().any(same) {
            continue;
        }
        list.push(node);
    }
    Node { value: Value::List(list), place: base.place, tag: base.tag, base: base.base }
}

/// A tree that is merged over nothing: what is reset in it is not there.
fn without_resets(mut node: Node) -> Node {
    match &mut node.value {
        Value::Map(map) => {
            map.retain(|_, entry| entry.node.tag != Tag::Reset);
            for entry in map.values_mut() {
                let inner = std::mem::replace(&mut entry.node, Node::new(Value::Null, &entry.key));
                entry.node = without_resets(inner);
            }
        }
        Value::List(list) => {
            let old = std::mem::take(list);
            list.extend(old.into_iter().filter(|n| n.tag != Tag::Reset).map(without_resets));
        }
        _ => {}
    }
    node
}
