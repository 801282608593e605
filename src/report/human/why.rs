//! `why` for people: what reruns first and why, then every step in a line, then what to do about it.

use std::io::{self, Write};

use super::super::cause::{self, Line, Piece};
use super::super::path::shown;
use super::super::why::{BaselineReport, CacheAnswer, WhyReport, WhyStep, verdict_name};
use super::table::cut;
use super::{Look, Tone, on_lines, wrap};
use crate::diff::{CauseKind, Verdict};
use crate::wording::{count, thousands};

/// So many causes of a step are shown unless it is asked for more.
const CAUSES: usize = 10;

/// Writes the answer.
pub fn write(out: &mut dyn Write, report: &WhyReport, look: &Look) -> io::Result<()> {
    writeln!(out, "{}", look.paint(Tone::Strong, &heading(report)))?;
    if let Some(answer) = cache_answer(&report.baseline) {
        writeln!(out, "{} {answer}", look.paint(Tone::Warning, "cache:"))?;
    }
    writeln!(out)?;
    for step in report.steps.iter().filter(|s| stands_out(s)) {
        block(out, step, report, look)?;
        writeln!(out)?;
    }
    steps(out, report, look)?;
    let open = cause::open(&report.steps);
    for (reason, lines) in &open {
        paragraph(out, Tone::Warning, &format!("open, {}:", on_lines(lines)), reason, look)?;
    }
    if !open.is_empty() {
        writeln!(out)?;
    }
    for note in &report.notes {
        paragraph(out, Tone::Faint, "note:", note, look)?;
    }
    for hint in &report.hints {
        let unchecked = if hint.checked { "" } else { " (not checked)" };
        paragraph(out, Tone::Hint, "hint:", &format!("{}{unchecked}", hint.text), look)?;
    }
    if !report.notes.is_empty() || !report.hints.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{}", look.paint(Tone::Strong, &summary(report)))
}

/// `Dockerfile, target app, against git:main (3f2a1bc)`.
fn heading(report: &WhyReport) -> String {
    let target = if report.target.is_empty() { String::new() } else { format!(", target {}", report.target) };
    let text = format!("{}{target}, against {}", report.dockerfile, baseline(&report.baseline));
    shown(text.as_bytes())
}

/// `git:main (3f2a1bc)`.
pub fn baseline(baseline: &BaselineReport) -> String {
    let revision = baseline.revision.as_ref().map(|r| r.chars().take(10).collect::<String>());
    let taken = baseline.taken.map(super::super::time::utc);
    let more = revision.or(taken).map_or_else(String::new, |more| format!(" ({more})"));
    match baseline.kind.as_str() {
        "snapshot" => format!("{}{more}", baseline.name),
        kind => format!("{kind}:{}{more}", baseline.name),
    }
}

/// What a cache is good for, where that is not all that was asked for.
pub fn cache_answer(baseline: &BaselineReport) -> Option<&'static str> {
    match baseline.cache {
        Some(CacheAnswer::None) => Some("there is none that can be used: every step runs"),
        Some(CacheAnswer::OtherPlatform) => {
            Some("it was made for another platform: nothing of it can be used")
        }
        Some(CacheAnswer::OtherBase) => {
            Some("it was made on another base image: what stands on it can't be used")
        }
        Some(CacheAnswer::TheseFiles) => Some("it is one of this build; what differs is named below"),
        Some(CacheAnswer::Complete) => None,
        None if !baseline.usable => Some("nothing of the baseline can be used"),
        None => None,
    }
}

/// Whether a step gets a block of its own.
pub fn stands_out(step: &WhyStep) -> bool {
    step.first_cause && step.verdict != Verdict::Cached
        || step.may_be_stale
        || step.verdict == Verdict::Unknown && cause::has_own(step)
}

