//! What an unknown verdict hangs on.

use super::{Lookup, Verdict};
use crate::snapshot::{ContentState, Snapshot};

/// By vertex, in words; empty for what is known.
pub(super) fn open(now: &Snapshot, lookup: &Lookup, step_of: &[Option<usize>]) -> Vec<Vec<String>> {
    let mut out: Vec<Vec<String>> = Vec::with_capacity(now.vertices.len());
    for (vertex, state) in now.vertices.iter().enumerate() {
        let mut reasons: Vec<String> = Vec::new();
        let found = &lookup.vertices[vertex];
        if found.verdict == Verdict::Unknown {
            let mut add = |reason: &String| {
                if !reasons.contains(reason) {
                    reasons.push(reason.clone());
                }
            };
            state.open.iter().for_each(&mut add);
            for (place, input) in state.inputs.iter().enumerate() {
                if found.inputs.get(place).copied().unwrap_or(false) {
                    continue;
                }
                if let ContentState::Open(reason) = &input.content {
                    add(reason);
                }
                out.get(input.vertex).into_iter().flatten().for_each(&mut add);
            }
            if reasons.is_empty() {
                reasons.push(fallback(now, vertex, step_of));
            }
        }
        out.push(reasons);
    }
    out
}

/// What was made of a file that a program wrote is not in the baseline.
fn fallback(now: &Snapshot, vertex: usize, step_of: &[Option<usize>]) -> String {
    let inputs = now.vertices[vertex].inputs.iter().rev();
    let step = inputs.filter_map(|i| step_of.get(i.vertex).copied().flatten()).next();
    match step {
        Some(step) => format!("what {} left when the baseline was made", now.steps[step].name),
        None => "what the baseline was made from is not fully known".to_owned(),
    }
}
