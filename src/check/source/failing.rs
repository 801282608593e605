//! Sources for which the build fails: what `plan` says of them, with the lines of both files and what can be changed.

use super::super::steps::{self, Use};
use super::super::{Edit, Facts, Failure, Finding, Findings, Fix, Label, Rule, text};
use super::{BAD_PATTERN, LINKS, MISSING};
use crate::context::Ignored;
use crate::dockerfile::{InstructionKind, Stage};
use crate::gopath;

/// Names under which builds leave what they make.
const OUTPUTS: &[&str] = &[
    "_site",
    "bin",
    "build",
    "dist",
    "node_modules",
    "out",
    "public",
    "release",
    "site",
    "target",
    "vendor",
];

/// Adds a finding for each failure that is about a source.
pub(super) fn find(facts: &Facts<'_>, found: &mut Findings) {
    let uses = steps::uses(facts);
    for failure in &facts.failures {
        let rule: &'static Rule = match failure.code.as_str() {
            "copy-source-missing" => &MISSING,
            "copy-source-links" => &LINKS,
            "bad-pattern" => &BAD_PATTERN,
            _ => continue,
        };
        let blamed = blamed(failure, &uses);
        let finding = found.add(rule, failure.message.clone());
        finding.steps.extend(failure.step.clone());
        finding.engine_message = Some(failure.engine_message.clone()).filter(|m| !m.is_empty());
        let relative = failure.path.strip_prefix(b"/").unwrap_or(&failure.path);
        finding.paths.extend((!relative.is_empty()).then(|| relative.to_vec()));
        finding.labels.extend(place(facts, failure, blamed.as_ref()));
        match (&failure.cause, blamed) {
            (Some((_, line, _)), Some(blamed)) => hidden(finding, failure, &blamed, *line),
            (Some((file, line, pattern)), None) => {
                finding.at(Label::line(file, *line, format!("`{pattern}` hides it")));
                finding.help.extend(failure.hint.clone().map(plain));
            }
            (None, Some(blamed)) => absent(facts, finding, failure, &blamed),
            (None, None) => finding.help.extend(failure.hint.clone().map(plain)),
        }
    }
}

fn plain(message: String) -> super::super::Help {
    super::super::Help { message, fix: None, tried: false }
}

/// The source that is to blame: the path itself, or one below it.
fn blamed<'a>(failure: &Failure, uses: &[Use<'a>]) -> Option<Use<'a>> {
    let path = &failure.path;
    let of_step = || uses.iter().filter(|u| Some(&u.step.name) == failure.step.as_ref());
    let is = |u: &&Use<'_>| u.source.path.as_bytes() == path;
    let below = |u: &&Use<'_>| {
        let rest = u.source.path.as_bytes().strip_prefix(&path[..]);
        !path.is_empty() && rest.is_some_and(|r| r.starts_with(b"/"))
    };
    of_step().find(is).or_else(|| of_step().find(below)).copied()
}

/// The word of the Dockerfile.
fn place(facts: &Facts<'_>, failure: &Failure, blamed: Option<&Use<'_>>) -> Option<Label> {
    let said = match failure.code.as_str() {
        "copy-source-missing" if failure.cause.is_some() => "is not sent",
        "copy-source-missing" => "not found",
        "copy-source-links" => "a loop of links",
        _ => "can't be read",
    };
    if let Some(blamed) = blamed {
        return Some(text::word(facts, blamed.step.span, &blamed.source.written, said));
    }
    let file = failure.file.as_deref().unwrap_or(facts.dockerfile);
    Some(Label::line(file, failure.line?, said))
}

/// An ignore line hides it: bring it back below that line, or take the line away when it says nothing else.
fn hidden(finding: &mut Finding, failure: &Failure, blamed: &Use<'_>, line: usize) {
    let file = text::ignore_name(blamed.folder);
    finding.at(text::pattern(blamed.folder, line, "this line hides it"));
    let relative = failure.path.strip_prefix(b"/").unwrap_or(&failure.path);
    let pattern =
        blamed.folder.context.ignore_file().and_then(|f| f.patterns().iter().find(|p| p.line == line));
    if pattern.is_some_and(|p| p.pattern.as_bytes() == relative) {
        let edit = Edit { line, remove: 1, insert: Vec::new() };
        let message = format!("remove line {line} of `{file}`");
        finding.fix(message, Fix { file: file.to_owned(), edits: vec![edit] });
        return;
    }
    let literal = literal(relative).filter(|_| of_hidden(blamed, relative).is_some());
    match literal {
        Some(literal) => {
            let edit = Edit { line: line + 1, remove: 0, insert: vec![format!("!{literal}")] };
            let message = format!("add `!{literal}` below line {line} of `{file}`");
            finding.fix(message, Fix { file: file.to_owned(), edits: vec![edit] });
        }
        None => finding.help.extend(failure.hint.clone().map(plain)),
    }
}

