//! Runs the git program: it only reads, asks nobody, and fetches nothing.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::GitError;

/// Variables that would point git at another repository than the folder's, or make it write or start something.
const REMOVED: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_COMMON_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_ATTR_SOURCE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
];

/// A git command in `folder`.
pub(super) fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args([
        "--no-pager",
        "--no-optional-locks",
        "--literal-pathspecs",
        // A repository may name a program here that git starts for a look at the work tree.
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.untrackedCache=false",
    ]);
    for name in REMOVED {
        command.env_remove(name);
    }
    command
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_LFS_SKIP_SMUDGE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub(super) fn output(command: &mut Command) -> Result<Output, GitError> {
    command.output().map_err(|source| GitError::NoGit { source })
}

/// Runs a command to its end, and expects success.
pub(super) fn read(command: &mut Command, doing: &str) -> Result<Vec<u8>, GitError> {
    successful(output(command)?, doing)
}

/// As [`read`], with something on standard input.
pub(super) fn read_with(command: &mut Command, input: &[u8], doing: &str) -> Result<Vec<u8>, GitError> {
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(|source| GitError::NoGit { source })?;
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let broken = |e: std::io::Error| GitError::failed(doing, e.to_string());
    let mut bytes = Vec::new();
    let (written, answered) = std::thread::scope(|scope| {
        // Written beside the reading, so that neither pipe fills up; a git that ends early says why itself.
        let writer = scope.spawn(move || stdin.map_or(Ok(()), |mut pipe| pipe.write_all(input)));
        let answered = stdout.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut bytes));
        (writer.join(), answered)
    });
    let output = child.wait_with_output().map_err(broken)?;
    let bytes_of = |output: Output| successful(Output { stdout: bytes, ..output }, doing);
    let bytes = bytes_of(output)?;
    answered.map_err(broken)?;
    match written {
        Ok(written) => written.map_err(broken)?,
        Err(_) => return Err(GitError::failed(doing, "the input could not be written")),
    }
    Ok(bytes)
}

fn successful(output: Output, doing: &str) -> Result<Vec<u8>, GitError> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(GitError::failed(doing, complaint(&output)))
}

/// What git said, without `fatal:`.
pub(super) fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|l| l.starts_with("fatal: ") || l.starts_with("error: "));
    let line = line.or_else(|| text.lines().next()).unwrap_or("git failed without a word");
    line.trim_start_matches("fatal: ").trim_start_matches("error: ").to_owned()
}
