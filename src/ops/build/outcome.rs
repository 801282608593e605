//! What the engine did, beside what was predicted.

use super::predict::{Foreseen, Prediction};
use crate::diff::Verdict;
use crate::log::BuildLog;
use crate::ops::Request;
use crate::ops::report::of_log;
use crate::report::{BuiltStep, Difference, LogReport, StepOutcome};

/// Joins what the engine reported with the plan and the prediction; `None` of a Dockerfile that has no plan.
pub fn join(request: &Request, foreseen: &Foreseen, log: &BuildLog) -> Option<LogReport> {
    let why = match &foreseen.prediction {
        Prediction::Made(why) => Some((**why).clone()),
        Prediction::None(_) | Prediction::Unasked => None,
    };
    let plan = foreseen.read.plan.as_ref()?;
    Some(of_log(request, &foreseen.read, plan, "the build", log, why))
}

/// Every step of the build, with the difference between what was said and what was done.
pub fn steps(log: LogReport) -> Vec<BuiltStep> {
    let step = |step: crate::report::LogStep| {
        let difference = step.why.as_ref().and_then(|why| difference(step.outcome, why.verdict));
        BuiltStep {
            name: step.name,
            stage: step.stage,
            line: step.line,
            end_line: step.end_line,
            platform: step.platform,
            predicted: step.why.as_ref().map(|why| why.verdict),
            likely: step.why.as_ref().and_then(|why| why.likely),
            // A daemon's own copy of the context may be older than what is there: that is said before, and no defect.
            difference: difference.filter(|_| !step.why.as_ref().is_some_and(|why| why.may_be_stale)),
            outcome: step.outcome,
            seconds: step.seconds,
            why: step.why,
        }
    };
    log.steps.into_iter().map(step).collect()
}

/// A step that was said to be cached and ran is one that we don't understand. One that was said to rerun and was cached is known to
/// the engine from some other build; what was not known is no promise.
fn difference(outcome: StepOutcome, verdict: Verdict) -> Option<Difference> {
    match (verdict, outcome) {
        (Verdict::Cached, StepOutcome::Ran | StepOutcome::Failed) => Some(Difference::PredictedCachedRan),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_promised_can_differ() {
        assert_eq!(difference(StepOutcome::Ran, Verdict::Cached), Some(Difference::PredictedCachedRan));
        assert_eq!(difference(StepOutcome::Cached, Verdict::Cached), None);
        assert_eq!(difference(StepOutcome::Cached, Verdict::Rerun), None);
        assert_eq!(difference(StepOutcome::Ran, Verdict::Unknown), None);
        assert_eq!(difference(StepOutcome::Canceled, Verdict::Cached), None);
        assert_eq!(difference(StepOutcome::Waiting, Verdict::Cached), None);
    }
}
