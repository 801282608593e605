//! `ignore` for people: the lines with what each saves, then what changes.

use std::io::{self, Write};

use super::super::ignore::{IgnoreFailure, IgnoreFold, IgnoreLine, IgnoreReport, IgnoreStep, IgnoreSum};
use super::super::path::shown;
use super::table::{Column, lay_out};
use super::{Look, Tone, count, size, wrap};

/// So many steps are told unless it is asked for more.
const STEPS: usize = 12;
/// So many groups of files are told unless it is asked for more.
const GROUPS: usize = 12;

/// Writes the answer.
pub fn write(out: &mut dyn Write, report: &IgnoreReport, look: &Look) -> io::Result<()> {
    writeln!(out, "{}", look.paint(Tone::Strong, &heading(report)))?;
    let failing = report.builds.iter().filter(|b| !b.fails.is_empty());
    for build in failing.take(if look.verbose { usize::MAX } else { 3 }) {
        let name = named(&build.dockerfile, build.build.as_deref());
        said(out, Tone::Warning, "warning:", &format!("{name} fails now: {}", build.fails.join("; ")), look)?;
    }
    writeln!(out)?;
    match report.mode.as_str() {
        "test" => {}
        "from-gitignore" => converted(out, report)?,
        _ => proposed(out, report, look)?,
    }
    for (title, fold) in [("comes into view", &report.added), ("goes out of view", &report.removed)] {
        if let Some(fold) = fold {
            folded(out, title, fold, look)?;
        }
    }
    changes(out, &report.changes, look)?;
    failures(out, report, look)?;
    for remark in &report.remarks {
        said(out, Tone::Faint, "note:", remark, look)?;
    }
    last(out, report, look)
}

/// `.dockerignore, for Dockerfile and 2 more builds`.
fn heading(report: &IgnoreReport) -> String {
    let file = shown(report.ignore_file.as_bytes());
    let new = if report.exists { "" } else { " (new)" };
    let Some(first) = report.builds.first() else { return format!("{file}{new}") };
    let first = named(&first.dockerfile, first.build.as_deref());
    match report.builds.len() {
        1 => format!("{file}{new}, for {first}"),
        n => format!("{file}{new}, for {first} and {} more", count(n as u64 - 1, "build")),
    }
}

/// A Dockerfile, with what tells the build from others.
pub fn named(dockerfile: &str, build: Option<&str>) -> String {
    let file = shown(dockerfile.as_bytes());
    build.map_or_else(|| file.clone(), |b| format!("{file} ({})", shown(b.as_bytes())))
}

fn proposed(out: &mut dyn Write, report: &IgnoreReport, look: &Look) -> io::Result<()> {
    if report.lines.is_empty() {
        writeln!(out, "nothing to add: {}", nothing(report))?;
        return Ok(());
    }
    let columns = [
        Column { title: "LINE", right: false },
        Column { title: "FILES", right: true },
        Column { title: "SIZE", right: true },
        Column { title: "WHY", right: false },
    ];
    let rows: Vec<Vec<String>> = report.lines.iter().map(cells).collect();
    for (i, line) in lay_out(&columns, &rows, 3, look.width).into_iter().enumerate() {
        writeln!(out, "{}", if i == 0 { look.paint(Tone::Faint, &line) } else { line })?;
    }
    writeln!(out, "\ntogether {}", amount(&report.saved))?;
    if report.left.files > 0 {
        writeln!(
            out,
            "{}",
            look.paint(Tone::Faint, &format!("no step takes {} more", amount(&report.left)))
        )?;
    }
    for line in report.lines.iter().filter(|_| look.verbose) {
        writeln!(out, "\n{}", look.paint(Tone::Strong, &shown(line.line.as_bytes())))?;
        for path in &line.examples {
            writeln!(out, "  {}", shown(&path.0))?;
        }
        for step in &line.steps {
            writeln!(out, "  taken by {}", place(step))?;
        }
    }
    writeln!(out)
}

fn nothing(report: &IgnoreReport) -> String {
    match report.left.files {
        0 => "every file in view is taken by some step, and none is litter".to_owned(),
        _ => format!("no step takes {}, but no line hides that without harm", amount(&report.left)),
    }
}

fn cells(line: &IgnoreLine) -> Vec<String> {
    let files = line.sum.files.to_string();
    vec![shown(line.line.as_bytes()), files, size(line.sum.bytes), why(line)]
}

