//! Blocks → instances: a target with a `matrix` stands for one target of each combination.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::{MOST_BUILDS, ProjectError};
use super::syntax::{Block, Tree};
use super::value::Value;
use super::world::{Instance, World};

/// The targets and groups of some files.
#[derive(Default)]
pub(super) struct Blocks {
    /// Their names in the order of the files: kind and name.
    pub(super) order: Vec<(String, String)>,
    /// What a name with a matrix stands for.
    pub(super) expanded: BTreeMap<String, Vec<String>>,
    /// Blocks that can't be told what they are called.
    pub(super) errors: Vec<ProjectError>,
}

/// Names every target and group. References to targets work from then on.
pub(super) fn instances(world: &World<'_>, trees: &[Tree]) -> Blocks {
    let mut blocks = Blocks::default();
    for block in
        trees.iter().flat_map(|t| &t.blocks).filter(|b| ["target", "group"].contains(&b.kind.as_str()))
    {
        let [label] = block.labels.as_slice() else {
            let message = format!("a {} has one name, and this one has {}", block.kind, block.labels.len());
            let error = ProjectError::new(&block.place, message)
                .hint(format!("write {} \"name\" {{ … }}", block.kind));
            blocks.errors.push(error);
            continue;
        };
        match named(world, block, label) {
            Ok(list) => {
                let names: Vec<String> = list.iter().map(|(name, _)| name.clone()).collect();
                if names.as_slice() != [label.as_str()] {
                    blocks.expanded.entry(label.clone()).or_default().extend(names);
                }
                list.into_iter().for_each(|(name, instance)| blocks.add(world, block, name, instance));
            }
            Err(error) => blocks.errors.push(error.of(label)),
        }
        if blocks.order.len() > MOST_BUILDS {
            let message = format!("the project has more than {MOST_BUILDS} targets");
            blocks.errors.push(ProjectError::new(&block.place, message).hint("make the matrix smaller"));
            break;
        }
    }
    blocks
}

impl Blocks {
    fn add(&mut self, world: &World<'_>, block: &Block, name: String, instance: Instance) {
        let key = (block.kind.clone(), name);
        let mut instances = world.instances.borrow_mut();
        let list = instances.entry(key.clone()).or_default();
        if list.is_empty() {
            self.order.push(key);
        }
        list.push(instance);
    }
}

/// The instances of a block by name.
fn named(world: &World<'_>, block: &Rc<Block>, label: &str) -> Result<Vec<(String, Instance)>, ProjectError> {
    let plain = |locals| Instance { block: Rc::clone(block), locals };
    let matrix = block.attributes.get("matrix");
    let name = block.attributes.get("name");
    if block.kind == "group" {
        return match matrix.or(name) {
            Some(odd) => Err(ProjectError::new(&odd.place, "a group has neither `name` nor `matrix`")),
            None => valid(label, block).map(|()| vec![(label.to_owned(), plain(Vec::new()))]),
        };
    }
    let Some(matrix) = matrix else {
        return match name {
            Some(name) => {
                Err(ProjectError::new(&name.place, "`name` needs a `matrix`").hint("take `name` away"))
            }
            None => valid(label, block).map(|()| vec![(label.to_owned(), plain(Vec::new()))]),
        };
    };
    let Some(name) = name else {
        let hint = format!("write name = \"{label}-${{…}}\" with the names of the matrix");
        return Err(ProjectError::new(&matrix.place, "a target with a matrix needs a `name`").hint(hint));
    };
    let mut all = Vec::new();
    for locals in combinations(world, block)? {
        let value = world.value(name, &locals)?;
        let text = value.to_text().ok_or_else(|| ProjectError::new(&name.place, "`name` must be text"))?;
        valid(&text, block)?;
        all.push((text, plain(locals)));
    }
    Ok(all)
}

/// Names of targets have letters, digits, `_` and `-`.
fn valid(name: &str, block: &Block) -> Result<(), ProjectError> {
    let fine = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if fine {
        return Ok(());
    }
    let message = format!("{name:?} is no name of a {}: only letters, digits, `_` and `-`", block.kind);
    Err(ProjectError::new(&block.place, message).hint("write the name with sanitize(…)"))
}

/// Every combination of a matrix.
fn combinations(world: &World<'_>, block: &Block) -> Result<Vec<Vec<(String, Value)>>, ProjectError> {
    let Some(matrix) = block.attributes.get("matrix") else { return Ok(vec![Vec::new()]) };
    let Value::Object(axes) = world.value(matrix, &[])? else {
        return Err(ProjectError::new(&matrix.place, "`matrix` must be a map")
            .hint("write matrix = { name = [\"a\", \"b\"] }"));
    };
    let mut all: Vec<Vec<(String, Value)>> = vec![Vec::new()];
    for (name, values) in axes {
        let Value::List(values) = values else {
            return Err(ProjectError::new(&matrix.place, format!("`matrix`: {name} must be a list")));
        };
        if all.len().saturating_mul(values.len()) > MOST_BUILDS {
            let message = format!("the matrix has more than {MOST_BUILDS} combinations");
            return Err(ProjectError::new(&matrix.place, message).hint("make it smaller"));
        }
        let with = |row: &Vec<(String, Value)>, value: &Value| {
            let mut row = row.clone();
            row.push((name.clone(), value.clone()));
            row
        };
        all = all.iter().flat_map(|row| values.iter().map(|v| with(row, v)).collect::<Vec<_>>()).collect();
    }
    Ok(all)
}
