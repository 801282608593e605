//! The builds of a workflow, whichever way they are started.

use super::command::{self, Command};
use super::workflow::{Job, Step, Workflow};
use crate::check::Label;

/// A step that builds.
#[derive(Debug, Clone)]
pub struct CiBuild<'a> {
    /// The workflow.
    pub workflow: &'a Workflow,
    /// The job.
    pub job: &'a Job,
    /// Its place among the job's steps.
    pub number: usize,
    /// The step.
    pub step: &'a Step,
    /// How the build is started.
    pub how: How,
    /// Where its cache goes.
    pub to: Vec<CacheEntry>,
    /// Where cache comes from.
    pub from: Vec<CacheEntry>,
}

/// How a build is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// docker/build-push-action.
    Action,
    /// docker/bake-action.
    Bake,
    /// A command of a script.
    Command(Command),
}

/// One of `cache-to` or `cache-from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// As written.
    pub text: String,
    /// Its type; `None` where an expression says it.
    pub kind: Option<String>,
}

impl CacheEntry {
    fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let mut entry = Self { text: text.to_owned(), kind: None };
        entry.kind = match entry.attribute("type") {
            Some(kind) if !kind.contains('$') => Some(kind.to_ascii_lowercase()),
            // A name alone is an image.
            None if !text.contains(['=', ',', '$']) => Some("registry".to_owned()),
            _ => None,
        };
        Some(entry)
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let is = |(key, value): (&str, &'_ str)| key.trim().eq_ignore_ascii_case(name).then_some(value.len());
        let part = self.text.split(',').find(|p| p.split_once('=').and_then(is).is_some())?;
        part.split_once('=').map(|(_, value)| value.trim().trim_matches(['"', '\'']))
    }

    /// Whether it is of this type.
    pub fn is(&self, kind: &str) -> bool {
        self.kind.as_deref() == Some(kind)
    }
}

/// Every build of a workflow.
pub fn all(workflow: &Workflow) -> Vec<CiBuild<'_>> {
    let mut found = Vec::new();
    for job in &workflow.jobs {
        for (number, step) in job.steps.iter().enumerate() {
            let of = |how, to, from| CiBuild { workflow, job, number, step, how, to, from };
            if step.is("docker/build-push-action") {
                found.push(of(How::Action, listed(step, "cache-to"), listed(step, "cache-from")));
            } else if step.is("docker/bake-action") {
                found.push(of(How::Bake, set(step, ".cache-to"), set(step, ".cache-from")));
            } else if let Some(run) = &step.run {
                for command in command::builds(&run.value) {
                    let (to, from) = (given(&command, "cache-to"), given(&command, "cache-from"));
                    found.push(of(How::Command(command), to, from));
                }
            }
        }
    }
    found
}

/// The lines of an input of the action.
fn listed(step: &Step, name: &str) -> Vec<CacheEntry> {
    step.with(name).into_iter().flat_map(|v| v.value.lines()).filter_map(CacheEntry::of).collect()
}

/// The values of `TARGET.NAME=VALUE` lines of the bake action.
fn set(step: &Step, name: &str) -> Vec<CacheEntry> {
    let lines = step.with("set").into_iter().flat_map(|v| v.value.lines());
    lines
        .filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            let is = key.trim().trim_end_matches('+').ends_with(name);
            is.then(|| CacheEntry::of(value))?
        })
        .collect()
}

/// The values of an option of a command. Bake has `--set TARGET.NAME=VALUE`.
fn given(command: &Command, name: &str) -> Vec<CacheEntry> {
    let set = command.values("set");
    let of_bake = set
        .iter()
        .filter_map(|s| s.split_once('=').filter(|(key, _)| key.ends_with(name)).map(|(_, v)| v.to_owned()));
    command.values(name).into_iter().chain(of_bake).filter_map(|v| CacheEntry::of(&v)).collect()
}

impl CiBuild<'_> {
    /// The place of a text of the step; the step's first line when it isn't found.
    pub fn label(&self, word: &str, text: impl Into<String>) -> Label {
        let file = &self.workflow.file;
        match self.workflow.locate(self.step, word) {
            Some((line, column)) => Label::word(file, line, column, word.len(), text),
            None => Label::line(file, self.step.place.line, text),
        }
    }

    /// What it is called in messages.
    pub fn name(&self) -> String {
        let what = match &self.how {
            How::Action => "docker/build-push-action",
            How::Bake => "docker/bake-action",
            How::Command(command) if command.words.get(1).is_some_and(|w| w == "buildx") => "docker buildx",
            How::Command(_) => "docker build",
        };
        format!("{what} of the job {}", self.job.id)
    }

    /// Everything that is written in the step but its cache settings.
    pub fn other_text(&self) -> String {
        let with = self.step.with.iter().filter(|(name, _)| !name.starts_with("cache-"));
        let mut all: Vec<&str> = with.map(|(_, v)| v.value.as_str()).collect();
        all.extend(self.step.env.values().map(String::as_str));
        if let How::Command(command) = &self.how {
            let cache: Vec<&String> = self.to.iter().chain(&self.from).map(|e| &e.text).collect();
            all.extend(
                command
                    .words
                    .iter()
                    .filter(|w| !cache.iter().any(|c| w.contains(c.as_str())))
                    .map(String::as_str),
            );
        }
        all.join("\n")
    }

    /// What is built: context, Dockerfile and target, as written.
    pub fn what(&self) -> Vec<String> {
        match &self.how {
            How::Command(command) => {
                let mut words = command.values("file");
                words.extend(command.values("target"));
                let short =
                    command.words.iter().position(|w| w == "-f").and_then(|at| command.words.get(at + 1));
                words.extend(short.cloned());
                words.extend(command.words.last().cloned());
                words
            }
            How::Action => {
                let of = |name: &str, default: &str| {
                    self.step.with(name).map_or(default.to_owned(), |v| v.value.trim().to_owned())
                };
                vec![of("context", "."), of("file", "Dockerfile"), of("target", "")]
            }
            How::Bake => {
                let of =
                    |name: &str| self.step.with(name).map_or(String::new(), |v| v.value.trim().to_owned());
                vec![of("files"), of("targets"), of("source"), of("workdir")]
            }
        }
    }

    /// The steps of the job before it.
    pub fn before(&self) -> &[Step] {
        &self.job.steps[..self.number]
    }
}
