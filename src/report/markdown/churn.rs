//! `churn` as Markdown.

use std::io::{self, Write};

use super::super::churn::{ChurnProposal, ChurnReport, ChurnStep};
use super::super::human::churn::{is_listed, mostly, notes, short};
use super::{Page, cell, code, escape, html_code, text};

/// Bytes that the table may have.
const TABLE: usize = 30_000;
/// Bytes that the proposals may have.
const PROPOSALS: usize = 20_000;

/// Writes the page.
pub fn write(out: &mut dyn Write, report: &ChurnReport) -> io::Result<()> {
    let mut page = Page::default();
    page.push(&format!("### Layers over {} commits\n\n", report.commits));
    page.push_all(report.proposals.iter().map(proposal), PROPOSALS, |n| format!("\n_and {n} more_\n"));
    let newest = report
        .newest
        .as_ref()
        .map_or_else(String::new, |c| format!(", up to {}", code(short(&c.id).as_bytes())));
    page.push(&format!("\n{}{newest}\n\n", code(report.dockerfile.as_bytes())));
    page.push(
        "| line | step | ran | of | own | maybe | mostly because of |\n|---:|---|---:|---:|---:|---:|---|\n",
    );
    let rows = report.steps.iter().filter(|s| is_listed(s)).map(row);
    page.push_all(rows, TABLE, |n| format!("\n_and {n} more steps_\n"));
    page.push("\n");
    for note in notes(report) {
        page.push(&format!("_{}_\n\n", escape(&note)));
    }
    page.write(out)
}

fn row(step: &ChurnStep) -> String {
    let because = mostly(step);
    let because = if because.is_empty() { because } else { cell(&code(because.as_bytes())) };
    format!(
        "| {} | {} | {} | {} | {} | {} | {because} |\n",
        step.line,
        cell(&code(step.name.as_bytes())),
        step.missed,
        step.commits,
        step.own,
        step.unknown
    )
}

fn proposal(proposal: &ChurnProposal) -> String {
    let place = if proposal.kind == "ignore" { "ignore file" } else { "Dockerfile" };
    let lines: Vec<String> = proposal.edit.iter().map(|l| html_code(l)).collect();
    format!(
        "- {}\n  <details><summary>{place}; all steps: {} runs instead of {}</summary>\n\n  {}\n  </details>\n",
        text(&proposal.sentence()),
        proposal.steps_after,
        proposal.steps_before,
        lines.join("<br>")
    )
}
