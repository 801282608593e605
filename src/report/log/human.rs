//! `report` for people: a table of the steps, what the misses cost, what failed.

use std::io::{self, Write};

use super::super::cause;
use super::super::human::why as words;
use super::super::human::{Column, Look, Tone, cut, lay_out, on_lines, paragraph, size};
use super::super::path::shown;
use super::{LogReport, LogStep, OtherWork, StepOutcome, reason, summary, time};

/// So many causes of a step are shown.
const CAUSES: usize = 5;

/// Writes the answer.
pub fn write(out: &mut dyn Write, report: &LogReport, look: &Look) -> io::Result<()> {
    writeln!(out, "{}", look.paint(Tone::Strong, &heading(report)))?;
    writeln!(out)?;
    table(out, &report.steps, look)?;
    misses(out, report, look)?;
    others(out, report, look)?;
    for failed in report.steps.iter().filter(|s| s.outcome == StepOutcome::Failed) {
        let error = failed.error.as_deref().unwrap_or_default();
        failure(out, &failed.name, error, &failed.output, look)?;
    }
    for failed in other_failures(report) {
        failure(out, &failed.name, failed.error.as_deref().unwrap_or_default(), "", look)?;
    }
    for note in &report.notes {
        paragraph(out, Tone::Faint, "note:", note, look)?;
    }
    if !report.notes.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{}", look.paint(Tone::Strong, &summary(report)))
}

/// `build.log: Dockerfile, target app, against git:main`.
fn heading(report: &LogReport) -> String {
    let target = if report.target.is_empty() { String::new() } else { format!(", target {}", report.target) };
    let against =
        report.baseline.as_ref().map_or_else(String::new, |b| format!(", against {}", words::baseline(b)));
    let log = if report.log.name == "-" { "the log" } else { &report.log.name };
    shown(format!("{log}: {}{target}{against}", report.dockerfile).as_bytes())
}

/// One line a step.
fn table(out: &mut dyn Write, steps: &[LogStep], look: &Look) -> io::Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let columns = [("line", true), ("step", false), ("was", false), ("time", true), ("why", false)]
        .map(|(title, right)| Column { title, right });
    let rows: Vec<Vec<String>> = steps.iter().map(row).collect();
    let width = if look.verbose { usize::MAX } else { look.width };
    for (i, line) in lay_out(&columns, &rows, 1, width).into_iter().enumerate() {
        let tone = match i.checked_sub(1).map(|i| steps[i].outcome) {
            None | Some(StepOutcome::Cached | StepOutcome::Waiting) => Some(Tone::Faint),
            Some(StepOutcome::Failed) => Some(Tone::Error),
            Some(_) => None,
        };
        writeln!(out, "{}", tone.map_or_else(|| line.clone(), |tone| look.paint(tone, &line)))?;
    }
    writeln!(out)
}

/// One step's cells.
fn row(step: &LogStep) -> Vec<String> {
    let (text, name) = reason(step);
    let name = name.map_or_else(String::new, |n| format!(" {n}"));
    let was = if step.outcome == StepOutcome::Waiting { "not begun" } else { step.outcome.name() };
    let took = if step.outcome.ran() { time(step.seconds) } else { "-".to_owned() };
    vec![
        step.line.to_string(),
        one_line(&step.name),
        was.to_owned(),
        took,
        cut(&shown(format!("{text}{name}").as_bytes()), 48),
    ]
}

/// A name without the line ends and the indentation of continued lines.
pub fn one_line(name: &str) -> String {
    shown(name.split_whitespace().collect::<Vec<_>>().join(" ").as_bytes())
}

/// The steps that ran although all below them was cached, each with its causes and with what it cost.
fn misses(out: &mut dyn Write, report: &LogReport, look: &Look) -> io::Result<()> {
    for step in report.steps.iter().filter(|s| s.first_miss) {
        let cost = step
            .cost_seconds
            .map_or_else(String::new, |cost| format!(", {} with what stands on it", time(cost)));
        let place = on_lines(&[step.line]);
        writeln!(
            out,
            "{} {}",
            look.paint(Tone::Warning, &format!("missed, {place}{cost}:")),
            one_line(&step.name)
        )?;
        let lines = step.why.as_ref().map(cause::lines).unwrap_or_default();
        let (first, rest) = words::split(&lines, if look.verbose { usize::MAX } else { CAUSES });
        for line in first {
            writeln!(out, "  {}  {}", look.paint(Tone::Warning, line.kind), words::words(&line.pieces))?;
        }
        if !rest.is_empty() {
            writeln!(out, "  {}", look.paint(Tone::Faint, &cause::more(rest)))?;
        }
        for open in step.why.iter().flat_map(|why| &why.open) {
            paragraph(out, Tone::Faint, "  hangs on", open, look)?;
        }
        if let Some(surprise) = &step.surprise {
            paragraph(out, Tone::Faint, "  but", surprise, look)?;
        }
    }
    if report.steps.iter().any(|s| s.first_miss) { writeln!(out) } else { Ok(()) }
}

/// Transfers, other work, and what could not be joined.
fn others(out: &mut dyn Write, report: &LogReport, look: &Look) -> io::Result<()> {
    for work in &report.transfers {
        let what = format!("{}: {} in {}", one_line(&work.name), size(work.bytes), time(work.seconds));
        writeln!(out, "{} {what}", look.paint(Tone::Faint, "transfer"))?;
    }
    for work in &report.other {
        let text = format!("{}: {}", one_line(&work.name), time(work.seconds));
        writeln!(out, "{} {text}", look.paint(Tone::Faint, "other   "))?;
    }
    for work in &report.not_planned {
        let text = format!("{}: {}, {}", one_line(&work.name), work.outcome.name(), time(work.seconds));
        writeln!(out, "{} {text}", look.paint(Tone::Warning, "not in the plan"))?;
    }
    if !report.not_logged.is_empty() {
        let names: Vec<&str> = report.not_logged.iter().map(|n| words::short(n)).collect();
        paragraph(out, Tone::Warning, "not in the log ", &names.join(", "), look)?;
    }
    let none = report.transfers.is_empty()
        && report.other.is_empty()
        && report.not_planned.is_empty()
        && report.not_logged.is_empty();
    if none { Ok(()) } else { writeln!(out) }
}

/// Work that failed and is no step of the plan.
pub fn other_failures(report: &LogReport) -> impl Iterator<Item = &OtherWork> {
    let all = report.transfers.iter().chain(&report.other).chain(&report.not_planned);
    all.filter(|work| work.outcome == StepOutcome::Failed)
}

/// What failed, what the builder said, and the end of what was printed.
fn failure(out: &mut dyn Write, name: &str, error: &str, output: &str, look: &Look) -> io::Result<()> {
    writeln!(out, "{} {}", look.paint(Tone::Error, "failed:"), one_line(name))?;
    for line in error.lines() {
        writeln!(out, "  {}", shown(line.as_bytes()))?;
    }
    for line in output.lines() {
        writeln!(out, "  {} {}", look.paint(Tone::Faint, "|"), shown(line.as_bytes()))?;
    }
    writeln!(out)
}
