//! `pack | docker build -` finds what a build from the folder left in the cache, and the other way round.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::compare::alone;
use crate::generated::nonce;
use crate::support::cli;
use crate::support::engine::{State, engine, states_of};
use crate::support::{entry, machine, project, say, tree};

/// Options without the Dockerfile, which is in the tar.
fn without_file(options: &[String]) -> Vec<String> {
    let mut rest = options.iter();
    let mut out = Vec::new();
    while let Some(option) = rest.next() {
        match option.as_str() {
            "-f" => drop(rest.next()),
            _ => out.push(option.clone()),
        }
    }
    out
}

/// Packs a context, and what was told about the tar.
fn pack(options: &[String], context: &Path, more: &[&str]) -> (Vec<u8>, Value) {
    let mut command = cli::command();
    let run = cli::run(command.args(["pack", "--format", "json"]).args(more).args(options).arg(context));
    let run = run.expect_code(0);
    let told = run.stderr.find('{').and_then(|at| serde_json::from_str(&run.stderr[at..]).ok());
    (run.stdout, told.unwrap_or_else(|| panic!("no JSON on standard error: {}", run.stderr)))
}

/// Builds what `pack` writes, and tells what was done with each step.
fn build_packed(
    options: &[String],
    context: &Path,
    more: &[&str],
) -> Result<BTreeMap<String, State>, String> {
    let (tar, told) = pack(options, context, more);
    let mut command = Command::new("docker");
    command.args(["buildx", "build", "--progress", "rawjson", "--provenance", "false"]);
    command.args(["--output", "type=cacheonly"]).args(without_file(options));
    if told["dockerfile"]["found"] == false {
        command.args(["-f", told["dockerfile"]["path"].as_str().expect("a path")]);
    }
    fed(command.arg("-"), &tar)
}

fn fed(command: &mut Command, tar: &[u8]) -> Result<BTreeMap<String, State>, String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the engine's client starts");
    // A client that refuses the tar says why itself.
    let _ = child.stdin.take().expect("a pipe").write_all(tar);
    states_of(&child.wait_with_output().expect("its end"))
}

/// The names of a build's steps in the order of the Dockerfile, each with whether it takes the top of the context.
fn steps(options: &[String], context: &Path) -> Vec<(String, bool)> {
    let run = cli::run(cli::command().args(["plan", "--format", "json"]).args(options).arg(context));
    let plan = run.json().expect("a plan");
    let step = |step: &Value| {
        let text = |field: &str| step[field].as_str().expect("a text").to_owned();
        (text("name"), takes_top(&text("text")))
    };
    plan["steps"].as_array().expect("steps").iter().map(step).collect()
}

/// Whether an instruction copies or mounts the whole context.
fn takes_top(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let Some((last, sources)) = words.split_last() else { return false };
    let copies =
        matches!(words[0].to_ascii_uppercase().as_str(), "COPY" | "ADD") && !text.contains("--from=");
    let mounts = words
        .iter()
        .any(|w| w.starts_with("--mount=type=bind") && !w.contains("from=") && !w.contains("source="));
    mounts
        || copies
            && (sources.iter().any(|s| matches!(*s, "." | "./" | "/"))
                || text.contains("[\".\"") && !last.is_empty())
}

/// The states of what copies files of the context.
fn copies(states: &BTreeMap<String, State>) -> BTreeMap<&str, State> {
    states
        .iter()
        .filter(|(name, _)| name.contains("COPY "))
        .map(|(name, state)| (&name[..], *state))
        .collect()
}

/// Why the states of a build from a tar are not those that a build from the folder before makes us expect.
fn unexpected(
    steps: &[(String, bool)],
    before: &BTreeMap<String, State>,
    after: &BTreeMap<String, State>,
) -> Vec<String> {
    let known = |name: &String| before.contains_key(name);
    let mut ran = steps.iter().filter(|(name, _)| known(name) && after.get(name) != Some(&State::Cached));
    match ran.next() {
        // What stands on a step that ran runs, too.
        Some((_, true)) | None => Vec::new(),
        Some((name, false)) => vec![format!("{name} is {:?}", after.get(name))],
    }
}

