//! `stowaway churn`.

use super::args::ChurnArgs;
use super::options::Format;
use super::progress::Progress;
use super::{DONE, output, request};
use crate::error::Error;
use crate::ops::{self, ChurnOptions, PageOf};

/// Replays commits and writes the answer.
pub fn run(args: &ChurnArgs) -> Result<u8, Error> {
    let request = request(&args.build.context, &args.build.options)?;
    let options = ChurnOptions {
        revision: args.revision.clone(),
        commits: args.commits,
        since: args.since.clone(),
        umask: args.umask,
    };
    if args.output.format == Format::Html {
        let progress = Progress::of(&args.output);
        let page = ops::page(&request, PageOf::Churn(options), &progress)?;
        progress.finish();
        output::page(&page, &args.output)?;
    } else {
        let report = ops::churn(&request, &options)?;
        output::write(&report, &args.output, false)?;
    }
    Ok(DONE)
}
