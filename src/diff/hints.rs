//! What would have kept a layer: only what is true for this very change.
//!
//! Every rule here is tried on both sides: a step keeps its key when, with the rule in force, it takes the same files with the
//! same headers and contents before and now, and nothing else of it changed.

use std::collections::BTreeSet;

use super::litter::{self, Litter};
use super::taken::{Taken, taken};
use super::{Cause, CauseKind, Comparison, StepVerdict, Verdict, ignored, links, same};
use crate::pattern::IgnoreFile;
use crate::snapshot::{IgnoreRules, Snapshot, StepState, VertexKind};

/// Advice that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The step that would have been cached.
    pub step: usize,
    /// What to do, in words.
    pub text: String,
    /// The same as a value.
    pub rule: HintRule,
}

/// What a hint proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HintRule {
    /// Lines at the end of an ignore file.
    Ignore {
        /// The local source: `context`, or a named context.
        source: String,
        /// The ignore file's name; a new one where there is none.
        file: String,
        /// The lines.
        lines: Vec<String>,
    },
    /// The files that a package manager reads are copied before the rest.
    CopyFirst {
        /// The line of the COPY above which they go.
        line: usize,
        /// The files.
        files: Vec<String>,
    },
    /// The base image is named with its digest.
    PinBase {
        /// The line of the FROM.
        line: usize,
        /// The name.
        reference: String,
    },
}

/// The hints for the steps that are the first to rerun, in the order of the Dockerfile.
pub fn hints(before: &Snapshot, now: &Snapshot, comparison: &Comparison) -> Vec<Hint> {
    let mut out = Vec::new();
    for (step, verdict) in comparison.steps.iter().enumerate() {
        if verdict.verdict != Verdict::Rerun || verdict.causes.iter().any(|c| c.kind == CauseKind::Missing) {
            continue;
        }
        let asking = Asking { before, now, comparison, step, verdict };
        out.extend(asking.ignore());
        out.extend(asking.copy_first());
        out.extend(asking.pin_base());
    }
    out
}

struct Asking<'a> {
    before: &'a Snapshot,
    now: &'a Snapshot,
    comparison: &'a Comparison,
    step: usize,
    verdict: &'a StepVerdict,
}

impl Asking<'_> {
    fn state(&self) -> &StepState {
        &self.now.steps[self.step]
    }

    /// Ignore lines, when they hide every file that changed: only what tools made if that is all, else also what is about the
    /// project.
    fn ignore(&self) -> Option<Hint> {
        let causes: Option<Vec<Paths<'_>>> = self.verdict.causes.iter().map(paths).collect();
        let causes = causes.filter(|c| !c.is_empty())?;
        let source = causes[0].0;
        let paths: Vec<&[u8]> = causes.iter().flat_map(|(_, paths)| paths).copied().collect();
        if causes.iter().any(|(s, _)| *s != source) {
            return None;
        }
        let litter: Option<Vec<Litter>> = paths.iter().map(|p| line_for(p)).collect();
        let litter = litter?;
        let made = litter.iter().all(|l| l.made);
        let lines: BTreeSet<String> = litter.into_iter().map(|l| l.line).collect();
        let lines: Vec<String> = lines.into_iter().collect();
        if !self.keeps(source, &lines) {
            return None;
        }
        let known = self.now.ignore_files.get(source).and_then(|r| r.name.clone());
        let file = known.unwrap_or_else(|| ".dockerignore".to_owned());
        let list = lines.iter().map(|l| format!("`{l}`")).collect::<Vec<_>>().join(" and ");
        let unless = if made { "" } else { ", if the image does not need it" };
        let text = format!("add {list} to {file}{unless}: {} would have been cached", self.state().name);
        Some(Hint {
            step: self.step,
            text,
            rule: HintRule::Ignore { source: source.to_owned(), file, lines },
        })
    }

    /// Whether the step takes the same before and now when these lines end the ignore file, and no step loses what it names.
    fn keeps(&self, source: &str, lines: &[String]) -> bool {
        let rules = IgnoreRules { name: Some("lines".to_owned()), bytes: lines.join("\n").into_bytes() };
        let (Some(counterpart), Some(rules)) = (self.verdict.counterpart, ignored::parse(&rules)) else {
            return false;
        };
        let old = taken(self.before, self.before.steps[counterpart].vertex, |_| true);
        let new = taken(self.now, self.state().vertex, |_| true);
        let sources: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
        let nothing = Taken::default();
        let same = sources.into_iter().all(|name| {
            let (old, new) = (old.get(name).unwrap_or(&nothing), new.get(name).unwrap_or(&nothing));
            let hidden = |path: &[u8]| name == source && hides(&rules, path);
            let mut old = old.items.iter().filter(|i| !hidden(i.bytes()));
            let mut new = new.items.iter().filter(|i| !hidden(i.bytes()));
            loop {
                match (old.next(), new.next()) {
                    (None, None) => return true,
                    (Some(b), Some(n)) if b.path() == n.path() && same::equal(b, n) => {}
                    _ => return false,
                }
            }
        });
        let names = |step: &StepState| links::words(&step.text).iter().any(|word| hides(&rules, word));
        same && !self.now.steps.iter().any(names)
    }

    /// The manifest of a package manager ahead of all the rest, for a RUN that only lost its parent.
    fn copy_first(&self) -> Option<Hint> {
        let run = self.state();
        let only_parent = self.verdict.causes.iter().all(|c| c.kind == CauseKind::Parent);
        if run.instruction != "RUN" || !only_parent {
            return None;
        }
        let below = self.now.vertices.get(run.vertex)?.inputs.first()?.vertex;
        let copy = self.now.steps.iter().position(|s| s.vertex == below)?;
        let (state, verdict) = (&self.now.steps[copy], &self.comparison.steps[copy]);
        let stands_well = !verdict.causes.iter().any(|c| paths(c).is_none());
        if !matches!(state.instruction.as_str(), "COPY" | "ADD") || !verdict.first_cause || !stands_well {
            return None;
        }
        let old = taken(self.before, self.before.steps[verdict.counterpart?].vertex, |_| true);
        let new = taken(self.now, state.vertex, |_| true);
        // A COPY of the whole context keeps the names of what it takes.
        let (old, new) = (old.get("context")?, new.get("context")?);
        if !links::takes_root(state) {
            return None;
        }
        let files: Vec<String> = manifests(run, new);
        let unchanged = |file: &String| {
            let (old, new) = (old.find(file.as_bytes()), new.find(file.as_bytes()));
            old.zip(new).is_some_and(|(b, n)| same::equal(&b, &n))
        };
        if files.is_empty() || !files.iter().all(unchanged) {
            return None;
        }
        let list = files.join(" ");
        let text = format!("`COPY {list} ./` above line {}: {} would have been cached", state.line, run.name);
        // Between the manifest and the rest the RUN has to stand as well.
        let text = format!("{text}, if it stands before the rest is copied and needs no more than that");
        Some(Hint { step: self.step, text, rule: HintRule::CopyFirst { line: state.line, files } })
    }

    /// An image that moved behind its name.
    fn pin_base(&self) -> Option<Hint> {
        let state = self.state();
        let image = self.now.vertices.get(state.vertex).is_some_and(|v| v.kind == VertexKind::Image);
        let moved = |c: &Cause| c.kind == CauseKind::Base && c.before.is_none() && c.after.is_none();
        if !image || self.verdict.counterpart.is_none() || !self.verdict.causes.iter().all(moved) {
            return None;
        }
        let mut words = state.text.split_whitespace().skip(1);
        let reference = words.find(|w| !w.starts_with("--")).filter(|w| !w.contains('@'))?.to_owned();
        let text = format!(
            "name the base by its digest, `{reference}@sha256:…`: {} would have been cached, and moves only when you say so",
            state.name
        );
        let rule = HintRule::PinBase { line: state.line, reference };
        Some(Hint { step: self.step, text, rule })
    }
}

