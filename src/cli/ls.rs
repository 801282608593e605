//! `stowaway ls`.

use super::args::LsArgs;
use super::options::{Format, Hash};
use super::progress::Progress;
use super::{DONE, output, request, warn};
use crate::digest::Algorithm;
use crate::error::Error;
use crate::ops::{self, ListOptions, Which};

/// Lists the context.
pub fn run(args: &LsArgs) -> Result<u8, Error> {
    if args.nul && args.output.format == Format::Json {
        return Err(Error::usage(
            "-0 and --format json exclude each other",
            "JSON needs no separator: leave -0 out",
        ));
    }
    let request = request(&args.build.context, &args.build.options)?;
    let progress = Progress::of(&args.output);
    let report = ops::list(&request, &options(args)?, &progress)?;
    progress.finish();
    warn(&report.warnings, &args.output);
    output::write(&report, &args.output, args.nul)?;
    Ok(DONE)
}

/// What is listed.
fn options(args: &LsArgs) -> Result<ListOptions, Error> {
    let which = match (&args.step, args.ignored, args.all) {
        (Some(step), _, _) => step_line(step)?,
        (None, true, _) => Which::Ignored,
        (None, _, true) => Which::All,
        (None, false, false) => Which::Seen,
    };
    let hash = args.hash.map(|hash| match hash {
        Hash::Sha256 => Algorithm::Sha256,
        Hash::Blake3 => Algorithm::Blake3,
    });
    Ok(ListOptions { which, hash })
}

/// `LINE` or `FILE:LINE`.
fn step_line(text: &str) -> Result<Which, Error> {
    let (file, line) = match text.rsplit_once(':') {
        Some((file, line)) => (Some(file.to_owned()), line),
        None => (None, text),
    };
    match line.parse() {
        Ok(line) if line > 0 => Ok(Which::Step { file, line }),
        _ => Err(Error::usage(
            format!("--step `{text}` is not understood"),
            "write a line's number, or FILE:LINE",
        )),
    }
}
