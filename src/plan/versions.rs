//! What a Dockerfile says that the frontend of an older BuildKit doesn't understand: the build fails there.

use std::sync::LazyLock;

use regex::Regex;

use super::problem::Fail;
use super::resolve::Resolver;
use crate::buildkit::{Rule, Version};
use crate::dockerfile::{Copy, Instruction, InstructionKind, Run};

/// An announced heredoc with blanks behind `<<`.
static BLANKS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"<<-?[\t\n\f\r ]").expect("a valid expression"));

impl<'a> Resolver<'a> {
    /// Looks through the whole file, as its parser does, also where the target needs nothing of it.
    ///
    /// # Errors
    /// The first thing that the frontend's version doesn't know.
    pub(super) fn check_version(&self) -> Result<(), Fail> {
        if self.versions.frontend == Version::NEWEST {
            return Ok(());
        }
        let instructions = self.dockerfile.stages.iter().flat_map(|s| &s.instructions);
        instructions.into_iter().try_for_each(|i| self.check_instruction(i))
    }

    /// As [`Resolver::check_version`] for one instruction.
    ///
    /// # Errors
    /// What the frontend's version doesn't know.
    pub(super) fn check_instruction(&self, instruction: &Instruction) -> Result<(), Fail> {
        let blanks = !instruction.heredocs.is_empty() && BLANKS.is_match(&instruction.text);
        let unknown = match &instruction.kind {
            _ if blanks => Some((Rule::HeredocBlanks, "blanks behind <<")),
            InstructionKind::Add(copy) | InstructionKind::Copy(copy) => copy_flag(copy),
            InstructionKind::Run(run) => run_flag(run),
            _ => None,
        };
        match unknown.filter(|(rule, _)| !self.has(*rule)) {
            Some((rule, what)) => Err(self.unknown(instruction, rule, what)),
            None => Ok(()),
        }
    }

    fn unknown(&self, instruction: &Instruction, rule: Rule, what: &str) -> Fail {
        let version = self.versions.frontend;
        let line = instruction.span.line;
        let flag = what.split('=').next().unwrap_or(what);
        let shown = if version.has(Rule::ZerosLeftOut) { flag } else { flag.trim_start_matches('-') };
        let engine = match rule {
            Rule::HeredocBlanks => {
                format!("BuildKit {version} takes `<<` with blanks behind it for no heredoc")
            }
            Rule::SecretEnv => format!("dockerfile parse error on line {line}: unexpected key 'env'"),
            _ => format!("dockerfile parse error on line {line}: unknown flag: {shown}"),
        };
        let since = rule.since().minor();
        let name = &instruction.keyword;
        Fail::new("unknown-to-version", engine)
            .say(format!(
                "{name} with {what} needs BuildKit {since}, or a `# syntax` line; this is {version}"
            ))
            .at(Some(instruction.span))
    }
}

/// The flag of a COPY or ADD that came last into BuildKit.
fn copy_flag(copy: &Copy) -> Option<(Rule, &'static str)> {
    if copy.parents {
        Some((Rule::Parents, "--parents"))
    } else if !copy.exclude.is_empty() {
        Some((Rule::Exclude, "--exclude"))
    } else if copy.unpack.is_some() {
        Some((Rule::Unpack, "--unpack"))
    } else {
        None
    }
}

/// The flag of a RUN that came last into BuildKit.
fn run_flag(run: &Run) -> Option<(Rule, &'static str)> {
    if run.security.is_some() {
        return Some((Rule::Security, "--security"));
    }
    // The key is looked at before anything is expanded.
    let env = |mount: &String| mount.split(',').any(|field| field.trim().to_lowercase().starts_with("env="));
    run.mounts.iter().any(env).then_some((Rule::SecretEnv, "--mount=type=secret,env=…"))
}
