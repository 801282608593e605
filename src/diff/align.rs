//! Which step of the earlier snapshot a step is compared with.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::lcs;
use crate::digest::Digest;
use crate::snapshot::{Snapshot, StepState, VertexKind};

/// For each step of `now` its counterpart among the steps of `before`; none has two.
///
/// Stages are paired first, then in each pair of stages the steps that read the same, in order. What is left is paired by its
/// operation's digest, then by its text in whatever stage, and what stands between the same neighbours by likeness.
pub(super) fn align(before: &Snapshot, now: &Snapshot) -> Vec<Option<usize>> {
    let mut pairs = Pairs {
        before,
        now,
        counterpart: vec![None; now.steps.len()],
        taken: vec![false; before.steps.len()],
    };
    let (stages_before, stages_now) = (stages(before), stages(now));
    let stage_pairs = pair_stages(before, now, &stages_before, &stages_now);
    for (from, to) in &stage_pairs {
        pairs.same_text(from, to);
    }
    pairs.same_operation();
    pairs.same_text_anywhere();
    for (from, to) in &stage_pairs {
        pairs.alike(from, to);
    }
    pairs.counterpart
}

/// What makes two steps read the same: a `LINK` step has the text of its COPY.
fn key<'a>(snapshot: &'a Snapshot, step: &'a StepState) -> (bool, &'a str) {
    (kind(snapshot, step) == Some(VertexKind::Merge), &step.text)
}

fn kind(snapshot: &Snapshot, step: &StepState) -> Option<VertexKind> {
    snapshot.vertices.get(step.vertex).map(|v| v.kind)
}

/// The steps of each stage, stages in the order of their first steps.
fn stages(snapshot: &Snapshot) -> Vec<(&str, Vec<usize>)> {
    let mut order: Vec<(&str, Vec<usize>)> = Vec::new();
    let mut place: FxHashMap<&str, usize> = FxHashMap::default();
    for (index, step) in snapshot.steps.iter().enumerate() {
        let at = *place.entry(&step.stage).or_insert_with(|| {
            order.push((&step.stage, Vec::new()));
            order.len() - 1
        });
        order[at].1.push(index);
    }
    order
}

type Stage<'a> = (&'a str, Vec<usize>);

/// Named stages by name; then those with the most steps that read the same; then those without a name in order.
fn pair_stages<'s>(
    before: &Snapshot,
    now: &Snapshot,
    stages_before: &'s [Stage<'_>],
    stages_now: &'s [Stage<'_>],
) -> Vec<(&'s [usize], &'s [usize])> {
    let mut left: Vec<usize> = (0..stages_before.len()).collect();
    let mut open: Vec<usize> = Vec::new();
    let mut out = Vec::new();
    for (n, (name, steps)) in stages_now.iter().enumerate() {
        let same = left.iter().position(|b| stages_before[*b].0 == *name && is_name(name));
        match same {
            Some(at) => out.push((&*stages_before[left.remove(at)].1, &**steps)),
            None => open.push(n),
        }
    }
    let mut scores = Vec::new();
    for n in &open {
        for b in &left {
            let common = common_texts(before, &stages_before[*b].1, now, &stages_now[*n].1);
            let same_name = stages_before[*b].0 == stages_now[*n].0;
            // Another target needs other stages: those that have nothing in common are not the same stage renamed.
            if common == 0 && before.subject.target != now.subject.target {
                continue;
            }
            scores.push((std::cmp::Reverse((common, same_name)), *n, *b));
        }
    }
    scores.sort_unstable();
    for (_, n, b) in scores {
        if open.contains(&n) && left.contains(&b) {
            open.retain(|x| *x != n);
            left.retain(|x| *x != b);
            out.push((&*stages_before[b].1, &*stages_now[n].1));
        }
    }
    out
}

/// Whether the Dockerfile gave it; BuildKit calls the others by number.
fn is_name(stage: &str) -> bool {
    let number = stage.strip_prefix("stage-");
    !stage.is_empty() && number.is_none_or(|n| n.is_empty() || !n.bytes().all(|b| b.is_ascii_digit()))
}

