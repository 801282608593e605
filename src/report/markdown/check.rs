//! `check` as Markdown: a table of what was found, the details folded.

use std::io::{self, Write};

use super::super::check::{CheckCounts, CheckReport, FindingReport, LabelReport};
use super::super::human::count;
use super::super::place;
use super::{Page, cell, code, escape, html, html_code, text};
use crate::check::Severity;

/// Bytes that the table of errors and warnings may have.
const TABLE: usize = 20_000;
/// Bytes that the table of notes may have.
const NOTES: usize = 10_000;
/// Bytes that the details may have.
const DETAILS: usize = 30_000;
/// So many lines of a place are shown.
const SOURCE: usize = 4;

/// Writes the page.
pub fn write(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    let mut page = Page::default();
    page.push(&format!("### {}\n", escape(&heading(report))));
    for build in &report.builds {
        if let Some(why) = &build.unread {
            page.push(&format!("\n> {} was not checked: {}\n", code(build.name.as_bytes()), escape(why)));
        }
    }
    let (loud, quiet): (Vec<_>, Vec<_>) = report.findings.iter().partition(|f| f.severity != Severity::Note);
    table(&mut page, &loud, report, TABLE);
    let details = report.findings.iter().filter(|f| f.severity != Severity::Note).map(detail);
    if !loud.is_empty() {
        page.push("\n");
        page.push_all(details, DETAILS, |left| format!("\n_and {left} more without details_\n"));
    }
    if !quiet.is_empty() {
        page.push(&format!("\n<details><summary>{}</summary>\n", count(quiet.len() as u64, "note")));
        table(&mut page, &quiet, report, NOTES);
        page.push("\n</details>\n");
    }
    page.write(out)
}

/// `check: 1 error, 2 warnings in api`.
fn heading(report: &CheckReport) -> String {
    let CheckCounts { errors, warnings, notes, suppressed } = report.counts;
    let kinds = [(errors, "error"), (warnings, "warning"), (notes, "note")];
    let found: Vec<String> = kinds.iter().filter(|k| k.0 > 0).map(|(n, one)| count(*n, one)).collect();
    let found = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
    let builds = match report.builds.as_slice() {
        [build] => build.name.clone(),
        builds => count(builds.len() as u64, "build"),
    };
    let quiet = if suppressed > 0 { format!(" ({suppressed} suppressed)") } else { String::new() };
    format!("{builds}: {found}{quiet}")
}

/// A row for each.
fn table(page: &mut Page, findings: &[&FindingReport], report: &CheckReport, share: usize) {
    if findings.is_empty() {
        return;
    }
    page.push("\n| | where | what | rule |\n|---|---|---|---|\n");
    let rows = findings.iter().map(|finding| {
        let place = place::of(finding, report).map_or_else(String::new, |place| {
            let line = place.lines.map_or_else(String::new, |(first, _)| format!(":{first}"));
            cell(&code(format!("{}{line}", place.file).as_bytes()))
        });
        let what = cell(&text(&finding.message));
        format!("| {} | {place} | {what} | {} |\n", finding.severity.name(), finding.rule.code)
    });
    page.push_all(rows, share, |left| format!("\n_and {left} more_\n"));
}

/// The lines and what to do, folded.
fn detail(finding: &FindingReport) -> String {
    let mut out = format!(
        "<details><summary>{} {}</summary>\n\n",
        html_code(finding.rule.code),
        summary(&finding.message)
    );
    out.extend(finding.labels.iter().map(lines));
    for help in &finding.help {
        let tried = if help.tried { " _(tried)_" } else { "" };
        out.push_str(&format!("- help: {}{tried}\n", text(&help.message)));
    }
    if let Some(engine) = finding.engine_message.as_ref().filter(|e| !e.is_empty() && **e != finding.message)
    {
        out.push_str(&format!("- the engine says: {}\n", code(engine.as_bytes())));
    }
    if !finding.steps.is_empty() {
        let steps: Vec<String> = finding.steps.iter().map(|step| code(step.as_bytes())).collect();
        out.push_str(&format!("- concerns {}\n", steps.join(", ")));
    }
    out.push_str("\n</details>\n");
    out
}

/// A message in a line of HTML.
fn summary(message: &str) -> String {
    html(&super::super::shown(message.as_bytes())).replace('@', "@\u{200b}")
}

/// A place as an indented code block: no text in it can end it.
fn lines(label: &LabelReport) -> String {
    let name = code(format!("{}:{}", place::clean(&label.file), label.line).as_bytes());
    let said = if label.text.is_empty() { String::new() } else { format!(": {}", text(&label.text)) };
    let source: Vec<String> = label
        .source
        .iter()
        .take(SOURCE)
        .map(|line| {
            format!("      {}\n", super::super::shown(line.trim_end().replace('\t', "    ").as_bytes()))
        })
        .collect();
    let block = if source.is_empty() { String::new() } else { format!("\n{}\n", source.concat()) };
    format!("- {name}{said}\n{block}")
}
