//! A comparison → the document that is written.

use crate::diff::{Comparison, StepVerdict, Verdict};
use crate::plan::Plan;
use crate::report::{CauseReport, WhyStep};

/// The steps of the plan with what becomes of each.
pub fn steps(plan: &Plan, comparison: &Comparison) -> Vec<WhyStep> {
    plan.steps.iter().zip(&comparison.steps).map(|(step, verdict)| answer(step, verdict)).collect()
}

fn answer(step: &crate::plan::Step, verdict: &StepVerdict) -> WhyStep {
    WhyStep {
        // The engine's own name, for those who look for it in a log; a snapshot has it with the words as written.
        name: step.name.clone(),
        stage: step.stage.clone(),
        line: step.span.line,
        end_line: step.span.end_line,
        verdict: verdict.verdict,
        likely: verdict.likely,
        first_cause: verdict.first_cause,
        open: verdict.open.clone(),
        may_be_stale: verdict.may_be_stale,
        causes: verdict.causes.iter().map(CauseReport::from).collect(),
        folded: Vec::new(),
    }
}

/// Whether something reruns, for sure or as far as names can be trusted.
pub fn reruns(steps: &[WhyStep]) -> bool {
    steps.iter().any(|s| s.verdict == Verdict::Rerun || s.likely == Some(Verdict::Rerun))
}
