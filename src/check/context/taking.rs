//! What the steps take of a folder, as places in its listing, and which steps the image is made of.

use std::ops::Range;

use super::super::{Facts, FolderFacts, StepFacts};
use crate::dockerfile::InstructionKind;
use crate::entry::{ContextPath, Entry, Source as _};
use crate::gopath;
use crate::plan::{FileAction, Op, Plan, Source, Step, StepSource, VertexId};

/// What the steps take of one folder.
pub(super) struct Taking {
    /// Each step that takes something, by its place in [`Facts::steps`], with ascending ranges of the folder's entries.
    pub steps: Vec<(usize, Vec<Range<usize>>)>,
}

impl Taking {
    /// The steps' takings of the folder with this number.
    pub fn of(facts: &Facts<'_>, folder: usize) -> Self {
        let entries = facts.folders[folder].context.entries();
        let of_step = |step: &StepFacts<'_>| {
            let mut ranges = Vec::new();
            for run in step.taken.iter().filter(|t| t.folder == folder).flat_map(|t| &t.entries) {
                places(entries, run, &mut ranges);
            }
            ranges
        };
        let steps = facts.steps.iter().map(of_step).enumerate();
        Self { steps: steps.filter(|(_, ranges)| !ranges.is_empty()).collect() }
    }

    /// The steps that take something of `range`.
    pub fn steps_of(&self, range: &Range<usize>) -> Vec<usize> {
        let takes = |ranges: &Vec<Range<usize>>| {
            let at = ranges.partition_point(|r| r.end <= range.start);
            ranges.get(at).is_some_and(|r| r.start < range.end)
        };
        self.steps.iter().filter(|(_, ranges)| takes(ranges)).map(|(step, _)| *step).collect()
    }

    /// Which entries any step takes.
    pub fn taken(&self, count: usize) -> Vec<bool> {
        let mut taken = vec![false; count];
        for range in self.steps.iter().flat_map(|(_, ranges)| ranges) {
            taken[range.clone()].fill(true);
        }
        taken
    }
}

/// Where a run of a view stands in the folder's listing. Both are sorted and the view leaves entries out, so a run with as many entries as
/// lie between its ends is one range there; any other is looked at in halves.
fn places(entries: &[Entry], run: &[Entry], out: &mut Vec<Range<usize>>) {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
    let at = |e: &Entry| {
        entries.binary_search_by(|o| ContextPath::compare(o.path.as_bytes(), e.path.as_bytes())).ok()
    };
    match (at(first), at(last)) {
        (Some(start), Some(end)) if end - start + 1 == run.len() => match out.last_mut() {
            Some(before) if before.end == start => before.end = end + 1,
            _ => out.push(start..end + 1),
        },
        _ if run.len() > 1 => {
            let (left, right) = run.split_at(run.len() / 2);
            places(entries, left, out);
            places(entries, right, out);
        }
        _ => {}
    }
}

/// For each vertex whether the target's file system is made of it: its own layers, not what is copied from elsewhere or mounted.
pub(super) fn layers(plan: &Plan) -> Vec<bool> {
    let mut layers = vec![false; plan.graph.vertices.len()];
    let mut open: Vec<VertexId> = plan.target.into_iter().collect();
    while let Some(id) = open.pop() {
        if std::mem::replace(&mut layers[id.0], true) {
            continue;
        }
        let vertex = &plan.graph.vertices[id.0];
        let input = |i: i64| usize::try_from(i).ok().and_then(|i| vertex.inputs.get(i)).copied();
        match &vertex.op {
            Op::File(actions) => open.extend(actions.iter().filter_map(|a: &FileAction| input(a.input))),
            Op::Exec(exec) => {
                open.extend(exec.mounts.iter().filter(|m| m.dest == "/").filter_map(|m| input(m.input)));
            }
            Op::Merge => open.extend(&vertex.inputs),
            Op::Source(_) => {}
        }
    }
    layers
}

/// Whether what a step takes ends up in the target's image.
pub(super) fn ships(plan: &Plan, layers: &[bool], step: &Step) -> bool {
    layers[step.vertex.0] && matches!(plan.graph.vertices[step.vertex.0].op, Op::File(_))
}

