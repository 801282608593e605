//! `stowaway affected`.

use std::collections::BTreeMap;

use super::args::AffectedArgs;
use super::progress::Progress;
use super::{DONE, convert, index_folder, output};
use crate::error::Error;
use crate::ops::{self, AffectedOptions};

/// So many causes of a step are told unless it is asked for more.
const CAUSES: usize = 5;

/// Compares the builds of two states and writes which have to be built again.
pub fn run(args: &AffectedArgs) -> Result<u8, Error> {
    let usage = |convert::Usage { message, hint }| Error::Usage { message, hint };
    let options = AffectedOptions {
        base: args.base.clone(),
        head: args.head.clone(),
        files: args.files.clone(),
        context: args.context.clone(),
        bases: convert::bases(&args.base_image, "--base-image").map_err(usage)?,
        buildkit: args.buildkit,
        environment: environment(),
        index: index_folder(),
        causes: (!args.output.verbose).then_some(CAUSES),
    };
    let progress = Progress::of(&args.output);
    let report = ops::affected(&options, &progress)?;
    progress.finish();
    output::write(&report, &args.output, false)?;
    Ok(DONE)
}

/// This process's environment; what is not text is no variable of a project.
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect()
}
