//! `du` for people: the parts of the context, then the heaviest folders and files.

use std::io::{self, Write};

use super::super::du::{DuFile, DuReport, Shares, Weight};
use super::super::path::shown;
use super::table::{Column, lay_out};
use super::{Look, Tone, size, wrap};
use crate::wording::{count, thousands};

/// Writes the answer.
pub fn write(out: &mut dyn Write, report: &DuReport, look: &Look) -> io::Result<()> {
    writeln!(out, "{}", look.paint(Tone::Strong, &heading(report)))?;
    parts(out, &report.shares, look)?;
    for named in &report.named_contexts {
        let title = format!("named context {}", shown(named.name.as_bytes()));
        writeln!(out, "\n{}", look.paint(Tone::Strong, &title))?;
        parts(out, &named.shares, look)?;
    }
    folders(out, report, look)?;
    files(out, report, look)?;
    if let Some(why) = &report.steps_unknown {
        let text = format!("what is sent and used is not known: {why}");
        said(out, Tone::Warning, "warning:", &text, look)?;
    }
    for note in &report.notes {
        said(out, Tone::Faint, "note:", note, look)?;
    }
    match verdict(report) {
        Some((true, text)) => said(out, Tone::Error, "error:", &text, look),
        Some((false, text)) => said(out, Tone::Faint, "note:", &text, look),
        None => Ok(()),
    }
}

/// `context .  ·  ignore file .dockerignore  ·  Dockerfile  ·  target app`.
pub fn heading(report: &DuReport) -> String {
    let path = report.context.path.as_ref().map_or_else(String::new, |p| shown(&p.0));
    let ignore = report.context.ignore_file.as_deref().unwrap_or("none");
    let target = if report.target.is_empty() { String::new() } else { format!(", target {}", report.target) };
    let rest = format!("ignore file {ignore}, {}{target}", report.dockerfile);
    format!("context {path} ({})", shown(rest.as_bytes()))
}

/// The parts with what they mean, in the order of the columns.
pub fn lines(shares: &Shares) -> Vec<(&'static str, Weight, &'static str)> {
    let known = |name, weight: Option<Weight>, text| weight.map(|w| (name, w, text));
    [
        Some((
            "in view",
            shares.visible,
            "left by the ignore file; a build without BuildKit sends all of it",
        )),
        known("sent", shares.sent, "what BuildKit asks for, for this target"),
        known("used", shares.used, "taken by some instruction"),
        known("unused", shares.unused, "in view, and taken by none"),
        Some(("hidden", shares.hidden, "by the ignore file")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A table of the parts.
fn parts(out: &mut dyn Write, shares: &Shares, look: &Look) -> io::Result<()> {
    let columns = [column("", false), column("files", true), column("bytes", true), column("", false)];
    let row = |(name, weight, text): (&str, Weight, &str)| {
        vec![name.to_owned(), thousands(files_of(weight)), size(weight.bytes), text.to_owned()]
    };
    let rows: Vec<Vec<String>> = lines(shares).into_iter().map(row).collect();
    table(out, &columns, &rows, 3, look)
}

/// A table of the folders.
fn folders(out: &mut dyn Write, report: &DuReport, look: &Look) -> io::Result<()> {
    if report.folders.is_empty() {
        return Ok(());
    }
    let parts = lines(&report.shares);
    let names = parts.iter().map(|(name, ..)| column(name, true));
    let columns: Vec<Column> = std::iter::once(column("folder", false)).chain(names).collect();
    let row = |path: String, shares: &Shares| {
        let sizes = lines(shares).into_iter().map(|(_, weight, _)| size(weight.bytes));
        std::iter::once(path).chain(sizes).collect()
    };
    let rows: Vec<Vec<String>> =
        report.folders.iter().map(|f| row(format!("{}/", shown(&f.path.0)), &f.shares)).collect();
    writeln!(out)?;
    table(out, &columns, &rows, 0, look)?;
    if report.folders_left_out > 0 {
        let text = format!("and {} more: see --top", count(report.folders_left_out, "folder"));
        writeln!(out, "{}", look.paint(Tone::Faint, &text))?;
    }
    Ok(())
}

/// A table of the files.
fn files(out: &mut dyn Write, report: &DuReport, look: &Look) -> io::Result<()> {
    if report.files.is_empty() {
        return Ok(());
    }
    let columns = [column("largest files in view", false), column("bytes", true), column("", false)];
    let row = |f: &DuFile| vec![shown(&f.path.0), size(f.bytes), fate(f).to_owned()];
    let rows: Vec<Vec<String>> = report.files.iter().map(row).collect();
    writeln!(out)?;
    table(out, &columns, &rows, 0, look)
}

/// What becomes of a file.
pub fn fate(file: &DuFile) -> &'static str {
    match (file.sent, file.used) {
        (_, Some(true)) => "used",
        (Some(true), _) => "sent, unused",
        (Some(false), _) => "not sent",
        (None, _) => "",
    }
}

/// Whether the limit is exceeded, and a sentence about it.
pub fn verdict(report: &DuReport) -> Option<(bool, String)> {
    let limit = report.limit?;
    let (bytes, max) = (size(limit.bytes), size(limit.max));
    let (many, most) = (thousands_of(limit.bytes), thousands_of(limit.max));
    let what = if report.shares.sent.is_some() { "is sent" } else { "is in view" };
    Some(match limit.exceeded {
        true => (true, format!("{bytes} ({many} bytes) {what}, more than the {max} ({most} bytes) of --max")),
        false => (false, format!("{bytes} {what}, within the {max} of --max")),
    })
}

/// A label and a sentence, wrapped.
fn said(out: &mut dyn Write, tone: Tone, label: &str, text: &str, look: &Look) -> io::Result<()> {
    writeln!(out)?;
    let mut label = look.paint(tone, label);
    for line in wrap(&shown(text.as_bytes()), look.width.saturating_sub(2)) {
        writeln!(out, "{label} {line}")?;
        label = " ".to_owned();
    }
    Ok(())
}

fn table(
    out: &mut dyn Write,
    columns: &[Column],
    rows: &[Vec<String>],
    flexible: usize,
    look: &Look,
) -> io::Result<()> {
    for (at, line) in lay_out(columns, rows, flexible, look.width).iter().enumerate() {
        let tone = if at == 0 { look.paint(Tone::Faint, line) } else { line.clone() };
        writeln!(out, "{tone}")?;
    }
    Ok(())
}

fn column(title: &'static str, right: bool) -> Column {
    Column { title, right }
}

fn files_of(weight: Weight) -> usize {
    usize::try_from(weight.files).unwrap_or(usize::MAX)
}

fn thousands_of(bytes: u64) -> String {
    thousands(usize::try_from(bytes).unwrap_or(usize::MAX))
}
