//! `affected` as Markdown: a table of what has to be built again, the rest in a line.

use std::io::{self, Write};

use super::super::affected::{AffectedBuild, AffectedReport, Change};
use super::super::cause;
use super::super::human::affected::heading;
use super::{Page, cell, code, escape};

/// The table may have so many bytes.
const SHARE: usize = 50_000;

/// Writes the page.
pub fn write(out: &mut dyn Write, report: &AffectedReport) -> io::Result<()> {
    let mut page = Page::default();
    page.push(&format!("### {}\n\n", escape(&heading(report))));
    let affected: Vec<&AffectedBuild> = report.affected().collect();
    if !affected.is_empty() {
        page.push("| build | because |\n|---|---|\n");
    }
    page.push_all(affected.iter().map(|b| row(b)), SHARE, |left| {
        format!("\n{left} more builds are affected.\n")
    });
    for (title, gone) in [("Not affected", false), ("Gone", true)] {
        let is = |b: &&AffectedBuild| !b.affected && (b.change == Change::Gone) == gone;
        let names: Vec<String> = report.builds.iter().filter(is).map(|b| code(b.name.as_bytes())).collect();
        if !names.is_empty() && !page.push(&format!("\n{title}: {}\n", names.join(", "))) {
            page.push(&format!("\n{title}: {} builds\n", names.len()));
        }
    }
    for note in &report.notes {
        page.push(&format!("\n> {}\n", escape(note)));
    }
    page.write(out)
}

/// A build and its first reason, with its causes.
fn row(build: &AffectedBuild) -> String {
    let reasons: Vec<String> = build
        .reasons
        .iter()
        .map(|reason| {
            let causes: Vec<String> = reason.causes.iter().map(|c| escape(&cause::plain(c))).collect();
            let more = if reason.more > 0 { format!(" and {} more", reason.more) } else { String::new() };
            let causes =
                if causes.is_empty() { String::new() } else { format!(": {}{more}", causes.join(", ")) };
            format!("{}{causes}", escape(&reason.text))
        })
        .collect();
    format!("| {} | {} |\n", cell(&code(build.name.as_bytes())), reasons.join("<br>"))
}
