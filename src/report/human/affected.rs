//! `affected` for people: what has to be built again and why, then what does not.

use std::io::{self, Write};

use super::super::affected::{AffectedBuild, AffectedReason, AffectedReport, Change, StateReport};
use super::super::cause;
use super::super::path::shown;
use super::why::paragraph;
use super::{Look, Tone, wrap};

/// Writes the answer.
pub fn write(out: &mut dyn Write, report: &AffectedReport, look: &Look) -> io::Result<()> {
    writeln!(out, "{}", look.paint(Tone::Strong, &heading(report)))?;
    for build in report.builds.iter().filter(|b| b.affected) {
        writeln!(out)?;
        block(out, build, look)?;
    }
    for (title, gone) in [("not affected:", false), ("gone:", true)] {
        let is = |b: &&AffectedBuild| !b.affected && (b.change == Change::Gone) == gone;
        let names: Vec<String> = report.builds.iter().filter(is).map(|b| b.name.clone()).collect();
        if !names.is_empty() {
            writeln!(out)?;
            paragraph(out, Tone::Faint, title, &names.join(", "), look)?;
        }
    }
    if !report.notes.is_empty() {
        writeln!(out)?;
    }
    report.notes.iter().try_for_each(|note| paragraph(out, Tone::Faint, "note:", note, look))
}

/// `2 of 5 builds are affected, main (3f2a1bc) → work tree`.
pub fn heading(report: &AffectedReport) -> String {
    let all = report.summary.affected + report.summary.unaffected;
    let are = if report.summary.affected == 1 { "is" } else { "are" };
    let builds = if all == 1 { "build" } else { "builds" };
    let (base, head) = (state(&report.base), state(&report.head));
    format!("{} of {all} {builds} {are} affected, {base} → {head}", report.summary.affected)
}

fn state(state: &StateReport) -> String {
    let short = |revision: &String| revision.chars().take(10).collect::<String>();
    match (&state.name, &state.revision) {
        (Some(name), Some(revision)) => shown(format!("{name} ({})", short(revision)).as_bytes()),
        (Some(name), None) => shown(name.as_bytes()),
        (None, _) => "work tree".to_owned(),
    }
}

/// A build with its reasons.
fn block(out: &mut dyn Write, build: &AffectedBuild, look: &Look) -> io::Result<()> {
    let word = match build.change {
        Change::New => "new",
        Change::Unknown => "unknown",
        _ => "changed",
    };
    let line = build.line.map_or_else(String::new, |line| format!(":{line}"));
    let place = shown(format!("{}{line}", build.file).as_bytes());
    let name = look.paint(Tone::Strong, &shown(build.name.as_bytes()));
    writeln!(
        out,
        "{} {name} {}",
        look.paint(Tone::Warning, word),
        look.paint(Tone::Faint, &format!("({place})"))
    )?;
    build.reasons.iter().try_for_each(|reason| lines(out, reason, look))
}

/// A reason and its causes.
fn lines(out: &mut dyn Write, reason: &AffectedReason, look: &Look) -> io::Result<()> {
    for line in wrap(&shown(reason.text.as_bytes()), look.width.saturating_sub(2).max(20)) {
        writeln!(out, "  {line}")?;
    }
    for cause in &reason.causes {
        writeln!(out, "    {}", cause::plain(cause))?;
    }
    if reason.more > 0 {
        writeln!(out, "    {}", look.paint(Tone::Faint, &format!("and {} more", reason.more)))?;
    }
    Ok(())
}