/// Why a line is proposed.
pub fn why(line: &IgnoreLine) -> String {
    let layers = line.steps.len() as u64;
    match (&line.what, layers) {
        (Some(what), 0) => format!("{what}, taken by no step"),
        (None, _) => "taken by no step".to_owned(),
        (Some(what), n) => {
            let first = line.steps.first().map_or("", |s| s.step.as_str());
            let more = if n > 1 { format!(" and {}", count(n - 1, "other step")) } else { String::new() };
            format!("{what}; in the key of {}{more}", shown(first.as_bytes()))
        }
    }
}

/// `3 files, 1.2 MiB`.
pub fn amount(sum: &IgnoreSum) -> String {
    format!("{}, {}", count(sum.files, "file"), size(sum.bytes))
}

fn converted(out: &mut dyn Write, report: &IgnoreReport) -> io::Result<()> {
    for line in &report.lines {
        writeln!(out, "{}", shown(line.line.as_bytes()))?;
    }
    let exact = match report.exact {
        Some(true) => "on the files that are here the lines hide what git ignores, and nothing else",
        _ => "on the files that are here the lines do not hide exactly what git ignores: see the notes",
    };
    let from = count(report.gitignores.len() as u64, "file");
    writeln!(out, "\nfrom {from}; {exact}\n")
}

fn folded(out: &mut dyn Write, title: &str, fold: &IgnoreFold, look: &Look) -> io::Result<()> {
    if fold.total == IgnoreSum::default() {
        return writeln!(out, "nothing {title}");
    }
    writeln!(out, "{} {title}:", amount(&fold.total))?;
    let most = if look.verbose { usize::MAX } else { GROUPS };
    for group in fold.groups.iter().take(most) {
        let slash = if group.folder { "/" } else { "" };
        let some = if group.whole { "" } else { "… " };
        writeln!(out, "  {}{slash}  {some}{}", shown(&group.path.0), amount(&group.sum))?;
    }
    let more = fold.groups.len().saturating_sub(most) + fold.more;
    if more > 0 {
        writeln!(out, "  and {more} more")?;
    }
    Ok(())
}

/// `[2/3] COPY . . (Dockerfile:4)`.
pub fn place(step: &IgnoreStep) -> String {
    format!("{} ({}:{})", shown(step.step.as_bytes()), shown(step.dockerfile.as_bytes()), step.line)
}

fn changes(out: &mut dyn Write, changes: &[IgnoreStep], look: &Look) -> io::Result<()> {
    if changes.is_empty() {
        return writeln!(out, "no step's key changes");
    }
    writeln!(out, "{} once, because what they take or stand on is another:", keys(changes.len()))?;
    let most = if look.verbose { usize::MAX } else { STEPS };
    for step in changes.iter().take(most) {
        let stands = if step.own { "" } else { "  (stands on one of these)" };
        writeln!(out, "  {}{stands}", place(step))?;
    }
    match changes.len().saturating_sub(most) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
}

fn keys(n: usize) -> String {
    if n == 1 { "1 step gets another key".to_owned() } else { format!("{n} steps get other keys") }
}

fn failures(out: &mut dyn Write, report: &IgnoreReport, look: &Look) -> io::Result<()> {
    let line = |f: &IgnoreFailure| {
        let at = f.line.map_or_else(String::new, |l| format!(":{l}"));
        format!("{}{at}: {}", named(&f.dockerfile, f.build.as_deref()), f.message)
    };
    for failure in &report.failures {
        said(out, Tone::Error, "fails:", &line(failure), look)?;
    }
    for failure in &report.mended {
        said(out, Tone::Hint, "mended:", &line(failure), look)?;
    }
    Ok(())
}

fn last(out: &mut dyn Write, report: &IgnoreReport, look: &Look) -> io::Result<()> {
    let Some(written) = &report.written else {
        let hint = "`--write` changes the file and keeps the old one beside it";
        return if report.differs { said(out, Tone::Hint, "hint:", hint, look) } else { Ok(()) };
    };
    let kept = written
        .backup
        .as_ref()
        .map_or_else(String::new, |b| format!("; the old one is {}", shown(b.as_bytes())));
    writeln!(out, "wrote {}{kept}", shown(written.file.as_bytes()))
}

fn said(out: &mut dyn Write, tone: Tone, label: &str, text: &str, look: &Look) -> io::Result<()> {
    let text = shown(text.as_bytes());
    for (i, line) in wrap(&text, look.width.saturating_sub(label.len() + 1).max(20)).iter().enumerate() {
        match i {
            0 => writeln!(out, "{} {line}", look.paint(tone, label))?,
            _ => writeln!(out, "{} {line}", " ".repeat(label.len()))?,
        }
    }
    Ok(())
}
