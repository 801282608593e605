//! The short forms of Compose values: `NAME=VALUE` lists, single texts, paths for builds.

use super::super::Placed;
use super::super::yaml::{Entry, Map, Node, Value};

/// A list of `NAME=VALUE` or a mapping, as a mapping; a `NAME` alone has no value.
pub(super) fn keyed(node: &Node) -> Option<Map> {
    match &node.value {
        Value::Map(map) => Some(map.clone()),
        Value::Null => Some(Map::new()),
        Value::List(list) => list.iter().map(pair).collect(),
        _ => None,
    }
}

/// `NAME=VALUE` or `NAME`.
fn pair(node: &Node) -> Option<(String, Entry)> {
    let Value::Text(text) = &node.value else { return None };
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Value::Text(value.to_owned())),
        None => (text.as_str(), Value::Null),
    };
    let node = Node { value, ..node.clone() };
    Some((name.to_owned(), Entry { key: node.place.clone(), node }))
}

/// A single text as a list of one.
pub(super) fn listed(node: Node) -> Node {
    match node.value {
        Value::List(_) => node,
        Value::Null => Node { value: Value::List(Vec::new()), ..node },
        _ => {
            let (place, tag, base) = (node.place.clone(), node.tag, node.base.clone());
            Node { value: Value::List(vec![node]), place, tag, base }
        }
    }
}

/// `build: path` as `build: {context: path}`.
pub(super) fn long_build(node: Node) -> Node {
    match node.value {
        Value::Text(_) => {
            let (place, tag, base) = (node.place.clone(), node.tag, node.base.clone());
            let entry = Entry { key: place.clone(), node };
            Node { value: Value::Map(Map::from([("context".to_owned(), entry)])), place, tag, base }
        }
        _ => node,
    }
}

/// The texts of a list, or a single one.
pub(super) fn texts(node: Option<&Node>) -> Vec<Placed<String>> {
    let one = |n: &Node| n.scalar().map(|text| Placed::new(text, &n.place));
    match node.map(|n| (&n.value, n)) {
        None | Some((Value::Null | Value::Map(_), _)) => Vec::new(),
        Some((Value::List(list), _)) => list.iter().filter_map(one).collect(),
        Some((_, node)) => one(node).into_iter().collect(),
    }
}
