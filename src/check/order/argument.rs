//! Arguments that change with every commit, declared above steps that don't need them.

use super::super::{Edit, Facts, Findings, Fix, text};
use super::ARGUMENT;
use crate::dockerfile::{Instruction, InstructionKind, Stage};

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
        for (at, instruction) in stage.instructions.iter().enumerate() {
            let InstructionKind::Arg(arguments) = &instruction.kind else { continue };
            let volatile = |name: &str, default: Option<&String>| {
                VOLATILE.contains(&name) || (WITHOUT_DEFAULT.contains(&name) && default.is_none())
            };
            for argument in arguments.iter().filter(|a| volatile(&a.name, a.default.as_ref())) {
                look(facts, stage, (at, instruction), &argument.name, arguments.len() == 1, found);
            }
        }
    }
}

fn look(
    facts: &Facts<'_>,
    stage: &Stage,
    (at, declared): (usize, &Instruction),
    name: &str,
    alone: bool,
    found: &mut Findings,
) {
    let below = &stage.instructions[at + 1..];
    let first = below.iter().position(|i| mentions(i, name));
    let idle: Vec<&Instruction> =
        below[..first.unwrap_or(below.len())].iter().filter(|i| is_run(i)).collect();
    let step_of = |i: &&Instruction| {
        let step = facts.plan?.steps.iter().find(|s| s.span.line == i.span.line && s.instruction == "RUN")?;
        Some(step.name.clone())
    };
    let steps: Vec<String> = idle.iter().filter_map(step_of).collect();
    let Some(first_idle) = idle.first().filter(|_| !steps.is_empty()) else { return };
    let message = match steps.len() {
        1 => format!("`{name}` enters the key of a RUN step that does not mention it"),
        n => format!("`{name}` enters the keys of {n} RUN steps that do not mention it"),
    };
    let finding = found.add(&ARGUMENT, message);
    finding.steps = steps;
    finding.at(text::word(facts, declared.span, name, "in the key of every RUN below"));
    finding.at(text::instruction(facts, first_idle.span, "does not need it"));
    match first.and_then(|f| below.get(f)) {
        Some(user) => {
            let message = format!("move `ARG {name}` down, right above line {}", user.span.line);
            match fix(facts, declared, user).filter(|_| alone) {
                Some(fix) => finding.fix(message, fix),
                None => finding.help(message),
            };
        }
        None if derived(facts, stage) => {
            finding.help(format!("declare `{name}` in the stage that uses it"));
        }
        None => {
            let edits = vec![Edit {
                line: declared.span.line,
                remove: declared.span.end_line - declared.span.line + 1,
                insert: Vec::new(),
            }];
            let message = format!("remove `ARG {name}`: nothing in the stage uses it");
            match alone {
                true => finding.fix(message, Fix { file: facts.dockerfile.to_owned(), edits }),
                false => finding.help(message),
            };
        }
    }
}

fn is_run(instruction: &Instruction) -> bool {
    matches!(instruction.kind, InstructionKind::Run(_))
}

/// Whether an instruction says the name: as `$NAME` anywhere, and in any way in a RUN or ONBUILD, whose program may read its environment.
fn mentions(instruction: &Instruction, name: &str) -> bool {
    let bodies = instruction.heredocs.iter().map(|h| String::from_utf8_lossy(&h.content).into_owned());
    let texts = std::iter::once(instruction.text.clone()).chain(bodies);
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let said = |text: &String| {
        text.match_indices(name).any(|(i, _)| {
            let (before, after) = (&text[..i], &text[i + name.len()..]);
            !before.ends_with(word) && !after.starts_with(word)
        })
    };
    let all = |text: &String| {
        is_run(instruction)
            && text.split(|c: char| !word(c)).any(|w| w == "env" || w == "printenv" || w == "export")
    };
    texts.into_iter().any(|t| said(&t) || all(&t))
}

/// Whether another stage begins with this one, and may use what it declares.
fn derived(facts: &Facts<'_>, stage: &Stage) -> bool {
    let name = stage.name.as_deref();
    let stages = facts.parsed.map(|p| p.stages.as_slice()).unwrap_or_default();
    name.is_some() && stages.iter().any(|s| Some(&*s.base_name.to_ascii_lowercase()) == name)
}

/// Moves the declaration to right above the first instruction that mentions it.
fn fix(facts: &Facts<'_>, declared: &Instruction, user: &Instruction) -> Option<Fix> {
    let span = declared.span;
    let lines = (span.line..=span.end_line)
        .map(|line| std::str::from_utf8(text::line_of(facts.bytes, line)).ok().map(str::to_owned));
    let insert: Vec<String> = lines.collect::<Option<_>>()?;
    // Comments right above an instruction belong to it.
    let above = user.span.line - user.comments.len().min(user.span.line - span.end_line - 1);
    let edits = vec![
        Edit { line: span.line, remove: insert.len(), insert: Vec::new() },
        Edit { line: above, remove: 0, insert },
    ];
    Some(Fix { file: facts.dockerfile.to_owned(), edits })
}
