//! `report`: a build's log, joined with the plan and with what a comparison says.

pub(super) mod join;

use std::collections::BTreeSet;
use std::io::BufRead;
use std::path::Path;
use std::time::Duration;

use self::join::{Known, Place};
use super::analysis::{Analysis, AnalysisOptions, Read};
use super::snapshot::no_plan;
use super::why::dockerfile_path;
use super::{Request, failures};
use crate::error::Error;
use crate::log::{self, BuildLog, Outcome, StepName, Vertex};
use crate::observer::Observer;
use crate::plan::Plan;
use crate::report::{LogCounts, LogReport, LogStep, LogSummary, OtherWork, StepOutcome, WhyReport, WhyStep};

/// Joins the log `name`, read from `input`, with the plan of `request` and with `why`, a comparison of the same request.
///
/// # Errors
/// [`Error`] for input that can't be read, for a log that holds no messages of a builder, and for one of another build.
pub fn report(
    request: &Request,
    name: &str,
    input: impl BufRead,
    why: Option<WhyReport>,
    observer: &dyn Observer,
) -> Result<LogReport, Error> {
    let log = log::read(input).map_err(|source| Error::read(Path::new(name), source))?;
    let read = Read::of(request, observer)?;
    if read.plan.is_none() {
        let analysis = Analysis::of(&read, AnalysisOptions::default(), observer)?;
        return Err(no_plan(&read, failures::all(&analysis)));
    }
    of(request, &read, name, &log, why)
}

/// Joins a log with the plan that was read, after a look whether it is one of this build.
pub(super) fn of(
    request: &Request,
    read: &Read,
    name: &str,
    log: &BuildLog,
    why: Option<WhyReport>,
) -> Result<LogReport, Error> {
    let Some(plan) = &read.plan else { return Err(no_plan(read, Vec::new())) };
    check(plan, log, name, &read.located.dockerfile)?;
    Ok(of_log(request, read, plan, name, log, why))
}

/// Joins a log with the plan that was read of the same build.
pub(super) fn of_log(
    request: &Request,
    read: &Read,
    plan: &Plan,
    name: &str,
    log: &BuildLog,
    why: Option<WhyReport>,
) -> LogReport {
    let places = all_places(plan, log);
    let mut report = LogReport {
        log: LogSummary {
            name: name.to_owned(),
            messages: log.messages,
            others: log.others,
            seconds: log.duration,
        },
        dockerfile: read.located.dockerfile.clone(),
        dockerfile_path: dockerfile_path(request, read),
        target: plan.target_name.clone(),
        steps: steps(plan, log, &places, why.as_ref()),
        ..LogReport::default()
    };
    sort_out(&mut report, log, &places);
    report.not_logged = not_logged(plan, &places);
    report.notes = notes(&report, &places);
    report.summary = counts(&report);
    if let Some(why) = why {
        report.notes.extend(why.notes);
        report.baseline = Some(why.baseline);
    }
    report
}

/// The place of each vertex in the plan.
fn all_places(plan: &Plan, log: &BuildLog) -> Vec<Place> {
    let known: Vec<Known<'_>> = plan.steps.iter().map(|s| Known { name: &s.name, text: &s.text }).collect();
    log.vertices.iter().map(|v| join::place(&known, &v.name)).collect()
}

/// That there is a log, and that it is one of this build.
fn check(plan: &Plan, log: &BuildLog, name: &str, dockerfile: &str) -> Result<(), Error> {
    if log.messages == 0 {
        let what = if log.others == 0 { "is empty" } else { "holds no message of a builder" };
        let hint = "build with `--progress=rawjson 2> build.log`: the messages are on standard error";
        return Err(Error::usage(format!("the log {name} {what}"), hint));
    }
    let places = all_places(plan, log);
    let steps = places.iter().filter(|p| **p != Place::NoStep).count();
    if steps > 0 && places.iter().all(|p| matches!(p, Place::NoStep | Place::Stranger)) {
        let message =
            format!("the log {name} is of another build: none of its {steps} steps is in {dockerfile}");
        return Err(Error::usage(
            message,
            "give the options of that build: -f, --target, --build-arg, the context",
        ));
    }
    Ok(())
}

/// The steps of the log in the order of the Dockerfile.
fn steps(plan: &Plan, log: &BuildLog, places: &[Place], why: Option<&WhyReport>) -> Vec<LogStep> {
    let mut joined: Vec<(usize, LogStep)> = Vec::new();
    for (vertex, place) in log.vertices.iter().zip(places) {
        let Some(at) = place.step() else { continue };
        let why = why.and_then(|w| w.steps.iter().find(|s| s.name == plan.steps[at].name));
        joined.push((at, step(&plan.steps[at], vertex, why)));
    }
    joined.sort_by(|(a, x), (b, y)| (a, &x.platform).cmp(&(b, &y.platform)));
    let ran = ran_below(&joined, &join::parents(plan));
    let names: Vec<String> = joined.iter().map(|(_, step)| step.name.clone()).collect();
    let costs: Vec<Option<Duration>> = (0..joined.len()).map(|i| cost(i, &joined, &ran)).collect();
    let chained = |(i, (_, step)): (usize, (usize, LogStep))| {
        let after = ran[i].iter().filter(|_| step.outcome.ran()).map(|below| names[*below].clone()).collect();
        LogStep { first_miss: costs[i].is_some(), cost_seconds: costs[i], after, ..step }
    };
    joined.into_iter().enumerate().map(chained).collect()
}

