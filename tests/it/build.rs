//! `build` without an engine: wrong use, and nobody there.

use std::fs;

use crate::support::cli::{self, Run};
use crate::support::tree;

fn build(args: &[&str]) -> Run {
    let folder =
        tree::on_disk("file a.txt 0644 \"x\"\nfile Dockerfile 0644 \"FROM scratch\\nCOPY a.txt /\\n\"");
    let home = tempfile::tempdir().expect("a folder");
    let mut command = cli::command();
    for name in ["DOCKER_HOST", "DOCKER_CONTEXT", "BUILDX_BUILDER", "BUILDKIT_HOST", "DOCKER_CONFIG"] {
        command.env_remove(name);
    }
    command
        .env("HOME", home.path())
        .env("DOCKER_HOST", format!("unix://{}/none.sock", home.path().display()));
    cli::run(command.arg("build").args(args).arg(folder.path()))
}

#[test]
fn without_an_engine_there_is_no_build() {
    let run = build(&["-t", "x"]).expect_code(3);
    assert!(run.stderr.contains("none.sock") && run.stdout.is_empty(), "{}", run.stderr);
}

#[test]
fn options_that_docker_does_not_have_are_refused() {
    for (args, part) in [
        (&["--squash"][..], "--squash"),
        (&["--network", "mynet"], "mynet"),
        (&["--no-cache", "--no-cache-filter", "a"], "can't be used together"),
        (&["-o", "type=local"], "dest is required"),
        (&["--platform", "a/b/c/d"], "--platform"),
        (&["-t", "UPPER"], "lowercase"),
        (&["--iidfile", "x", "-o", "out"], "--iidfile"),
        (&["--progress", "loud"], "loud"),
    ] {
        let run = build(args).expect_code(2);
        assert!(run.stderr.contains(part) && run.stdout.is_empty(), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn values_of_secrets_are_not_repeated() {
    let run = build(&["--secret", "id=a,hunter2"]).expect_code(2);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    let run = build(&["--build-arg", "=hunter2"]).expect_code(2);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
}

#[test]
fn an_old_image_id_does_not_stay_behind_a_failed_build() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("iid");
    fs::write(&path, "sha256:old").expect("a file");
    build(&["-t", "x", "--iidfile", path.to_str().expect("UTF-8")]).expect_code(3);
    assert!(!path.exists());
}
