//! `stowaway key`.

use super::args::KeyArgs;
use super::progress::Progress;
use super::{DONE, output, request, warn};
use crate::error::Error;
use crate::ops;
use crate::report::{KeyReport, WarningReport};

/// Computes the key and writes it, alone or with what went in.
pub fn run(args: &KeyArgs) -> Result<u8, Error> {
    let request = request(&args.build.context, &args.build.options)?;
    let progress = Progress::of(&args.output);
    let report = KeyReport { explain: args.explain, ..ops::key(&request, &progress)? };
    progress.finish();
    check(&report, args)?;
    output::write(&report, &args.output, false)?;
    Ok(DONE)
}

/// Says what is assumed, or refuses to.
fn check(report: &KeyReport, args: &KeyArgs) -> Result<(), Error> {
    if args.strict && !report.assumes.is_empty() {
        let hint =
            "give base images with --base or by their digests, and files and repositories with --checksum";
        let message = format!("the key would assume that {}", report.assumes.join(", and that "));
        return Err(Error::usage(message, hint));
    }
    let warning = |text: &String| WarningReport {
        line: None,
        code: "assumed".into(),
        message: format!("the key assumes that {text}"),
    };
    warn(&report.assumes.iter().map(warning).collect::<Vec<_>>(), &args.output);
    Ok(())
}
