//! What another ignore file changes: which entries come and go, which steps get other keys, which fail.

use super::outcome::{Outcome, holds};
use super::world::{Build, World};
use crate::context::Context;
use crate::entry::{ContextPath, Entry, FileType, Source as _};
use crate::report::{IgnoreFailure, IgnoreFold, IgnoreGroup, IgnoreReport, IgnoreStep, IgnoreSum, PathField};

/// So many groups are told one by one.
const GROUPS: usize = 50;

/// Files of a listing in numbers, of those entries that `which` says.
pub fn sum(entries: &[Entry], which: impl Fn(usize) -> bool) -> IgnoreSum {
    let mut sum = IgnoreSum::default();
    for (_, entry) in entries.iter().enumerate().filter(|(at, _)| which(*at)) {
        count(&mut sum, entry);
    }
    sum
}

fn count(sum: &mut IgnoreSum, entry: &Entry) {
    if entry.stat.is_dir() {
        sum.dirs += 1;
        return;
    }
    sum.files += 1;
    let has_bytes = matches!(entry.stat.file_type, FileType::File) && entry.hardlink.is_none();
    sum.bytes += if has_bytes { entry.stat.size } else { 0 };
}

/// The entries of `of` that `other` doesn't have, folded.
pub fn only_in(of: &Context, other: &Context) -> IgnoreFold {
    let mut theirs = other.entries().iter().peekable();
    let missing = |entry: &Entry| {
        while theirs.next_if(|t| t.path < entry.path).is_some() {}
        theirs.peek().is_none_or(|t| t.path != entry.path)
    };
    let changed: Vec<bool> = of.entries().iter().map(missing).collect();
    fold(of.entries(), &changed)
}

/// Folds entries: a folder that goes as a whole is one group, and files that go out of a folder are one when there are many.
fn fold(entries: &[Entry], changed: &[bool]) -> IgnoreFold {
    let mut groups: Vec<IgnoreGroup> = Vec::new();
    let mut open: Option<&ContextPath> = None;
    for (_, entry) in entries.iter().enumerate().filter(|(at, _)| changed[*at]) {
        let inside = open.is_some_and(|folder| entry.path.is_below(folder.as_bytes()));
        if !inside {
            let folder = entry.stat.is_dir();
            open = folder.then_some(&entry.path);
            let path = PathField::new(entry.path.as_bytes());
            groups.push(IgnoreGroup { path, folder, whole: true, sum: IgnoreSum::default() });
        }
        if let Some(group) = groups.last_mut() {
            count(&mut group.sum, entry);
        }
    }
    let total = sum(entries, |at| changed[at]);
    if groups.len() > GROUPS {
        groups = by_folder(groups);
    }
    groups.sort_by_key(|g| std::cmp::Reverse((g.sum.bytes, g.sum.files)));
    let more = groups.len().saturating_sub(GROUPS);
    groups.truncate(GROUPS);
    IgnoreFold { total, groups, more }
}

/// Files of one folder as one group.
fn by_folder(groups: Vec<IgnoreGroup>) -> Vec<IgnoreGroup> {
    let mut out: Vec<IgnoreGroup> = Vec::new();
    for group in groups {
        let path = &group.path.0;
        let folder = path.iter().rposition(|b| *b == b'/').map_or(&b"."[..], |end| &path[..end]).to_vec();
        if group.folder {
            out.push(group);
            continue;
        }
        match out.iter_mut().find(|g| !g.whole && g.path.0 == folder) {
            Some(known) => {
                known.sum.files += group.sum.files;
                known.sum.bytes += group.sum.bytes;
            }
            None => {
                out.push(IgnoreGroup { path: PathField(folder), folder: true, whole: false, sum: group.sum })
            }
        }
    }
    out
}

