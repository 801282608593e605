//! What a builder did at each commit, put together by step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::builder::{Builder, Fate, Outcome};
use super::moment::{Moment, Node};
use crate::git::Change;

/// Why a step ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Files that it takes have changed.
    Files,
    /// The ignore file has changed, and so what it takes.
    Ignore,
    /// The instruction, or a variable in force, has changed; or it is new.
    Instruction,
    /// `--no-cache`.
    NoCache,
    /// What it stands on ran.
    Parent,
}

/// A path of a local source: the source's name, and the path below it.
pub type Place = (String, Vec<u8>);

/// One step at one commit.
#[derive(Debug, Clone)]
struct StepAt {
    stage: String,
    instruction: String,
    text: String,
    outcome: Outcome,
    why: Why,
    paths: Vec<Place>,
    returned: bool,
}

/// A step of the newest Dockerfile over all commits.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its name now.
    pub name: String,
    /// Its stage now.
    pub stage: String,
    /// Its line now.
    pub line: usize,
    /// Its keyword.
    pub instruction: String,
    /// Its text now.
    pub text: String,
    /// Its place among the steps now.
    pub index: usize,
    /// Commits that have it.
    pub commits: usize,
    /// Commits in which it runs.
    pub missed: usize,
    /// Commits in which it may run: that hangs on what a program writes.
    pub unknown: usize,
    /// Commits that brought back what an earlier one had, so that it didn't run although it changed.
    pub returned: usize,
    /// Commits in which it runs, by reason.
    pub why: BTreeMap<Why, usize>,
    /// For each commit in which changed files made it run, these files.
    pub paths: Vec<Vec<Place>>,
    /// What became of it at each commit that is counted and has it, oldest first.
    pub strip: Vec<Mark>,
}

/// What became of a step at one commit.
#[derive(Debug, Clone)]
pub struct Mark {
    /// The commit's place in the history.
    pub commit: usize,
    /// Whether it ran.
    pub outcome: Outcome,
    /// Why, where it ran.
    pub why: Why,
    /// The files to blame, where files are.
    pub paths: Vec<Place>,
}

/// A commit of which nothing is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its place in the history.
    pub commit: usize,
    /// Why, in words.
    pub why: String,
    /// There is a build, but it fails.
    pub fails: bool,
}

/// A replay that goes on commit by commit.
pub struct Tally<'a> {
    changes: &'a [Vec<Change>],
    /// The folders of local sources below the top of the work tree.
    folders: &'a BTreeMap<String, Vec<u8>>,
    builder: Builder,
    before: Option<Arc<Moment>>,
    /// Paths that changed since that moment.
    pending: BTreeSet<Vec<u8>>,
    /// The steps of each commit that is counted, with its place in the history.
    counted: Vec<(usize, Vec<StepAt>)>,
    /// The newest build.
    pub newest: Option<Arc<Moment>>,
    /// What isn't counted.
    pub left_out: Vec<LeftOut>,
    started: bool,
}

impl<'a> Tally<'a> {
    /// Nothing built yet.
    pub fn new(changes: &'a [Vec<Change>], folders: &'a BTreeMap<String, Vec<u8>>) -> Self {
        Self {
            changes,
            folders,
            builder: Builder::default(),
            before: None,
            pending: BTreeSet::new(),
            counted: Vec::new(),
            newest: None,
            left_out: Vec::new(),
            started: false,
        }
    }

    /// Builds the next commit. The first one that can be built fills the memory, and isn't counted.
    pub fn feed(&mut self, commit: usize, made: Result<Arc<Moment>, String>) {
        if let Some(changes) = commit.checked_sub(1).and_then(|i| self.changes.get(i)) {
            self.pending.extend(changes.iter().map(|c| c.path.clone()));
        }
        let moment = match made {
            Ok(moment) => moment,
            Err(why) => return self.left_out.push(LeftOut { commit, why, fails: false }),
        };
        if let Some(why) = &moment.failure {
            // What comes before the failure is remembered.
            if moment.nodes.iter().any(|n| !n.digests.is_empty()) {
                self.builder.build(&moment);
            }
            return self.left_out.push(LeftOut { commit, why: why.clone(), fails: true });
        }
        let fates = self.builder.build(&moment);
        if self.started {
            let steps = (0..moment.steps.len()).map(|s| self.step(&moment, s, &fates)).collect();
            self.counted.push((commit, steps));
        }
        self.started = true;
        self.pending.clear();
        self.before = Some(moment.clone());
        self.newest = Some(moment);
    }

    /// How many commits are counted.
    pub fn commits(&self) -> usize {
        self.counted.len()
    }

    fn step(&self, moment: &Moment, index: usize, fates: &[Fate]) -> StepAt {
        let facts = &moment.steps[index];
        let (fate, node) = (fates[facts.vertex], &moment.nodes[facts.vertex]);
        let before = self.before.as_deref().and_then(|b| Some((b, same(b, moment, index)?)));
        let ran = fate.outcome != Outcome::Cached;
        let paths = if ran && fate.new_content { self.paths(moment, index, before) } else { Vec::new() };
        let ignore_moved = before.is_some_and(|(b, _)| b.ignore != moment.ignore);
        let why = match fate {
            _ if node.ignore_cache => Why::NoCache,
            Fate { new_operation: true, .. } => Why::Instruction,
            Fate { new_content: true, .. } if paths.is_empty() && ignore_moved => Why::Ignore,
            Fate { new_content: true, .. } => Why::Files,
            _ => Why::Parent,
        };
        let changed = before.is_some_and(|(b, at)| !equal(&b.nodes[b.steps[at].vertex], node));
        StepAt {
            stage: facts.stage.clone(),
            instruction: facts.instruction.clone(),
            text: facts.text.clone(),
            outcome: fate.outcome,
            why,
            paths,
            returned: changed && !ran,
        }
    }

