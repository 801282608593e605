//! Settings that do nothing: caches that are never read or never written, or that lack what is wanted of them.

use std::collections::{BTreeMap, BTreeSet};

use super::build::CacheEntry;
use super::{CiBuild, Findings, How, rules};
use crate::dockerfile::{Dockerfile, InstructionKind};
use crate::project::join;

/// Looks at one build; `all` are those of all workflows.
pub(super) fn find(
    build: &CiBuild<'_>,
    all: &[CiBuild<'_>],
    dockerfiles: &BTreeMap<String, &Dockerfile>,
    found: &mut Findings,
) {
    no_cache(build, found);
    never_written(build, all, found);
    no_builder(build, found);
    if let Some(file) = dockerfile_of(build).and_then(|path| dockerfiles.get(&path)) {
        mode_min(build, file, found);
    }
}

/// `no-cache` with a cache to read from.
fn no_cache(build: &CiBuild<'_>, found: &mut Findings) {
    let word = match &build.how {
        How::Command(command) if command.has("no-cache") => "--no-cache",
        How::Action | How::Bake if build.step.with("no-cache").is_some_and(|v| v.value == "true") => {
            "no-cache"
        }
        _ => return,
    };
    let Some(entry) = build.from.first() else { return };
    let finding =
        found.add(&rules::NO_CACHE, format!("cache-from has no effect with no-cache ({})", build.name()));
    finding.at(build.label(&entry.text, "is never looked at")).at(build.label(word, "because of this"));
    finding.help("take one of them away");
}

/// Cache that is read and that nothing writes.
fn never_written(build: &CiBuild<'_>, all: &[CiBuild<'_>], found: &mut Findings) {
    for entry in build.from.iter().filter(|e| e.is("gha")) {
        let scope = |e: &CacheEntry| e.attribute("scope").unwrap_or("buildkit").to_owned();
        let (own, is_plain) = (scope(entry), !scope(entry).contains('$'));
        let writes = |e: &CacheEntry| match e.kind.as_deref() {
            Some("gha") => !is_plain || scope(e) == own || scope(e).contains('$'),
            // What an expression says may be it.
            None => true,
            _ => false,
        };
        if all.iter().flat_map(|b| &b.to).any(writes) || may_be_written_elsewhere(all) {
            continue;
        }
        let message = format!(
            "nothing writes the cache that {} reads: no cache-to of type=gha and the scope {own}",
            build.name()
        );
        let finding = found.add(&rules::NEVER_WRITTEN, message);
        finding.at(build.label(&entry.text, "is always empty"));
        finding.help("write it too: cache-to: type=gha,mode=max");
    }
}

/// Bake files have their own `cache-to`, and other workflows or actions may build as well.
fn may_be_written_elsewhere(all: &[CiBuild<'_>]) -> bool {
    let of_bake = |b: &CiBuild<'_>| match &b.how {
        How::Bake => true,
        How::Command(command) => command.words.iter().any(|w| w == "bake" || w.contains('$')),
        How::Action => b.step.with("cache-to").is_some_and(|v| v.value.contains("${{")),
    };
    all.iter().any(of_bake)
}

/// Cache that is to be exported by the engine's own builder, which can't.
fn no_builder(build: &CiBuild<'_>, found: &mut Findings) {
    let Some(entry) = build.to.iter().find(|e| e.kind.as_deref().is_some_and(|k| k != "inline")) else {
        return;
    };
    if has_builder(build) {
        return;
    }
    let message = format!(
        "{} exports a cache without a builder that can: there is no docker/setup-buildx-action before it",
        build.name()
    );
    let finding = found.add(&rules::NO_BUILDER, message);
    finding.engine_message = Some("Cache export is not supported for the docker driver.".to_owned());
    finding.at(build.label(&entry.text, ""));
    finding.help("add a step before it: uses: docker/setup-buildx-action@v3");
}

