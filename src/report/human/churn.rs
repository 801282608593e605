//! `churn` for people: a table of the steps, then what would spare rebuilds.

use std::io::{self, Write};

use super::super::churn::{ChurnReport, ChurnStep};
use super::super::path::shown;
use super::table::{Column, lay_out};
use super::{Look, Tone, wrap};

/// Writes the answer.
pub fn write(out: &mut dyn Write, report: &ChurnReport, look: &Look) -> io::Result<()> {
    writeln!(out, "{}", look.paint(Tone::Strong, &heading(report)))?;
    writeln!(out)?;
    table(out, report, look)?;
    for step in report.steps.iter().filter(|s| look.verbose && !s.paths.is_empty()) {
        writeln!(out, "{}", look.paint(Tone::Strong, &shown(step.name.as_bytes())))?;
        for path in &step.paths {
            writeln!(out, "  {:>5}  {}", path.commits, shown(&path.path.0))?;
        }
        writeln!(out)?;
    }
    for proposal in &report.proposals {
        said(out, Tone::Hint, "hint:", &proposal.sentence(), look)?;
        let place = if proposal.kind == "ignore" { "the ignore file" } else { "the Dockerfile" };
        writeln!(out, "  in {place}:")?;
        for line in &proposal.edit {
            writeln!(out, "    {}", shown(line.as_bytes()))?;
        }
        let (before, after) = (proposal.steps_before, proposal.steps_after);
        writeln!(
            out,
            "  {}",
            look.paint(Tone::Faint, &format!("all steps together: {after} runs instead of {before}"))
        )?;
    }
    for note in notes(report) {
        said(out, Tone::Faint, "note:", &note, look)?;
    }
    Ok(())
}

/// `Dockerfile, target app: 200 commits up to 3f2a1bc (HEAD)`.
fn heading(report: &ChurnReport) -> String {
    let target = if report.target.is_empty() { String::new() } else { format!(", target {}", report.target) };
    let newest = report.newest.as_ref().map_or_else(String::new, |c| format!("{} ", short(&c.id)));
    let commits = super::count(report.commits as u64, "commit");
    shown(format!("{}{target}: {commits} up to {newest}({})", report.dockerfile, report.revision).as_bytes())
}

/// The first ten digits.
pub fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

/// Whether a step is worth a line: one that always came from the cache and pulls a base isn't.
pub fn is_listed(step: &ChurnStep) -> bool {
    step.instruction != "FROM" || step.missed + step.unknown > 0
}

/// What has to be known to read the numbers.
pub fn notes(report: &ChurnReport) -> Vec<String> {
    let mut notes = vec![
        "counted for a builder that has built every commit before it, along the first parents, and forgets nothing; base \
         images are what their names say"
            .to_owned(),
    ];
    if report.not_counted > 0 {
        let why = report
            .left_out
            .first()
            .map_or_else(String::new, |l| format!(" (the newest, {}: {})", short(&l.commit), l.why));
        let commits = super::count(report.not_counted as u64, "commit");
        notes.push(format!("{commits} can't be built and are not counted{why}"));
    }
    notes.extend(report.notes.iter().cloned());
    notes
}

fn table(out: &mut dyn Write, report: &ChurnReport, look: &Look) -> io::Result<()> {
    let columns = [
        Column { title: "LINE", right: true },
        Column { title: "RAN", right: true },
        Column { title: "OF", right: true },
        Column { title: "OWN", right: true },
        Column { title: "MAYBE", right: true },
        Column { title: "STEP", right: false },
        Column { title: "MOSTLY BECAUSE OF", right: false },
    ];
    let rows: Vec<Vec<String>> = report.steps.iter().filter(|s| is_listed(s)).map(cells).collect();
    if rows.is_empty() {
        return Ok(());
    }
    for (i, line) in lay_out(&columns, &rows, 5, look.width).into_iter().enumerate() {
        let tone = if i == 0 { look.paint(Tone::Faint, &line) } else { line };
        writeln!(out, "{tone}")?;
    }
    writeln!(out)
}

fn cells(step: &ChurnStep) -> Vec<String> {
    let number = |n: usize| if n == 0 { "-".to_owned() } else { n.to_string() };
    vec![
        step.line.to_string(),
        number(step.missed),
        step.commits.to_string(),
        number(step.own),
        number(step.unknown),
        shown(step.name.as_bytes()),
        mostly(step),
    ]
}

/// The most frequent reason: a pattern, a path, or a word.
pub fn mostly(step: &ChurnStep) -> String {
    let pattern = step.only_because_of.first().map(|p| format!("{} ({})", p.pattern, p.commits));
    let path = step.paths.first().map(|p| format!("{} ({})", shown(&p.path.0), p.commits));
    let cause = step.causes.iter().max_by_key(|c| c.commits).map(|c| c.kind.clone());
    match cause.as_deref() {
        Some("files") => pattern.or(path).unwrap_or_else(|| "files".to_owned()),
        Some("parent") => "what it stands on".to_owned(),
        Some("ignore") => "the ignore file".to_owned(),
        Some("instruction") => "the instruction".to_owned(),
        Some(other) => other.to_owned(),
        None => String::new(),
    }
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
