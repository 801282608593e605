//! A comparison → the document that is written.

use std::collections::BTreeMap;

use crate::diff::{self, Comparison, Hint, StepVerdict, Verdict};
use crate::plan::Plan;
use crate::report::{CauseReport, FoldReport, HintReport, WhyStep};
use crate::snapshot::Snapshot;

/// The steps of the plan with what becomes of each.
pub fn steps(plan: &Plan, now: &Snapshot, comparison: &Comparison) -> Vec<WhyStep> {
    // The engine's own names, for those who look for them in a log; a snapshot has them with the words as written.
    let names = now.steps.iter().map(|s| s.name.as_str()).zip(plan.steps.iter().map(|s| s.name.as_str()));
    let names: BTreeMap<&str, &str> = names.collect();
    let mut out: Vec<WhyStep> =
        plan.steps.iter().zip(&comparison.steps).map(|(step, verdict)| answer(step, verdict)).collect();
    for parent in out.iter_mut().flat_map(|s| &mut s.causes).filter_map(|c| c.step.as_mut()) {
        if let Some(name) = names.get(parent.as_str()) {
            *parent = (*name).to_owned();
        }
    }
    out
}

fn answer(step: &crate::plan::Step, verdict: &StepVerdict) -> WhyStep {
    let (causes, folded) = fold(verdict);
    WhyStep {
        name: step.name.clone(),
        stage: step.stage.clone(),
        line: step.span.line,
        end_line: step.span.end_line,
        verdict: verdict.verdict,
        likely: verdict.likely,
        first_cause: verdict.first_cause,
        open: verdict.open.clone(),
        may_be_stale: verdict.may_be_stale,
        causes,
        folded,
    }
}

/// The causes, and those that are one and the same in one line each.
fn fold(verdict: &StepVerdict) -> (Vec<CauseReport>, Vec<FoldReport>) {
    let mut causes: Vec<CauseReport> = verdict.causes.iter().map(CauseReport::from).collect();
    let mut folded = Vec::new();
    for (place, fold) in diff::fold(&verdict.causes).into_iter().enumerate() {
        let count = fold.causes.len();
        fold.causes.into_iter().for_each(|cause| causes[cause].fold = Some(place));
        folded.push(FoldReport { kind: fold.kind, count, text: fold.text, hint: fold.fix });
    }
    (causes, folded)
}

/// Advice, with the name of the step that it would have kept.
pub fn hints(plan: &Plan, hints: Vec<Hint>) -> Vec<HintReport> {
    let report = |hint: Hint| HintReport {
        text: hint.text,
        checked: true,
        step: plan.steps.get(hint.step).map(|s| s.name.clone()),
    };
    hints.into_iter().map(report).collect()
}

/// Whether something reruns, for sure or as far as names can be trusted.
pub fn reruns(steps: &[WhyStep]) -> bool {
    steps.iter().any(|s| s.verdict == Verdict::Rerun || s.likely == Some(Verdict::Rerun))
}