#[test]
fn a_packed_project_finds_what_a_build_from_the_folder_left() {
    let Some(engine) = engine("pack: projects") else { return };
    let _alone = alone();
    let mut bad = Vec::new();
    let mut whole = 0;
    for project in project::ALL {
        let disk = project::OnDisk::new(project.name);
        for build in
            project.builds.iter().filter(|b| !b.fails && b.needs.is_none_or(|n| n.offered_by(engine.can)))
        {
            let options = disk.options(build, &nonce());
            let context = disk.context();
            let steps = steps(&options, &context);
            let (before, after) =
                (engine.states(&options, &context, &[]), build_packed(&options, &context, &[]));
            let name = format!("{} {} {:?}", project.name, build.dockerfile, build.more);
            match (before, after) {
                (Ok(before), Ok(after)) => {
                    bad.extend(
                        unexpected(&steps, &before, &after).into_iter().map(|why| format!("{name}: {why}")),
                    );
                    whole += usize::from(copies(&after).values().all(|s| *s == State::Cached));
                }
                (Err(_), Err(_)) => {}
                other => bad.push(format!("{name}: {other:?}")),
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(whole > 2, "hardly any build was found entirely: {whole}");
}

/// A tree of everything odd, of which no step takes the top. The first name isn't ASCII: whoever reads the tar must know it for
/// one all the same.
const ODD: &str = r##"
    file  "!\xc3\xa4"          0644 "first"
    dir   d                    1777
    dir   d/empty              0700
    file  d/exec               0755 "#!/bin/sh\n"
    file  d/setuid             4755 "x"
    file  d/none               0600
    file  d/big                0640 "0123456789" * 100001
    file  "d/name with space"  0644 "1"
    link  d/dangling           -> ../nowhere
    hard  d/second             = d/exec
    fifo  d/pipe               0600
    sock  d/socket             0755
    file  one.txt              0644 "1"
    file  two.txt              0664 "2"
    file  hidden.txt           0644 "3"
    file  .dockerignore        0644 "hidden.txt\nDockerfile\n"
    file  Dockerfile           0644 "FROM scratch\nCOPY salt /\nCOPY *.txt /t/\nCOPY d /d/\nCOPY d/exec !\xc3\xa4 /e/\n"
"##;

/// The tree with names of 200 bytes, attributes where they work, and something that no other build has seen.
fn odd() -> tempfile::TempDir {
    let dir = tree::on_disk(ODD);
    let deep = dir.path().join("d").join("a".repeat(200)).join("b".repeat(150));
    entry::make_parents(&deep);
    fs::write(&deep, "deep").expect("a file");
    fs::write(dir.path().join("salt"), nonce()).expect("a file");
    for path in [deep, dir.path().join("salt")] {
        entry::set_mode(&path, 0o644);
    }
    if machine::lacks(&["xattr".to_owned()]).is_none() {
        entry::set_xattr(&dir.path().join("d/none"), "user.one", b"a\0b\n=\xff");
    }
    dir
}

/// Builds an image and gives its layers.
fn layers(engine_args: &[&str], context: &str, input: Option<&[u8]>, dir: &Path) -> Value {
    let tag = format!("stowaway-pack-{}", std::process::id());
    let mut command = Command::new("docker");
    command.current_dir(dir).args([
        "buildx",
        "build",
        "--progress",
        "rawjson",
        "--provenance",
        "false",
        "-t",
        &tag,
    ]);
    fed(command.args(engine_args).arg(context), input.unwrap_or_default()).expect("it builds");
    let inspected = Command::new("docker").args(["image", "inspect", &tag]).output().expect("docker");
    let image: Value = serde_json::from_slice(&inspected.stdout).expect("JSON");
    let _ = Command::new("docker").args(["image", "rm", &tag]).output();
    image[0]["RootFS"]["Layers"].clone()
}

#[test]
fn everything_odd_has_the_same_keys_and_layers_from_a_tar() {
    let Some(engine) = engine("pack: odd entries") else { return };
    let _alone = alone();
    let dir = odd();
    let all_cached = |states: Result<BTreeMap<String, State>, String>, what: &str| {
        let states = states.unwrap_or_else(|why| panic!("{what}: {why}"));
        let copies = copies(&states);
        assert_eq!(copies.len(), 4, "{what}: {states:?}");
        assert!(copies.values().all(|state| *state == State::Cached), "{what}: {states:?}");
    };
    engine.states(&[], dir.path(), &[]).expect("it builds");
    all_cached(build_packed(&[], dir.path(), &[]), "a tar after the folder");
    all_cached(build_packed(&[], dir.path(), &["--used", "--compress", "gzip"]), "what is used, with gzip");
    all_cached(build_packed(&[], dir.path(), &["--mtime", "content"]), "other times");
    let dir = odd();
    build_packed(&[], dir.path(), &[]).expect("it builds");
    all_cached(engine.states(&[], dir.path(), &[]), "the folder after a tar");
    if std::env::var_os("BUILDX_BUILDER").is_some_and(|b| !b.is_empty()) {
        return say("pack: layers are not compared, since this builder loads no images");
    }
    let (tar, _) = pack(&[], dir.path(), &[]);
    let of_tar = layers(&[], "-", Some(&tar), dir.path());
    assert!(of_tar.as_array().is_some_and(|l| l.len() == 4), "{of_tar}");
    assert_eq!(layers(&[], ".", None, dir.path()), of_tar);
}

#[test]
fn names_that_are_no_text_reach_the_engine_in_a_tar() {
    let Some(_) = engine("pack: names that are no text") else { return };
    let _alone = alone();
    let dir = odd();
    // An engine's own client can't send these (a string of its protocol must be UTF-8).
    fs::write(dir.path().join("d").join(OsStr::from_bytes(b"bad\xff\xfe")), "1").expect("a file");
    std::os::unix::fs::symlink(
        OsStr::from_bytes(b"bad\xff\xfe"),
        dir.path().join(OsStr::from_bytes(b"d/to\xff")),
    )
    .expect("a link");
    build_packed(&[], dir.path(), &[]).expect("it builds");
    let states = build_packed(&[], dir.path(), &["--mtime", "1000000000"]).expect("it builds");
    assert!(copies(&states).values().all(|s| *s == State::Cached), "{states:?}");
}

#[test]
fn a_dockerfile_from_elsewhere_builds_from_the_tar() {
    let Some(_) = engine("pack: a Dockerfile from elsewhere") else { return };
    let _alone = alone();
    let dir = odd();
    let outside = tempfile::tempdir().expect("a temporary folder");
    let file = outside.path().join(OsStr::from_bytes(b"other.Dockerfile"));
    fs::write(&file, "FROM scratch\nCOPY salt /other/\n").expect("a file");
    let options = ["-f".to_owned(), file.to_str().expect("UTF-8").to_owned()];
    let states = build_packed(&options, dir.path(), &[]).expect("it builds");
    assert!(states.keys().any(|name| name.contains("COPY salt /other/")), "{states:?}");
    fs::remove_file(dir.path().join("Dockerfile")).expect("the file");
    let states = build_packed(&options, dir.path(), &["--used"]).expect("it builds");
    assert!(states.keys().any(|name| name.contains("COPY salt /other/")), "{states:?}");
}

#[test]
fn the_same_tree_packed_again_is_cached_entirely() {
    let Some(_) = engine("pack: again") else { return };
    let _alone = alone();
    let dir = tree::on_disk(
        "file Dockerfile 0644 \"FROM scratch\\nCOPY . /all/\\nCOPY d /d/\\n\"\nfile d/x 0644 \"1\"\n",
    );
    fs::write(dir.path().join("salt"), nonce()).expect("a file");
    build_packed(&[], dir.path(), &[]).expect("it builds");
    entry::set_mtime(&dir.path().join("d/x"), 5);
    let states = build_packed(&[], dir.path(), &["--compress", "gzip"]).expect("it builds");
    let copies = copies(&states);
    assert!(copies.values().all(|s| *s == State::Cached) && copies.len() == 2, "{states:?}");
}
