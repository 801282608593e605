//! Puts variables into every value of a document, and tells each value which folder it is relative to.

use std::path::Path;
use std::sync::Arc;

use super::super::yaml::{Node, Value};
use super::super::{Note, NoteKind, ProjectError};
use super::load::{Environment, Model};
use super::template::{self, Substituted};

/// Keys of a service that its build hangs on.
const DECISIVE: [&str; 5] = ["build", "extends", "image", "platform", "profiles"];

/// One pass over a document.
pub(super) struct Pass<'a> {
    /// The variables.
    pub(super) environment: &'a Environment,
    /// The folder that paths are relative to.
    pub(super) base: Arc<Path>,
    /// Told of variables that are not set.
    pub(super) notes: &'a mut Vec<Note>,
    /// Told of errors.
    pub(super) model: &'a mut Model,
}

impl Pass<'_> {
    /// The whole document.
    pub(super) fn document(&mut self, document: &mut Node) {
        let mut path = Vec::new();
        self.node(document, &mut path);
    }

    fn node(&mut self, node: &mut Node, path: &mut Vec<String>) {
        node.base = Some(Arc::clone(&self.base));
        match &mut node.value {
            Value::Text(text) => {
                let lookup = |name: &str| self.environment.get(name).cloned();
                match template::substitute(text, &lookup) {
                    Ok(Substituted { text: done, unset }) => {
                        *text = done;
                        self.unset(node, unset);
                    }
                    Err(fault) => {
                        let error = ProjectError::new(&node.place, fault.message).hint(fault.hint);
                        node.value = Value::Null;
                        self.error(error, path);
                    }
                }
            }
            Value::List(list) => list.iter_mut().for_each(|n| self.node(n, path)),
            Value::Map(map) => {
                for (key, entry) in map {
                    path.push(key.clone());
                    self.node(&mut entry.node, path);
                    path.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn unset(&mut self, node: &Node, names: Vec<String>) {
        for name in names {
            let message = format!("the variable {name} is not set, and counts as empty");
            self.notes.push(Note { place: node.place.clone(), kind: NoteKind::UnsetVariable, message });
        }
    }

    fn error(&mut self, error: ProjectError, path: &[String]) {
        match path {
            [section, service, key, ..] if section == "services" && DECISIVE.contains(&key.as_str()) => {
                self.model.faults.entry(service.clone()).or_default().push(error);
            }
            _ => self.model.errors.push(error),
        }
    }
}
