//! Which steps look which sources up in which folder.

use super::{Facts, FolderFacts, StepFacts, Taken};
use crate::dockerfile::{Instruction, Stage};
use crate::entry::{ContextPath, Entry};
use crate::gopath;
use crate::plan::{CopyAction, Exec, FileActionKind, Op, Plan, Source, Step, StepSource, Vertex};

/// A source of COPY, ADD or a bind mount that is looked up in a folder of the client's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use<'a> {
    /// The step's place in the plan.
    pub index: usize,
    /// The step.
    pub step: &'a Step,
    /// The source.
    pub source: &'a StepSource,
    /// The folder's place in [`Facts::folders`].
    pub place: usize,
    /// The folder.
    pub folder: &'a FolderFacts<'a>,
}

impl<'a> Use<'a> {
    /// The path below the folder; empty for the folder itself.
    pub fn path(&self) -> &'a [u8] {
        let path = self.source.path.as_bytes();
        path.strip_prefix(b"/").unwrap_or(path)
    }

    /// True when the path is a wildcard.
    pub fn is_wildcard(&self) -> bool {
        self.step.instruction != "RUN" && gopath::has_wildcard(self.path())
    }

    /// ``COPY source `x` ``
    pub fn subject(&self) -> String {
        let what = if self.step.instruction == "RUN" { "bind mount source" } else { "source" };
        format!("{} {what} `{}`", self.step.instruction, self.source.written)
    }

    /// The entries that the source names itself: one, or those that a wildcard matches. Not what is in a folder.
    pub fn named(&self) -> Vec<&'a Entry> {
        let (context, path) = (self.folder.context, self.path());
        if !self.is_wildcard() {
            return context.get(path).into_iter().collect();
        }
        let depth = slashes(path);
        let matching = |e: &&Entry| {
            let path_of = e.path.as_bytes();
            slashes(path_of) == depth && gopath::matches(path, path_of) == Ok(true)
        };
        entries(self.folder).iter().filter(matching).collect()
    }

    /// The folder's entries below the source.
    pub fn below(&self) -> &'a [Entry] {
        below(entries(self.folder), self.path())
    }
}

/// How many `/` a path has.
pub(super) fn slashes(path: &[u8]) -> usize {
    path.iter().filter(|b| **b == b'/').count()
}

/// What a folder shows.
pub(super) fn entries<'a>(folder: &FolderFacts<'a>) -> &'a [Entry] {
    crate::entry::Source::entries(folder.context)
}

/// The entries below a path; all of them below an empty one.
pub(super) fn below<'a>(entries: &'a [Entry], path: &[u8]) -> &'a [Entry] {
    if path.is_empty() {
        return entries;
    }
    let start = entries.partition_point(|e| ContextPath::compare(e.path.as_bytes(), path).is_le());
    let len = entries[start..].partition_point(|e| e.path.is_below(path));
    &entries[start..start + len]
}

/// Every source that is looked up in a folder of the client's, in the order of the plan.
pub(super) fn uses<'a>(facts: &'a Facts<'a>) -> Vec<Use<'a>> {
    let Some(plan) = facts.plan else { return Vec::new() };
    let mut out = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        for source in &step.sources {
            if let Some(place) = folder_of(facts, plan, step, source) {
                out.push(Use { index, step, source, place, folder: &facts.folders[place] });
            }
        }
    }
    out
}

/// The folder of the client's that a source is looked up in.
fn folder_of(facts: &Facts<'_>, plan: &Plan, step: &Step, source: &StepSource) -> Option<usize> {
    let vertex = vertex(plan, step);
    match &plan.graph.vertices.get(vertex.inputs.get(source.input?)?.0)?.op {
        Op::Source(Source::Local(local)) => facts.folders.iter().position(|f| f.name == local.name),
        _ => None,
    }
}

/// The vertex that does a step's work.
pub(super) fn vertex<'a>(plan: &'a Plan, step: &Step) -> &'a Vertex {
    &plan.graph.vertices[step.vertex.0]
}

/// The first copy of a COPY or ADD; all of one instruction have the same destination and flags.
pub(super) fn copy<'a>(facts: &Facts<'a>, step: &Step) -> Option<&'a CopyAction> {
    let Op::File(actions) = &vertex(facts.plan?, step).op else { return None };
    actions.iter().find_map(|a| match &a.kind {
        FileActionKind::Copy(copy) => Some(copy),
        _ => None,
    })
}

/// What a RUN runs.
pub(super) fn exec<'a>(facts: &Facts<'a>, step: &Step) -> Option<&'a Exec> {
    match &vertex(facts.plan?, step).op {
        Op::Exec(exec) => Some(exec),
        _ => None,
    }
}

/// The instruction of a step and the stage that it is written in; `None` for a trigger of the base.
pub(super) fn instruction<'a>(facts: &Facts<'a>, step: &Step) -> Option<(&'a Stage, &'a Instruction)> {
    if step.onbuild {
        return None;
    }
    facts
        .parsed?
        .stages
        .iter()
        .find_map(|stage| Some((stage, stage.instructions.iter().find(|i| i.span.line == step.span.line)?)))
}

/// True when the build fails at that step.
pub(super) fn fails(facts: &Facts<'_>, step: &Step) -> bool {
    facts.failures.iter().any(|f| f.step.as_deref() == Some(&step.name))
}

/// What a step takes of a folder.
pub(super) fn taken<'f, 'a>(facts: &'f Facts<'a>, step: usize, folder: usize) -> Option<&'f Taken<'a>> {
    facts.steps.get(step).and_then(|s: &StepFacts<'a>| s.taken.iter().find(|t| t.folder == folder))
}

/// Whether a step takes a path of a folder.
pub(super) fn takes(taken: &Taken<'_>, path: &[u8]) -> bool {
    taken
        .entries
        .iter()
        .any(|run| run.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), path)).is_ok())
}