/// Whether a builder may be set up, as far as it can be seen.
fn has_builder(build: &CiBuild<'_>) -> bool {
    let job = build.job;
    let hosted = ["ubuntu-", "windows-", "macos-"].iter().any(|os| job.runs_on.starts_with(os));
    let known = |u: &str| {
        let u = u.to_ascii_lowercase();
        ["buildx", "builder", "buildkit", "setup-docker", "depot", "namespace"].iter().any(|w| u.contains(w))
            || u.starts_with("./")
    };
    let sets_up = |text: &str| {
        ["buildx create", "buildx use", "containerd", "daemon.json"].iter().any(|w| text.contains(w))
    };
    let by_option = match &build.how {
        How::Command(command) => command.has("builder"),
        How::Action | How::Bake => build.step.with("builder").is_some(),
    };
    let by_env = job.env.contains_key("BUILDX_BUILDER") || build.step.env.contains_key("BUILDX_BUILDER");
    !hosted
        || job.container
        || by_option
        || by_env
        || build.before().iter().any(|s| s.uses.as_deref().is_some_and(known))
        || job.steps.iter().filter_map(|s| s.run.as_ref()).any(|run| sets_up(&run.value))
}

/// The Dockerfile of a build from the repository's top; `None` when that is not plain.
pub(super) fn dockerfile_of(build: &CiBuild<'_>) -> Option<String> {
    let exports = build.to.iter().any(lacks_stages);
    if build.how != How::Action || !exports {
        return None;
    }
    let given = |name: &str| build.step.with(name).map(|v| v.value.trim().to_owned());
    let context = given("context").unwrap_or_else(|| ".".to_owned());
    let path = match given("file") {
        Some(file) => file,
        None => join(context.as_ref(), "Dockerfile").to_str()?.to_owned(),
    };
    let path = join(".".as_ref(), &path).to_str()?.to_owned();
    let plain = !path.contains(['$', '{', ':', '#']) && !path.starts_with(['/', '.']);
    plain.then_some(path)
}

/// Whether an export leaves out the stages that are only copied from.
fn lacks_stages(entry: &CacheEntry) -> bool {
    let keeps = ["gha", "registry", "local", "s3", "azblob"];
    entry.kind.as_deref().is_some_and(|k| keeps.contains(&k))
        && entry.attribute("mode").is_none_or(|m| m == "min")
}

/// An export of the last stage only, where others do the work.
fn mode_min(build: &CiBuild<'_>, file: &Dockerfile, found: &mut Findings) {
    let Some(entry) = build.to.iter().find(|e| lacks_stages(e)) else { return };
    let target = build.step.with("target").map(|t| t.value.trim().to_owned());
    let lost = lost_stages(file, target.as_deref());
    if lost.is_empty() {
        return;
    }
    let stages = if lost.len() == 1 { "the stage" } else { "the stages" };
    let message = format!("mode=min leaves {stages} {} out of the cache ({})", lost.join(", "), build.name());
    let finding = found.add(&rules::MODE_MIN, message);
    finding.at(build.label(&entry.text, "only the layers of the image are kept"));
    finding.help(format!("export all of them: {},mode=max", entry.text.replace(",mode=min", "")));
}

/// Stages with RUN steps that the target copies from, and that are no part of the image.
fn lost_stages(file: &Dockerfile, target: Option<&str>) -> Vec<String> {
    use super::super::project::stages;
    let Some(used) = stages::used(file, target) else { return Vec::new() };
    let last = target.map_or(file.stages.len().checked_sub(1), |t| stages::find(file, t, file.stages.len()));
    let mut chain = BTreeSet::new();
    let mut next = last;
    while let Some(number) = next.filter(|n| chain.insert(*n)) {
        next = file.stages.get(number).and_then(|s| stages::find(file, &s.base_name, number));
    }
    let runs = |n: &usize| {
        let stage = file.stages.get(*n)?;
        let runs = stage.instructions.iter().any(|i| matches!(i.kind, InstructionKind::Run(_)));
        runs.then(|| stage.name.clone().unwrap_or_else(|| n.to_string()))
    };
    used.difference(&chain).filter_map(runs).collect()
}