    /// The changed paths that a step takes, or took before.
    fn paths(&self, moment: &Moment, index: usize, before: Option<(&Moment, usize)>) -> Vec<Place> {
        let mut out = Vec::new();
        for (local, folder) in self.folders {
            let below = |path: &'_ Vec<u8>| match folder.as_slice() {
                b"" => Some(path.clone()),
                folder => path.strip_prefix(folder)?.strip_prefix(b"/").map(<[u8]>::to_vec),
            };
            let taken = |path: &Vec<u8>| {
                moment.takes(index, local, path) || before.is_some_and(|(b, at)| b.takes(at, local, path))
            };
            let paths = self.pending.iter().filter_map(below).filter(taken);
            out.extend(paths.map(|path| (local.clone(), path)));
        }
        out
    }

    /// The steps of the newest build over all commits.
    pub fn rows(&self) -> Vec<Row> {
        let Some(newest) = &self.newest else { return Vec::new() };
        let mut rows: Vec<Row> = newest.steps.iter().enumerate().map(row).collect();
        let mut keys: Vec<StepKey> =
            newest.steps.iter().map(|s| (s.stage.clone(), s.instruction.clone(), s.text.clone())).collect();
        for (commit, steps) in self.counted.iter().rev() {
            let theirs: Vec<StepKey> =
                steps.iter().map(|s| (s.stage.clone(), s.instruction.clone(), s.text.clone())).collect();
            for (row, step) in pair(&keys, &theirs).into_iter().enumerate() {
                let Some(step) = step else { continue };
                rows[row].count(*commit, &steps[step]);
                keys[row].clone_from(&theirs[step]);
            }
        }
        for row in &mut rows {
            row.paths.reverse();
            row.strip.reverse();
        }
        rows
    }
}

/// What a step is known by: stage, keyword, text.
type StepKey = (String, String, String);

fn row((index, step): (usize, &super::moment::StepFacts)) -> Row {
    Row {
        name: step.name.clone(),
        stage: step.stage.clone(),
        line: step.line,
        instruction: step.instruction.clone(),
        text: step.text.clone(),
        index,
        ..Row::default()
    }
}

impl Row {
    fn count(&mut self, commit: usize, step: &StepAt) {
        self.strip.push(Mark { commit, outcome: step.outcome, why: step.why, paths: step.paths.clone() });
        self.commits += 1;
        self.returned += usize::from(step.returned);
        match step.outcome {
            Outcome::Cached => return,
            Outcome::Unknown => {
                self.unknown += 1;
                return;
            }
            Outcome::Ran => self.missed += 1,
        }
        *self.why.entry(step.why).or_default() += 1;
        if step.why == Why::Files && !step.paths.is_empty() {
            self.paths.push(step.paths.clone());
        }
    }
}

/// For each of `ours` its counterpart among `theirs`: the same text in the same stage, then, of those that are left, the same
/// keyword in the same stage, in order.
fn pair(ours: &[StepKey], theirs: &[StepKey]) -> Vec<Option<usize>> {
    let mut out = vec![None; ours.len()];
    let mut taken = vec![false; theirs.len()];
    let equal: [fn(&StepKey, &StepKey) -> bool; 2] = [|a, b| a == b, |a, b| (&a.0, &a.1) == (&b.0, &b.1)];
    for equal in equal {
        for (slot, key) in out.iter_mut().zip(ours).filter(|(slot, _)| slot.is_none()) {
            *slot = (0..theirs.len()).find(|i| !taken[*i] && equal(key, &theirs[*i]));
            slot.iter().for_each(|i| taken[*i] = true);
        }
    }
    out
}

/// The step of an earlier build that is a step of this one.
fn same(before: &Moment, now: &Moment, index: usize) -> Option<usize> {
    let keys = |m: &Moment| -> Vec<StepKey> {
        m.steps.iter().map(|s| (s.stage.clone(), s.instruction.clone(), s.text.clone())).collect()
    };
    let (ours, theirs) = (keys(now), keys(before));
    if theirs.get(index) == Some(&ours[index]) {
        return Some(index);
    }
    pair(&ours, &theirs)[index]
}

/// Whether two operations are one, and take the same.
fn equal(a: &Node, b: &Node) -> bool {
    let contents = |n: &Node| n.inputs.iter().map(|i| i.content).collect::<Vec<_>>();
    a.digests == b.digests && contents(a) == contents(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(texts: &[&str]) -> Vec<StepKey> {
        let key = |t: &&str| ("s".to_owned(), t.split(' ').next().unwrap().to_owned(), (*t).to_owned());
        texts.iter().map(key).collect()
    }

    #[test]
    fn steps_are_followed_through_changes_of_the_dockerfile() {
        let ours = keys(&["FROM a", "COPY p .", "RUN b", "COPY . ."]);
        let theirs = keys(&["FROM a", "RUN a", "COPY . .", "RUN c"]);
        assert_eq!(pair(&ours, &theirs), [Some(0), None, Some(1), Some(2)]);
    }
}
