//! `plan`: every step with what it reads and its keys.

use super::analysis::{Analysis, AnalysisOptions, Read};
use super::local::{Local, count};
use super::{Request, failures, surprises};
use crate::cache::{Keys, StepKeys};
use crate::entry::Source as _;
use crate::error::Error;
use crate::observer::Observer;
use crate::plan::{Plan, Step};
use crate::report::{
    ContextSummary, LinkReport, NamedSummary, PathField, PlanReport, Reads, RecordReport, Sent, StepReport,
};

/// Plans a build.
///
/// # Errors
/// [`Error`] for input that can't be read. What would make the build fail is part of the answer.
pub fn plan(request: &Request, observer: &dyn Observer) -> Result<PlanReport, Error> {
    let read = Read::of(request, observer)?;
    let analysis = Analysis::of(&read, AnalysisOptions::default(), observer)?;
    Ok(of(request, &analysis))
}

/// The plan of what was analysed.
pub(super) fn of(request: &Request, analysis: &Analysis<'_>) -> PlanReport {
    let read = analysis.read;
    let plan = read.plan.as_ref();
    let keys = analysis.keys.as_ref();
    PlanReport {
        context: read.context.as_ref().map_or_else(|_| unknown(request, read), Local::summary),
        dockerfile: read.located.dockerfile.clone(),
        target: plan.map_or_else(String::new, |p| p.target_name.clone()),
        steps: plan.map_or_else(Vec::new, |p| steps(p, keys)),
        records: keys.map_or_else(Vec::new, records),
        errors: failures::all(analysis),
        warnings: surprises::all(analysis),
        sent: sent(analysis, "context"),
        named_contexts: read.named.iter().flatten().map(|local| named(analysis, local)).collect(),
    }
}

/// What is known of a context whose ignore file can't be read.
fn unknown(request: &Request, read: &Read) -> ContextSummary {
    let ignore = &read.located.ignore;
    ContextSummary {
        path: Some(PathField::new(request.context.as_os_str().as_encoded_bytes())),
        ignore_file: ignore.name.clone(),
        ignore_file_reason: Some(ignore.reason.clone()),
        unlisted: true,
        ..ContextSummary::default()
    }
}

/// A named context in numbers.
fn named(analysis: &Analysis<'_>, local: &Local) -> NamedSummary {
    NamedSummary { name: local.name.clone(), context: local.summary(), sent: sent(analysis, &local.name) }
}

/// What is transferred of a local source, over all requests for it.
fn sent(analysis: &Analysis<'_>, name: &str) -> Sent {
    let mut sum = Sent::default();
    for view in analysis.sent.iter().filter(|v| v.source.name == name) {
        let Sent { files, dirs, symlinks, bytes } = count(view.view.entries());
        sum.files += files;
        sum.dirs += dirs;
        sum.symlinks += symlinks;
        sum.bytes += bytes;
    }
    sum
}

/// The steps with their keys.
fn steps(plan: &Plan, keys: Option<&Keys>) -> Vec<StepReport> {
    let nothing = StepKeys::default();
    let of = |i: usize| keys.and_then(|k| k.steps.get(i)).unwrap_or(&nothing);
    plan.steps.iter().enumerate().map(|(i, step)| step_report(step, of(i))).collect()
}

/// One step.
fn step_report(step: &Step, keys: &StepKeys) -> StepReport {
    StepReport {
        name: step.name.clone(),
        stage: step.stage.clone(),
        line: step.span.line,
        end_line: step.span.end_line,
        instruction: step.instruction.clone(),
        text: step.text.clone(),
        content_key: keys.content_key.as_ref().map(|k| k.digest),
        cache_key: keys.cache_key.as_ref().map(|k| k.digest),
        open: keys.open.clone(),
        reads: Reads { files: keys.reads.files, bytes: keys.reads.bytes },
        ignore_cache: step.ignore_cache,
    }
}

/// The records of an export.
fn records(keys: &Keys) -> Vec<RecordReport> {
    let link =
        |l: &crate::cache::Link| LinkReport { digest: l.digest, selector: l.selector, record: l.record };
    let record = |r: &crate::cache::Record| RecordReport {
        digest: r.digest,
        inputs: r.inputs.iter().map(|alternatives| alternatives.iter().map(link).collect()).collect(),
    };
    keys.records.iter().map(record).collect()
}
