//! `stowaway plan`.

use super::args::PlanArgs;
use super::options::Format;
use super::progress::Progress;
use super::{DONE, FOUND, output, request};
use crate::error::Error;
use crate::ops::{self, PageOf};

/// Plans the build and writes the answer; the status tells whether it would fail.
pub fn run(args: &PlanArgs) -> Result<u8, Error> {
    let request = request(&args.build.context, &args.build.options)?;
    let progress = Progress::of(&args.output);
    let errors = if args.output.format == Format::Html {
        let page = ops::page(&request, PageOf::Plan, &progress)?;
        progress.finish();
        output::page(&page, &args.output)?;
        page.plan.errors
    } else {
        let report = ops::plan(&request, &progress)?;
        progress.finish();
        output::write(&report, &args.output, false)?;
        report.errors
    };
    Ok(if errors.is_empty() { DONE } else { FOUND })
}