/// A step of a build, for a report.
pub fn step(build: &Build, step: usize, own: bool) -> Option<IgnoreStep> {
    let step = build.read.plan.as_ref()?.steps.get(step)?;
    Some(IgnoreStep {
        dockerfile: build.dockerfile.clone(),
        build: build.detail.clone(),
        step: step.name.clone(),
        line: step.span.line,
        own,
    })
}

/// The steps whose keys are others, each once: builds of one Dockerfile share stages.
pub fn moved(world: &World, before: &[Outcome], after: &[Outcome]) -> Vec<IgnoreStep> {
    let mut out: Vec<IgnoreStep> = Vec::new();
    for ((build, before), after) in world.builds.iter().zip(before).zip(after) {
        for moved in after.moved_since(before) {
            let Some(step) = step(build, moved.step, moved.own) else { continue };
            add(&mut out, step);
        }
    }
    out
}

/// Where a path stands in a listing.
pub fn position(entries: &[Entry], path: &[u8]) -> Option<usize> {
    entries.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), path)).ok()
}

/// Adds the steps that take the ignore file itself, which stands at a place of their context: writing it is a change for them.
pub fn takes_file(world: &World, at: usize, outcomes: &[Outcome], report: &mut IgnoreReport) {
    let before = report.changes.len();
    for (build, outcome) in world.builds.iter().zip(outcomes) {
        for index in (0..outcome.steps.len()).filter(|i| holds(&outcome.steps[*i].takes, at)) {
            step(build, index, true).into_iter().for_each(|s| add(&mut report.changes, s));
        }
    }
    if report.changes.len() > before {
        report
            .remarks
            .push("some steps take the ignore file itself, so that writing it changes their keys".to_owned());
    }
}

/// Adds a step that isn't there yet.
pub fn add(steps: &mut Vec<IgnoreStep>, step: IgnoreStep) {
    let same = |s: &IgnoreStep| (&s.dockerfile, s.line, s.own) == (&step.dockerfile, step.line, step.own);
    if !steps.iter().any(same) {
        steps.push(step);
    }
}

/// What fails in `now` and didn't in `then`.
pub fn failures(world: &World, then: &[Outcome], now: &[Outcome]) -> Vec<IgnoreFailure> {
    let mut out: Vec<IgnoreFailure> = Vec::new();
    for ((build, then), now) in world.builds.iter().zip(then).zip(now) {
        for failing in now.new_failures(then) {
            let failure = IgnoreFailure {
                dockerfile: build.dockerfile.clone(),
                build: build.detail.clone(),
                step: failing.step.clone(),
                line: failing.line,
                code: failing.code.clone(),
                message: failing.message.clone(),
                engine_message: failing.engine_message.clone(),
            };
            let same = |f: &IgnoreFailure| {
                (&f.dockerfile, f.line, &f.message) == (&failure.dockerfile, failure.line, &failure.message)
            };
            if !out.iter().any(same) {
                out.push(failure);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::MemoryTree;

    #[test]
    fn a_folder_that_goes_is_one_group_and_scattered_files_are_grouped_when_there_are_many() {
        let path = |p: String| ContextPath::new(p.into_bytes()).unwrap();
        let mut tree = MemoryTree::new();
        for i in 0..60 {
            tree = tree.file(path(format!("src/{i}.pyc")), 0o644, b"x").file(
                path(format!("docs/{i}")),
                0o644,
                b"yy",
            );
        }
        let all = fold(tree.entries(), &vec![true; tree.entries().len()]);
        let names: Vec<&[u8]> = all.groups.iter().map(|g| &g.path.0[..]).collect();
        assert_eq!(names, [&b"docs"[..], b"src"]);
        let pyc: Vec<bool> = tree.entries().iter().map(|e| e.path.name().ends_with(b".pyc")).collect();
        let some = fold(tree.entries(), &pyc);
        assert_eq!((some.groups.len(), some.groups[0].whole, some.groups[0].sum.files), (1, false, 60));
        assert_eq!(some.total.bytes, 60);
    }
}
