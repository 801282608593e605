//! The projects of `fixtures/projects`, built by both programs on one engine: it can't tell them from each other.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::build::is_entirely_cached;
use crate::compare::normalised;
use crate::generated::nonce;
use crate::place::{Image, Place, on_every_engine};
use crate::support::cli::{self, Run};
use crate::support::project::{self, Build, OnDisk, Project};
use crate::support::{parallel, say};

/// What makes two builds at two moments comparable: no times, and no attestation, which has the time of the build in it.
const AS_EVER: [&str; 6] =
    ["--build-arg", "SOURCE_DATE_EPOCH=1", "--provenance", "false", "--progress", "rawjson"];

/// Pairs at once: a machine with two processors is not faster with more.
const AT_ONCE: usize = 2;

on_every_engine! { projects_are_the_same_whoever_builds_them_first }

fn projects_are_the_same_whoever_builds_them_first(place: &Place) {
    let builds =
        project::ALL.iter().flat_map(|project| project.builds.iter().map(move |build| (project, build)));
    let builds = builds.filter(|(project, build)| can(place, project, build));
    let pairs: Vec<_> =
        builds.flat_map(|(p, b)| [true, false].map(|ours_first| (p, b, ours_first))).collect();
    assert!(pairs.len() >= if place.is_modern() { 30 } else { 8 }, "{}", pairs.len());
    parallel::map_with(AT_ONCE, &pairs, |(project, build, ours_first)| {
        same(place, project, build, *ours_first)
    });
    say(&format!("{}: {} pairs of builds of projects are the same", place.name, pairs.len()));
}

/// Whether an engine can build it at all. Base images stand in as named contexts, which an old engine doesn't know.
fn can(place: &Place, project: &Project, build: &Build) -> bool {
    let parents = build.needs == Some(project::Need::Parents);
    let no_base = project.name == "static-site" || build.more.contains(&"assets");
    if place.is_modern() { !parents } else { no_base }
}

fn same(place: &Place, project: &Project, build: &Build, ours_first: bool) {
    let first = if ours_first { "ours first" } else { "theirs first" };
    let what = format!("{}: {} {} {:?}, {first}", place.name, project.name, build.dockerfile, build.more);
    let disk = OnDisk::new(project.name);
    freshen(&disk.context(), &nonce());
    let (context, mut options) = named_apart(&disk, &disk.options(build, &nonce()));
    if !place.is_modern() {
        let first = options.iter().position(|o| o != "--build-context" && !o.contains("=oci-layout:"));
        options.drain(..first.unwrap_or(options.len()));
    }
    let (mine, theirs) = (place.image("ours"), place.image("theirs"));
    let ours = || {
        let state = tempfile::tempdir().expect("a folder");
        cli::run(place.ours(state.path()).args(AS_EVER).args(["-t", &mine.name]).args(&options).arg(&context))
    };
    let buildx = || {
        let args = ["buildx", "build"].into_iter().chain(AS_EVER).chain(["-t", &theirs.name]);
        place.docker(
            args.chain(options.iter().map(String::as_str)).map(OsStr::new).chain([context.as_os_str()]),
        )
    };
    let (first, second) = if ours_first { (ours(), buildx()) } else { (buildx(), ours()) };
    if build.fails {
        return assert_eq!(why(&first), why(&second), "{what}");
    }
    assert_eq!((first.code, second.code), (0, 0), "{what}\n{}\n{}", first.stderr, second.stderr);
    is_entirely_cached(&second.stderr);
    is_one_image(place, &mine, &theirs, &what);
}

/// Gives the context a name of its own. buildx has an engine keep what it sends under the context's last name, and old engines mix
/// up two that are sent under one name at once.
fn named_apart(disk: &OnDisk, options: &[String]) -> (PathBuf, Vec<String>) {
    let (from, to) = (disk.context(), disk.context().with_file_name(nonce()));
    fs::rename(&from, &to).expect("another name");
    let [from, to_text] = [&from, &to].map(|path| path.to_str().expect("UTF-8").to_owned());
    (to, options.iter().map(|option| option.replace(&from, &to_text)).collect())
}

/// The whole config is equal, and with it the layers.
fn is_one_image(place: &Place, mine: &Image<'_>, theirs: &Image<'_>, what: &str) {
    if place.is_modern() && mine.id() == theirs.id() {
        // The digest of the manifest, which has that of the config and those of the layers.
        return;
    }
    let configs = [mine, theirs].map(|image| {
        let config = image.config();
        // An old engine doesn't know `SOURCE_DATE_EPOCH`: an instruction without a layer has the moment of the build.
        if place.is_modern() { config } else { without_times(config) }
    });
    assert!(configs[0]["rootfs"]["diff_ids"].as_array().is_some_and(|l| !l.is_empty()), "{what}");
    assert_eq!(configs[0], configs[1], "{what}");
    assert!(!place.is_modern(), "{what}: equal configs in other manifests: {} {}", mine.id(), theirs.id());
}

fn without_times(mut config: Value) -> Value {
    config.as_object_mut().expect("a config").remove("created");
    for entry in config["history"].as_array_mut().into_iter().flatten() {
        entry.as_object_mut().expect("an entry").remove("created");
    }
    config
}

/// The exit status and the reason of a build that fails.
fn why(run: &Run) -> (i32, Option<String>) {
    let said = run.stderr.lines().rev().find_map(|l| l.split_once("failed to solve: "));
    (run.code, said.map(|(_, why)| normalised(why)))
}

/// Gives every file of a context a content that no engine has seen, but for those that mean something to the build.
fn freshen(folder: &Path, fresh: &str) {
    for entry in fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry")) {
        let (path, kind) = (entry.path(), entry.file_type().expect("a kind"));
        let name = entry.file_name().into_string().expect("UTF-8");
        let means_something =
            [".dockerignore", "Dockerfile", ".tar.gz"].iter().any(|end| name.ends_with(end));
        if kind.is_dir() {
            freshen(&path, fresh);
        } else if kind.is_file() && !means_something {
            let mut bytes = fs::read(&path).expect("a file");
            bytes.extend_from_slice(fresh.as_bytes());
            fs::write(&path, bytes).expect("a file");
        }
    }
}
