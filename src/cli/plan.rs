//! `stowaway plan`.

use super::args::PlanArgs;
use super::progress::Progress;
use super::{DONE, FOUND, output, request};
use crate::error::Error;
use crate::ops;

/// Plans the build and writes the answer; the status tells whether it would fail.
pub fn run(args: &PlanArgs) -> Result<u8, Error> {
    let request = request(&args.build.context, &args.build.options)?;
    let progress = Progress::of(&args.output);
    let report = ops::plan(&request, &progress)?;
    progress.finish();
    output::write(&report, &args.output, false)?;
    Ok(if report.errors.is_empty() { DONE } else { FOUND })
}
