//! `stowaway.build/1`: what a build was said to do, and what it did.

use std::io::{self, Write};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::cause::{self, parents};
use super::human::{Tone, cut, why as words};
use super::path::shown;
use super::{Document, Look, StepOutcome, WhyReport, WhyStep, json, verdict_name};
use crate::diff::Verdict;
use crate::wording::count;

/// So wide a step's name is shown beside what becomes of it.
const NAME: usize = 56;

/// A build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BuildReport {
    /// Where the engine is, and who says so.
    pub engine: String,
    /// The image's id; left out where none was made, or the engine does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Its names.
    pub names: Vec<String>,
    /// Nothing was sent, since nothing has changed: why that is known, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// Why nothing was predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpredicted: Option<String>,
    /// The steps in the order of the Dockerfile.
    pub steps: Vec<BuiltStep>,
    /// What has to be known to read it, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// In numbers.
    pub summary: BuildSummary,
}

/// A build in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BuildSummary {
    /// Steps whose result was taken from the cache.
    pub cached: usize,
    /// Steps that ran.
    pub ran: usize,
    /// Steps that did not do what was predicted.
    pub differences: usize,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuiltStep {
    /// The engine's name for it.
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
    /// `cached`, `rerun` or `unknown`; left out where nothing was predicted.
    #[serde(serialize_with = "verdict", skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Verdict>,
    /// What an unknown verdict most likely becomes.
    #[serde(serialize_with = "verdict", skip_serializing_if = "Option::is_none")]
    pub likely: Option<Verdict>,
    /// What became of it.
    pub outcome: StepOutcome,
    /// How long it ran.
    #[serde(serialize_with = "seconds")]
    pub seconds: Duration,
    /// In which way it did not do what was predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// The prediction's causes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<WhyStep>,
}

/// In which way an engine did not do what was predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// It ran although it was said to be cached.
    PredictedCachedRan,
}

#[allow(clippy::ref_option, reason = "serde's signature")]
fn verdict<S: Serializer>(verdict: &Option<Verdict>, serializer: S) -> Result<S::Ok, S::Error> {
    match verdict {
        Some(verdict) => serializer.serialize_str(verdict_name(*verdict)),
        None => serializer.serialize_none(),
    }
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 1000.0).round() / 1000.0)
}

impl BuildReport {
    /// Counts what the steps did.
    pub fn counted(mut self) -> Self {
        let with = |f: &dyn Fn(&BuiltStep) -> bool| self.steps.iter().filter(|s| f(s)).count();
        self.summary = BuildSummary {
            cached: with(&|s| s.outcome == StepOutcome::Cached),
            ran: with(&|s| s.outcome.ran()),
            differences: with(&|s| s.difference.is_some()),
        };
        self
    }
}

impl Document for BuildReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        if let Some(why) = &self.skipped {
            return writeln!(
                out,
                "{} {}",
                look.paint(Tone::Strong, "nothing to build:"),
                shown(why.as_bytes())
            );
        }
        for step in self.steps.iter().filter(|s| s.predicted.is_some()) {
            beside(out, step, look)?;
        }
        for step in self.steps.iter().filter(|s| s.difference.is_some()) {
            defect(out, step, look)?;
        }
        for note in &self.notes {
            writeln!(out, "{} {}", look.paint(Tone::Faint, "note:"), shown(note.as_bytes()))?;
        }
        Ok(())
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.build/1", self)
    }
}

/// A step: what was predicted, what was done.
fn beside(out: &mut dyn Write, step: &BuiltStep, look: &Look) -> io::Result<()> {
    let predicted = step.why.as_ref().map_or_else(String::new, words::state);
    let took =
        if step.outcome.ran() { format!(" {:.1}s", step.seconds.as_secs_f64()) } else { String::new() };
    let was = if step.outcome == StepOutcome::Waiting { "not begun" } else { step.outcome.name() };
    let mark = match step.difference {
        Some(_) => look.paint(Tone::Error, "!"),
        None => " ".to_owned(),
    };
    let name = cut(&one_line(&step.name), NAME);
    writeln!(out, "{mark} {name:NAME$}  predicted {predicted}, {was}{took}")
}

