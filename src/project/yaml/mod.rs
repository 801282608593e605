//! YAML → values with their places. Also reads JSON, which is a part of YAML.

mod number;
mod parse;
mod scalar;

pub(crate) use parse::parse;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Place, path};

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// What it is.
    pub(crate) value: Value,
    /// Where it begins.
    pub(crate) place: Place,
    /// What it does to the value that it is merged over.
    pub(super) tag: Tag,
    /// The folder that it is relative to, should it be a path. Whoever reads the file sets it.
    pub(super) base: Option<Arc<Path>>,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as Go prints it.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping.
    Map(Map),
}

/// A mapping by key.
pub(crate) type Map = BTreeMap<String, Entry>;

/// A key's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where the key stands.
    pub(crate) key: Place,
    /// The value.
    pub(crate) node: Node,
}

/// Compose's own tags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tag {
    /// None.
    #[default]
    None,
    /// `!reset`: the value is taken away.
    Reset,
    /// `!override`: the value replaces the other, nothing is merged.
    Override,
}

impl Node {
    /// A value at a place.
    pub(super) fn new(value: Value, place: &Place) -> Self {
        Self { value, place: place.clone(), tag: Tag::None, base: None }
    }

    /// Text at a place.
    pub(super) fn text(text: impl Into<String>, place: &Place) -> Self {
        Self::new(Value::Text(text.into()), place)
    }

    /// The mapping.
    pub(crate) fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list.
    pub(crate) fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// The value of a key of a mapping; nothing for `null`.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key).map(|e| &e.node).filter(|n| n.value != Value::Null)
    }

    /// A scalar as text, as Go prints it; `None` for `null`, lists and mappings.
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Bool(b) => Some(b.to_string()),
            Value::Number(n) => Some(n.clone()),
            Value::Text(t) => Some(t.clone()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// `text` as a path, relative to the folder that this value is relative to.
    pub(super) fn resolve(&self, text: &str) -> PathBuf {
        path::join(self.base.as_deref().unwrap_or(Path::new(".")), text)
    }

    /// What kind of value it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}
