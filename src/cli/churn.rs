//! `stowaway churn`.

use super::args::ChurnArgs;
use super::{DONE, output, request};
use crate::error::Error;
use crate::ops::{self, ChurnOptions};

/// Replays commits and writes the answer.
pub fn run(args: &ChurnArgs) -> Result<u8, Error> {
    let request = request(&args.build.context, &args.build.options)?;
    let options = ChurnOptions {
        revision: args.revision.clone(),
        commits: args.commits,
        since: args.since.clone(),
        umask: args.umask,
    };
    let report = ops::churn(&request, &options)?;
    output::write(&report, &args.output, false)?;
    Ok(DONE)
}
