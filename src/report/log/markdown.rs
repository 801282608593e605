//! `report` as Markdown: one line, a table of the steps, and the causes folded.

use std::io::{self, Write};

use super::super::cause;
use super::super::human::size;
use super::super::human::why as words;
use super::super::markdown::{Page, cell, code, escape, html_code, sentence, text};
use super::human::{one_line, other_failures};
use super::{LogReport, LogStep, StepOutcome, reason, summary, time};

/// So many causes of a step are listed.
const CAUSES: usize = 30;
/// Shares of the page, in bytes.
const TABLE: usize = 24_000;
const DETAILS: usize = 24_000;
const WORDS: usize = 8_000;

/// Writes the answer.
pub fn write(out: &mut dyn Write, report: &LogReport) -> io::Result<()> {
    let mut page = Page::default();
    page.push(&format!("### {}\n\n", escape(&summary(report))));
    page.push(&subject(report));
    table(&mut page, report);
    let failed = report.steps.iter().filter(|s| s.outcome == StepOutcome::Failed);
    let failed = failed.map(|s| failure(&s.name, s.error.as_deref(), &s.output));
    let others = other_failures(report).map(|work| failure(&work.name, work.error.as_deref(), ""));
    page.push_all(failed.chain(others), WORDS, |n| format!("and {n} more that failed\n\n"));
    let misses = report.steps.iter().filter(|s| s.first_miss && s.why.is_some()).map(details);
    page.push_all(misses, DETAILS, |n| {
        format!("and {} more that missed first\n\n", crate::wording::count(n, "step"))
    });
    page.push_all(lists(report), WORDS, |n| format!("- and {n} more\n"));
    page.write(out)
}

/// What was built.
fn subject(report: &LogReport) -> String {
    let target = if report.target.is_empty() {
        String::new()
    } else {
        format!(", target {}", code(report.target.as_bytes()))
    };
    let against = report
        .baseline
        .as_ref()
        .map_or_else(String::new, |b| format!(", against {}", code(words::baseline(b).as_bytes())));
    format!("{}{target}{against}\n\n", code(report.dockerfile.as_bytes()))
}

/// The steps.
fn table(page: &mut Page, report: &LogReport) {
    if report.steps.is_empty() {
        return;
    }
    page.push("| | line | step | time | why |\n|---|--:|---|--:|---|\n");
    page.push_all(report.steps.iter().map(row), TABLE, |n| format!("| | | and {n} more | | |\n"));
    page.push("\n");
}

/// One step.
fn row(step: &LogStep) -> String {
    let was = if step.outcome == StepOutcome::Waiting { "not begun" } else { step.outcome.name() };
    let was = if step.first_miss || step.outcome == StepOutcome::Failed {
        format!("**{was}**")
    } else {
        was.to_owned()
    };
    let took = if step.outcome.ran() { time(step.seconds) } else { String::new() };
    let (why, name) = reason(step);
    let name = name.map_or_else(String::new, |n| format!(" {}", code(n.as_bytes())));
    let step_name = code(one_line(&step.name).as_bytes());
    format!(
        "| {was} | {} | {} | {took} | {}{} |\n",
        step.line,
        cell(&step_name),
        cell(&escape(&why)),
        cell(&name)
    )
}

/// What failed. Output is indented, so that nothing in it can end the block.
fn failure(name: &str, error: Option<&str>, output: &str) -> String {
    let mut out = format!("**Failed:** {}\n\n", code(one_line(name).as_bytes()));
    for line in error.unwrap_or_default().lines().chain(output.lines()).take(60) {
        out.push_str(&format!(
            "    {}\n",
            super::super::human::cut(&super::super::shown(line.as_bytes()), 240)
        ));
    }
    out.push('\n');
    out
}

/// The causes of a first miss, folded away.
fn details(step: &LogStep) -> String {
    let cost =
        step.cost_seconds.map_or_else(String::new, |c| format!(", {} with what stands on it", time(c)));
    let mut out = format!(
        "<details><summary>Line {}, {}{cost}</summary>\n\n",
        step.line,
        html_code(&one_line(&step.name))
    );
    let lines = step.why.as_ref().map(cause::lines).unwrap_or_default();
    let (first, rest) = words::split(&lines, CAUSES);
    for line in first {
        out.push_str(&format!("- {}: {}\n", line.kind, sentence(&line.pieces)));
    }
    if !rest.is_empty() {
        out.push_str(&format!("- {}\n", cause::more(rest)));
    }
    for open in step.why.iter().flat_map(|why| &why.open) {
        out.push_str(&format!("- hangs on {}\n", text(open)));
    }
    if let Some(surprise) = &step.surprise {
        out.push_str(&format!("- {}\n", text(surprise)));
    }
    out.push_str("\n</details>\n\n");
    out
}

/// Transfers, what could not be joined, notes.
fn lists(report: &LogReport) -> impl Iterator<Item = String> {
    let transfers = report.transfers.iter().filter(|w| w.bytes > 0).map(|work| {
        format!(
            "- Transfer: {}: {} in {}\n",
            code(work.name.as_bytes()),
            size(work.bytes),
            time(work.seconds)
        )
    });
    let strangers = report
        .not_planned
        .iter()
        .map(|work| format!("- Not in the plan: {}\n", code(one_line(&work.name).as_bytes())));
    let notes = report.notes.iter().map(|note| format!("- **Note:** {}\n", text(note)));
    transfers.chain(strangers).chain(notes)
}
