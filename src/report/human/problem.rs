//! Errors and warnings with their place, the source line, and a hint.

use std::io::{self, Write};

use super::super::path::shown;
use super::super::plan::{ErrorReport, WarningReport};
use super::{Look, Tone, table};

/// Writes an error: message, place, source line with a caret, what the engine says, hint.
pub fn error(out: &mut dyn Write, error: &ErrorReport, dockerfile: &str, look: &Look) -> io::Result<()> {
    writeln!(out, "{} {}", look.paint(Tone::Error, "error:"), shown(error.message.as_bytes()))?;
    let file = shown(error.file.as_deref().unwrap_or(dockerfile).as_bytes());
    if let Some(line) = error.line {
        let column = error.column.filter(|c| *c > 0).map_or_else(String::new, |c| format!(":{c}"));
        writeln!(out, "  {} {file}:{line}{column}", look.paint(Tone::Faint, "-->"))?;
        if let Some(source) = &error.source {
            excerpt(out, line, error.column, source, look)?;
        }
    } else if error.file.is_some() {
        writeln!(out, "  {} {file}", look.paint(Tone::Faint, "-->"))?;
    }
    if !error.engine_message.is_empty() && error.engine_message != error.message {
        writeln!(out, "  {} {}", look.paint(Tone::Faint, "engine:"), shown(error.engine_message.as_bytes()))?;
    }
    if let Some(hint) = &error.hint {
        writeln!(out, "  {} {}", look.paint(Tone::Hint, "hint:"), shown(hint.as_bytes()))?;
    }
    Ok(())
}

/// Writes a warning with its place.
pub fn warning(
    out: &mut dyn Write,
    warning: &WarningReport,
    dockerfile: &str,
    look: &Look,
) -> io::Result<()> {
    let place =
        warning.line.map_or_else(String::new, |line| format!("{}:{line}: ", shown(dockerfile.as_bytes())));
    writeln!(out, "{} {place}{}", look.paint(Tone::Warning, "warning:"), shown(warning.message.as_bytes()))
}

/// The source line with a caret below its column.
fn excerpt(
    out: &mut dyn Write,
    line: usize,
    column: Option<usize>,
    source: &str,
    look: &Look,
) -> io::Result<()> {
    let source = shown(source.trim_end().replace('\t', " ").as_bytes());
    let number = line.to_string();
    let (bar, number) = (look.paint(Tone::Faint, "|"), look.paint(Tone::Faint, &number));
    let room = look.width.saturating_sub(line.to_string().len() + 5).max(20);
    writeln!(out, "  {number} {bar} {}", table::cut(&source, room))?;
    let Some(column) = column.filter(|c| *c > 0 && source.is_char_boundary(c - 1)) else { return Ok(()) };
    let before = source[..column - 1].chars().count();
    if before >= room {
        return Ok(());
    }
    let indent = " ".repeat(line.to_string().len());
    writeln!(out, "  {indent} {bar} {}{}", " ".repeat(before), look.paint(Tone::Error, "^"))
}
