//! `stowaway why`.

use super::args::WhyArgs;
use super::options::{BaselineArgs, BuildOptions, Format};
use super::progress::Progress;
use super::{DONE, FOUND, output, request, snapshot};
use crate::error::Error;
use crate::ops::{self, Against, PageOf, WhyOptions};

/// Compares the build with a baseline and writes the answer.
pub fn run(args: &WhyArgs) -> Result<u8, Error> {
    let options = options(&args.baseline, &args.build.options)?;
    let request = request(&args.build.context, &args.build.options)?;
    let progress = Progress::of(&args.output);
    let report = if args.output.format == Format::Html {
        let page = ops::page(&request, PageOf::Why(options), &progress)?;
        progress.finish();
        output::page(&page, &args.output)?;
        page.why.unwrap_or_default()
    } else {
        let report = ops::why(&request, &options, &progress)?;
        progress.finish();
        output::write(&report, &args.output, false)?;
        report
    };
    Ok(if args.exit_code && ops::reruns(&report.steps) { FOUND } else { DONE })
}

/// What is compared with, and how.
#[cfg_attr(
    not(feature = "registry"),
    allow(unused_variables, reason = "only registries need to know more of the build")
)]
pub(super) fn options(baseline: &BaselineArgs, build: &BuildOptions) -> Result<WhyOptions, Error> {
    Ok(WhyOptions {
        against: baseline.against.as_deref().map(Against::parse).transpose()?.unwrap_or_default(),
        store: snapshot::store().ok(),
        umask: baseline.umask,
        #[cfg(feature = "registry")]
        registries: super::convert::registry_options(build, super::environment),
    })
}