fn common_texts(before: &Snapshot, from: &[usize], now: &Snapshot, to: &[usize]) -> usize {
    let mut texts: FxHashMap<&str, usize> = FxHashMap::default();
    for step in from {
        *texts.entry(&before.steps[*step].text).or_default() += 1;
    }
    let mut common = 0;
    for step in to {
        if let Some(count) = texts.get_mut(now.steps[*step].text.as_str()).filter(|c| **c > 0) {
            *count -= 1;
            common += 1;
        }
    }
    common
}

struct Pairs<'a> {
    before: &'a Snapshot,
    now: &'a Snapshot,
    counterpart: Vec<Option<usize>>,
    taken: Vec<bool>,
}

impl<'a> Pairs<'a> {
    fn pair(&mut self, from: usize, to: usize) {
        self.counterpart[to] = Some(from);
        self.taken[from] = true;
    }

    fn same_text(&mut self, from: &[usize], to: &[usize]) {
        let a: Vec<_> = from.iter().map(|s| key(self.before, &self.before.steps[*s])).collect();
        let b: Vec<_> = to.iter().map(|s| key(self.now, &self.now.steps[*s])).collect();
        for (i, j) in lcs::pairs(&a, &b) {
            self.pair(from[i], to[j]);
        }
    }

    fn same_operation(&mut self) {
        let digests = |snapshot: &Snapshot, step: &StepState| -> Vec<Digest> {
            let records = snapshot.vertices.get(step.vertex).map_or(&[][..], |v| &v.records);
            records.iter().filter_map(|r| snapshot.remembered.records.get(*r)).map(|r| r.digest).collect()
        };
        self.by_key(|snapshot, step| digests(snapshot, step).into_iter().next());
    }

    fn same_text_anywhere(&mut self) {
        let owned = |snapshot: &Snapshot, step: &StepState| {
            let (link, text) = key(snapshot, step);
            Some((link, text.to_owned()))
        };
        self.by_key(owned);
    }

    /// Pairs steps that are left and have the same key, in order.
    fn by_key<K: Ord>(&mut self, key: impl Fn(&Snapshot, &StepState) -> Option<K>) {
        let mut left: BTreeMap<K, Vec<usize>> = BTreeMap::new();
        for (index, step) in self.before.steps.iter().enumerate().rev().filter(|(i, _)| !self.taken[*i]) {
            if let Some(key) = key(self.before, step) {
                left.entry(key).or_default().push(index);
            }
        }
        for (index, step) in self.now.steps.iter().enumerate() {
            if self.counterpart[index].is_some() {
                continue;
            }
            let found = key(self.now, step).and_then(|k| left.get_mut(&k)).and_then(Vec::pop);
            if let Some(from) = found {
                self.counterpart[index] = Some(from);
                self.taken[from] = true;
            }
        }
    }

    /// Pairs what stands between the same neighbours: the likest first.
    fn alike(&mut self, from: &[usize], to: &[usize]) {
        let mut start = 0;
        let mut gap: Vec<usize> = Vec::new();
        for step in to.iter().copied().map(Some).chain([None]) {
            let anchor = step.map(|s| self.counterpart[s]);
            match (step, anchor) {
                (Some(step), Some(None)) => gap.push(step),
                _ => {
                    let end = anchor.flatten().and_then(|c| from.iter().position(|f| *f == c));
                    let end = if step.is_none() { Some(from.len()) } else { end };
                    if let Some(end) = end {
                        if start < end {
                            let free: Vec<usize> =
                                from[start..end].iter().copied().filter(|f| !self.taken[*f]).collect();
                            self.likest(&free, &gap);
                        }
                        start = (end + 1).max(start);
                        gap.clear();
                    }
                }
            }
        }
    }

    fn likest(&mut self, from: &[usize], to: &[usize]) {
        // A Dockerfile's gaps are small; of large ones only what stands side by side is looked at.
        let near = from.len().saturating_mul(to.len()) > 10_000;
        let only = from.len() == 1 && to.len() == 1;
        let mut scores = Vec::new();
        for (j, t) in to.iter().enumerate() {
            for (i, f) in from.iter().enumerate().filter(|(i, _)| !near || i.abs_diff(j) <= 2) {
                // A step that shares no word with another one is a new step, unless nothing else took the place.
                if let Some(score) = self.likeness(*f, *t).filter(|score| *score > 0 || only) {
                    scores.push((std::cmp::Reverse(score), i.abs_diff(j), *t, *f));
                }
            }
        }
        scores.sort_unstable();
        for (_, _, t, f) in scores {
            if self.counterpart[t].is_none() && !self.taken[f] {
                self.pair(f, t);
            }
        }
    }

