//! `stowaway check`.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::args::CheckArgs;
use super::options::{Format, Threshold};
use super::progress::Progress;
use super::{DONE, FOUND, UNUSABLE, output, request};
use crate::check::{Asked, RULES, Rule, Severity};
use crate::error::Error;
use crate::ops::{self, CheckBuild, CheckInput, CheckOptions, CheckPaths};
use crate::report::{CheckReport, Document, RuleList, RulePage};

/// Checks and writes what was found; the status tells whether that is at the threshold or over it.
pub fn run(args: &CheckArgs) -> Result<u8, Error> {
    if args.list_rules {
        return list(&RuleList, args);
    }
    if let Some(code) = &args.explain {
        return list(&RulePage(named(code)?), args);
    }
    let input = input(args)?;
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

/// What is checked: one build when its options say so, else what the paths stand for.
fn input(args: &CheckArgs) -> Result<CheckInput, Error> {
    let paths = if args.paths.is_empty() { vec![PathBuf::from(".")] } else { args.paths.clone() };
    let options = &args.options;
    let of_one_build =
        options.file.is_some() || options.target.is_some() || !options.build_context.is_empty();
    match (paths.as_slice(), of_one_build) {
        ([context], true) => {
            let builds = vec![CheckBuild { request: request(context, options)?, ..CheckBuild::default() }];
            Ok(CheckInput { builds, ..CheckInput::default() })
        }
        (_, true) => Err(Error::usage(
            "-f, --target and --build-context are options of one build".to_owned(),
            "give one context, or check the paths without them",
        )),
        ([path], false) if !path.exists() => {
            // Says what is wrong with a URL, or `-`.
            request(path, options)?;
            path.metadata().map_err(|e| Error::read(path, e))?;
            Ok(CheckInput::default())
        }
        (paths, false) => ops::check_input(&CheckPaths {
            paths: paths.to_vec(),
            all: args.all,
            environment: super::affected::environment(),
            request: request(Path::new("."), options)?,
        }),
    }
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
