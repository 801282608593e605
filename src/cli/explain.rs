//! `stowaway explain`.

use std::path::{Path, PathBuf};

use super::args::ExplainArgs;
use super::progress::Progress;
use super::{DONE, output, request};
use crate::error::Error;
use crate::ops;

/// Explains each path.
pub fn run(mut args: ExplainArgs) -> Result<u8, Error> {
    take_context(&mut args);
    let request = request(&args.context, &args.options)?;
    let progress = Progress::of(&args.output);
    let report = ops::explain(&request, &args.paths, &progress)?;
    progress.finish();
    output::write(&report, &args.output, false)?;
    Ok(DONE)
}

/// The other commands take the context as their last word. A last word that is a folder elsewhere can't be meant as a path
/// of the context `.`, so that it is taken as the context here, too.
fn take_context(args: &mut ExplainArgs) {
    let elsewhere = |path: &Path| {
        let (Ok(path), Ok(here)) = (path.canonicalize(), Path::new(".").canonicalize()) else { return false };
        path.is_dir() && !path.starts_with(here)
    };
    if args.context == Path::new(".")
        && args.paths.len() > 1
        && args.paths.last().is_some_and(|p| elsewhere(p))
    {
        args.context = args.paths.pop().unwrap_or_else(|| PathBuf::from("."));
    }
}