    /// How alike two steps are, in thousandths of their words; `None` for steps that are not of one sort.
    fn likeness(&self, from: usize, to: usize) -> Option<usize> {
        let (a, b) = (&self.before.steps[from], &self.now.steps[to]);
        let copies = |s: &StepState| matches!(s.instruction.as_str(), "COPY" | "ADD");
        let sort = a.instruction == b.instruction || copies(a) && copies(b);
        if !sort || key(self.before, a).0 != key(self.now, b).0 {
            return None;
        }
        let words = |s: &'a StepState| -> Vec<&'a str> { s.text.split_whitespace().skip(1).collect() };
        let (a, b) = (words(a), words(b));
        let all = a.len().max(b.len()).max(1);
        Some(lcs::pairs(&a, &b).len() * 1000 / all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::VertexState;

    /// `stage: text` lines.
    fn snapshot(steps: &[&str]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (index, line) in steps.iter().enumerate() {
            let (stage, text) = line.split_once(": ").unwrap();
            let kind = if text.starts_with("RUN") { VertexKind::Exec } else { VertexKind::File };
            snapshot.vertices.push(VertexState { kind, ..VertexState::default() });
            snapshot.steps.push(StepState {
                stage: stage.into(),
                text: text.into(),
                instruction: text.split(' ').next().unwrap().into(),
                vertex: index,
                ..StepState::default()
            });
        }
        snapshot
    }

    fn aligned(before: &[&str], now: &[&str]) -> Vec<Option<usize>> {
        align(&snapshot(before), &snapshot(now))
    }

    #[test]
    fn an_inserted_step_has_no_counterpart() {
        let before = ["s: COPY a /a", "s: COPY b /b"];
        assert_eq!(
            aligned(&before, &["s: COPY a /a", "s: WORKDIR /c", "s: COPY b /b"]),
            [Some(0), None, Some(1)]
        );
        assert_eq!(aligned(&before, &["s: COPY b /b"]), [Some(1)]);
    }

    #[test]
    fn a_changed_step_is_paired_by_likeness() {
        let before = ["s: COPY a /a", "s: RUN make", "s: COPY b /b"];
        assert_eq!(
            aligned(&before, &["s: COPY a /aa", "s: RUN make", "s: COPY b /b"]),
            [Some(0), Some(1), Some(2)]
        );
        assert_eq!(aligned(&["s: COPY a /a"], &["s: ADD a /a"]), [Some(0)]);
        assert_eq!(aligned(&["s: RUN one"], &["s: RUN two"]), [Some(0)]);
        assert_eq!(aligned(&["s: RUN one"], &["s: RUN two", "s: RUN 3"]), [None, None]);
    }

    #[test]
    fn swapped_steps_find_each_other() {
        assert_eq!(
            aligned(&["s: COPY a /a", "s: COPY b /b"], &["s: COPY b /b", "s: COPY a /a"]),
            [Some(1), Some(0)]
        );
    }

    #[test]
    fn stages_are_paired_by_name_then_by_what_they_do() {
        let before = ["one: COPY a /a", "stage-1: COPY b /b"];
        assert_eq!(aligned(&before, &["uno: COPY a /a", "stage-1: COPY b /b"]), [Some(0), Some(1)]);
        let now = ["one: COPY a /a", "new: RUN x", "stage-2: COPY b /b"];
        assert_eq!(aligned(&before, &now), [Some(0), None, Some(1)]);
    }

    #[test]
    fn a_step_that_moved_to_another_stage_is_the_same_step() {
        let now = ["a: COPY x /x", "b: RUN y", "b: COPY z /z"];
        assert_eq!(aligned(&["a: COPY x /x", "a: RUN y", "b: COPY z /z"], &now), [Some(0), Some(1), Some(2)]);
    }
}
