//! What BuildKit's own checks say about a build.

use super::analysis::{Read, plan_options};
use super::{Request, images};
use crate::dockerfile::{Dockerfile, Lint, ParseError, ParseOptions};
use crate::plan::{Linted, Plan, lints_of_unreadable};

/// Reads a Dockerfile: the options of its `# check=` count only where the request doesn't say which checks are wanted.
pub(super) fn parse(request: &Request, bytes: &[u8]) -> Result<Dockerfile, ParseError> {
    let checks_given = request.plan.build_args.contains_key("BUILDKIT_DOCKERFILE_CHECK");
    Dockerfile::parse_with(bytes, ParseOptions { checks_given })
}

/// The answer of `docker build --check`: of the target where one is given, else of every stage; up to the first error, in the engine's order.
/// Of a Dockerfile that can't be read, what the engine remarks before it says so.
pub fn lints(request: &Request, read: &Read) -> Vec<Lint> {
    let Ok(bytes) = &read.located.bytes else { return Vec::new() };
    match &read.dockerfile {
        None => Vec::new(),
        Some(Err(_)) => lints_of_unreadable(bytes, &request.plan.build_args),
        // Where an image of a stage that the target doesn't need can't be read, what the target's build says is left.
        Some(Ok(file)) => every_stage(request, read, file)
            .map(|linted| linted.lints)
            .or_else(|| read.plan.as_ref().map(|plan| plan.lints.clone()))
            .unwrap_or_default(),
    }
}

fn every_stage(request: &Request, read: &Read, file: &Dockerfile) -> Option<Linted> {
    let images = images::Known::of(request).ok()?;
    Plan::lint(file, &plan_options(request, &read.located.ignore), &images).ok()
}
