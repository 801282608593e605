//! Runs the built program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{entry, machine, say};

/// What a run of the program left.
#[derive(Debug)]
pub struct Run {
    /// Exit status; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error, broken UTF-8 replaced.
    pub stderr: String,
}

/// The program with no input, no colours wanted by the environment, and nothing of the caller's home.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stowaway"));
    command
        .stdin(Stdio::null())
        .env("STOWAWAY_CACHE_DIR", kept("cache"))
        .env("STOWAWAY_STATE_DIR", kept("state"));
    for name in [
        "CLICOLOR_FORCE",
        "FORCE_COLOR",
        "NO_COLOR",
        "DOCKER_BUILDKIT",
        "BUILDKIT_SYNTAX",
        "SOURCE_DATE_EPOCH",
    ] {
        command.env_remove(name);
    }
    command
}

/// A cache or state folder for all tests. Contexts in temporary folders never meet there, and the program itself bounds its
/// size.
fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs a prepared command.
pub fn run(command: &mut Command) -> Run {
    let output = command.output().expect("the program starts");
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs the program with these arguments in `dir`.
pub fn stowaway_in<A: AsRef<OsStr>>(dir: &Path, args: impl IntoIterator<Item = A>) -> Run {
    run(command().current_dir(dir).args(args))
}

/// Whether a program is here that a test needs. Its lack is said aloud, and is a failure in CI.
pub fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found {
        say(&format!("SKIPPED: {program} is not here"));
        assert!(!machine::must_not_skip(), "CI must have {program}");
    }
    found
}

/// Runs the program in `dir` as someone who is not the super-user, for whom nothing is unreadable.
pub fn without_rights(dir: &Path, args: &[&str]) -> Option<Run> {
    if !machine::is_root() {
        return Some(stowaway_in(dir, args));
    }
    if !has("setpriv") {
        return None;
    }
    // The program itself may lie where others can't look, so a copy of it runs.
    let place = tempfile::tempdir().expect("a temporary folder");
    entry::set_mode(place.path(), 0o755);
    let program = place.path().join("stowaway");
    // By another process: a child that another test starts at this moment would hold our open file, and the copy could not be run.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_stowaway")).arg(&program).status();
    assert!(copied.expect("cp").success(), "copying the program");
    entry::set_mode(&program, 0o755);
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program);
    Some(run(command.current_dir(dir).args(args).stdin(Stdio::null())))
}

impl Run {
    /// Standard output as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("the output is UTF-8")
    }

    /// Standard output as JSON, or why it isn't any.
    pub fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.stdout).map_err(|e| {
            let last = self.stderr.trim_end().lines().last().unwrap_or("").to_owned();
            format!("exit {}, no JSON ({e}); last line of stderr: {last:?}", self.code)
        })
    }

    /// Asserts the exit status and gives the run back; shows everything when it differs.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            code,
            "exit status\n--- stdout\n{}\n--- stderr\n{}",
            String::from_utf8_lossy(&self.stdout),
            self.stderr
        );
        assert!(!self.stderr.contains("panicked at"), "a panic: {}", self.stderr);
        self
    }
}