/// The paths of a folder that instructions name: below it, without a slash in front. Those of stages that the target doesn't need are among
/// them, as far as they are written without variables.
pub(super) fn named(facts: &Facts<'_>, folder: usize) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    let steps = facts.plan.iter().flat_map(|plan| plan.steps.iter().map(move |s| (*plan, s)));
    for (plan, step) in steps {
        let of_folder = |s: &&StepSource| is_of(plan, step, s, &facts.folders[folder]);
        let path = |s: &StepSource| gopath::clean(s.path.trim_start_matches('/').as_bytes());
        paths.extend(step.sources.iter().filter(of_folder).map(path));
    }
    let written = facts.parsed.filter(|_| folder == 0).into_iter().flat_map(|d| &d.stages);
    for instruction in written.flat_map(|s| &s.instructions) {
        if let InstructionKind::Copy(copy) | InstructionKind::Add(copy) = &instruction.kind
            && copy.from.is_none()
        {
            let plain = copy.sources.iter().filter(|s| !s.contains('$'));
            paths.extend(plain.map(|s| gopath::clean(s.trim_start_matches('/').as_bytes())));
        }
    }
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// Whether a source is looked up in the folder.
fn is_of(plan: &Plan, step: &Step, source: &StepSource, folder: &FolderFacts<'_>) -> bool {
    let vertex = &plan.graph.vertices[step.vertex.0];
    let input = source.input.and_then(|i| vertex.inputs.get(i)).map(|id| &plan.graph.vertices[id.0].op);
    matches!(input, Some(Op::Source(Source::Local(local))) if local.name == folder.name)
}

/// Whether somebody wrote `path` down, or something below it, or a wildcard that is more than "everything": then it is wanted.
pub(super) fn is_named(sources: &[Vec<u8>], path: &[u8]) -> bool {
    sources.iter().any(|source| names(source, path))
}

fn names(source: &[u8], path: &[u8]) -> bool {
    let parts: Vec<&[u8]> = source.split(|b| *b == b'/').collect();
    let wanted: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
    if let Some(stars) = parts.iter().position(|p| *p == b"**") {
        // With --parents: any depth, so that only names can be compared.
        return wanted.last().is_some_and(|last| parts[stars..].iter().any(|p| part_names(p, last)));
    }
    let last = wanted.len() - 1;
    parts.len() >= wanted.len()
        && parts.iter().zip(&wanted).take(last).all(|(p, w)| gopath::matches(p, w) == Ok(true))
        && part_names(parts[last], wanted[last])
}

/// Whether a component as written means this name, rather than whatever is there.
fn part_names(part: &[u8], name: &[u8]) -> bool {
    let letters = part.iter().filter(|b| !b"*?[]-^\\".contains(b)).count();
    gopath::matches(part, name) == Ok(true) && (!gopath::has_wildcard(part) || letters > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::MemoryTree;

    #[test]
    fn what_is_written_down_is_wanted() {
        let sources = |list: &[&str]| list.iter().map(|s| s.as_bytes().to_vec()).collect::<Vec<_>>();
        let wanted = |source: &str, path: &str| is_named(&sources(&[source]), path.as_bytes());
        assert!(wanted("dist", "dist") && wanted("target/release/app", "target") && wanted("*.whl", "a.whl"));
        assert!(wanted("packages/*/node_modules", "packages/a/node_modules"));
        assert!(wanted("**/dist/*.js", "packages/a/dist"));
        for (source, path) in
            [(".", "dist"), ("*", "dist"), ("src", "src/dist"), ("src/*", "src/dist"), ("a/dist", "dist")]
        {
            assert!(!wanted(source, path), "{source} {path}");
        }
    }

    #[test]
    fn runs_of_a_view_are_found_in_the_listing() {
        let path = |p: &str| ContextPath::new(p.as_bytes()).unwrap();
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let tree = names.iter().fold(MemoryTree::new(), |t, n| t.file(path(n), 0o644, b""));
        let all = tree.entries();
        let ranges = |picked: &[usize]| {
            let run: Vec<Entry> = picked.iter().map(|i| all[*i].clone()).collect();
            let mut out = Vec::new();
            places(all, &run, &mut out);
            out
        };
        assert_eq!(ranges(&[0, 1, 2, 3, 4, 5, 6]), vec![0..7]);
        assert_eq!(ranges(&[0, 2, 3, 6]), [0..1, 2..4, 6..7]);
        assert!(ranges(&[]).is_empty());
    }
}