/// A step that stands out, with its causes.
fn block(out: &mut dyn Write, step: &WhyStep, report: &WhyReport, look: &Look) -> io::Result<()> {
    let title = format!("{}:", state(step));
    writeln!(out, "{} {}", look.paint(tone(step.verdict), &title), name(step))?;
    let arrow = look.paint(Tone::Faint, "-->");
    let file = report.dockerfile_path.as_ref().unwrap_or(&report.dockerfile);
    writeln!(out, "  {arrow} {}:{}", shown(file.as_bytes()), step.line)?;
    causes(out, &cause::lines(step), look)?;
    let after = followers(report, step);
    if !after.is_empty() {
        let one = after.len() == 1;
        let text = format!(
            "{} {} on it and {}, too: {}",
            count(after.len(), "step"),
            if one { "stands" } else { "stand" },
            if one { "reruns" } else { "rerun" },
            on_lines(&after)
        );
        paragraph(out, Tone::Faint, "  then", &text, look)?;
    }
    if step.may_be_stale {
        let text = "a daemon that holds this context does not notice what changed and may show the step cached; \
                    a clean one reruns it";
        paragraph(out, Tone::Warning, "  stale:", text, look)?;
    }
    Ok(())
}

/// The verdict, and what is likely where it can't be told.
pub fn state(step: &WhyStep) -> String {
    match step.likely {
        Some(likely) if step.verdict == Verdict::Unknown => {
            format!("unknown, likely {}", verdict_name(likely))
        }
        _ => verdict_name(step.verdict).to_owned(),
    }
}

/// The lines of a step's causes, the first ones of many.
fn causes(out: &mut dyn Write, lines: &[Line], look: &Look) -> io::Result<()> {
    let (first, rest) = split(lines, if look.verbose { usize::MAX } else { CAUSES });
    let width = first.iter().map(|line| line.kind.len()).max().unwrap_or(0);
    for line in first {
        let kind = look.paint(Tone::Warning, &format!("{:<width$}", line.kind));
        writeln!(out, "  {kind}  {}", words(&line.pieces))?;
        if let Some(hint) = &line.hint {
            paragraph(out, Tone::Hint, &format!("  {:width$}  hint:", ""), hint, look)?;
        }
    }
    if !rest.is_empty() {
        writeln!(out, "  {}", look.paint(Tone::Faint, &cause::more(rest)))?;
    }
    Ok(())
}

/// The first lines and the rest; folds stand for many, so that they are never in the rest while there is room. One line
/// more than the limit is shown rather than counted.
pub fn split(lines: &[Line], limit: usize) -> (Vec<&Line>, &[Line]) {
    if lines.len() <= limit.saturating_add(1) {
        return (lines.iter().collect(), &[]);
    }
    let folds = lines.iter().rev().take_while(|line| line.count > 1).count().min(limit);
    let single = limit - folds;
    let end = lines.len() - folds;
    (lines[..single].iter().chain(&lines[end..]).collect(), &lines[single..end])
}

/// A sentence as plain text.
pub fn words(pieces: &[Piece]) -> String {
    let word = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Name(name) => shown(name),
    };
    pieces.iter().map(word).collect()
}

/// The lines of the steps that rerun because of `first`.
fn followers(report: &WhyReport, first: &WhyStep) -> Vec<usize> {
    let mut reruns: Vec<&str> = vec![&first.name];
    let mut lines = Vec::new();
    // A step stands on others that come before it in the list, or on those of stages that come later in the file: once
    // more through the list finds these, too.
    loop {
        let known = reruns.len();
        for step in &report.steps {
            let stands = cause::parents(step).any(|parent| reruns.contains(&parent));
            if stands && step.verdict == Verdict::Rerun && !reruns.contains(&step.name.as_str()) {
                reruns.push(&step.name);
                lines.push(step.line);
            }
        }
        if reruns.len() == known {
            lines.sort_unstable();
            return lines;
        }
    }
}

/// Every step in a line; several cached ones in a row are one.
fn steps(out: &mut dyn Write, report: &WhyReport, look: &Look) -> io::Result<()> {
    let same = |a: &WhyStep, b: &WhyStep| plain(a) && plain(b) && !look.verbose;
    let rows: Vec<[String; 3]> = report.steps.chunk_by(same).flat_map(rows).collect();
    let widths = [0, 1].map(|i| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0));
    for (row, verdict) in rows.iter().zip(report.steps.chunk_by(same).flat_map(verdicts)) {
        let [state, line, text] = row;
        let state = look.paint(tone(verdict), &format!("{state:<0$}", widths[0]));
        let room = look.width.saturating_sub(widths[0] + widths[1] + 4).max(16);
        let text = if look.verbose { text.clone() } else { cut(text, room) };
        writeln!(out, "{state}  {line:>0$}  {text}", widths[1])?;
    }
    if rows.is_empty() { Ok(()) } else { writeln!(out) }
}

