//! `bench` on small contexts. What is looked at is what was measured, never how long it took.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::cli::{self, Run, stowaway_in};

/// 30 files of 100 bytes, of which 10 are copied, a hidden one, and a Dockerfile.
fn context() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for folder in ["used", "unused", "also"] {
        fs::create_dir(dir.path().join(folder)).expect("a folder");
        for i in 0..10 {
            fs::write(dir.path().join(folder).join(format!("f{i}")), [b'x'; 100]).expect("a file");
        }
    }
    fs::write(dir.path().join("hidden"), "h").expect("a file");
    fs::write(dir.path().join(".dockerignore"), "hidden\n").expect("a file");
    fs::write(dir.path().join("Dockerfile"), "FROM scratch AS app\nCOPY used /\n").expect("a file");
    dir
}

fn bench(dir: &Path, more: &[&str]) -> Run {
    stowaway_in(dir, ["bench", "--runs", "2", "--format", "json"].iter().chain(more))
}

fn codes(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().map(|f| f["code"].as_str().expect("a code")).collect()
}

#[test]
fn everything_but_the_transfer_is_measured_without_an_engine() {
    let dir = context();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let report = bench(dir.path(), &[]).expect_code(0).json().expect("JSON");
    assert_eq!(report["schema"], "stowaway.bench/1");
    assert_eq!((&report["target"], &report["runs"]), (&"app".into(), &2.into()));
    assert_eq!((&report["context"]["files"], &report["context"]["ignored"]), (&32.into(), &1.into()));
    assert_eq!((&report["cold"]["files_read"], &report["cold"]["bytes_read"]), (&10.into(), &1000.into()));
    for part in ["cold", "warm"] {
        let seconds = |name: &str| report[part][name].as_f64().expect("seconds");
        assert!(seconds("seconds") > 0.0 && seconds("walk_seconds") > 0.0, "{part}");
    }
    assert!(report["memory_bytes_per_second"].as_f64().is_some_and(|b| b > 0.0));
    assert!(report["pack"]["bytes"].as_u64().is_some_and(|b| b > 3000), "{}", report["pack"]);
    let transfer = &report["transfer"];
    assert_eq!(transfer["clients"], Value::Array(Vec::new()));
    assert!(transfer["left_out"].as_str().is_some_and(|t| t.contains("--engine")), "{transfer}");
    assert_eq!(codes(&report)[0], "where-time-goes");
}

#[test]
fn a_context_in_which_nothing_changed_is_measured_without_reading() {
    let dir = context();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let report = bench(dir.path(), &[]).expect_code(0).json().expect("JSON");
    let again = report["warm"]["files_read"].as_u64().expect("a number");
    assert_eq!(again != 0, codes(&report).contains(&"not-remembered"), "{report}");
    // What was written just now isn't remembered, and that is said.
    for i in 0..10 {
        fs::write(dir.path().join("used").join(format!("f{i}")), [b'y'; 100]).expect("a file");
    }
    let report = bench(dir.path(), &["--runs", "1"]);
    assert_eq!(report.code, 2, "an option given twice is an error");
    let report = stowaway_in(dir.path(), ["bench", "--runs", "1", "--format", "json"]);
    let report = report.expect_code(0).json().expect("JSON");
    let all = &report["cold"]["files_read"];
    if report["warm"]["files_read"] == *all {
        assert!(codes(&report).contains(&"not-remembered"), "{report}");
    }
}

#[test]
fn nothing_is_left_behind_and_the_users_own_index_is_not_touched() {
    let (dir, home) = (context(), tempfile::tempdir().expect("a folder"));
    let mut command = cli::command();
    command.env("STOWAWAY_CACHE_DIR", home.path().join("cache")).env("TMPDIR", home.path());
    cli::run(command.current_dir(dir.path()).args(["bench", "--runs", "1"])).expect_code(0);
    assert_eq!(fs::read_dir(home.path()).expect("the folder").count(), 0);
}

#[test]
fn without_an_engine_the_transfer_says_why_and_the_rest_is_there() {
    let dir = context();
    let mut command = cli::command();
    command
        .env("DOCKER_HOST", "unix:///nowhere.sock")
        .env_remove("BUILDX_BUILDER")
        .env_remove("BUILDKIT_HOST");
    let run = cli::run(command.current_dir(dir.path()).args(["bench", "--engine", "--runs", "1"]));
    let text = run.expect_code(0).text().to_owned();
    assert!(text.contains("transfer not measured: "), "{text}");
    assert!(text.contains("plan, nothing remembered") && text.contains("verdict: "), "{text}");
}

#[test]
fn a_build_that_would_fail_is_measured_all_the_same() {
    let dir = context();
    fs::write(dir.path().join("Dockerfile"), "FROM scratch\nCOPY nope /\n").expect("a file");
    let report = bench(dir.path(), &[]).expect_code(0).json().expect("JSON");
    assert_eq!(report["cold"]["files_read"], 0);
    assert!(report["pack"]["bytes"].as_u64().is_some_and(|b| b > 3000));
    bench(dir.path(), &["-f", "nope"]).expect_code(2);
    let run = stowaway_in(dir.path(), ["bench", "--runs", "0"]).expect_code(2);
    assert!(run.stderr.contains("--runs"), "{}", run.stderr);
}
