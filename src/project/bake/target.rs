//! Targets: attributes worked out, blocks of one name merged, inherited ones put below.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Note, NoteKind, Place, Placed, ProjectError};
use super::syntax::Attribute;
use super::value::Value;
use super::world::{Instance, World};

/// The attributes of a target.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Where it begins.
    pub(super) place: Place,
    /// Its attributes, none of them null.
    pub(super) attributes: BTreeMap<String, Placed<Value>>,
    /// Entries of `args`, `labels`, `contexts` and `extra-hosts` with their own places.
    pub(super) maps: BTreeMap<String, BTreeMap<String, Placed<Value>>>,
}

/// Attributes that a target may have.
const KNOWN: [&str; 31] = [
    "annotations",
    "args",
    "attest",
    "cache-from",
    "cache-to",
    "call",
    "context",
    "contexts",
    "description",
    "dockerfile",
    "dockerfile-inline",
    "entitlements",
    "extra-hosts",
    "inherits",
    "labels",
    "matrix",
    "name",
    "network",
    "no-cache",
    "no-cache-filter",
    "output",
    "platforms",
    "policy",
    "pull",
    "resources",
    "secret",
    "shm-size",
    "ssh",
    "tags",
    "target",
    "ulimits",
];
/// Attributes that are maps: an inherited entry stays unless it is set anew.
const MAPS: [&str; 4] = ["args", "contexts", "extra-hosts", "labels"];
/// Lists that are added to what is inherited.
const ADDED: [&str; 8] =
    ["cache-from", "entitlements", "inherits", "no-cache-filter", "secret", "ssh", "ulimits", "annotations"];
/// Attributes that say nothing about what is built; one that can't be worked out is only told of.
const ASIDE: [&str; 12] = [
    "annotations",
    "attest",
    "cache-from",
    "cache-to",
    "call",
    "description",
    "output",
    "policy",
    "pull",
    "resources",
    "tags",
    "secret",
];

