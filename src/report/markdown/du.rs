//! `du` as Markdown.

use std::io::{self, Write};

use super::super::du::{DuFile, DuFolder, DuReport};
use super::super::human::du::{fate, heading, lines, verdict};
use super::super::human::size;
use super::{Page, cell, code, escape, text};

/// Bytes that a table may have.
const TABLE: usize = 20_000;

/// Writes the page.
pub fn write(out: &mut dyn Write, report: &DuReport) -> io::Result<()> {
    let mut page = Page::default();
    page.push(&format!("### What the context weighs\n\n{}\n\n", escape(&heading(report))));
    if let Some((exceeded, sentence)) = verdict(report) {
        let mark = if exceeded { "❌" } else { "✅" };
        page.push(&format!("{mark} {}\n\n", escape(&sentence)));
    }
    page.push("| | files | bytes | |\n|---|---:|---:|---|\n");
    for (name, weight, what) in lines(&report.shares) {
        page.push(&format!("| {name} | {} | {} | {what} |\n", weight.files, size(weight.bytes)));
    }
    for named in &report.named_contexts {
        page.push(&format!(
            "\nNamed context {}\n\n| | files | bytes |\n|---|---:|---:|\n",
            code(named.name.as_bytes())
        ));
        for (name, weight, _) in lines(&named.shares) {
            page.push(&format!("| {name} | {} | {} |\n", weight.files, size(weight.bytes)));
        }
    }
    if !report.folders.is_empty() {
        let names: Vec<&str> = lines(&report.shares).into_iter().map(|(name, ..)| name).collect();
        page.push(&format!("\n| folder | {} |\n|---|{}\n", names.join(" | "), "---:|".repeat(names.len())));
        page.push_all(report.folders.iter().map(folder), TABLE, |n| format!("\n_and {n} more folders_\n"));
    }
    if !report.files.is_empty() {
        page.push("\n| largest files in view | bytes | |\n|---|---:|---|\n");
        page.push_all(report.files.iter().map(file), TABLE, |n| format!("\n_and {n} more files_\n"));
    }
    let unknown = report.steps_unknown.iter().map(|why| format!("what is sent and used is not known: {why}"));
    for note in unknown.chain(report.notes.iter().cloned()) {
        page.push(&format!("\n_{}_\n", text(&note)));
    }
    page.write(out)
}

fn folder(folder: &DuFolder) -> String {
    let sizes: Vec<String> = lines(&folder.shares).into_iter().map(|(_, w, _)| size(w.bytes)).collect();
    format!("| {} | {} |\n", cell(&code(&folder.path.0)), sizes.join(" | "))
}

fn file(file: &DuFile) -> String {
    format!("| {} | {} | {} |\n", cell(&code(&file.path.0)), size(file.bytes), fate(file))
}
