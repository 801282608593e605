//! One build in two states: whether its result is another, and the first causes.

use super::super::analysis::{Analysis, AnalysisOptions, Read};
use super::super::projects::{self, Unplannable};
use super::super::{Request, failures, freeze, key};
use super::AffectedOptions;
use super::find::Asked;
use super::side::Side;
use crate::diff::{self, Baseline, CauseKind, StepVerdict, Verdict};
use crate::digest::Digest;
use crate::error::Error;
use crate::observer::Observer;
use crate::project::Build;
use crate::report::{AffectedReason, CauseReport, Change, ErrorReport, KeyPart, ReasonKind};
use crate::snapshot::Snapshot;

/// What became of a build.
pub struct Outcome {
    /// In a word.
    pub change: Change,
    /// Why.
    pub reasons: Vec<AffectedReason>,
}

/// Compares a build with what it was.
pub fn builds(
    before: &Side,
    old: Option<&Asked>,
    after: &Side,
    new: &Asked,
    options: &AffectedOptions,
    observer: &dyn Observer,
) -> Outcome {
    let build = match &new.build {
        Ok(build) => build,
        Err(error) => return Outcome::unknown(error.to_string(), None),
    };
    let old = match old.map(|o| &o.build) {
        None => {
            let reason = AffectedReason {
                kind: ReasonKind::New,
                text: "it is new".to_owned(),
                ..AffectedReason::default()
            };
            return Outcome { change: Change::New, reasons: vec![reason] };
        }
        Some(Err(error)) => return Outcome::unknown(format!("in {}: {error}", before.name()), None),
        Some(Ok(old)) => old,
    };
    let mut reasons = in_options(old, build);
    let compared = match (requests(old, options), requests(build, options)) {
        (Ok(old), Ok(new)) => each_platform(before, &old, after, &new, options, observer, &mut reasons),
        (Err(a), Err(b)) if a.elsewhere && b.elsewhere => {
            if a.message != b.message {
                reasons.push(option_reason(b.message, b.place.line));
            }
            Ok(())
        }
        (_, Err(why)) => Err(why.to_text(None)),
        (Err(why), _) => Err(why.to_text(Some(before))),
    };
    match compared {
        Err((text, line)) => {
            let mut outcome = Outcome::unknown(text, line);
            outcome.reasons.append(&mut reasons);
            outcome
        }
        Ok(()) if reasons.is_empty() => Outcome { change: Change::None, reasons },
        Ok(()) => Outcome { change: Change::Changed, reasons },
    }
}

/// Why something can't be planned, and the line.
type Failed = (String, Option<usize>);

impl Unplannable {
    fn to_text(&self, side: Option<&Side>) -> Failed {
        let text = format!("{}: {}", self.place, self.message);
        let text = side.map_or(text.clone(), |s| format!("in {}: {text}", s.name()));
        (text, Some(self.place.line).filter(|l| *l > 0))
    }
}

fn requests(build: &Build, options: &AffectedOptions) -> Result<Vec<Request>, Unplannable> {
    projects::requests(build, &options.bases, options.buildkit, options.index.as_deref())
}

fn option_reason(text: String, line: usize) -> AffectedReason {
    let line = Some(line).filter(|l| *l > 0);
    AffectedReason { kind: ReasonKind::Option, text, line, ..AffectedReason::default() }
}

/// Options that change the result without being part of any step.
fn in_options(old: &Build, new: &Build) -> Vec<AffectedReason> {
    let (old_options, new_options) = (projects::options(old), projects::options(new));
    let mut reasons = Vec::new();
    for (name, (value, place)) in &new_options {
        match old_options.get(name) {
            None => reasons.push(option_reason(format!("{name} is new"), place.line)),
            Some((was, _)) if was != value => {
                reasons.push(option_reason(format!("{name} changed"), place.line))
            }
            Some(_) => {}
        }
    }
    for name in old_options.keys().filter(|n| !new_options.contains_key(*n)) {
        reasons.push(option_reason(format!("{name} is gone"), new.place.line));
    }
    let names = |b: &Build| {
        let mut names: Vec<String> = b.platforms.iter().map(|p| p.value.clone()).collect();
        names.sort();
        names
    };
    if names(old) != names(new) {
        let line = new.platforms.first().map_or(new.place.line, |p| p.place.line);
        reasons.push(option_reason("the platforms changed".to_owned(), line));
    }
    reasons
}

