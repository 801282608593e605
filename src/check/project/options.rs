//! Targets, arguments and platforms that a Dockerfile has no use for.

use std::collections::BTreeSet;

use super::{BuildFacts, Findings, Label, ProjectFacts, Severity, rules, stages};
use crate::dockerfile::{Dockerfile, suggest};
use crate::project::{Build, Place};

/// Arguments that mean something without being declared (BuildKit's `frontend/dockerfile/dockerfile2llb/convert.go` and
/// `frontend/dockerui/config.go`), in upper case.
const PREDEFINED: [&str; 8] = [
    "ALL_PROXY",
    "FTP_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SOURCE_DATE_EPOCH",
    "BUILDKIT_SYNTAX",
    "BUILDKIT_INLINE_CACHE",
];

/// Looks at the options of each build.
pub(super) fn find(facts: &ProjectFacts<'_>, found: &mut Findings) {
    let useful = useful_places(facts);
    for (build, on_disk) in facts.pairs() {
        platforms(facts, build, on_disk, found);
        let Some(file) = on_disk.parsed.filter(|f| is_plain(f)) else { continue };
        target(facts, build, file, found);
        for (name, value) in build.args.iter().filter(|(_, v)| !useful.contains(&v.place)) {
            argument(facts, build, file, name, &value.place, found);
        }
        without_value(facts, build, file, found);
    }
}

/// Whether the file is in Dockerfile's own language.
fn is_plain(file: &Dockerfile) -> bool {
    let Some(syntax) = &file.syntax else { return true };
    let name = syntax.value.trim_start_matches("docker.io/");
    ["docker/dockerfile", "docker/dockerfile-upstream"]
        .iter()
        .any(|own| name.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@'])))
}

fn platforms(facts: &ProjectFacts<'_>, build: &Build, on_disk: &BuildFacts<'_>, found: &mut Findings) {
    for (number, why) in &on_disk.bad_platforms {
        let Some(platform) = build.platforms.get(*number) else { continue };
        let message = format!("{} of {} is no platform: {why}", platform.value, build.name);
        let finding = found.add(&rules::PLATFORM_INVALID, message);
        finding.builds.push(build.name.clone());
        finding.labels.extend(facts.label(&platform.place, &platform.value, ""));
        finding.help("write OS/ARCH or OS/ARCH/VARIANT, such as linux/amd64 or linux/arm64/v8");
    }
}

fn target(facts: &ProjectFacts<'_>, build: &Build, file: &Dockerfile, found: &mut Findings) {
    let Some(target) = &build.target else { return };
    if file.stages.is_empty() || stages::find(file, &target.value, file.stages.len()).is_some() {
        return;
    }
    let message = format!("the Dockerfile of {} has no stage {}", build.name, target.value);
    let finding = found.add(&rules::TARGET_UNKNOWN, message);
    finding.builds.push(build.name.clone());
    finding.engine_message = Some(format!("target stage \"{}\" could not be found", target.value));
    finding.labels.extend(facts.label(&target.place, &target.value, ""));
    let names: Vec<&str> = file.stages.iter().filter_map(|s| s.name.as_deref()).collect();
    match (suggest(&target.value, &names, false), names.as_slice()) {
        (Some(near), _) => match facts.replace(&target.place, &target.value, &near) {
            Some(fix) => drop(finding.fix(format!("write {near}"), fix)),
            None => drop(finding.help(format!("did you mean {near}?"))),
        },
        (None, []) => drop(finding.help("name a stage in the Dockerfile: FROM … AS NAME")),
        (None, names) => drop(finding.help(format!("its stages are {}", listed(names)))),
    }
}

/// A few names.
fn listed(names: &[&str]) -> String {
    const MOST: usize = 8;
    let mut text = names.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text.push_str(&format!(" and {} more", names.len() - MOST));
    }
    text
}

fn argument(
    facts: &ProjectFacts<'_>,
    build: &Build,
    file: &Dockerfile,
    name: &str,
    place: &Place,
    found: &mut Findings,
) {
    if is_predefined(name) || declares(file, name, None) || may_be_a_trigger(file) {
        let target = build.target.as_ref().map(|t| t.value.as_str());
        unused(facts, build, file, (name, place), target, found);
        return;
    }
    let message = format!("the Dockerfile of {} declares no ARG {name}", build.name);
    let finding = found.add(&rules::ARGUMENT_UNKNOWN, message);
    finding.builds.push(build.name.clone());
    finding.labels.extend(facts.label(place, name, "the value goes nowhere"));
    let names: Vec<&str> = declared(file).collect();
    match suggest(name, &names, true) {
        Some(near) => finding.help(format!("did you mean {near}?")),
        None => finding.help(format!("declare it where it is used (ARG {name}), or take it away")),
    };
}

