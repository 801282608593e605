//! What expressions may refer to: variables, attributes, functions, blocks; each worked out once, when it is asked for.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use hcl_edit::expr::Expression;

use super::super::{Note, NoteKind, Place, ProjectError};
use super::eval::{Outcome, Scope};
use super::functions;
use super::syntax::{Attribute, Block, Tree};
use super::types;
use super::value::{Type, Value, parse_bool};

/// A project may take so many steps of evaluation.
const MOST_STEPS: usize = 5_000_000;
/// Expressions may lead into each other so deep.
const DEEPEST: usize = 160;

/// A block with the names that are valid in it: a target for each combination of its matrix.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    /// The block.
    pub(super) block: Rc<Block>,
    /// The matrix's names and values.
    pub(super) locals: Vec<(String, Value)>,
}

/// All of it.
pub(super) struct World<'a> {
    environment: &'a BTreeMap<String, String>,
    builtin: BTreeMap<&'static str, String>,
    variables: BTreeMap<String, Rc<Block>>,
    attributes: BTreeMap<String, Attribute>,
    functions: BTreeMap<String, Rc<Block>>,
    /// Targets and groups by kind and name, in the order of the files.
    pub(super) instances: RefCell<BTreeMap<(String, String), Vec<Instance>>>,
    values: RefCell<BTreeMap<String, Outcome>>,
    busy: RefCell<BTreeSet<String>>,
    notes: RefCell<Vec<Note>>,
    steps: Cell<usize>,
    depth: Cell<usize>,
}

/// One step into an expression; ends when it is dropped.
pub(super) struct Step<'a>(&'a Cell<usize>);

impl Drop for Step<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl<'a> World<'a> {
    /// What some files define.
    pub(super) fn new(trees: &[Tree], environment: &'a BTreeMap<String, String>, platform: &str) -> Self {
        let mut world = Self {
            environment,
            builtin: BTreeMap::from([
                ("BAKE_CMD_CONTEXT", "cwd://".to_owned()),
                ("BAKE_LOCAL_PLATFORM", platform.to_owned()),
            ]),
            variables: BTreeMap::new(),
            attributes: BTreeMap::new(),
            functions: BTreeMap::new(),
            instances: RefCell::default(),
            values: RefCell::default(),
            busy: RefCell::default(),
            notes: RefCell::default(),
            steps: Cell::new(0),
            depth: Cell::new(0),
        };
        for tree in trees {
            world.attributes.extend(tree.attributes.clone());
            for block in &tree.blocks {
                let Some(name) = block.labels.first().cloned() else { continue };
                match block.kind.as_str() {
                    "variable" => drop(world.variables.insert(name, Rc::clone(block))),
                    "function" => drop(world.functions.insert(name, Rc::clone(block))),
                    _ => {}
                }
            }
        }
        world
    }

    /// What is worth a word.
    pub(super) fn into_notes(self) -> Vec<Note> {
        self.notes.into_inner()
    }

