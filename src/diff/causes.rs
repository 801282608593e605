//! Why a step reruns.

use std::collections::BTreeMap;

use super::operation::{self, Side};
use super::{Cause, CauseKind, Found, Lookup, StepVerdict, Verdict, files, open, stage_files};
use crate::cache::Remembered;
use crate::digest::Digest;
use crate::snapshot::{ContentState, Snapshot, StepState, VertexKind};

/// What is compared, and what the lookup found.
pub(super) struct Comparing<'a> {
    /// The earlier snapshot, where there is one.
    pub before: Option<&'a Snapshot>,
    pub remembered: &'a Remembered,
    pub now: &'a Snapshot,
    pub lookup: &'a Lookup,
    /// By step.
    pub counterparts: Vec<Option<usize>>,
    /// By vertex: the step that it is the own work of.
    pub step_of: Vec<Option<usize>>,
    /// The same of the earlier snapshot.
    pub step_before: Vec<Option<usize>>,
    /// By vertex: what an unknown verdict hangs on.
    pub open: Vec<Vec<String>>,
    /// By record's digest: the vertices of the earlier snapshot.
    pub vertices_before: BTreeMap<Digest, Vec<usize>>,
}

impl<'a> Comparing<'a> {
    /// Prepares what every step needs.
    pub fn new(
        before: Option<&'a Snapshot>,
        remembered: &'a Remembered,
        now: &'a Snapshot,
        lookup: &'a Lookup,
        counterparts: Vec<Option<usize>>,
    ) -> Self {
        let step_of = own_steps(now);
        let step_before = before.map(own_steps).unwrap_or_default();
        let mut vertices_before: BTreeMap<Digest, Vec<usize>> = BTreeMap::new();
        for (index, vertex) in before.iter().flat_map(|b| b.vertices.iter().enumerate()) {
            for record in vertex.records.iter().filter_map(|r| remembered.records.get(*r)) {
                vertices_before.entry(record.digest).or_default().push(index);
            }
        }
        let open = open::open(now, lookup, &step_of);
        Self { before, remembered, now, lookup, counterparts, step_of, step_before, open, vertices_before }
    }

    /// One step.
    pub fn step(&self, index: usize) -> StepVerdict {
        let step = &self.now.steps[index];
        let Some(found) = self.lookup.vertices.get(step.vertex) else { return StepVerdict::default() };
        let mut verdict = StepVerdict {
            verdict: found.verdict,
            likely: found.likely,
            counterpart: self.counterparts[index],
            ..StepVerdict::default()
        };
        if found.verdict == Verdict::Cached {
            return verdict;
        }
        let own = self.own_causes(index, found);
        verdict.first_cause = own.iter().any(|c| c.first);
        verdict.causes = own.into_iter().map(|c| c.cause).collect();
        verdict.causes.extend(self.parents(index, found));
        if found.verdict == Verdict::Unknown {
            verdict.open.clone_from(&self.open[step.vertex]);
        } else if verdict.causes.is_empty() {
            verdict.first_cause = true;
            verdict.causes.push(self.unexplained(index, found));
        }
        verdict
    }

    /// What makes it rerun whatever becomes of the others.
    fn own_causes(&self, index: usize, found: &Found) -> Vec<Own> {
        let mut out: Vec<Own> = self.missing(index).into_iter().map(Own::first).collect();
        if self.now.vertices[self.now.steps[index].vertex].ignore_cache {
            out.push(Own::first(Cause::new(CauseKind::NoCache)));
        }
        let before = self.side_before(index, found);
        let other_operation = self.other_operation(index, found, before);
        if other_operation {
            out.extend(self.operation(index, before));
        }
        match before {
            Some(before) => out.extend(self.contents(index, found, before, other_operation)),
            None if self.before.is_none() && found.own => out.extend(self.unnamed_contents(index, found)),
            None => {}
        }
        if !other_operation && found.own {
            out.extend(self.moved(index, found, before));
        }
        out
    }