/// A local source and paths in it.
type Paths<'c> = (&'c str, Vec<&'c [u8]>);

/// The paths that a cause is about; `None` for one that no ignore line helps against.
fn paths(cause: &Cause) -> Option<Paths<'_>> {
    let path = cause.path.as_deref()?;
    match cause.kind {
        CauseKind::Renamed => {
            let from = cause.before.as_deref()?;
            Some((&cause.source, vec![path, from.as_bytes()]))
        }
        CauseKind::Missing | CauseKind::Ignore => None,
        _ => Some((&cause.source, vec![path])),
    }
}

fn line_for(path: &[u8]) -> Option<Litter> {
    litter::made_by_tools(path).or_else(|| litter::about_the_project(path))
}

/// Whether lines at the end of an ignore file hide a path: they have the last word.
fn hides(rules: &IgnoreFile, path: &[u8]) -> bool {
    rules.explain(path).is_ok_and(|e| e.decision.matched)
}

/// Programs that fetch what a manifest lists, with the files that they read where they are there.
const MANAGERS: &[(&str, &[&str])] = &[
    ("bundle install", &["Gemfile", "Gemfile.lock"]),
    ("cargo fetch", &["Cargo.toml", "Cargo.lock"]),
    ("composer install", &["composer.json", "composer.lock"]),
    ("go mod download", &["go.mod", "go.sum"]),
    ("npm ci", &["package.json", "package-lock.json"]),
    ("npm install", &["package.json", "package-lock.json"]),
    ("pip install -r requirements.txt", &["requirements.txt"]),
    ("pip install --no-cache-dir -r requirements.txt", &["requirements.txt"]),
    ("pipenv install", &["Pipfile", "Pipfile.lock"]),
    ("pnpm install", &["package.json", "pnpm-lock.yaml"]),
    ("poetry install --no-root", &["pyproject.toml", "poetry.lock"]),
    ("uv sync --no-install-project", &["pyproject.toml", "uv.lock"]),
    ("yarn install", &["package.json", "yarn.lock"]),
];

/// The manifests that a RUN reads, as far as they are there.
fn manifests(run: &StepState, taken: &Taken<'_>) -> Vec<String> {
    let words = run.text.split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
    let found = MANAGERS.iter().find(|(program, _)| words.contains(program));
    let files = found.map_or(&[][..], |(_, files)| files);
    files.iter().filter(|f| taken.find(f.as_bytes()).is_some()).map(|f| (*f).to_owned()).collect()
}
