//! `why` as Markdown: one line, a table of the steps, and the causes folded.

use std::io::{self, Write};

use super::super::cause;
use super::super::human::{on_lines, why as human};
use super::super::why::{WhyReport, WhyStep};
use super::{Page, cell, code, escape, html, html_code, sentence, text};
use crate::diff::Verdict;
use crate::wording::count;

/// So many causes of a step are listed.
const CAUSES: usize = 50;
/// The table's share of the page, in bytes.
const TABLE: usize = 24_000;
/// The causes' share.
const DETAILS: usize = 30_000;
/// The share of notes and of hints.
const WORDS: usize = 4_000;

/// Writes the answer.
pub fn write(out: &mut dyn Write, report: &WhyReport) -> io::Result<()> {
    let mut page = Page::default();
    page.push(&format!("### {}\n\n", escape(&human::summary(report))));
    page.push(&subject(report));
    if let Some(answer) = human::cache_answer(&report.baseline) {
        page.push(&format!("Cache: {}\n\n", escape(answer)));
    }
    table(&mut page, report);
    let blocks = report.steps.iter().filter(|s| human::stands_out(s)).map(details);
    page.push_all(blocks, DETAILS, |n| format!("and {} more with causes of their own\n\n", count(n, "step")));
    let open = cause::open(&report.steps);
    let open =
        open.iter().map(|(reason, lines)| format!("- **Open**, {}: {}\n", on_lines(lines), text(reason)));
    page.push_all(open, WORDS, |n| format!("- and {n} more\n"));
    list(&mut page, report.hints.iter().map(|h| (h.text.as_str(), !h.checked)), "Hint");
    list(&mut page, report.notes.iter().map(|n| (n.as_str(), false)), "Note");
    page.write(out)
}

/// What is compared with what.
fn subject(report: &WhyReport) -> String {
    let target = if report.target.is_empty() {
        String::new()
    } else {
        format!(", target {}", code(report.target.as_bytes()))
    };
    let dockerfile = code(report.dockerfile.as_bytes());
    format!("{dockerfile}{target}, against {}\n\n", code(human::baseline(&report.baseline).as_bytes()))
}

/// The steps; several cached ones in a row are one.
fn table(page: &mut Page, report: &WhyReport) {
    if report.steps.is_empty() {
        return;
    }
    page.push("| | line | step | why |\n|---|--:|---|---|\n");
    let plain = |s: &WhyStep| s.verdict == Verdict::Cached && !s.may_be_stale;
    let rows = report.steps.chunk_by(|a, b| plain(a) && plain(b)).flat_map(|chunk| match chunk {
        [first, _, .., last] if chunk.len() > 2 => {
            vec![format!("| cached | {}-{} | {} | |\n", first.line, last.line, count(chunk.len(), "step"))]
        }
        _ => chunk.iter().map(row).collect(),
    });
    page.push_all(rows, TABLE, |n| format!("| | | and {n} more | |\n"));
    page.push("\n");
}

/// One step.
fn row(step: &WhyStep) -> String {
    let state = human::state(step);
    let state = if step.first_cause { format!("**{state}**") } else { state };
    let mut why = Vec::new();
    if let Some(parent) = cause::parents(step).next().filter(|_| !step.first_cause) {
        why.push(format!("after {}", code(human::short(parent).as_bytes())));
    } else {
        why.push(escape(&cause::summary(step)));
    }
    if step.may_be_stale {
        why.push("a daemon may show it cached".to_owned());
    }
    why.retain(|w| !w.is_empty());
    let step_name = code(human::name(step).as_bytes());
    format!("| {state} | {} | {} | {} |\n", step.line, cell(&step_name), cell(&why.join("; ")))
}

/// The causes of a step, folded away.
fn details(step: &WhyStep) -> String {
    let summary = cause::summary(step);
    let summary = if summary.is_empty() { human::state(step) } else { summary };
    let mut out = format!(
        "<details><summary>Line {}, {}: {}</summary>\n\n",
        step.line,
        html_code(&human::name(step)),
        html(&summary)
    );
    let lines = cause::lines(step);
    let (first, rest) = human::split(&lines, CAUSES);
    for line in first {
        let hint = line.hint.as_deref().map_or_else(String::new, |hint| format!(" ({})", text(hint)));
        out.push_str(&format!("- {}: {}{hint}\n", line.kind, sentence(&line.pieces)));
    }
    if !rest.is_empty() {
        out.push_str(&format!("- {}\n", cause::more(rest)));
    }
    if step.may_be_stale {
        out.push_str(
            "- a daemon that holds this context does not notice what changed and may show the step cached\n",
        );
    }
    out.push_str("\n</details>\n\n");
    out
}

/// Notes or hints.
fn list<'a>(page: &mut Page, words: impl Iterator<Item = (&'a str, bool)>, title: &str) {
    let blocks = words.map(|(words, unchecked)| {
        format!("- **{title}:** {}{}\n", text(words), if unchecked { " (not checked)" } else { "" })
    });
    page.push_all(blocks, WORDS, |n| format!("- and {n} more\n"));
}
