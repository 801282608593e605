//! What BuildKit's own checks say: as the engine said in each recorded build, and nothing where it said nothing.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use stowaway::dockerfile::Lint;
use stowaway::image::Platform;
use stowaway::observer::Silent;
use stowaway::ops::{DockerfileInput, NamedInput, Read, Request};
use stowaway::plan::{PlanOptions, lints_of_unreadable};

use crate::support::case::{Case, Expected, OnDisk, load_all};
use crate::support::parallel;
use crate::vectors;

#[test]
fn every_recorded_build_is_remarked_on_as_the_engine_did() {
    let (cases, _) = vectors::split_skipped(load_all("cases"));
    let remarked = cases.iter().filter(|c| !c.expected.warnings.is_empty()).count();
    assert!(remarked >= 10 && cases.len() > remarked * 10, "{remarked} of {}", cases.len());
    let results = parallel::map(&cases, check);
    vectors::report(&cases, &results);
}

#[test]
fn every_recorded_round_is_remarked_on_as_the_engine_did() {
    let (cases, _) = vectors::split_skipped(load_all("changes"));
    let rounds = || cases.iter().flat_map(|c| &c.rounds);
    assert!(rounds().count() > 100 && rounds().any(|r| !r.expected.warnings.is_empty()));
    let results = parallel::map(&cases, check_rounds);
    vectors::report(&cases, &results);
}

fn check(case: &Case) -> Vec<String> {
    compare(&OnDisk::new(case), &case.expected)
}

fn check_rounds(case: &Case) -> Vec<String> {
    let mut disk = OnDisk::new(case);
    let mut bad = compare(&disk, &case.expected);
    for (i, round) in case.rounds.iter().enumerate() {
        round.mutations.iter().for_each(|m| disk.apply(m));
        let said = compare(&disk, &round.expected);
        bad.extend(said.into_iter().map(|b| format!("round {i} ({}): {b}", round.what)));
    }
    bad
}

fn compare(disk: &OnDisk, expected: &Expected) -> Vec<String> {
    let request = request(disk);
    let mut got = match Read::of(&request, &Silent) {
        Ok(read) => said(&request, &read),
        Err(error) => return vec![error.to_string()],
    };
    // The recorded ones are sorted by line.
    got.sort_by_key(|lint| lint.spans.first().map(|s| s.line));
    let got: Vec<Value> = got.iter().map(recorded_form).collect();
    if got == expected.warnings {
        return Vec::new();
    }
    vec![format!("{}, but the engine: {}", json!(got), json!(expected.warnings))]
}

/// What a build says, as against `docker build --check`, which looks at every stage.
fn said(request: &Request, read: &Read) -> Vec<Lint> {
    match (&read.plan, &read.located.bytes) {
        (Some(plan), _) => plan.lints.clone(),
        (None, Ok(bytes)) => lints_of_unreadable(bytes, &request.plan.build_args),
        (None, Err(_)) => Vec::new(),
    }
}

fn recorded_form(lint: &Lint) -> Value {
    let lines: Vec<usize> = lint.spans.iter().flat_map(|s| s.line..=s.end_line).collect();
    let line = lines.first().map_or(String::new(), |line| format!(" (line {line})"));
    json!({ "rule": lint.rule, "text": format!("{}: {}{line}", lint.rule, lint.message), "lines": lines })
}

fn request(disk: &OnDisk) -> Request {
    let case = &disk.case;
    let dockerfile = disk.folder(&case.dockerfile.location).join(&case.dockerfile.name);
    let default = dockerfile == disk.context().join("Dockerfile");
    Request {
        context: disk.context(),
        dockerfile: if default { DockerfileInput::Default } else { DockerfileInput::Path(dockerfile) },
        named: named(disk),
        plan: PlanOptions {
            target: case.target.clone(),
            build_args: build_args(case),
            platform: case.frontend_opts.get("platform").map(|p| platform(p)),
            build_platform: Some(platform("linux/amd64")),
            ..PlanOptions::default()
        },
        ..Request::default()
    }
}

fn platform(text: &str) -> Platform {
    Platform::parse(text).expect("a platform")
}

fn build_args(case: &Case) -> BTreeMap<String, String> {
    let given = case.frontend_opts.iter().filter_map(|(k, v)| Some((k.strip_prefix("build-arg:")?, v)));
    let given = given.map(|(k, v)| (k.to_owned(), v.clone()));
    case.build_args.clone().into_iter().chain(given).collect()
}

fn named(disk: &OnDisk) -> BTreeMap<String, NamedInput> {
    let beside = |name: String| disk.context().parent().unwrap_or(Path::new("/")).join(name);
    let folders = disk.case.contexts.keys().enumerate();
    let folders = folders.map(|(i, name)| (name.clone(), NamedInput::Folder(beside(format!("named-{i}")))));
    let layouts = disk.case.oci_layouts.iter().enumerate().map(|(i, (name, layout))| {
        let spec = format!("{}@{}", beside(format!("layout-{i}")).display(), layout.digest);
        (name.clone(), NamedInput::OciLayout(spec))
    });
    folders.chain(layouts).collect()
}
