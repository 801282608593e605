//! `stowaway check`.

use std::os::unix::ffi::OsStrExt as _;

use super::args::{CheckArgs, Threshold};
use super::progress::Progress;
use super::{DONE, FOUND, UNUSABLE, output, request};
use crate::check::{Asked, Severity};
use crate::error::Error;
use crate::ops::{self, CheckBuild, CheckInput, CheckOptions};
use crate::report::CheckReport;

/// Checks and writes what was found; the status tells whether that is at the threshold or over it.
pub fn run(args: &CheckArgs) -> Result<u8, Error> {
    let request = request(&args.build.context, &args.build.options)?;
    let builds = vec![CheckBuild { request, ..CheckBuild::default() }];
    let input = CheckInput { builds, ..CheckInput::default() };
    let progress = Progress::of(&args.output);
    let report = ops::check(&input, &options(args), &progress)?;
    progress.finish();
    output::write(&report, &args.output, false)?;
    Ok(status(&report))
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