    /// The step of the earlier snapshot whose operation or text this one shares.
    fn side_before(&self, index: usize, found: &Found) -> Option<Side<'a>> {
        let before = self.before?;
        let aligned = self.counterparts[index].map(|c| Side::of(before, c));
        if !found.own {
            return aligned;
        }
        let same = self.vertices_with_same_record(index);
        let fits = |side: &Side<'_>| same.contains(&side.step.vertex);
        aligned
            .filter(fits)
            .or_else(|| {
                let step = before.steps.iter().find(|s| same.contains(&s.vertex))?;
                Some(Side { snapshot: before, step })
            })
            .or(aligned)
    }

    fn vertices_with_same_record(&self, index: usize) -> Vec<usize> {
        let records = &self.now.vertices[self.now.steps[index].vertex].records;
        let digests = records.iter().filter_map(|r| self.now.remembered.records.get(*r)).map(|r| r.digest);
        digests.filter_map(|d| self.vertices_before.get(&d)).flatten().copied().collect()
    }

    /// Whether the operation is another one; of one that isn't fully known, whether what is known of it is.
    fn other_operation(&self, index: usize, found: &Found, before: Option<Side<'a>>) -> bool {
        if found.own || found.no_result {
            return false;
        }
        let vertex = &self.now.vertices[self.now.steps[index].vertex];
        let records = vertex.records.iter().filter_map(|r| self.now.remembered.records.get(*r));
        let known = records.clone().next().is_some() && records.into_iter().all(|r| !r.stand_in);
        match before {
            _ if known => true,
            Some(before) => !operation::changed_fields(before, Side::of(self.now, index)).is_empty(),
            None => self.before.is_some(),
        }
    }

    fn operation(&self, index: usize, before: Option<Side<'a>>) -> Vec<Own> {
        let now = Side::of(self.now, index);
        let Some(before) = before else { return vec![Own::first(self.new_step(index))] };
        let causes = operation::causes(before, now);
        if causes.is_empty() {
            let stood = self.below(before);
            let stands = self.below(now);
            let cause = if stood.is_none() == stands.is_none() && stood == stands {
                Cause {
                    detail: Some("its operation is another one".to_owned()),
                    ..Cause::new(CauseKind::Unknown)
                }
            } else {
                operation::moved(stood.as_deref(), stands.as_deref(), now.step)
            };
            return vec![Own::first(cause)];
        }
        // What the base image sets moves with the base: the FROM is the first cause then.
        let follows = |c: &Cause| c.kind == CauseKind::Base && now.step.instruction != "FROM";
        causes.into_iter().map(|c| Own { first: !follows(&c), cause: c }).collect()
    }

    /// A step that has no counterpart.
    fn new_step(&self, index: usize) -> Cause {
        let step = &self.now.steps[index];
        let line = (step.line > 0).then_some(step.line);
        let Some(before) = self.before else {
            let base = self.now.vertices[step.vertex].kind == VertexKind::Image;
            let kind = if base { CauseKind::Base } else { CauseKind::NotRemembered };
            let detail =
                if base { "the cache knows no such image" } else { "the cache knows no such operation" };
            return Cause { line, detail: Some(detail.to_owned()), ..Cause::new(kind) };
        };
        let same_stage = before.steps.iter().any(|s| s.stage == step.stage);
        if before.subject.target != self.now.subject.target && !same_stage {
            let detail = format!("the target `{}` did not need it", before.subject.target);
            return Cause { line, detail: Some(detail), ..Cause::new(CauseKind::NotRemembered) };
        }
        let detail = Some("a new step".to_owned());
        Cause { line, after: Some(step.text.clone()), detail, ..Cause::new(CauseKind::Instruction) }
    }

    /// The files that differ, of every input that doesn't match by content.
    fn contents(&self, index: usize, found: &Found, before: Side<'a>, other_operation: bool) -> Vec<Own> {
        let step = &self.now.steps[index];
        let inputs = &self.now.vertices[step.vertex].inputs;
        let by_content = |i: usize| matches!(inputs[i].content, ContentState::Known { .. });
        let missed =
            |i: usize| by_content(i) && (other_operation || !found.inputs.get(i).copied().unwrap_or(false));
        let question = files::Question {
            before: before.snapshot,
            step_before: before.step,
            now: self.now,
            step_now: step,
            other_operation,
        };
        let mut out: Vec<Own> = files::changes(&question, missed).into_iter().map(Own::first).collect();
        for i in (0..inputs.len()).filter(|i| missed(*i)) {
            out.extend(self.stage_contents(&question, i));
        }
        let local = |i: usize| missed(i) && !stage_files::is_stage(&inputs[i]);
        if out.is_empty() && !other_operation && (0..inputs.len()).any(local) {
            out.push(Own::first(unnamed("what it takes counts differently, though no file changed")));
        }
        out
    }

    /// Files of a stage: what made them differ is told where they were made.
    fn stage_contents(&self, question: &files::Question<'_>, input: usize) -> Vec<Own> {
        let now = &self.now.vertices[question.step_now.vertex].inputs[input];
        let vertex = question.before.vertices.get(question.step_before.vertex);
        let Some(before) = vertex.and_then(|v| v.inputs.get(input)) else { return Vec::new() };
        if !stage_files::is_stage(now) || !stage_files::is_stage(before) {
            return Vec::new();
        }
        let stage = self.nearest(self.now, now.vertex).map(|s| s.name.clone()).unwrap_or_default();
        let causes = stage_files::changes(&stage, before, now);
        causes.into_iter().map(|cause| Own { first: false, cause }).collect()
    }

    /// With nothing but records: which folder differs.
    fn unnamed_contents(&self, index: usize, found: &Found) -> Vec<Own> {
        let inputs = &self.now.vertices[self.now.steps[index].vertex].inputs;
        let missed = inputs.iter().zip(&found.inputs).filter(|(i, matched)| {
            !**matched && matches!(i.content, ContentState::Known { .. }) && !stage_files::is_stage(i)
        });
        let cause = |_| {
            let detail = Some("the files are not those that the cache was made from".to_owned());
            Own::first(Cause { detail, ..Cause::new(CauseKind::Content) })
        };
        missed.map(cause).take(1).collect()
    }

    /// The same operation on something else that is cached: a step was put in, taken out or moved.
    fn moved(&self, index: usize, found: &Found, before: Option<Side<'a>>) -> Option<Own> {
        let step = &self.now.steps[index];
        let inputs = self.now.vertices[step.vertex].inputs.iter().zip(&found.inputs);
        let cached = |v: usize| self.lookup.vertices[v].verdict == Verdict::Cached;
        let mut elsewhere = inputs.filter(|(i, matched)| {
            let by_definition = matches!(i.content, ContentState::None | ContentState::Open(_));
            !**matched && by_definition && cached(i.vertex)
        });
        elsewhere.next()?;
        let stood = before.and_then(|b| self.below(b));
        let stands = self.below(Side::of(self.now, index));
        if stood.is_some() && stood == stands {
            return Some(Own::first(unnamed("what it stands on is another way to the same step")));
        }
        Some(Own::first(operation::moved(stood.as_deref(), stands.as_deref(), step)))
    }

    /// Sources that are not there, and whatever else makes the step fail.
    fn missing(&self, index: usize) -> Vec<Cause> {
        let failures = self.now.failures.iter().filter(|f| f.step == Some(index));
        failures
            .map(|f| Cause {
                source: if f.path.is_empty() { String::new() } else { "context".to_owned() },
                path: (!f.path.is_empty()).then(|| f.path.clone()),
                detail: Some(f.message.clone()),
                ..Cause::new(CauseKind::Missing)
            })
            .collect()
    }

    /// The steps that it stands on and that rerun, or may.
    fn parents(&self, index: usize, found: &Found) -> Vec<Cause> {
        let vertex = &self.now.vertices[self.now.steps[index].vertex];
        let mut out: Vec<Cause> = Vec::new();
        for (i, input) in vertex.inputs.iter().enumerate() {
            if found.inputs.get(i).copied().unwrap_or(false) {
                continue;
            }
            self.blame(input.vertex, &mut out);
        }
        out
    }

    /// Puts the nearest steps at or below a vertex that rerun on the list; of a source without a step, the source.
    fn blame(&self, vertex: usize, out: &mut Vec<Cause>) {
        let (state, found) = (&self.now.vertices[vertex], &self.lookup.vertices[vertex]);
        if found.verdict != Verdict::Rerun || state.kind == VertexKind::Local {
            return;
        }
        let cause = match (self.step_of[vertex], state.kind) {
            (Some(step), _) => {
                Cause { detail: Some(self.now.steps[step].name.clone()), ..Cause::new(CauseKind::Parent) }
            }
            (None, VertexKind::Image) => Cause {
                detail: Some("the image that it takes files from".to_owned()),
                ..Cause::new(CauseKind::Base)
            },
            (None, VertexKind::Http | VertexKind::Git) => {
                unnamed("what the URL stands for is not what it was")
            }
            (None, _) => {
                let before = out.len();
                state.inputs.iter().for_each(|i| self.blame(i.vertex, out));
                if out.len() > before {
                    return;
                }
                unnamed("a part of it that is no step of its own is another one")
            }
        };
        if !out.contains(&cause) {
            out.push(cause);
        }
    }

    /// A step that reruns and of which nothing else can be said.
    fn unexplained(&self, index: usize, found: &Found) -> Cause {
        if found.no_result {
            let detail = "its key is remembered, but not its result".to_owned();
            return Cause { detail: Some(detail), ..Cause::new(CauseKind::NotRemembered) };
        }
        if !found.own {
            return self.new_step(index);
        }
        let detail =
            if self.remembered.records.is_empty() { "nothing is remembered" } else { "no record fits" };
        Cause { detail: Some(detail.to_owned()), ..Cause::new(CauseKind::NotRemembered) }
    }

    /// The text of the step that a step stands on: its number says nothing of what it does.
    fn below(&self, side: Side<'_>) -> Option<String> {
        let inputs = &side.snapshot.vertices.get(side.step.vertex)?.inputs;
        let first = inputs.iter().find(|i| side.snapshot.vertices[i.vertex].kind != VertexKind::Local)?;
        self.nearest(side.snapshot, first.vertex).map(|s| s.text.clone())
    }

    /// A vertex's step, or the nearest one below it.
    fn nearest<'s>(&self, snapshot: &'s Snapshot, vertex: usize) -> Option<&'s StepState> {
        let steps = if std::ptr::eq(snapshot, self.now) { &self.step_of } else { &self.step_before };
        let mut at = vertex;
        loop {
            if let Some(step) = steps.get(at).copied().flatten() {
                return snapshot.steps.get(step);
            }
            at = snapshot.vertices.get(at)?.inputs.first().map(|i| i.vertex).filter(|v| *v < at)?;
        }
    }
}

/// By vertex: the step that it is the own work of.
fn own_steps(snapshot: &Snapshot) -> Vec<Option<usize>> {
    let mut out = vec![None; snapshot.vertices.len()];
    for (index, step) in snapshot.steps.iter().enumerate().rev() {
        if let Some(slot) = out.get_mut(step.vertex) {
            *slot = Some(index);
        }
    }
    out
}

fn unnamed(detail: &str) -> Cause {
    Cause { detail: Some(detail.to_owned()), ..Cause::new(CauseKind::Unknown) }
}

/// A cause of a step's own.
struct Own {
    /// It would make the step rerun even if all that it stands on were cached.
    first: bool,
    cause: Cause,
}

impl Own {
    fn first(cause: Cause) -> Self {
        Self { first: true, cause }
    }
}
