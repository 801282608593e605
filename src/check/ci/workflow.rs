//! A GitHub workflow's text → jobs and steps, each with its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::project::yaml::{self, Node, Value};
use crate::project::{Place, Placed, ProjectError};

/// A workflow, as far as builds are concerned.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// The file as it was named.
    pub file: String,
    /// Its text.
    pub text: String,
    /// Its jobs, in the order of the file.
    pub jobs: Vec<Job>,
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its key.
    pub id: String,
    /// Whether it runs once for each combination of a matrix.
    pub matrix: bool,
    /// What it runs on, as text; empty where that is not plain.
    pub runs_on: String,
    /// Whether it runs in a container.
    pub container: bool,
    /// The values of its `env`, those of the workflow too.
    pub env: BTreeMap<String, String>,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where it begins.
    pub place: Place,
    /// The line behind its last one, at most.
    pub end: usize,
    /// The action, without its version.
    pub uses: Option<String>,
    /// What the action is given.
    pub with: BTreeMap<String, Placed<String>>,
    /// Variables of the step.
    pub env: BTreeMap<String, String>,
    /// What it runs in a shell.
    pub run: Option<Placed<String>>,
}

impl Workflow {
    /// Reads a workflow. Parts that are no workflow's are left out: others tell of those.
    ///
    /// # Errors
    /// Text that is not YAML.
    pub fn parse(file: &str, text: &str) -> Result<Self, ProjectError> {
        let name: Arc<str> = file.into();
        let documents = yaml::parse(&name, text)?;
        let mut jobs = Vec::new();
        if let Some(root) = documents.first() {
            let env = texts(root.get("env"));
            let all = root.get("jobs").and_then(Node::as_map);
            let mut ordered: Vec<_> = all.into_iter().flatten().collect();
            ordered.sort_by(|a, b| a.1.key.cmp(&b.1.key));
            jobs.extend(ordered.into_iter().map(|(id, entry)| Job::of(id, &entry.node, &env)));
        }
        let mut workflow = Self { file: file.to_owned(), text: text.to_owned(), jobs };
        workflow.close_steps();
        Ok(workflow)
    }

    /// A step ends where the next one begins, of whichever job.
    fn close_steps(&mut self) {
        let mut starts: Vec<usize> = self.jobs.iter().flat_map(|j| &j.steps).map(|s| s.place.line).collect();
        starts.sort_unstable();
        let last = self.text.lines().count() + 1;
        for step in self.jobs.iter_mut().flat_map(|j| &mut j.steps) {
            step.end = starts.iter().copied().find(|l| *l > step.place.line).unwrap_or(last);
        }
    }

    /// Where a text stands within a step: line and byte column, from 1.
    pub fn locate(&self, step: &Step, text: &str) -> Option<(usize, usize)> {
        let lines = self.text.lines().enumerate().skip(step.place.line - 1).take(step.end - step.place.line);
        lines
            .filter(|(_, l)| !l.trim_start().starts_with('#'))
            .find_map(|(n, l)| Some((n + 1, l.find(text)? + 1)))
    }
}

impl Job {
    fn of(id: &str, node: &Node, outer: &BTreeMap<String, String>) -> Self {
        let mut env = outer.clone();
        env.extend(texts(node.get("env")));
        let steps = node.get("steps").and_then(Node::as_list).unwrap_or_default();
        Self {
            id: id.to_owned(),
            matrix: node.get("strategy").and_then(|s| s.get("matrix")).is_some(),
            runs_on: node.get("runs-on").map(flat).unwrap_or_default(),
            container: node.get("container").is_some(),
            env,
            steps: steps.iter().filter(|s| s.as_map().is_some()).map(Step::of).collect(),
        }
    }
}

impl Step {
    fn of(node: &Node) -> Self {
        let with = node.get("with").and_then(Node::as_map);
        let placed = |(name, entry): (&String, &yaml::Entry)| {
            Some((name.to_ascii_lowercase(), Placed::new(entry.node.scalar()?, &entry.key)))
        };
        Self {
            place: node.place.clone(),
            end: node.place.line + 1,
            uses: node
                .get("uses")
                .and_then(Node::scalar)
                .map(|u| u.split('@').next().unwrap_or_default().to_owned()),
            with: with.into_iter().flatten().filter_map(placed).collect(),
            env: texts(node.get("env")),
            run: node.get("run").and_then(|n| Some(Placed::new(n.scalar()?, &n.place))),
        }
    }

    /// Whether it is this action.
    pub fn is(&self, action: &str) -> bool {
        self.uses.as_deref().is_some_and(|u| u.eq_ignore_ascii_case(action))
    }

    /// What the action is given under a name; nothing for an empty value.
    pub fn with(&self, name: &str) -> Option<&Placed<String>> {
        self.with.get(name).filter(|v| !v.value.trim().is_empty())
    }
}

/// The scalars of a mapping.
fn texts(node: Option<&Node>) -> BTreeMap<String, String> {
    let map = node.and_then(Node::as_map);
    map.into_iter().flatten().filter_map(|(k, e)| Some((k.clone(), e.node.scalar()?))).collect()
}

/// A text, or the texts of a list or a mapping, in one.
fn flat(node: &Node) -> String {
    match &node.value {
        Value::List(list) => list.iter().map(flat).collect::<Vec<_>>().join(" "),
        Value::Map(map) => map.values().map(|e| flat(&e.node)).collect::<Vec<_>>().join(" "),
        _ => node.scalar().unwrap_or_default(),
    }
}