/// Nothing to be said about it.
fn plain(step: &WhyStep) -> bool {
    step.verdict == Verdict::Cached && !step.may_be_stale
}

/// The rows of a chunk: one for a few cached steps, else one each.
fn rows(chunk: &[WhyStep]) -> Vec<[String; 3]> {
    if chunk.len() > 2
        && let [first, .., last] = chunk
    {
        let lines = format!("{}-{}", first.line, last.line);
        return vec![["cached".to_owned(), lines, count(chunk.len(), "step")]];
    }
    let row = |step: &WhyStep| {
        let mut text = name(step);
        let mut after = cause::parents(step).peekable();
        if !step.first_cause
            && let Some(parent) = after.next()
        {
            let more = if after.peek().is_some() { " and others" } else { "" };
            text.push_str(&format!("  (after {}{more})", shown(short(parent).as_bytes())));
        }
        if step.may_be_stale {
            text.push_str("  (a daemon may show it cached)");
        }
        [state(step), step.line.to_string(), text]
    };
    chunk.iter().map(row).collect()
}

/// The verdicts that go with [`rows`].
fn verdicts(chunk: &[WhyStep]) -> Vec<Verdict> {
    if chunk.len() > 2 { vec![Verdict::Cached] } else { chunk.iter().map(|s| s.verdict).collect() }
}

/// `[build 2/4]` of `[build 2/4] COPY . .`.
pub fn short(name: &str) -> &str {
    name.find("] ").map_or(name, |end| &name[..=end])
}

/// A step's name in one line.
pub fn name(step: &WhyStep) -> String {
    // Continued lines bring their indentation into BuildKit's names.
    shown(step.name.split_whitespace().collect::<Vec<_>>().join(" ").as_bytes())
}

/// A verdict's colour.
fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Cached => Tone::Faint,
        Verdict::Rerun => Tone::Error,
        Verdict::Unknown => Tone::Warning,
    }
}

/// A label and words that are wrapped below each other.
pub fn paragraph(out: &mut dyn Write, tone: Tone, label: &str, text: &str, look: &Look) -> io::Result<()> {
    let indent = label.chars().count() + 1;
    let text = shown(text.as_bytes());
    let lines = wrap(&text, look.width.saturating_sub(indent).max(20));
    let label = look.paint(tone, label);
    writeln!(out, "{label} {}", lines.join(&format!("\n{}", " ".repeat(indent))))
}

/// ` (3 likely cached, 2 likely rerun)`, of the unknown steps.
fn likely(report: &WhyReport) -> String {
    let count = |verdict| {
        report.steps.iter().filter(|s| s.verdict == Verdict::Unknown && s.likely == Some(verdict)).count()
    };
    let words = [(count(Verdict::Cached), "cached"), (count(Verdict::Rerun), "rerun")];
    let words: Vec<String> = words
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} likely {what}", thousands(*n)))
        .collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

/// `2 of 4 steps rerun, 1 is cached, 1 unknown; first cause: line 7 (1,207 causes)`.
pub fn summary(report: &WhyReport) -> String {
    let all = report.steps.len();
    let s = report.summary;
    if s.cached == all {
        return if all == 1 {
            "the step is cached".to_owned()
        } else {
            format!("all {} steps are cached", thousands(all))
        };
    }
    let mut parts = Vec::new();
    if s.rerun > 0 {
        let verb = if s.rerun == 1 { "reruns" } else { "rerun" };
        parts.push(format!("{} of {} {verb}", thousands(s.rerun), count(all, "step")));
    }
    if s.cached > 0 {
        parts.push(format!("{} cached", thousands(s.cached)));
    }
    if s.unknown > 0 {
        let of = if s.rerun > 0 { String::new() } else { format!(" of {}", count(all, "step")) };
        parts.push(format!("{}{of} unknown{}", thousands(s.unknown), likely(report)));
    }
    let first = report.steps.iter().find(|s| s.first_cause && s.verdict != Verdict::Cached);
    let first = first.map_or_else(String::new, |step| {
        let causes = step.causes.iter().filter(|c| c.kind != CauseKind::Parent).count();
        format!("; first cause: {} ({})", on_lines(&[step.line]), count(causes, "cause"))
    });
    format!("{}{first}", parts.join(", "))
}
