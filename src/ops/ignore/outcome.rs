//! What a build comes to under one ignore file, small enough to be kept and compared.

use std::ops::Range;

use crate::cache::{InputPart, Part, VertexKeys};
use crate::digest::Digest;
use crate::entry::Source as _;
use crate::ops::analysis::{Analysis, CONTEXT};
use crate::ops::failures;
use crate::plan::{Op, Plan, Source, VertexId};

/// A build under an ignore file.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Its steps, in the order of the plan.
    pub steps: Vec<StepOutcome>,
    /// Why it would fail.
    pub failures: Vec<Failing>,
    /// Whether keys could be computed; else nothing is known of what steps take.
    pub known: bool,
    /// What a build sends of the context, as places in it.
    pub sent: Vec<Range<usize>>,
    vertices: Vec<VertexMark>,
}

/// A step.
#[derive(Debug, Clone, Default)]
pub struct StepOutcome {
    /// What it takes of the context, as ascending places in it.
    pub takes: Vec<Range<usize>>,
    vertex: usize,
}

/// A reason for which a build fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The Dockerfile's line.
    pub line: Option<usize>,
    /// The step.
    pub step: Option<String>,
    /// The code that `plan` gives it.
    pub code: String,
    /// In words.
    pub message: String,
    /// What the engine says.
    pub engine_message: String,
}

/// What decides over the records of a vertex, without what it stands on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct VertexMark {
    operation: Option<Digest>,
    inputs: Vec<InputMark>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct InputMark {
    vertex: usize,
    is_context: bool,
    selector: Option<Digest>,
    content: Option<Digest>,
}

/// A step whose key is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Its place in the plan.
    pub step: usize,
    /// What it takes itself is different; else only what it stands on is.
    pub own: bool,
}

impl Outcome {
    /// Of an analysis.
    pub fn of(analysis: &Analysis<'_>) -> Self {
        let failures = failures::all(analysis).into_iter().map(|e| Failing {
            line: e.line,
            step: e.step,
            code: e.code,
            message: e.message,
            engine_message: e.engine_message,
        });
        let mut outcome = Self { failures: failures.collect(), ..Self::default() };
        let (Some(plan), Some(keys)) = (&analysis.read.plan, &analysis.keys) else { return outcome };
        outcome.known = true;
        outcome.vertices = (0..plan.graph.vertices.len()).map(|v| mark(plan, v, &keys.vertices[v])).collect();
        let whole = sent(analysis);
        for (index, step) in plan.steps.iter().enumerate() {
            let failed = keys.errors.iter().any(|e| e.vertex == step.vertex);
            let mut takes: Vec<Range<usize>> = Vec::new();
            for taken in analysis.taken(index).filter(|t| t.sent.source.name == CONTEXT) {
                for range in taken.ranges {
                    range.clone().for_each(|entry| push(&mut takes, taken.sent.view.place(entry)));
                }
            }
            // A writable mount, and one whose path isn't known, has no content key: all that is sent may matter.
            let open =
                |v: usize| outcome.vertices[v].inputs.iter().any(|i| i.is_context && i.content.is_none());
            if !failed && open(step.vertex.0) {
                takes.extend(whole.iter().cloned());
            }
            outcome.steps.push(StepOutcome { takes: joined(takes), vertex: step.vertex.0 });
        }
        outcome.sent = whole;
        outcome
    }

    /// The steps whose keys are others than in `before`, the same build under another ignore file.
    pub fn moved_since(&self, before: &Self) -> Vec<Moved> {
        if !self.known || !before.known {
            return Vec::new();
        }
        let mut changed = vec![false; self.vertices.len()];
        let mut own = vec![false; self.vertices.len()];
        // A vertex may belong to a step without being its own: what it takes counts for the step that stands on it.
        let is_step: Vec<bool> =
            (0..self.vertices.len()).map(|v| self.steps.iter().any(|s| s.vertex == v)).collect();
        for (v, (now, then)) in self.vertices.iter().zip(&before.vertices).enumerate() {
            own[v] = now.operation != then.operation;
            for (n, t) in now.inputs.iter().zip(&then.inputs) {
                let differs = match (n.content, t.content) {
                    (Some(n), Some(t)) => n != t,
                    (None, None) => changed[n.vertex],
                    _ => true,
                };
                own[v] |= differs && (n.is_context || !is_step[n.vertex] && own[n.vertex]);
                changed[v] |= differs;
            }
            changed[v] |= own[v];
        }
        let moved = |(step, s): (usize, &StepOutcome)| {
            changed[s.vertex].then_some(Moved { step, own: own[s.vertex] })
        };
        self.steps.iter().enumerate().filter_map(moved).collect()
    }

    /// The failures of what did not fail in `before`.
    pub fn new_failures<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a Failing> {
        let same = |a: &Failing, b: &Failing| match (&a.step, &b.step) {
            (Some(a), Some(b)) => a == b,
            (None, None) => a.code == b.code && a.line == b.line,
            _ => false,
        };
        self.failures.iter().filter(move |f| !before.failures.iter().any(|b| same(f, b)))
    }
}

/// What all requests for the context bring together.
fn sent(analysis: &Analysis<'_>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    for sent in analysis.sent.iter().filter(|s| s.source.name == CONTEXT) {
        (0..sent.view.entries().len()).for_each(|entry| push(&mut out, sent.view.place(entry)));
    }
    joined(out)
}

fn push(ranges: &mut Vec<Range<usize>>, place: usize) {
    match ranges.last_mut() {
        Some(last) if last.end == place => last.end += 1,
        _ => ranges.push(place..place + 1),
    }
}

/// Sorted, without overlaps.
pub fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|r| (r.start, r.end));
    let mut out: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// Whether a place lies in ascending ranges.
pub fn holds(ranges: &[Range<usize>], place: usize) -> bool {
    let at = ranges.partition_point(|r| r.end <= place);
    ranges.get(at).is_some_and(|r| r.start <= place)
}

fn mark(plan: &Plan, vertex: usize, known: &VertexKeys) -> VertexMark {
    let is_context = |id: VertexId| {
        let op = &plan.graph.vertices[id.0].op;
        matches!(op, Op::Source(Source::Local(local)) if local.name == CONTEXT)
    };
    let mut mark = VertexMark::default();
    for part in &known.preimage.parts {
        match part {
            Part::Operation(json) => mark.operation = Some(Digest::blake3(json)),
            Part::Input(InputPart { vertex, selector, content, .. }) => mark.inputs.push(InputMark {
                vertex: vertex.0,
                is_context: is_context(*vertex),
                selector: *selector,
                content: content.as_ref().map(|k| k.digest),
            }),
            Part::Source(_) | Part::Selected(_) | Part::Opaque { .. } => {}
        }
    }
    if mark.inputs.is_empty() {
        let bare = |id: &VertexId| InputMark {
            vertex: id.0,
            is_context: is_context(*id),
            selector: None,
            content: None,
        };
        mark.inputs = plan.graph.vertices[vertex].inputs.iter().map(bare).collect();
    }
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined_and_looked_up() {
        let ranges = joined(vec![5..7, 0..2, 2..3, 6..9]);
        assert_eq!(ranges, [0..3, 5..9]);
        let inside: Vec<usize> = (0..11).filter(|p| holds(&ranges, *p)).collect();
        assert_eq!(inside, [0, 1, 2, 5, 6, 7, 8]);
    }
}
