//! `ignore` as Markdown.

use std::io::{self, Write};

use super::super::human::ignore::{amount, named, why};
use super::super::ignore::{IgnoreFailure, IgnoreFold, IgnoreLine, IgnoreReport, IgnoreStep, IgnoreSum};
use super::{Page, cell, code, escape, text};

/// Bytes that each list may have.
const LIST: usize = 15_000;

/// Writes the page.
pub fn write(out: &mut dyn Write, report: &IgnoreReport) -> io::Result<()> {
    let mut page = Page::default();
    let file = code(report.ignore_file.as_bytes());
    let title = match report.mode.as_str() {
        "test" => format!("### What another {file} changes\n\n"),
        "from-gitignore" => format!("### {file} from `.gitignore`\n\n"),
        _ => format!("### Lines for {file}\n\n"),
    };
    page.push(&title);
    lines(&mut page, report);
    for (title, fold) in [("Comes into view", &report.added), ("Goes out of view", &report.removed)] {
        if let Some(fold) = fold.as_ref().filter(|f| f.total != IgnoreSum::default()) {
            folded(&mut page, title, fold);
        }
    }
    if !report.changes.is_empty() {
        page.push(&format!("\n**{} steps get another key, once**\n\n", report.changes.len()));
        page.push_all(report.changes.iter().map(step), LIST, |n| format!("- and {n} more\n"));
    }
    if !report.failures.is_empty() {
        page.push("\n**Would fail**\n\n");
        page.push_all(report.failures.iter().map(failure), LIST, |n| format!("- and {n} more\n"));
    }
    for remark in &report.remarks {
        page.push(&format!("\n{}\n", text(remark)));
    }
    page.write(out)
}

fn lines(page: &mut Page, report: &IgnoreReport) {
    if report.mode == "from-gitignore" {
        page.push_all(report.lines.iter().map(|l| format!("- {}\n", code(l.line.as_bytes()))), LIST, |n| {
            format!("- and {n} more\n")
        });
    } else if !report.lines.is_empty() {
        page.push("| line | files | size | why |\n|---|--:|--:|---|\n");
        page.push_all(report.lines.iter().map(row), LIST, |n| format!("\n_and {n} more_\n"));
        page.push(&format!("\nTogether {}.\n", escape(&amount(&report.saved))));
    } else if report.mode == "propose" {
        page.push("Nothing to add.\n");
    }
}

fn row(line: &IgnoreLine) -> String {
    let size = super::super::human::size(line.sum.bytes);
    format!(
        "| {} | {} | {size} | {} |\n",
        cell(&code(line.line.as_bytes())),
        line.sum.files,
        cell(&escape(&why(line)))
    )
}

fn folded(page: &mut Page, title: &str, fold: &IgnoreFold) {
    page.push(&format!("\n**{title}**: {}\n\n", escape(&amount(&fold.total))));
    let row = |g: &super::super::ignore::IgnoreGroup| {
        format!("- {} {}\n", code(&g.path.0), escape(&amount(&g.sum)))
    };
    let more = fold.more;
    page.push_all(fold.groups.iter().map(row), LIST, |n| format!("- and {} more\n", n + more));
}

fn step(step: &IgnoreStep) -> String {
    let stands = if step.own { "" } else { " (stands on one of these)" };
    format!("- {} {}:{}{stands}\n", code(step.step.as_bytes()), code(step.dockerfile.as_bytes()), step.line)
}

fn failure(failure: &IgnoreFailure) -> String {
    let name = named(&failure.dockerfile, failure.build.as_deref());
    let line = failure.line.map_or_else(String::new, |l| format!(":{l}"));
    format!("- {}{line}: {}\n", code(name.as_bytes()), text(&failure.message))
}
