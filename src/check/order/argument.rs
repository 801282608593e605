//! Arguments that change with every commit, declared above steps that don't need them.

use super::super::{Edit, Facts, Findings, Fix, Severity, text};
use super::ARGUMENT;
use super::tools::is_inert;
use crate::dockerfile::{Argument, Instruction, InstructionKind};

/// Names under which people pass what is new with every commit or build.
const VOLATILE: &[&str] = &[
    "BUILD_DATE",
    "BUILD_ID",
    "BUILD_NUMBER",
    "BUILD_SHA",
    "BUILD_TIME",
    "BUILD_TIMESTAMP",
    "BUILDKITE_COMMIT",
    "BUILDTIME",
    "CI_COMMIT_SHA",
    "CI_COMMIT_SHORT_SHA",
    "CI_JOB_ID",
    "CI_PIPELINE_ID",
    "COMMIT",
    "COMMIT_DATE",
    "COMMIT_HASH",
    "COMMIT_ID",
    "COMMIT_REF",
    "COMMIT_SHA",
    "CREATED",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_NUMBER",
    "GITHUB_SHA",
    "GIT_COMMIT",
    "GIT_COMMIT_HASH",
    "GIT_COMMIT_ID",
    "GIT_COMMIT_SHA",
    "GIT_DESCRIBE",
    "GIT_HASH",
    "GIT_REF",
    "GIT_REV",
    "GIT_REVISION",
    "GIT_SHA",
    "GIT_SHA1",
    "GIT_SHORT_SHA",
    "GIT_VERSION",
    "REVISION",
    "SHORT_SHA",
    "SOURCE_COMMIT",
    "SOURCE_VERSION",
    "TIMESTAMP",
    "VCS_REF",
    "VCS_REVISION",
];

/// Names that change with every commit where they have no default.
const WITHOUT_DEFAULT: &[&str] =
    &["APP_VERSION", "BUILD_VERSION", "IMAGE_VERSION", "PACKAGE_VERSION", "RELEASE", "VERSION"];

/// Looks at each ARG of a stage that the target needs. An ARG in scope is part of the environment of every RUN below it
/// (`dockerfile2llb/convert_run.go`), whether or not the RUN mentions it.
pub(super) fn find(facts: &Facts<'_>, found: &mut Findings) {
    let Some(parsed) = facts.parsed else { return };
    for stage in &parsed.stages {
        for (at, declared) in stage.instructions.iter().enumerate() {
            let InstructionKind::Arg(arguments) = &declared.kind else { continue };
            let volatile = |a: &&Argument| {
                let name = a.name.as_str();
                VOLATILE.contains(&name) || (WITHOUT_DEFAULT.contains(&name) && a.default.is_none())
            };
            for argument in arguments.iter().filter(volatile) {
                let below = Below::of(&stage.instructions[at + 1..], &argument.name);
                tell(facts, declared, argument, &below, arguments.len() == 1, found);
            }
        }
    }
}

/// What follows a declaration, up to the first step that needs it.
#[derive(Debug, Default)]
struct Below<'a> {
    /// RUN steps that can do without it.
    idle: Vec<&'a Instruction>,
    /// LABEL, ENV and their like above the last of these that say the name: they have to move, too.
    said: Vec<&'a Instruction>,
    /// The first step that needs it, or may.
    user: Option<&'a Instruction>,
    /// What stands last.
    last: Option<&'a Instruction>,
}

impl<'a> Below<'a> {
    fn of(instructions: &'a [Instruction], name: &str) -> Self {
        use InstructionKind as I;
        let mut below = Self::default();
        let mut names = vec![name.to_owned()];
        for instruction in instructions {
            let says = names.iter().any(|n| says(instruction, n));
            match &instruction.kind {
                I::Run(_) if !says && is_inert(instruction) => below.idle.push(instruction),
                I::Run(_) => below.user = Some(instruction),
                I::Env(pairs) if says => {
                    names.extend(pairs.iter().map(|p| p.key.clone()));
                    below.said.push(instruction);
                }
                I::Label(_) | I::Cmd(_) | I::Entrypoint(_) | I::Expose(_) | I::Healthcheck(_) if says => {
                    below.said.push(instruction);
                }
                _ if says => below.user = Some(instruction),
                _ => {}
            }
            if below.user.is_some() {
                break;
            }
            below.last = Some(instruction);
        }
        let end = below.idle.last().map_or(0, |i| i.span.line);
        below.said.retain(|i| i.span.line < end);
        below
    }
}

