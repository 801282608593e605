//! `ls` for people: a path a line, or raw paths that end with NUL.

use std::io::{self, Write};

use super::super::listing::{EntryReport, ListReport};
use super::super::path::shown;
use super::super::{Document, json};
use super::{Look, Tone};

impl Document for ListReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        let hidden = self.entries.iter().any(|e| e.ignored.is_some());
        let seen = self.entries.iter().any(|e| e.ignored.is_none());
        for entry in &self.entries {
            if look.nul {
                raw(out, entry)?;
            } else {
                line(out, entry, hidden && seen, look)?;
            }
        }
        Ok(())
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.ls/1", self)
    }
}

/// The raw path, with the raw destination behind a further NUL for `--step`.
fn raw(out: &mut dyn Write, entry: &EntryReport) -> io::Result<()> {
    out.write_all(&entry.path.0)?;
    out.write_all(b"\0")?;
    if let Some(destination) = &entry.destination {
        out.write_all(&destination.0)?;
        out.write_all(b"\0")?;
    }
    Ok(())
}

/// One line: digests and columns where asked for, a mark where hidden and seen stand together, the path.
fn line(out: &mut dyn Write, entry: &EntryReport, marks: bool, look: &Look) -> io::Result<()> {
    if let Some(digest) = entry.sha256.or(entry.blake3) {
        write!(out, "{}  ", digest.hex())?;
    } else if entry.hashed() {
        write!(out, "{:64}  ", "-")?;
    }
    if look.verbose {
        let size = entry.size.map_or_else(|| "-".to_owned(), |s| s.to_string());
        write!(out, "{:<8} {:04o} {size:>12}  ", entry.kind, entry.mode)?;
    }
    if marks {
        out.write_all(if entry.ignored.is_some() { b"- " } else { b"+ " })?;
    }
    write!(out, "{}", shown(&entry.path.0))?;
    if entry.kind == "dir" {
        out.write_all(b"/")?;
    }
    if let Some(link) = entry.linkname.as_ref().filter(|_| entry.destination.is_none()) {
        write!(out, "{} {}", if entry.kind == "symlink" { " ->" } else { " =" }, shown(&link.0))?;
    }
    if let Some(destination) = &entry.destination {
        write!(out, " -> {}", shown(&destination.0))?;
    }
    if let Some(cause) = &entry.ignored {
        let text = format!("{}:{} ({})", cause.ignore_file, cause.line, cause.pattern);
        write!(out, "  {}", look.paint(Tone::Faint, &shown(text.as_bytes())))?;
    }
    writeln!(out)
}