/// An argument that only other stages declare.
fn unused(
    facts: &ProjectFacts<'_>,
    build: &Build,
    file: &Dockerfile,
    (name, place): (&str, &Place),
    target: Option<&str>,
    found: &mut Findings,
) {
    let Some(used) = stages::used(file, target).filter(|_| !is_predefined(name)) else { return };
    if declares(file, name, Some(&used)) || may_be_a_trigger(file) {
        return;
    }
    let stage = file.stages.iter().find(|s| stages::arguments(s).any(|a| a.name == name));
    let Some(stage) = stage else { return };
    let message = format!("no stage that {} builds declares the ARG {name}", build.name);
    let finding = found.add(&rules::ARGUMENT_UNKNOWN, message);
    finding.builds.push(build.name.clone());
    finding.severity = Severity::Note;
    finding.labels.extend(facts.label(place, name, "the value goes nowhere"));
    let label = stage.name.clone().unwrap_or_else(|| format!("at line {}", stage.span.line));
    finding.help(format!("only the stage {label} declares it, which this build doesn't use"));
}

fn is_predefined(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let platform = |prefix: &str| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|r| ["PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT", "STAGE"].contains(&r))
    };
    PREDEFINED.contains(&upper.as_str())
        || upper.starts_with("BUILDKIT_")
        || platform("TARGET")
        || platform("BUILD")
}

/// A base image with triggers may declare arguments.
fn may_be_a_trigger(file: &Dockerfile) -> bool {
    file.stages.iter().any(|s| s.base_name.contains("onbuild"))
}

fn declared(file: &Dockerfile) -> impl Iterator<Item = &str> {
    let own = file.stages.iter().flat_map(stages::arguments);
    stages::global(file).chain(own).map(|a| a.name.as_str())
}

/// Whether the head of the file or one of the stages (all of them for `None`) declares an argument. Triggers count as text.
fn declares(file: &Dockerfile, name: &str, among: Option<&BTreeSet<usize>>) -> bool {
    let is = |a: &crate::dockerfile::Argument| a.name == name || a.name.contains('$');
    let trigger = |s: &crate::dockerfile::Stage| {
        s.instructions
            .iter()
            .any(|i| matches!(&i.kind, crate::dockerfile::InstructionKind::Onbuild(t) if t.contains(name)))
    };
    let mut of_stages = file.stages.iter().enumerate().filter(|(n, _)| among.is_none_or(|a| a.contains(n)));
    stages::global(file).any(is) || of_stages.any(|(_, s)| stages::arguments(s).any(is) || trigger(s))
}

/// Places of arguments that some build makes use of: one list for several builds (an anchor, an inherited target) is no mistake.
fn useful_places<'a>(facts: &ProjectFacts<'a>) -> BTreeSet<&'a Place> {
    let mut useful = BTreeSet::new();
    for (build, on_disk) in facts.pairs() {
        let Some(file) = on_disk.parsed else { continue };
        let used = stages::used(file, build.target.as_ref().map(|t| t.value.as_str()));
        let of_build = build.args.iter().filter(|(name, _)| declares(file, name, used.as_ref()));
        useful.extend(of_build.map(|(_, value)| &value.place));
    }
    useful
}

/// Arguments that get no value from anywhere: declared without a default, and not given.
fn without_value(facts: &ProjectFacts<'_>, build: &Build, file: &Dockerfile, found: &mut Findings) {
    let target = build.target.as_ref().map(|t| t.value.as_str());
    let Some(used) = stages::used(file, target) else { return };
    let own: Vec<_> = used.iter().filter_map(|n| file.stages.get(*n)).flat_map(stages::arguments).collect();
    let global: BTreeSet<&str> =
        stages::global(file).filter(|a| a.default.is_some()).map(|a| a.name.as_str()).collect();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let defaults: BTreeSet<&str> =
        own.iter().filter(|a| a.default.is_some()).map(|a| a.name.as_str()).collect();
    for argument in own.iter().filter(|a| a.default.is_none()) {
        let name = argument.name.as_str();
        let given = build.args.get(name).is_some_and(|v| v.value.is_some());
        if given
            || global.contains(name)
            || defaults.contains(name)
            || is_predefined(name)
            || !told.insert(name)
        {
            continue;
        }
        let message = format!("the ARG {name} of {} has no value: no default, and none is given", build.name);
        let finding = found.add(&rules::ARGUMENT_WITHOUT_VALUE, message);
        finding.builds.push(build.name.clone());
        let (place, word) =
            build.args.get(name).map_or((&build.place, build.name.as_str()), |v| (&v.place, name));
        let label: Option<Label> = facts.label(place, word, "");
        finding.labels.extend(label);
        finding.help(format!("give it a value under args, or a default: ARG {name}=…"));
    }
}