/// Compares the requests for each platform that both states have.
fn each_platform(
    before: &Side,
    old: &[Request],
    after: &Side,
    new: &[Request],
    options: &AffectedOptions,
    observer: &dyn Observer,
    reasons: &mut Vec<AffectedReason>,
) -> Result<(), Failed> {
    let in_before = |(text, line): Failed| (format!("in {}: {text}", before.name()), line);
    for request in new {
        let Some(was) = old.iter().find(|o| o.plan.platform == request.plan.platform) else { continue };
        let (now_read, then_read) =
            (read(after, request, observer)?, read(before, was, observer).map_err(in_before)?);
        let analysis = analyse(&now_read, observer)?;
        if after.revision_name().is_none() {
            // What git calls unchanged need not be read from its store.
            then_read.learn_from(&analysis);
        }
        let now = state(request, &analysis, observer)?;
        let analysis = analyse(&then_read, observer).map_err(in_before)?;
        let then = state(was, &analysis, observer).map_err(in_before)?;
        let found = differences(&then, &now, options);
        if !found.is_empty() {
            reasons.extend(found);
            // The other platforms have the same causes.
            return Ok(());
        }
    }
    Ok(())
}

/// A build as it is in a state.
struct State {
    snapshot: Snapshot,
    key: Digest,
    image: Vec<KeyPart>,
}

/// Why something can't be read.
fn failed(error: &Error) -> Failed {
    (error.to_string(), None)
}

fn read(side: &Side, request: &Request, observer: &dyn Observer) -> Result<Read, Failed> {
    side.read_build(request, observer).map_err(|e| failed(&e))
}

fn analyse<'a>(read: &'a Read, observer: &dyn Observer) -> Result<Analysis<'a>, Failed> {
    Analysis::of(read, AnalysisOptions { fingerprints: true, ..Default::default() }, observer)
        .map_err(|e| failed(&e))
}

/// The state of a build; one that would fail has none.
fn state(request: &Request, analysis: &Analysis<'_>, observer: &dyn Observer) -> Result<State, Failed> {
    if let Some(ErrorReport { message, line, .. }) = failures::all(analysis).into_iter().next() {
        return Err((format!("the build fails: {message}"), line));
    }
    let key = key::of_analysis(analysis, observer).map_err(|e| failed(&e))?;
    Ok(State { snapshot: freeze(request, analysis), key: key.key, image: key.image })
}

/// The first causes of another result.
fn differences(then: &State, now: &State, options: &AffectedOptions) -> Vec<AffectedReason> {
    if then.key == now.key {
        return Vec::new();
    }
    let comparison = diff::compare(Baseline::Snapshot(&then.snapshot), &now.snapshot);
    let steps = comparison.steps.iter().zip(&now.snapshot.steps);
    let reasons: Vec<AffectedReason> = steps
        .filter(|(verdict, _)| verdict.first_cause && reruns(verdict))
        .map(|(verdict, step)| reason(verdict, &step.name, step.line, options))
        .collect();
    if !reasons.is_empty() {
        return reasons;
    }
    let parts = other_parts(&then.image, &now.image);
    let text = match parts.as_slice() {
        [] => "the image has other steps below it".to_owned(),
        parts => format!("every step is cached, and the image has another {}", parts.join(", ")),
    };
    vec![AffectedReason { kind: ReasonKind::Image, text, ..AffectedReason::default() }]
}

/// The names of what differs in the image's config.
fn other_parts(then: &[KeyPart], now: &[KeyPart]) -> Vec<String> {
    let changed = now.iter().filter(|part| !then.contains(part));
    let gone = then.iter().filter(|part| now.iter().all(|n| n.name != part.name));
    let mut names: Vec<String> = changed.chain(gone).map(|part| part.name.clone()).collect();
    names.dedup();
    names
}

/// Whether a step reruns, as far as it can be told.
fn reruns(verdict: &StepVerdict) -> bool {
    match verdict.verdict {
        Verdict::Rerun => true,
        Verdict::Unknown => verdict.likely != Some(Verdict::Cached),
        Verdict::Cached => false,
    }
}

fn reason(verdict: &StepVerdict, name: &str, line: usize, options: &AffectedOptions) -> AffectedReason {
    let own: Vec<&diff::Cause> = verdict.causes.iter().filter(|c| c.kind != CauseKind::Parent).collect();
    let most = options.causes.unwrap_or(usize::MAX);
    AffectedReason {
        kind: ReasonKind::Step,
        text: format!("{name} (line {line})"),
        step: Some(name.to_owned()),
        line: Some(line),
        build: None,
        causes: own.iter().take(most).map(|c| CauseReport::from(*c)).collect(),
        more: own.len().saturating_sub(most),
    }
}
