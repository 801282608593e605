//! `stowaway du`.

use super::args::DuArgs;
use super::options::Format;
use super::progress::Progress;
use super::{DONE, FOUND, output, request};
use crate::error::Error;
use crate::ops::{self, DuOptions, PageOf};

/// Weighs the context.
pub fn run(args: &DuArgs) -> Result<u8, Error> {
    let request = request(&args.build.context, &args.build.options)?;
    let options = DuOptions { top: args.top, depth: args.depth, max: args.max };
    let progress = Progress::of(&args.output);
    let report = if args.output.format == Format::Html {
        let page = ops::page(&request, PageOf::Du(options), &progress)?;
        progress.finish();
        output::page(&page, &args.output)?;
        page.du.unwrap_or_default()
    } else {
        let report = ops::du(&request, &options, &progress)?;
        progress.finish();
        output::write(&report, &args.output, false)?;
        report
    };
    Ok(if report.limit.is_some_and(|l| l.exceeded) { FOUND } else { DONE })
}