/// What hides a path: its own entry, or the folder above it that isn't entered.
fn of_hidden<'a>(blamed: &Use<'a>, path: &[u8]) -> Option<&'a Ignored> {
    let hides = |i: &&Ignored| {
        i.path.as_bytes() == path
            || (i.closed && path.strip_prefix(i.path.as_bytes()).is_some_and(|r| r.starts_with(b"/")))
    };
    blamed.folder.hidden.iter().find(hides)
}

/// A path as a pattern that matches it alone; `None` where it can't be written as a line.
fn literal(path: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(path).ok()?;
    if path.trim() != path || path.chars().any(char::is_control) {
        return None;
    }
    let special = |c: char| "*?[]\\^".contains(c);
    Some(path.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect())
}

/// It is not there: a name that is near, or a stage that may make it.
fn absent(facts: &Facts<'_>, finding: &mut Finding, failure: &Failure, blamed: &Use<'_>) {
    let before = finding.help.len();
    for other in near(blamed) {
        let place = text::find_word(facts.bytes, blamed.step.span, &blamed.source.written);
        if let Some(fix) = place.and_then(|at| replace(facts, at, &blamed.source.written, &other)) {
            finding.fix(format!("write `{other}`"), fix);
        }
    }
    if finding.help.len() == before {
        finding.help.extend(failure.hint.clone().map(plain));
    }
    if finding.help.len() == before {
        finding.help.extend(made_by_stage(facts, blamed).map(plain));
    }
}

/// Paths that may have been meant.
fn near(blamed: &Use<'_>) -> Vec<String> {
    let (context, path) = (blamed.folder.context, blamed.path());
    let as_text = |p: &crate::entry::ContextPath| p.as_str().map(str::to_owned);
    let written =
        |p: &String| !p.chars().any(|c| c.is_whitespace() || c.is_control() || "\"'$\\`".contains(c));
    if let Some(other) = context.same_but_for_case(path) {
        return as_text(other).filter(written).into_iter().collect();
    }
    // A name of a letter or two is near to every other.
    let name = gopath::base(path);
    let meant = context.near(path).into_iter().filter(|p| name.len() > 2 || p.name() == name);
    meant.filter_map(as_text).filter(written).collect()
}

/// Writes another word in the place of one.
fn replace(facts: &Facts<'_>, (line, at): (usize, usize), old: &str, new: &str) -> Option<Fix> {
    let whole = std::str::from_utf8(text::line_of(facts.bytes, line)).ok()?;
    let changed = format!("{}{new}{}", whole.get(..at)?, whole.get(at + old.len()..)?);
    let edits = vec![Edit { line, remove: 1, insert: vec![changed] }];
    Some(Fix { file: facts.dockerfile.to_owned(), edits })
}

/// An earlier stage whose RUN may make what the context doesn't have: its output is named like that. The target may not need that stage as
/// it is written now, so that the plan doesn't know it.
fn made_by_stage(facts: &Facts<'_>, blamed: &Use<'_>) -> Option<String> {
    let written = blamed.source.written.trim_start_matches("./");
    let first = written.split('/').next()?;
    if blamed.step.instruction != "COPY" || !OUTPUTS.contains(&first) || blamed.folder.name != "context" {
        return None;
    }
    let (here, _) = steps::instruction(facts, blamed.step)?;
    let runs = |s: &Stage| s.instructions.iter().any(|i| matches!(i.kind, InstructionKind::Run(_)));
    let earlier = facts.parsed?.stages.iter().enumerate().take_while(|(_, s)| s.span != here.span);
    let (index, stage) = earlier.filter(|(_, s)| runs(s)).last()?;
    let name = stage.name.clone().unwrap_or_else(|| index.to_string());
    let folder = work_folder(stage)?;
    let path = text::name(&gopath::join(&[&folder, written.as_bytes()]));
    Some(format!("if a RUN of the stage `{name}` makes it, write `COPY --from={name} {path} …`"))
}

/// The folder that a stage ends in; `None` where its text alone doesn't tell.
fn work_folder(stage: &Stage) -> Option<Vec<u8>> {
    let mut folder = None;
    for instruction in &stage.instructions {
        let InstructionKind::Workdir(to) = &instruction.kind else { continue };
        if to.contains('$') {
            return None;
        }
        folder = match (to.starts_with('/'), folder) {
            (true, _) => Some(gopath::clean(to.as_bytes())),
            (false, Some(folder)) => Some(gopath::join(&[&folder, to.as_bytes()])),
            (false, None) => return None,
        };
    }
    folder
}
