//! `explain` for people.

use std::io::{self, Write};

use super::super::explain::{ExplainReport, PathReport};
use super::super::path::shown;
use super::super::{Document, json};
use super::{Look, Tone};

impl Document for ExplainReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        for (i, path) in self.paths.iter().enumerate() {
            if i > 0 {
                writeln!(out)?;
            }
            explain(out, path, self, look)?;
        }
        Ok(())
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.explain/1", self)
    }
}

/// One path's answer.
fn explain(out: &mut dyn Write, path: &PathReport, report: &ExplainReport, look: &Look) -> io::Result<()> {
    let state = match (path.exists, path.sent) {
        (_, true) => look.paint(Tone::Hint, "sent"),
        (true, false) => look.paint(Tone::Error, "not sent"),
        (false, false) => look.paint(Tone::Error, "does not exist"),
    };
    writeln!(out, "{}: {state}", look.paint(Tone::Strong, &shown(&path.path.0)))?;
    writeln!(out, "  {}", shown(decision(path, report).as_bytes()))?;
    for note in &path.notes {
        writeln!(out, "  {}", shown(note.as_bytes()))?;
    }
    steps(out, path, report, look)
}

/// The sentence that names the pattern.
fn decision(path: &PathReport, report: &ExplainReport) -> String {
    match (&path.decided_by, &report.ignore_file) {
        (Some(v), _) if v.negated => {
            format!("`{}` line {} (`{}`) brings it back", v.ignore_file, v.line, v.pattern)
        }
        (Some(v), _) => {
            let verb = if path.exists { "hides it" } else { "would hide it" };
            format!("`{}` line {} (`{}`) {verb}", v.ignore_file, v.line, v.pattern)
        }
        (None, Some(file)) => format!("no pattern of `{file}` matches it"),
        (None, None) => format!("no ignore file is in force: {}", report.ignore_file_reason),
    }
}

/// The instructions that take it.
fn steps(out: &mut dyn Write, path: &PathReport, report: &ExplainReport, look: &Look) -> io::Result<()> {
    if let Some(reason) = &report.steps_unknown {
        return writeln!(out, "  which instructions take it is not known: {}", shown(reason.as_bytes()));
    }
    for step in &path.steps {
        let lands = step.destination.as_ref().map_or_else(String::new, |d| format!(" -> {}", shown(&d.0)));
        let line = look.paint(Tone::Faint, &format!("line {}:", step.line));
        writeln!(out, "  {line} {}{lands}", shown(step.name.as_bytes()))?;
    }
    if path.sent && path.steps.is_empty() && path.requested == Some(false) {
        writeln!(out, "  no instruction of the target takes it, so that it is not even transferred")?;
    }
    if path.requested == Some(true) && path.steps.is_empty() && path.kind == Some("symlink") {
        writeln!(out, "  it is transferred because an instruction's source leads through it")?;
    }
    Ok(())
}
