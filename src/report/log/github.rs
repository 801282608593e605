//! `report` as annotations: what failed, and one for each step that missed first.

use std::io::{self, Write};

use super::super::cause;
use super::super::github::{self, Annotation, Level};
use super::super::human::cut;
use super::super::human::why as words;
use super::human::{one_line, other_failures};
use super::{LogReport, LogStep, StepOutcome, time};

/// So many causes of a step are named.
const CAUSES: usize = 10;

/// Writes the answer.
pub fn write(out: &mut dyn Write, report: &LogReport) -> io::Result<()> {
    let failed = report.steps.iter().filter(|s| s.outcome == StepOutcome::Failed);
    let failed = failed.map(|step| Annotation {
        level: Level::Error,
        title: format!("failed: {}", cut(&one_line(&step.name), 100)),
        message: format!("{}\n{}", step.error.as_deref().unwrap_or_default(), step.output).trim().to_owned(),
        ..at(step, report)
    });
    let others = other_failures(report).map(|work| Annotation {
        level: Level::Error,
        file: None,
        lines: None,
        title: format!("failed: {}", cut(&one_line(&work.name), 100)),
        message: work.error.clone().unwrap_or_default(),
    });
    let missed = report.steps.iter().filter(|s| s.first_miss && s.outcome != StepOutcome::Failed);
    let missed = missed.map(|step| Annotation {
        title: format!("missed: {}", cut(&one_line(&step.name), 100)),
        message: message(step),
        ..at(step, report)
    });
    github::write(out, &failed.chain(others).chain(missed).collect::<Vec<_>>())
}

/// The place of a step.
fn at(step: &LogStep, report: &LogReport) -> Annotation {
    Annotation {
        level: Level::Warning,
        file: report.dockerfile_path.clone(),
        lines: Some((step.line, step.end_line)),
        title: String::new(),
        message: String::new(),
    }
}

/// What it cost, and the causes, one a line.
fn message(step: &LogStep) -> String {
    let mut out = vec![match step.cost_seconds {
        Some(cost) => format!("ran for {}, {} with what stands on it", time(step.seconds), time(cost)),
        None => format!("ran for {}", time(step.seconds)),
    }];
    let lines = step.why.as_ref().map(cause::lines).unwrap_or_default();
    let (first, rest) = words::split(&lines, CAUSES);
    out.extend(first.into_iter().map(|line| format!("{}: {}", line.kind, words::words(&line.pieces))));
    if !rest.is_empty() {
        out.push(cause::more(rest));
    }
    out.extend(step.why.iter().flat_map(|why| &why.open).map(|open| format!("hangs on {open}")));
    out.extend(step.surprise.clone());
    out.join("\n")
}
