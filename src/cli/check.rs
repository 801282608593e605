//! `stowaway check`.

use std::os::unix::ffi::OsStrExt as _;

use super::args::{CheckArgs, Format, Threshold};
use super::progress::Progress;
use super::{DONE, FOUND, UNUSABLE, output, request};
use crate::check::{Asked, RULES, Rule, Severity};
use crate::error::Error;
use crate::ops::{self, CheckBuild, CheckInput, CheckOptions};
use crate::report::{CheckReport, Document, RuleList, RulePage};

/// Checks and writes what was found; the status tells whether that is at the threshold or over it.
pub fn run(args: &CheckArgs) -> Result<u8, Error> {
    if args.list_rules {
        return list(&RuleList, args);
    }
    if let Some(code) = &args.explain {
        return list(&RulePage(named(code)?), args);
    }
    let request = request(&args.build.context, &args.build.options)?;
    let builds = vec![CheckBuild { request, ..CheckBuild::default() }];
    let input = CheckInput { builds, ..CheckInput::default() };
    let progress = Progress::of(&args.output);
    let report = ops::check(&input, &options(args), &progress)?;
    progress.finish();
    output::write(&report, &args.output, false)?;
    Ok(status(&report))
}

/// Writes the rules, or one of them, in a format that they have.
fn list(document: &impl Document, args: &CheckArgs) -> Result<u8, Error> {
    if !matches!(args.output.format, Format::Human | Format::Json | Format::Markdown) {
        return Err(Error::usage("rules have no such form", "use --format human, json or markdown"));
    }
    output::write(document, &args.output, false)?;
    Ok(DONE)
}

/// A rule by its code, in any case.
fn named(code: &str) -> Result<&'static Rule, Error> {
    let found = RULES.iter().copied().flatten().find(|rule| rule.code.eq_ignore_ascii_case(code));
    found.ok_or_else(|| {
        Error::usage(format!("there is no rule {code}"), "`stowaway check --list-rules` lists all")
    })
}

/// What the flags ask for.
fn options(args: &CheckArgs) -> CheckOptions {
    let require = args.require.iter().map(|p| p.as_os_str().as_bytes().to_vec()).collect();
    CheckOptions {
        threshold: args.threshold.map(Severity::from),
        asked: Asked { max_context: args.max_context, require },
        config: args.config.clone(),
    }
}

/// 1 for findings, 2 when a build could not be checked.
fn status(report: &CheckReport) -> u8 {
    match report {
        r if r.builds.iter().any(|b| b.unread.is_some()) => UNUSABLE,
        r if r.fails() => FOUND,
        _ => DONE,
    }
}

impl From<Threshold> for Severity {
    fn from(threshold: Threshold) -> Self {
        match threshold {
            Threshold::Error => Self::Error,
            Threshold::Warning => Self::Warning,
            Threshold::Note => Self::Note,
        }
    }
}
