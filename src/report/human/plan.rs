//! `plan` for people: one line a step, what is sent, what surprises, what fails.

use std::io::{self, Write};

use super::super::json;
use super::super::path::shown;
use super::super::plan::{ContextSummary, PlanReport, Sent, StepReport};
use super::super::{Document, PathField};
use super::table::{Column, lay_out};
use super::{Look, Tone, count, problem, size};
use crate::digest::Digest;

impl Document for PlanReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        heading(out, self, look)?;
        steps(out, &self.steps, look)?;
        open(out, &self.steps, look)?;
        contexts(out, self, look)?;
        for warning in &self.warnings {
            writeln!(out)?;
            problem::warning(out, warning, &self.dockerfile, look)?;
        }
        for error in &self.errors {
            writeln!(out)?;
            problem::error(out, error, &self.dockerfile, look)?;
        }
        Ok(())
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.plan/1", self)
    }
}

/// What is planned, and what the keys are keys of.
fn heading(out: &mut dyn Write, report: &PlanReport, look: &Look) -> io::Result<()> {
    let target = if report.target.is_empty() { String::new() } else { format!(", target {}", report.target) };
    let steps = count(report.steps.len() as u64, "step");
    let title = format!("{}{target}: {steps}", shown(report.dockerfile.as_bytes()));
    writeln!(out, "{}", look.paint(Tone::Strong, &title))?;
    writeln!(out)
}

/// The table.
fn steps(out: &mut dyn Write, steps: &[StepReport], look: &Look) -> io::Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let columns = [
        ("line", true),
        ("step", false),
        ("files", true),
        ("bytes", true),
        ("content", false),
        ("key", false),
    ]
    .map(|(title, right)| Column { title, right });
    let rows: Vec<Vec<String>> = steps.iter().map(|s| row(s, look)).collect();
    let width = if look.verbose { usize::MAX } else { look.width };
    let mut lines = lay_out(&columns, &rows, 1, width).into_iter();
    if let Some(title) = lines.next() {
        writeln!(out, "{}", look.paint(Tone::Faint, &title))?;
    }
    for line in lines {
        writeln!(out, "{line}")?;
    }
    writeln!(out)
}

/// One step's cells.
fn row(step: &StepReport, look: &Look) -> Vec<String> {
    let reads = |n: u64, text: String| if step.reads.files == 0 && n == 0 { "-".to_owned() } else { text };
    vec![
        step.line.to_string(),
        // Continued lines bring their indentation into BuildKit's names.
        shown(step.name.split_whitespace().collect::<Vec<_>>().join(" ").as_bytes()),
        reads(step.reads.files, step.reads.files.to_string()),
        reads(step.reads.bytes, size(step.reads.bytes)),
        key(step.content_key.as_ref(), look),
        match &step.cache_key {
            None if !step.open.is_empty() => "unknown".to_owned(),
            digest => key(digest.as_ref(), look),
        },
    ]
}

/// The first twelve digits of a key; all of them when verbose.
fn key(digest: Option<&Digest>, look: &Look) -> String {
    match digest {
        None => "-".to_owned(),
        Some(digest) if look.verbose => digest.to_string(),
        Some(digest) => digest.hex()[..12].to_owned(),
    }
}

/// Each reason for which keys are unknown, once, with the lines that it concerns.
fn open(out: &mut dyn Write, steps: &[StepReport], look: &Look) -> io::Result<()> {
    let mut reasons: Vec<(&str, Vec<usize>)> = Vec::new();
    for step in steps {
        for reason in &step.open {
            match reasons.iter_mut().find(|(text, _)| text == reason) {
                Some((_, lines)) if lines.contains(&step.line) => {}
                Some((_, lines)) => lines.push(step.line),
                None => reasons.push((reason, vec![step.line])),
            }
        }
    }
    for (reason, lines) in &reasons {
        let label = look.paint(Tone::Faint, &format!("open, {}", on_lines(lines)));
        writeln!(out, "{label}: {}", shown(reason.as_bytes()))?;
    }
    if reasons.is_empty() { Ok(()) } else { writeln!(out) }
}

/// `line 3`, `lines 3, 5`, `lines 3, 5, 8 and 4 more`.
pub fn on_lines(lines: &[usize]) -> String {
    let first: Vec<String> = lines.iter().take(5).map(ToString::to_string).collect();
    let more = if lines.len() > 5 { format!(" and {} more", lines.len() - 5) } else { String::new() };
    format!("{} {}{more}", if lines.len() == 1 { "line" } else { "lines" }, first.join(", "))
}

/// What is seen, hidden and transferred, of each context.
fn contexts(out: &mut dyn Write, report: &PlanReport, look: &Look) -> io::Result<()> {
    context(out, None, &report.context, report.sent, look)?;
    for named in &report.named_contexts {
        context(out, Some(&named.name), &named.context, named.sent, look)?;
    }
    let anew: Vec<usize> = report.steps.iter().filter(|s| s.ignore_cache).map(|s| s.line).collect();
    if !anew.is_empty() {
        let it =
            if anew.len() == 1 { "it run whatever its key is" } else { "them run whatever their keys are" };
        fact(out, "anew", &format!("{}: --no-cache makes {it}", on_lines(&anew)), look)?;
    }
    let note = "of a clean sync: a daemon that keeps an older copy of the context may miss some changes";
    fact(out, "keys", note, look)
}

/// A label and what it labels.
fn fact(out: &mut dyn Write, label: &str, text: &str, look: &Look) -> io::Result<()> {
    writeln!(out, "{}{text}", look.paint(Tone::Faint, &format!("{label:<9}")))
}

/// One context's lines.
fn context(
    out: &mut dyn Write,
    name: Option<&str>,
    c: &ContextSummary,
    sent: Sent,
    look: &Look,
) -> io::Result<()> {
    let path = c.path.as_ref().map_or_else(String::new, |PathField(p)| shown(p));
    let name = name.map_or_else(String::new, |n| format!("{}=", shown(n.as_bytes())));
    if c.unlisted {
        return fact(
            out,
            "context",
            &format!("{name}{path}: not listed, because its ignore file can't be used"),
            look,
        );
    }
    let special = if c.special > 0 { format!(", {} special", c.special) } else { String::new() };
    let seen = listed(c.files, c.dirs, c.symlinks, c.bytes);
    fact(out, "context", &format!("{name}{path}: {seen}{special}"), look)?;
    let sent = listed(sent.files, sent.dirs, sent.symlinks, sent.bytes);
    fact(out, "sent", &format!("{sent}, which is what some instruction names"), look)?;
    let ignored = if c.ignored == 1 { "1 entry".to_owned() } else { format!("{} entries", c.ignored) };
    let reason = c.ignore_file_reason.as_deref().map_or_else(String::new, |r| shown(r.as_bytes()));
    match &c.ignore_file {
        Some(file) => {
            let file = shown(file.as_bytes());
            fact(out, "ignored", &format!("{ignored} by {file} ({reason})"), look)
        }
        None => fact(out, "ignored", &format!("nothing: {reason}"), look),
    }
}

/// `12 files, 3 folders, 1 link, 4.6 KiB`.
fn listed(files: u64, dirs: u64, symlinks: u64, bytes: u64) -> String {
    let links = if symlinks > 0 { format!(", {}", count(symlinks, "link")) } else { String::new() };
    format!("{}, {}{links}, {}", count(files, "file"), count(dirs, "folder"), size(bytes))
}
