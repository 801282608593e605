//! Causes as words, the same in every voice: names that come from outside stay apart from the program's own words, since
//! each voice escapes them in its own way.

use super::path::shown;
use super::why::{CauseReport, WhyStep, kind_name};
use crate::diff::{CauseKind, Verdict};
use crate::wording::thousands;

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The program's words.
    Text(String),
    /// What comes from outside: a path, a pattern, a step's name.
    Name(Vec<u8>),
}

/// One line about a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What changed, as one word.
    pub kind: &'static str,
    /// What of it.
    pub pieces: Vec<Piece>,
    /// What to do.
    pub hint: Option<String>,
    /// How many causes it stands for.
    pub count: usize,
}

/// The lines about a step: single causes in their order, then those that are folded. A parent is no line: see [`parents`].
pub fn lines(step: &WhyStep) -> Vec<Line> {
    let single = step.causes.iter().filter(|c| c.kind != CauseKind::Parent && c.fold.is_none());
    let folded = step.folded.iter().map(|fold| Line {
        kind: kind_name(fold.kind),
        pieces: vec![Piece::Text(shown(fold.text.as_bytes()))],
        hint: fold.hint.clone(),
        count: fold.count,
    });
    single.map(line).chain(folded).collect()
}

/// The steps that a step stands on and that rerun.
pub fn parents(step: &WhyStep) -> impl Iterator<Item = &str> {
    step.causes.iter().filter(|c| c.kind == CauseKind::Parent).filter_map(|c| c.step.as_deref())
}

/// Whether a step has causes of its own.
pub fn has_own(step: &WhyStep) -> bool {
    step.causes.iter().any(|c| c.kind != CauseKind::Parent)
}

/// What unknown verdicts hang on: each reason once, with the lines of the steps.
pub fn open(steps: &[WhyStep]) -> Vec<(&str, Vec<usize>)> {
    let mut reasons: Vec<(&str, Vec<usize>)> = Vec::new();
    for step in steps.iter().filter(|s| s.verdict == Verdict::Unknown) {
        for reason in &step.open {
            match reasons.iter_mut().find(|(text, _)| text == reason) {
                Some((_, lines)) if lines.contains(&step.line) => {}
                Some((_, lines)) => lines.push(step.line),
                None => reasons.push((reason, vec![step.line])),
            }
        }
    }
    reasons
}

/// What `lines` leave out after the first ones: `1,204 more: 1,200 content, 4 added`.
pub fn more(lines: &[Line]) -> String {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for line in lines {
        match kinds.iter_mut().find(|(kind, _)| *kind == line.kind) {
            Some((_, count)) => *count += line.count,
            None => kinds.push((line.kind, line.count)),
        }
    }
    let all: usize = kinds.iter().map(|(_, count)| count).sum();
    let each: Vec<String> = kinds.iter().map(|(kind, n)| format!("{} {kind}", thousands(*n))).collect();
    format!("and {} more: {}", thousands(all), each.join(", "))
}

/// How many causes of each kind: `2 content, 1 added`; empty where there are none of its own.
pub fn summary(step: &WhyStep) -> String {
    let text = more(&lines(step));
    text.split_once(": ").map_or_else(String::new, |(_, kinds)| kinds.to_owned())
}

/// A cause in one line of plain text: `content src/a.py`.
pub fn plain(cause: &CauseReport) -> String {
    let words = pieces(cause).into_iter().map(|piece| match piece {
        Piece::Text(words) => shown(words.as_bytes()),
        Piece::Name(name) => shown(&name),
    });
    format!("{} {}", kind_name(cause.kind), words.collect::<String>()).trim_end().to_owned()
}

/// One cause.
fn line(cause: &CauseReport) -> Line {
    Line { kind: kind_name(cause.kind), pieces: pieces(cause), hint: cause.hint.clone(), count: 1 }
}

/// What a cause says.
fn pieces(cause: &CauseReport) -> Vec<Piece> {
    let mut out = Vec::new();
    match cause.kind {
        CauseKind::Renamed => {
            change(&mut out, cause.before.as_deref(), None);
            name(&mut out, " → ", cause.path.as_ref().map(|p| p.0.as_slice()));
        }
        CauseKind::Ignore => ignore(&mut out, cause),
        CauseKind::Missing => {
            name(&mut out, "", cause.path.as_ref().map(|p| p.0.as_slice()));
            text(&mut out, "is not there: the build fails");
        }
        CauseKind::NoCache => text(&mut out, "--no-cache makes it run"),
        CauseKind::NotRemembered if cause.detail.is_none() => text(&mut out, "nothing of it is remembered"),
        _ => {
            name(&mut out, "", cause.path.as_ref().map(|p| p.0.as_slice()));
            change(&mut out, cause.before.as_deref(), cause.after.as_deref());
            detail(&mut out, cause);
        }
    }
    source(&mut out, cause);
    out
}

/// `config/app.yml, by line 4: *.yml`.
fn ignore(out: &mut Vec<Piece>, cause: &CauseReport) {
    name(out, "", cause.path.as_ref().map(|p| p.0.as_slice()));
    if let Some(line) = cause.line {
        text(out, &format!("by line {line} of the ignore file"));
    }
    name(out, " ", cause.detail.as_deref().map(str::as_bytes));
    change(out, cause.before.as_deref(), cause.after.as_deref());
}

/// More in words, and the line.
fn detail(out: &mut Vec<Piece>, cause: &CauseReport) {
    match &cause.detail {
        Some(words) if cause.kind == CauseKind::Arg => name(out, " ", Some(words.as_bytes())),
        Some(words) if out.is_empty() => text(out, words),
        Some(words) => text(out, &format!("({words})")),
        None => {}
    }
    if let Some(line) = cause.line {
        text(out, &format!("(line {line})"));
    }
}

/// Where a path is, when not in the build context.
fn source(out: &mut Vec<Piece>, cause: &CauseReport) {
    if let Some(source) = &cause.source {
        name(out, " in ", Some(source.as_bytes()));
    }
    if cause.unnoticed {
        text(out, "(not noticed by a daemon that holds this context)");
    }
}

/// `0644 → 0755`.
fn change(out: &mut Vec<Piece>, before: Option<&str>, after: Option<&str>) {
    match (before, after) {
        (Some(before), Some(after)) => {
            name(out, " ", Some(before.as_bytes()));
            name(out, " → ", Some(after.as_bytes()));
        }
        (Some(only), None) => name(out, " ", Some(only.as_bytes())),
        (None, Some(only)) => name(out, " ", Some(only.as_bytes())),
        (None, None) => {}
    }
}

/// A name, with words between it and what stands before it.
fn name(out: &mut Vec<Piece>, between: &str, name: Option<&[u8]>) {
    let Some(name) = name else { return };
    if !out.is_empty() {
        out.push(Piece::Text(between.to_owned()));
    }
    out.push(Piece::Name(name.to_vec()));
}

/// Words, with a blank before them.
fn text(out: &mut Vec<Piece>, words: &str) {
    let blank = if out.is_empty() { "" } else { " " };
    out.push(Piece::Text(format!("{blank}{}", shown(words.as_bytes()))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_by_kind() {
        let line = |kind, count| Line { kind, pieces: vec![], hint: None, count };
        let left = [line("content", 1), line("added", 3), line("content", 1200)];
        assert_eq!(more(&left), "and 1,204 more: 1,201 content, 3 added");
    }
}