/// A prediction that did not hold is ours to explain.
fn defect(out: &mut dyn Write, step: &BuiltStep, look: &Look) -> io::Result<()> {
    let title = look.paint(Tone::Error, "predicted cached, ran:");
    writeln!(out, "{title} {} (line {})", one_line(&step.name), step.line)?;
    writeln!(
        out,
        "  unless the engine's cache was pruned since the last build, this is a defect of stowaway: please report it, \
         with the output of this build under --progress=rawjson and of `stowaway plan --format json`"
    )
}

/// What will become of each step, before the build begins: a line each.
///
/// # Errors
/// What `out` says.
pub fn prediction(out: &mut dyn Write, report: &WhyReport, look: &Look) -> io::Result<()> {
    for step in &report.steps {
        let tone = match step.verdict {
            Verdict::Cached => Tone::Faint,
            Verdict::Rerun => Tone::Warning,
            Verdict::Unknown => Tone::Hint,
        };
        let name = cut(&one_line(&step.name), NAME);
        let state = look.paint(tone, &format!("{:8}", words::state(step)));
        writeln!(out, "{state} {name:NAME$}  {}", reason(step))?;
    }
    Ok(())
}

/// The first cause in a few words.
fn reason(step: &WhyStep) -> String {
    let lines = cause::lines(step);
    let own = lines.first().map(|line| {
        let more = lines.iter().map(|l| l.count).sum::<usize>().saturating_sub(line.count);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        format!("{} {}{more}", line.kind, words::words(&line.pieces))
    });
    let text = own
        .or_else(|| parents(step).next().map(|p| format!("after {}", words::short(p))))
        .or_else(|| step.open.first().map(|open| format!("hangs on {open}")))
        .unwrap_or_default();
    cut(&shown(text.as_bytes()), 72)
}

/// The prediction in one line.
pub fn foretold(report: &WhyReport) -> String {
    let (cached, all) = (report.summary.cached, report.steps.len());
    format!("{cached} of {} will be cached", count(all, "step"))
}

fn one_line(name: &str) -> String {
    shown(name.split_whitespace().collect::<Vec<_>>().join(" ").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(outcome: StepOutcome, difference: Option<Difference>) -> BuiltStep {
        let why = WhyStep { name: "[2/2] COPY a /".into(), verdict: Verdict::Cached, ..WhyStep::default() };
        BuiltStep {
            name: why.name.clone(),
            stage: "s".into(),
            line: 2,
            end_line: 2,
            platform: None,
            predicted: Some(Verdict::Cached),
            likely: None,
            outcome,
            seconds: Duration::from_millis(1234),
            difference,
            why: Some(why),
        }
    }

    fn text(report: &BuildReport) -> String {
        let mut out = Vec::new();
        report.human(&mut out, &Look::default()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_prediction_that_held_is_one_line() {
        let report = BuildReport { steps: vec![step(StepOutcome::Cached, None)], ..BuildReport::default() };
        let text = text(&report.counted());
        assert!(text.contains("predicted cached, cached") && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn a_difference_is_told_as_our_defect() {
        let steps = vec![step(StepOutcome::Ran, Some(Difference::PredictedCachedRan))];
        let report = BuildReport { steps, ..BuildReport::default() }.counted();
        assert_eq!(report.summary.differences, 1);
        let text = text(&report);
        assert!(
            text.contains("predicted cached, ran 1.2s") && text.contains("a defect of stowaway"),
            "{text}"
        );
    }

    #[test]
    fn a_skipped_build_says_why() {
        let report = BuildReport { skipped: Some("all is as it was".into()), ..BuildReport::default() };
        assert_eq!(text(&report), "nothing to build: all is as it was\n");
    }
}
