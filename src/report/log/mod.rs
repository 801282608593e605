//! `stowaway.report/1`.

mod github;
mod human;
mod markdown;

use std::io::{self, Write};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{BaselineReport, Document, Look, WhyStep, json};

/// What `report` found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogReport {
    /// The log.
    pub log: LogSummary,
    /// The Dockerfile as it was named, `-` for standard input.
    pub dockerfile: String,
    /// Its path from the folder that the command ran in; left out for standard input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dockerfile_path: Option<String>,
    /// The target stage's name.
    pub target: String,
    /// What the build is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineReport>,
    /// The steps of the log that the plan has, in the order of the Dockerfile; of a build for several platforms each platform's.
    pub steps: Vec<LogStep>,
    /// What the builder took from the client: the context, named contexts, the Dockerfile.
    pub transfers: Vec<OtherWork>,
    /// What else the builder did: looked up images, imported and exported.
    pub other: Vec<OtherWork>,
    /// Steps of the log that the plan does not have: of another target or another Dockerfile.
    pub not_planned: Vec<OtherWork>,
    /// Names of the plan's steps that the log does not have.
    pub not_logged: Vec<String>,
    /// What has to be known to read the answer, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// In numbers.
    pub summary: LogCounts,
}

/// A log in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogSummary {
    /// As it was named, `-` for standard input.
    pub name: String,
    /// Lines that are messages of a builder.
    pub messages: u64,
    /// Other lines that are not empty.
    pub others: u64,
    /// From the first start to the last end.
    #[serde(serialize_with = "seconds")]
    pub seconds: Duration,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// Its result was taken from the cache.
    Cached,
    /// It was never begun.
    Waiting,
    /// It ran.
    Ran,
    /// It was stopped, because another one failed or the log ends before it did.
    Canceled,
    /// It failed.
    Failed,
}

impl StepOutcome {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Waiting => "waiting",
            Self::Ran => "ran",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
        }
    }

    /// Work was done.
    pub fn ran(self) -> bool {
        matches!(self, Self::Ran | Self::Failed | Self::Canceled)
    }
}

/// A step of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogStep {
    /// Its name in the log.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// First line, from 1.
    pub line: usize,
    /// Last line.
    pub end_line: usize,
    /// Of a build for several platforms: which one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What became of it.
    pub outcome: StepOutcome,
    /// How long it ran.
    #[serde(serialize_with = "seconds")]
    pub seconds: Duration,
    /// Bytes that it pulled.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// It ran although all that it stands on was cached.
    pub first_miss: bool,
    /// Of a first miss: how long it and all that ran on top of it took.
    #[serde(serialize_with = "maybe_seconds", skip_serializing_if = "Option::is_none")]
    pub cost_seconds: Option<Duration>,
    /// Steps that it stands on and that ran, too: their names in the log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// What the comparison with the baseline says of the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<WhyStep>,
    /// In words, where log and comparison differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surprise: Option<String>,
    /// What the builder said when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The end of what a failed step printed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub output: String,
}

/// Work that is no step of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherWork {
    /// Its name in the log.
    pub name: String,
    /// What became of it.
    pub outcome: StepOutcome,
    /// How long it took.
    #[serde(serialize_with = "seconds")]
    pub seconds: Duration,
    /// Bytes that were transferred.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// What the builder said when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The numbers of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogCounts {
    /// Steps whose result was taken from the cache.
    pub cached: usize,
    /// Steps that ran to their end.
    pub ran: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps that were stopped.
    pub canceled: usize,
    /// Steps that were never begun.
    pub waiting: usize,
    /// How long the steps took that were not cached, one after the other.
    #[serde(serialize_with = "seconds")]
    pub missed_seconds: Duration,
    /// How long the builder took to fetch the contexts.
    #[serde(serialize_with = "seconds")]
    pub transfer_seconds: Duration,
    /// How many bytes it fetched.
    pub transfer_bytes: u64,
    /// The build failed.
    pub build_failed: bool,
}

impl Document for LogReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        human::write(out, self, look)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.report/1", self)
    }

    fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        markdown::write(out, self)
    }

    fn github(&self, out: &mut dyn Write) -> io::Result<()> {
        github::write(out, self)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Seconds with three digits.
fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 1000.0).round() / 1000.0)
}

#[allow(clippy::ref_option, reason = "serde's signature")]
fn maybe_seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => seconds(duration, serializer),
        None => serializer.serialize_none(),
    }
}

/// `0.04 s`, `12.3 s`, `4 min 05 s`, `2 h 03 min`.
pub(super) fn time(duration: Duration) -> String {
    let all = duration.as_secs_f64();
    match duration.as_secs() {
        _ if all < 1.0 => format!("{all:.2} s"),
        _ if all < 99.95 => format!("{all:.1} s"),
        s if s < 3600 => format!("{} min {:02} s", s / 60, s % 60),
        s => format!("{} h {:02} min", s / 3600, s / 60 % 60),
    }
}

/// Why a step ran, in a few words, and which step's name from outside goes with them.
fn reason(step: &LogStep) -> (String, Option<&str>) {
    let why = step.why.as_ref();
    if step.outcome == StepOutcome::Waiting || !step.outcome.ran() {
        return (String::new(), None);
    }
    if step.surprise.is_some() {
        return ("not its inputs".to_owned(), None);
    }
    let own = why.map_or_else(String::new, super::cause::summary);
    if !own.is_empty() {
        return (own, None);
    }
    match step.after.first() {
        Some(after) => ("after".to_owned(), Some(super::human::why::short(after))),
        None if why.is_none() => ("first miss".to_owned(), None),
        None => (why.map_or_else(String::new, |w| w.open.join("; ")), None),
    }
}

/// `9 steps: 5 cached, 4 ran; the build took 0.6 s`.
fn summary(report: &LogReport) -> String {
    let s = &report.summary;
    let counts = [
        (s.cached, "cached"),
        (s.ran, "ran"),
        (s.failed, "failed"),
        (s.canceled, "canceled"),
        (s.waiting, "not begun"),
    ];
    let counts: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let verb = if s.build_failed { "failed after" } else { "took" };
    let counts = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
    let cost = if s.missed_seconds.is_zero() {
        String::new()
    } else {
        format!("; the misses cost {}", time(s.missed_seconds))
    };
    let steps = crate::wording::count(report.steps.len(), "step");
    format!("{steps}{counts}; the build {verb} {}{cost}", time(report.log.seconds))
}

#[cfg(test)]
mod tests;