fn tell(
    facts: &Facts<'_>,
    declared: &Instruction,
    argument: &Argument,
    below: &Below<'_>,
    alone: bool,
    found: &mut Findings,
) {
    let name = &argument.name;
    let step_of = |i: &&Instruction| {
        facts.plan?.steps.iter().find(|s| s.span.line == i.span.line && s.instruction == "RUN" && !s.onbuild)
    };
    let steps: Vec<_> = below.idle.iter().filter_map(step_of).collect();
    let (Some(first), Some(step)) = (below.idle.first(), steps.first()) else { return };
    let message = match steps.len() {
        1 => format!("`{name}` enters the key of a RUN step that does not use it"),
        n => format!("`{name}` enters the keys of {n} RUN steps that do not use it"),
    };
    let finding = found.add(&ARGUMENT, message);
    let value = step.variables.iter().find(|v| v.argument && v.key == *name).map(|v| v.value.as_str());
    // With its default it is the same in every build.
    if argument.default.as_deref().is_some_and(|d| value.is_none_or(|v| v == d.trim_matches(['"', '\'']))) {
        finding.severity = Severity::Note;
    }
    finding.steps = steps.iter().map(|s| s.name.clone()).collect();
    finding.at(text::word(facts, declared.span, name, "in the key of every RUN below"));
    finding.at(text::instruction(facts, first.span, "does not need it"));
    let with = match below.said.as_slice() {
        [] => String::new(),
        [one] => format!(" and the {} that says it", one.keyword.to_uppercase()),
        _ => " and what says it".to_owned(),
    };
    let message = match below.user {
        Some(user) => format!("move `ARG {name}`{with} down, right above line {}", user.span.line),
        None => format!("move `ARG {name}`{with} below the last RUN"),
    };
    match fix(facts, declared, below).filter(|_| alone) {
        Some(fix) => finding.fix(message, fix),
        None => finding.help(message),
    };
}

/// Whether an instruction says the name: as a word of its own, here-documents included.
fn says(instruction: &Instruction, name: &str) -> bool {
    let bodies = instruction.heredocs.iter().map(|h| String::from_utf8_lossy(&h.content).into_owned());
    let texts = std::iter::once(instruction.text.clone()).chain(bodies);
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    texts.into_iter().any(|text| {
        text.match_indices(name)
            .any(|(i, _)| !text[..i].ends_with(word) && !text[i + name.len()..].starts_with(word))
    })
}

/// Moves the declaration, and what says its name, to right above the first step that needs it, or behind all others.
fn fix(facts: &Facts<'_>, declared: &Instruction, below: &Below<'_>) -> Option<Fix> {
    let single = |i: &&Instruction| match &i.kind {
        InstructionKind::Env(pairs) => pairs.len() == 1,
        _ => true,
    };
    if !below.said.iter().all(single) {
        return None;
    }
    let mut edits = Vec::new();
    let mut insert = Vec::new();
    for moved in std::iter::once(&declared).chain(&below.said) {
        let lines = (moved.span.line..=moved.span.end_line)
            .map(|line| std::str::from_utf8(text::line_of(facts.bytes, line)).ok().map(str::to_owned));
        let lines: Vec<String> = lines.collect::<Option<_>>()?;
        edits.push(Edit { line: moved.span.line, remove: lines.len(), insert: Vec::new() });
        insert.extend(lines);
    }
    let before_end = below.said.last().map_or(declared.span.end_line, |i| i.span.end_line);
    let line = match (below.user, below.last) {
        // Comments right above an instruction belong to it.
        (Some(user), _) => {
            user.span.line - user.comments.len().min(user.span.line.checked_sub(before_end + 1)?)
        }
        (None, Some(last)) => last.span.end_line + 1,
        (None, None) => return None,
    };
    edits.push(Edit { line, remove: 0, insert });
    Some(Fix { file: facts.dockerfile.to_owned(), edits })
}
