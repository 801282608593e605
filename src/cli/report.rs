//! `stowaway report`.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use super::args::ReportArgs;
use super::options::Format;
use super::progress::Progress;
use super::{DONE, FOUND, output, request, why};
use crate::error::Error;
use crate::ops::{self, PageOf, Request};
use crate::report::LogReport;

/// Reads the log and writes the answer; the status tells whether the logged build failed.
pub fn run(args: &ReportArgs) -> Result<u8, Error> {
    let stdin = args.log == Path::new("-");
    if stdin && args.build.options.file.as_deref() == Some(Path::new("-")) {
        return Err(Error::usage(
            "standard input can't be both the log and the Dockerfile",
            "name a file for one of them",
        ));
    }
    let request = request(&args.build.context, &args.build.options)?;
    let progress = Progress::of(&args.output);
    let failed = if stdin {
        answer(&request, args, io::stdin().lock(), &progress)?
    } else {
        let file = File::open(&args.log).map_err(|source| Error::read(&args.log, source))?;
        answer(&request, args, BufReader::with_capacity(1 << 16, file), &progress)?
    };
    Ok(if failed { FOUND } else { DONE })
}

/// Writes the answer, as a document or as a page; says whether the logged build failed.
fn answer(
    request: &Request,
    args: &ReportArgs,
    mut log: impl io::BufRead,
    progress: &Progress,
) -> Result<bool, Error> {
    if args.output.format != Format::Html {
        let report = join(request, args, log, progress)?;
        progress.finish();
        output::write(&report, &args.output, false)?;
        return Ok(report.summary.build_failed);
    }
    let compare = |_| why::options(&args.baseline, &args.build.options);
    let why = args.baseline.against.as_deref().map(compare).transpose()?;
    let name = args.log.to_string_lossy();
    let page = ops::page(request, PageOf::Report { name: &name, log: &mut log, why }, progress)?;
    progress.finish();
    output::page(&page, &args.output)?;
    Ok(page.log.is_some_and(|report| report.summary.build_failed))
}

/// The log with the plan, and with a comparison where one is asked for.
fn join(
    request: &Request,
    args: &ReportArgs,
    log: impl io::BufRead,
    progress: &Progress,
) -> Result<LogReport, Error> {
    let compare = |_| ops::why(request, &why::options(&args.baseline, &args.build.options)?, progress);
    let why = args.baseline.against.as_deref().map(compare).transpose()?;
    ops::report(request, &args.log.to_string_lossy(), log, why, progress)
}
