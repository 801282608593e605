//! Arguments before the first FROM: platform arguments, global ARGs, what `--build-arg` overrides (`platform.go`
//! `defaultArgs`, `convert.go` `buildMetaArgs`).

use std::collections::BTreeMap;

use super::env::{EnvList, Variable};
use super::problem::Fail;
use super::words::Words;
use crate::buildkit::{Rule, Version};
use crate::dockerfile::{Dockerfile, InstructionKind};
use crate::image::Platform;

/// Arguments that steer BuildKit and never become variables of a stage.
pub(super) const NOT_ENV: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

/// `--build-arg`s.
pub(super) type BuildArgs = BTreeMap<String, String>;

/// The platforms of a build.
#[derive(Debug, Clone)]
pub(super) struct Platforms {
    /// Where the build runs.
    pub build: Platform,
    /// What it builds for.
    pub target: Platform,
}

/// The predefined arguments; a build argument of the same name replaces the value.
pub(super) fn predefined(
    platforms: &Platforms,
    target_name: &str,
    build_args: &BuildArgs,
    frontend: Version,
) -> EnvList {
    let Platforms { build, target } = platforms;
    let target_name = if target_name.is_empty() { "default" } else { target_name };
    let mut env = EnvList::default();
    for (key, value) in [
        ("BUILDPLATFORM", build.short().as_str()),
        ("BUILDOS", &build.os),
        ("BUILDOSVERSION", &build.os_version),
        ("BUILDARCH", &build.architecture),
        ("BUILDVARIANT", &build.variant),
        ("TARGETPLATFORM", &target.full()),
        ("TARGETOS", &target.os),
        ("TARGETOSVERSION", &target.os_version),
        ("TARGETARCH", &target.architecture),
        ("TARGETVARIANT", &target.variant),
        ("TARGETSTAGE", target_name),
    ] {
        if key == "TARGETSTAGE" && !frontend.has(Rule::TargetStage) {
            continue;
        }
        let value = build_args.get(key).map_or(value, String::as_str);
        env.put(Variable { key: key.into(), value: value.into(), known: true, argument: true, line: None });
    }
    env
}

/// Adds the global ARGs.
///
/// # Errors
/// A default that can't be expanded.
pub(super) fn add_global(
    env: &mut EnvList,
    dockerfile: &Dockerfile,
    words: &Words,
    build_args: &BuildArgs,
) -> Result<(), Fail> {
    for instruction in &dockerfile.global_args {
        let InstructionKind::Arg(args) = &instruction.kind else { continue };
        for arg in args {
            let value = match (build_args.get(&arg.name), &arg.default) {
                (Some(given), _) => given.clone(),
                (None, Some(default)) => {
                    words.expand(default, env, true).map_err(|e| e.at(Some(instruction.span)))?.text
                }
                (None, None) => continue,
            };
            let (key, line) = (arg.name.clone(), Some(instruction.span.line));
            env.put(Variable { key, value, known: true, argument: true, line });
        }
    }
    Ok(())
}
