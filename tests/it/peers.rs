//! The script that measures other tools beside this program, on trees that are small enough for a test. What comes out is not
//! looked at: times prove nothing here.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::cli;

/// Rows that need nothing but what Debian always has, and those of `build`, for which there is no engine here.
const ROWS: [&str; 8] =
    ["plan-warm", "plan-cold", "why", "check", "pack-small", "million-hidden", "million-memory-ls", "build"];

/// Exit status and output of `benches/peers`.
fn peers(work: &Path, more: &[&str]) -> (Option<i32>, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("python3")
        .arg(root.join("benches/peers"))
        .args(["--no-install", "--files=60", "--many=1200", "--bytes=1M", "--runs=1", "--binary"])
        .arg(env!("CARGO_BIN_EXE_stowaway"))
        .arg("--work")
        .arg(work)
        .args(more)
        .env("DOCKER_HOST", "unix:///nowhere.sock")
        .stdin(Stdio::null())
        .output()
        .expect("python3 starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

#[test]
fn the_script_that_measures_peers_fills_its_table() {
    if !cli::has("python3") || !cli::has("time") {
        return;
    }
    let work = tempfile::tempdir().expect("a folder");
    let (status, text) = peers(work.path(), &[&["--check"], &ROWS[..]].concat());
    for row in ROWS.iter().filter(|row| **row != "build") {
        assert!(text.contains(&format!("| `{row}` |")), "{row} has a line:\n{text}");
    }
    assert!(text.contains("Left out: `build-cold`: "), "a row without an engine is told:\n{text}");
    // Whatever the clock says, the exit status says the same as the table.
    assert_eq!(status, Some(i32::from(text.contains('✗'))), "{text}");
}

#[test]
fn every_row_of_the_script_is_listed_with_what_is_wanted() {
    if !cli::has("python3") {
        return;
    }
    let work = tempfile::tempdir().expect("a folder");
    let (status, text) = peers(work.path(), &["--list"]);
    assert_eq!(status, Some(0));
    let wanted = |row: &str, what: &str| {
        let line = text.lines().find(|l| l.split(' ').next() == Some(row));
        assert!(line.is_some_and(|l| l.contains(what)), "{row} wants {what}:\n{text}");
    };
    wanted("plan-warm", "time ≤ 0.8");
    wanted("plan-cold", "time ≤ 0.5");
    wanted("build-unchanged", "time ≤ 0.6, transfer ≤ 0.6, CPU ≤ 0.3, memory ≤ 0.25");
    wanted("million-hidden", "time ≤ 1.1");
}