/// For each step the places of those that it stands on and that ran, of the same platform.
fn ran_below(joined: &[(usize, LogStep)], parents: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    let same = |a: &Option<String>, b: &Option<String>| a == b || a.is_none() || b.is_none();
    let stands = |(a, x): &(usize, LogStep), (b, y): &(usize, LogStep)| {
        parents[*a].contains(b) && same(&x.platform, &y.platform) && y.outcome.ran()
    };
    let below = |one| (0..joined.len()).filter(|i| stands(one, &joined[*i])).collect();
    joined.iter().map(below).collect()
}

/// How long step `first` and all that ran on top of it took; `None` when it is no first miss. Steps come after those that they stand on, but for stages that
/// are used before the line that makes them, so that one pass may not be enough.
fn cost(first: usize, joined: &[(usize, LogStep)], ran: &[Vec<usize>]) -> Option<Duration> {
    if !joined[first].1.outcome.ran() || !ran[first].is_empty() {
        return None;
    }
    let mut on_top = BTreeSet::from([first]);
    loop {
        let known = on_top.len();
        for (i, below) in ran.iter().enumerate() {
            if joined[i].1.outcome.ran() && below.iter().any(|b| on_top.contains(b)) {
                on_top.insert(i);
            }
        }
        if on_top.len() == known {
            return Some(on_top.iter().map(|i| joined[*i].1.seconds).sum());
        }
    }
}

/// One step of the log.
fn step(planned: &crate::plan::Step, vertex: &Vertex, why: Option<&WhyStep>) -> LogStep {
    let outcome = outcome(vertex.outcome);
    LogStep {
        name: vertex.name.clone(),
        stage: planned.stage.clone(),
        line: planned.span.line,
        end_line: planned.span.end_line,
        platform: StepName::parse(&vertex.name).and_then(|n| n.platform).map(str::to_owned),
        outcome,
        seconds: vertex.duration,
        bytes: vertex.bytes,
        first_miss: false,
        cost_seconds: None,
        after: Vec::new(),
        why: why.filter(|_| outcome != StepOutcome::Waiting).cloned(),
        surprise: why.and_then(|why| join::surprise(outcome, why)),
        error: vertex.error.clone(),
        output: vertex.printed(),
    }
}

fn outcome(outcome: Outcome) -> StepOutcome {
    match outcome {
        Outcome::Cached => StepOutcome::Cached,
        Outcome::Waiting => StepOutcome::Waiting,
        Outcome::Ran => StepOutcome::Ran,
        Outcome::Canceled => StepOutcome::Canceled,
        Outcome::Failed => StepOutcome::Failed,
    }
}

/// Puts what is no step of the plan where it belongs.
fn sort_out(report: &mut LogReport, log: &BuildLog, places: &[Place]) {
    for (vertex, place) in log.vertices.iter().zip(places).filter(|(_, place)| place.step().is_none()) {
        let work = OtherWork {
            name: vertex.name.clone(),
            outcome: outcome(vertex.outcome),
            seconds: vertex.duration,
            bytes: vertex.bytes,
            error: vertex.error.clone(),
        };
        let transfer = join::is_transfer(&vertex.name);
        match place {
            Place::Stranger => report.not_planned.push(work),
            _ if transfer => report.transfers.push(work),
            _ => report.other.push(work),
        }
    }
}

/// Steps of the plan that the log does not speak of.
fn not_logged(plan: &Plan, places: &[Place]) -> Vec<String> {
    // Equal operations are one vertex, which has one name.
    let logged: BTreeSet<usize> =
        places.iter().filter_map(Place::step).map(|i| plan.steps[i].vertex.0).collect();
    plan.steps.iter().filter(|s| !logged.contains(&s.vertex.0)).map(|s| s.name.clone()).collect()
}

/// What has to be known about the join.
fn notes(report: &LogReport, places: &[Place]) -> Vec<String> {
    let mut notes = Vec::new();
    let moved = places.iter().filter(|p| matches!(p, Place::Moved(_))).count();
    if moved > 0 {
        notes.push(format!(
            "{moved} of the log's steps are known by their words alone: the Dockerfile or the target has changed since"
        ));
    }
    if !report.not_planned.is_empty() {
        let n = report.not_planned.len();
        let are = if n == 1 { "step is" } else { "steps are" };
        notes.push(format!(
            "{n} of the log's {are} not in the plan: they are of another target, another Dockerfile or other build arguments"
        ));
    }
    notes
}

/// In numbers.
fn counts(report: &LogReport) -> LogCounts {
    let count = |outcome| report.steps.iter().filter(|s| s.outcome == outcome).count();
    let others = report.transfers.iter().chain(&report.other).chain(&report.not_planned);
    let failed = |outcome: StepOutcome| outcome == StepOutcome::Failed;
    LogCounts {
        cached: count(StepOutcome::Cached),
        ran: count(StepOutcome::Ran),
        failed: count(StepOutcome::Failed),
        canceled: count(StepOutcome::Canceled),
        waiting: count(StepOutcome::Waiting),
        missed_seconds: report.steps.iter().filter(|s| s.outcome.ran()).map(|s| s.seconds).sum(),
        transfer_seconds: report.transfers.iter().map(|t| t.seconds).sum(),
        transfer_bytes: report.transfers.iter().map(|t| t.bytes).sum(),
        build_failed: report.steps.iter().any(|s| failed(s.outcome))
            || others.into_iter().any(|w| failed(w.outcome)),
    }
}