    /// A step into an expression, unless there were too many.
    pub(super) fn step(&self, error: impl Fn() -> ProjectError) -> Result<Step<'_>, ProjectError> {
        if self.steps.get() >= MOST_STEPS || self.depth.get() >= DEEPEST {
            return Err(error().hint("make the expressions simpler"));
        }
        self.steps.set(self.steps.get() + 1);
        self.depth.set(self.depth.get() + 1);
        Ok(Step(&self.depth))
    }

    /// Every variable, so that what is wrong with one is told although nothing uses it.
    pub(super) fn check_variables(&self) -> Vec<ProjectError> {
        let names = self.variables.keys().chain(self.attributes.keys());
        let mut errors: Vec<ProjectError> = names.filter_map(|n| self.global(n)?.err()).collect();
        for block in self.variables.values() {
            errors.extend(
                block
                    .blocks
                    .iter()
                    .filter(|b| b.kind == "validation")
                    .filter_map(|b| self.validate(block, b)),
            );
        }
        errors
    }

    /// A `validation` block that is not satisfied.
    fn validate(&self, variable: &Block, rule: &Block) -> Option<ProjectError> {
        let condition = rule.attributes.get("condition")?;
        match self.value(condition, &[]) {
            Ok(value) if value.to_bool() == Some(true) => None,
            Ok(_) => {
                let said =
                    rule.attributes.get("error_message").and_then(|m| self.value(m, &[]).ok()?.to_text());
                let name = variable.labels.first().map_or("", String::as_str);
                let message = said.unwrap_or_else(|| format!("the value of {name} is not allowed"));
                Some(
                    ProjectError::new(&condition.place, message).hint(format!("set {name} to another value")),
                )
            }
            Err(error) => Some(error),
        }
    }

    /// A variable or attribute of the project; `None` when there is none of that name.
    pub(super) fn global(&self, name: &str) -> Option<Outcome> {
        if let Some(value) = self.builtin.get(name) {
            return Some(Ok(Value::text(value)));
        }
        if !self.attributes.contains_key(name) && !self.variables.contains_key(name) {
            return None;
        }
        if let Some(known) = self.values.borrow().get(name) {
            return Some(known.clone());
        }
        if !self.busy.borrow_mut().insert(name.to_owned()) {
            let place =
                self.attributes.get(name).map(|a| &a.place).or(self.variables.get(name).map(|b| &b.place))?;
            return Some(Err(ProjectError::new(place, format!("the value of {name} refers to itself"))
                .hint("take one of the references away")));
        }
        let outcome = self.work_out(name);
        self.busy.borrow_mut().remove(name);
        self.values.borrow_mut().insert(name.to_owned(), outcome.clone());
        Some(outcome)
    }

    fn work_out(&self, name: &str) -> Outcome {
        let variable = self.variables.get(name);
        if let Some(attribute) = self.attributes.get(name) {
            let value = self.value(attribute, &[])?;
            return match variable {
                Some(_) => self.overridden(name, value, None, &attribute.place),
                None => Ok(value),
            };
        }
        let Some(block) = variable else { return Ok(Value::Null) };
        let of = match block.attributes.get("type").filter(|t| !t.expression.is_null()) {
            Some(of) => Some(types::of(&of.expression).map_err(|why| ProjectError::new(&of.place, why))?),
            None => None,
        };
        let value = match block.attributes.get("default") {
            Some(default) => {
                let value = self.value(default, &[])?;
                let of = of.as_ref().unwrap_or(&Type::Any);
                of.convert(value).map_err(|why| {
                    ProjectError::new(&default.place, format!("the default of {name}: {why}"))
                        .hint("give it a default of its type")
                })?
            }
            None if of.is_some() => Value::Null,
            None => Value::text(""),
        };
        self.overridden(name, value, of.as_ref(), &block.place)
    }

    /// The environment's value, when it has one: as the type says, or as the default is.
    fn overridden(&self, name: &str, value: Value, of: Option<&Type>, place: &Place) -> Outcome {
        let json_name = format!("{name}_JSON");
        let json = self.environment.get(&json_name).filter(|_| !self.variables.contains_key(&json_name));
        let plain = self.environment.get(name);
        let wrong = |why: String| {
            ProjectError::new(place, format!("{name} in the environment: {why}"))
                .hint(format!("unset {name} or set it right"))
        };
        match (plain, json, of) {
            (_, Some(json), Some(of)) => {
                let json: serde_json::Value =
                    serde_json::from_str(json).map_err(|e| wrong(format!("this is not JSON: {e}")))?;
                of.convert(Value::from_json(&json)).map_err(wrong)
            }
            (Some(text), _, Some(of)) => types::from_environment(text, of).map_err(wrong),
            (Some(text), _, None) | (None, Some(text), None) => match value {
                Value::Text(_) | Value::Null => Ok(Value::text(text)),
                Value::Bool(_) => parse_bool(text)
                    .map(Value::Bool)
                    .ok_or_else(|| wrong(format!("{text:?} is not true or false"))),
                Value::Number(_) => {
                    let number = Value::text(text).to_number().map(Value::Number);
                    number.ok_or_else(|| wrong(format!("{text:?} is not a number")))
                }
                other => Err(wrong(format!("{} without a type can't be set there", other.kind()))),
            },
            (None, None, _) => Ok(value),
        }
    }

    /// A variable whose name is like this one.
    pub(super) fn similar_variable(&self, name: &str) -> Option<String> {
        let lower = name.to_ascii_lowercase();
        let names = self.variables.keys().chain(self.attributes.keys());
        let near = |n: &&String| {
            let n = n.to_ascii_lowercase();
            n == lower
                || (n.len().abs_diff(lower.len()) <= 1 && (n.starts_with(&lower) || lower.starts_with(&n)))
        };
        names.into_iter().find(near).cloned()
    }

    /// A function that the project defines.
    pub(super) fn function(&self, name: &str) -> Option<Rc<Block>> {
        self.functions.get(name).cloned()
    }

    /// Calls a function that the project defines. It sees its parameters and the project's variables.
    pub(super) fn own_function(
        &self,
        function: &Block,
        values: Vec<Value>,
        here: impl Fn(String) -> ProjectError,
    ) -> Outcome {
        let (Some(parameters), Some(result)) =
            (function.attributes.get("params"), function.attributes.get("result"))
        else {
            return Err(here("a function needs `params` and `result`".to_owned()));
        };
        let Expression::Array(list) = parameters.expression.as_ref() else {
            return Err(here("`params` must be a list of names".to_owned()));
        };
        let names: Option<Vec<String>> = list.iter().map(word).collect();
        let Some(names) = names else { return Err(here("`params` must be a list of names".to_owned())) };
        let variadic = function.attributes.get("variadic_params").and_then(|v| word(&v.expression));
        if values.len() < names.len() || (variadic.is_none() && values.len() > names.len()) {
            return Err(here(format!("takes {} values, and {} are given", names.len(), values.len())));
        }
        let mut values = values.into_iter();
        let mut locals: Vec<(String, Value)> = names.into_iter().zip(values.by_ref()).collect();
        if let Some(name) = variadic {
            locals.push((name, Value::List(values.collect())));
        }
        self.eval(&result.expression, &Scope { attribute: result, locals })
    }

    /// Calls one of the known functions.
    pub(super) fn known_function(&self, name: &str, args: &[Value], place: Place) -> Result<Value, String> {
        if let Some(given) = functions::call(name, args) {
            return given;
        }
        let volatile = |what: &str, value: &str| {
            let message = format!("{name}() is another at every build; {what} is taken here");
            self.notes.borrow_mut().push(Note { place: place.clone(), kind: NoteKind::Volatile, message });
            Ok(Value::text(value))
        };
        match name {
            "timestamp" => volatile("the first second of 1970", "1970-01-01T00:00:00Z"),
            "uuidv4" => volatile("zero", "00000000-0000-0000-0000-000000000000"),
            "homedir" => self
                .environment
                .get("HOME")
                .map(Value::text)
                .ok_or_else(|| "the environment has no HOME".to_owned()),
            _ => Err("there is no such function, or none that can be worked out here".to_owned()),
        }
    }

    /// `target.NAME.ATTRIBUTE`: as it is written in the block, without what it inherits.
    pub(super) fn block_value(
        &self,
        kind: &str,
        name: &str,
        attribute: Option<&str>,
        missing: &dyn Fn() -> ProjectError,
    ) -> Outcome {
        let instances = self.instances.borrow().get(&(kind.to_owned(), name.to_owned())).cloned();
        let Some(instances) = instances else { return Err(missing()) };
        let Some(attribute) = attribute else {
            let names: BTreeSet<&String> = instances.iter().flat_map(|i| i.block.attributes.keys()).collect();
            let all =
                names.into_iter().map(|n| Ok((n.clone(), self.block_value(kind, name, Some(n), missing)?)));
            return Ok(Value::Object(all.collect::<Result<_, ProjectError>>()?));
        };
        if attribute == "name" {
            return Ok(Value::text(name));
        }
        let Some((instance, found)) =
            instances.iter().rev().find_map(|i| i.block.attributes.get(attribute).map(|a| (i, a)))
        else {
            return Ok(Value::Null);
        };
        let id = format!("{kind} {name} {attribute}");
        if let Some(known) = self.values.borrow().get(&id) {
            return known.clone();
        }
        if !self.busy.borrow_mut().insert(id.clone()) {
            let message = format!("{kind}.{name}.{attribute} refers to itself");
            return Err(ProjectError::new(&found.place, message).hint("take one of the references away"));
        }
        let outcome = self.value(found, &instance.locals);
        self.busy.borrow_mut().remove(&id);
        self.values.borrow_mut().insert(id, outcome.clone());
        outcome
    }
}

/// A name, as a word or as text.
fn word(e: &Expression) -> Option<String> {
    match e {
        Expression::Variable(name) => Some(name.value().to_string()),
        Expression::String(name) => Some(name.value().clone()),
        _ => None,
    }
}