/// Works out the attributes of a block.
pub(super) fn own(
    world: &World<'_>,
    instance: &Instance,
    notes: &mut Vec<Note>,
) -> Result<Target, ProjectError> {
    let block = &instance.block;
    let mut target =
        Target { place: block.place.clone(), attributes: BTreeMap::new(), maps: BTreeMap::new() };
    for (name, attribute) in &block.attributes {
        if ["matrix", "name"].contains(&name.as_str()) {
            continue;
        }
        if !KNOWN.contains(&name.as_str()) {
            let error = ProjectError::new(&attribute.place, format!("a target has no `{name}`"));
            let near = KNOWN.iter().find(|k| alike(k, name));
            return Err(match near {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("take it away"),
            });
        }
        match world.value(attribute, &instance.locals) {
            Ok(value) => target.set(name, value, attribute)?,
            Err(error) if ASIDE.contains(&name.as_str()) => {
                notes.push(Note { place: error.place, kind: NoteKind::Unread, message: error.message });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(target)
}

/// Names that differ in case or separators, or by an `s`.
fn alike(a: &str, b: &str) -> bool {
    let plain =
        |s: &str| s.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    plain(a).trim_end_matches('s') == plain(b).trim_end_matches('s')
}

impl Target {
    /// Sets an attribute; null sets nothing.
    fn set(&mut self, name: &str, value: Value, attribute: &Attribute) -> Result<(), ProjectError> {
        let place = &attribute.place;
        if value == Value::Null {
            return Ok(());
        }
        if !MAPS.contains(&name) {
            self.attributes.insert(name.to_owned(), Placed::new(value, place));
            return Ok(());
        }
        let Value::Object(map) = value else {
            let message = format!("`{name}` must be a map, and is {}", value.kind());
            return Err(
                ProjectError::new(place, message).hint(format!("write {name} = {{ NAME = \"value\" }}"))
            );
        };
        let entries = map.into_iter().filter(|(_, v)| *v != Value::Null);
        let own: BTreeMap<String, Placed<Value>> = entries
            .map(|(k, v)| {
                let place = attribute.place_of_key(&k);
                (k, Placed { value: v, place })
            })
            .collect();
        self.maps.insert(name.to_owned(), own);
        Ok(())
    }

    /// Puts another target's attributes over these.
    pub(super) fn merge(&mut self, other: &Self) {
        for (name, value) in &other.attributes {
            let added = ADDED.contains(&name.as_str());
            match (self.attributes.get_mut(name), &value.value) {
                (Some(Placed { value: Value::List(list), .. }), Value::List(more)) if added => {
                    list.extend(more.iter().cloned());
                }
                _ => drop(self.attributes.insert(name.clone(), value.clone())),
            }
        }
        for (name, entries) in &other.maps {
            self.maps.entry(name.clone()).or_default().extend(entries.clone());
        }
    }

    /// An attribute as a list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<Placed<String>>, ProjectError> {
        let Some(Placed { value, place }) = self.attributes.get(name) else { return Ok(Vec::new()) };
        let Value::List(list) = value else {
            let message = format!("`{name}` must be a list, and is {}", value.kind());
            return Err(ProjectError::new(place, message).hint(format!("write {name} = [\"…\"]")));
        };
        let wrong = |v: &Value| {
            ProjectError::new(place, format!("`{name}` is a list of text, and {} is in it", v.kind()))
        };
        let texts = list.iter().map(|v| v.to_text().ok_or_else(|| wrong(v)).map(|t| Placed::new(t, place)));
        let mut texts: Vec<Placed<String>> = texts.collect::<Result<_, _>>()?;
        let mut seen = BTreeSet::new();
        texts.retain(|t| !t.value.is_empty() && seen.insert(t.value.clone()));
        Ok(texts)
    }

    /// An attribute as text.
    pub(super) fn text(&self, name: &str) -> Result<Option<Placed<String>>, ProjectError> {
        let Some(Placed { value, place }) = self.attributes.get(name) else { return Ok(None) };
        match value.to_text() {
            Some(text) => Ok(Some(Placed::new(text, place))),
            None => Err(ProjectError::new(place, format!("`{name}` must be text, and is {}", value.kind()))
                .hint(format!("write {name} = \"…\""))),
        }
    }
}

/// Targets with all that they inherit.
pub(super) struct Inherited<'a> {
    /// Each target's own attributes, or what is wrong with them.
    pub(super) own: &'a BTreeMap<String, Result<Target, ProjectError>>,
    /// Told of targets that inherit from each other.
    pub(super) notes: &'a mut Vec<Note>,
}

impl Inherited<'_> {
    /// The target `name`: the ones that it inherits, in order, and its own attributes over them. Bake passes over a target that
    /// inherits from itself.
    pub(super) fn resolve(
        &mut self,
        name: &str,
        visited: &mut BTreeMap<String, Option<Target>>,
        place: &Place,
    ) -> Result<Option<Target>, ProjectError> {
        if let Some(known) = visited.get(name) {
            if known.is_none() {
                let message = format!("{name} inherits from itself; Bake passes over that");
                self.notes.push(Note { place: place.clone(), kind: NoteKind::Cycle, message });
            }
            return Ok(known.clone());
        }
        visited.insert(name.to_owned(), None);
        let Some(own) = self.own.get(name) else {
            return Err(ProjectError::new(place, format!("there is no target {name}"))
                .hint("name a target of this project"));
        };
        let own = own.clone()?;
        let mut all = Target { place: own.place.clone(), attributes: BTreeMap::new(), maps: BTreeMap::new() };
        for parent in own.texts("inherits")? {
            if let Some(parent) = self.resolve(&parent.value, visited, &parent.place)? {
                all.merge(&parent);
            }
        }
        all.merge(&own);
        visited.insert(name.to_owned(), Some(all.clone()));
        Ok(Some(all))
    }
}

/// The members of a group.
pub(super) fn own_group(world: &World<'_>, instance: &Instance) -> Result<Vec<String>, ProjectError> {
    let block = &instance.block;
    let name = block.labels.first().map_or("", String::as_str);
    let Some(attribute) = block.attributes.get("targets") else {
        let message = format!("the group {name} has no `targets`");
        return Err(ProjectError::new(&block.place, message).hint("write targets = [\"…\"]"));
    };
    let value = world.value(attribute, &[])?;
    let Value::List(list) = value else {
        let message = format!("`targets` must be a list, and is {}", value.kind());
        return Err(ProjectError::new(&attribute.place, message).hint("write targets = [\"…\"]"));
    };
    Ok(list.iter().filter_map(Value::to_text).collect())
}
