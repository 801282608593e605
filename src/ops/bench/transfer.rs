//! The context sent to an engine by other programs' builds: this one's own and Docker's.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::super::{Request, locate};
use super::middle;
use crate::error::Error;
use crate::log;
use crate::report::{BenchBuild, BenchClient, BenchTransfer};

/// All that is in view is sent (`convert.go`: a copy of the context's top asks for no path in particular), and nothing is copied.
const DOCKERFILE: &str = "FROM scratch\nCOPY --exclude=** . /\n";

/// The step that receives the context, as BuildKit names it.
const RECEIVES: &str = "[internal] load build context";

/// A program that builds, and the words in front of the build's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// How it is spoken of.
    pub name: String,
    /// The program and its first words.
    pub words: Vec<OsString>,
}

/// Measures each client: once with an engine that has nothing of the context, then with one that has all of it.
///
/// # Errors
/// [`Error`] when the Dockerfile can't be written. A build that fails is why nothing was measured.
pub fn measure(request: &Request, clients: &[Client], runs: usize) -> Result<BenchTransfer, Error> {
    let folder = tempfile::Builder::new()
        .prefix("stowaway-bench-")
        .tempdir()
        .map_err(|e| Error::write(&std::env::temp_dir(), e))?;
    prepare(request, folder.path())?;
    let mut answer = BenchTransfer::default();
    for (number, client) in clients.iter().enumerate() {
        match one(client, folder.path(), &request.context, number, runs) {
            Ok(done) => answer.clients.push(done),
            Err(why) => answer.left_out = Some(format!("{}: {why}", client.name)),
        }
    }
    Ok(answer)
}

/// Writes the Dockerfile, and the ignore file that is in force beside it, where it comes first.
fn prepare(request: &Request, folder: &Path) -> Result<(), Error> {
    let located = locate::locate(request)?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|e| Error::write(&path, e))
    };
    write("Dockerfile", DOCKERFILE.as_bytes())?;
    write("Dockerfile.dockerignore", &located.ignore.bytes)
}

/// The builds of one client.
fn one(
    client: &Client,
    folder: &Path,
    context: &Path,
    number: usize,
    runs: usize,
) -> Result<BenchClient, String> {
    // An engine finds what it has of a context by its name, so that a new one has nothing yet.
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let link = folder.join(format!("{name}-{number}"));
    let target = context.canonicalize().map_err(|e| e.to_string())?;
    std::os::unix::fs::symlink(target, &link).map_err(|e| e.to_string())?;
    let build = || built(client, &folder.join("Dockerfile"), &link);
    let cold = build()?;
    let rest: Vec<BenchBuild> = (0..runs).map(|_| build()).collect::<Result<_, _>>()?;
    let of = |part: fn(&BenchBuild) -> f64| middle(rest.iter().map(part).collect());
    let unchanged = BenchBuild {
        seconds: of(|b| b.seconds),
        transfer_seconds: of(|b| b.transfer_seconds),
        bytes: rest.last().map_or(0, |b| b.bytes),
    };
    Ok(BenchClient { name: client.name.clone(), cold, unchanged })
}

/// One build, of which no image is kept.
fn built(client: &Client, dockerfile: &Path, context: &Path) -> Result<BenchBuild, String> {
    let (program, first) = client.words.split_first().ok_or("no program")?;
    let mut command = Command::new(program);
    command
        .args(first)
        .args(["--progress=rawjson", "--output=type=cacheonly", "-f"])
        .arg(dockerfile)
        .arg(context);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let output = command.output().map_err(|e| format!("starting {}: {e}", program.to_string_lossy()))?;
    let seconds = start.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(last_line(&output.stderr));
    }
    let log = log::read(io::Cursor::new(&output.stderr)).map_err(|e| e.to_string())?;
    let received = log.vertices.iter().find(|v| v.name == RECEIVES);
    let received = received.ok_or("its log doesn't tell of the context")?;
    Ok(BenchBuild { seconds, transfer_seconds: received.duration.as_secs_f64(), bytes: received.bytes })
}

/// What a program says last, between messages of its log.
fn last_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().rev().find(|l| !l.trim().is_empty() && !l.starts_with('{'));
    line.map_or_else(|| "the build fails".to_owned(), |l| l.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_failure_is_the_last_line_that_is_no_message() {
        assert_eq!(last_line(b"{\"vertexes\":[]}\nerror: no engine\n{\"logs\":[]}\n\n"), "error: no engine");
        assert_eq!(last_line(b""), "the build fails");
    }

    /// A client that is a shell script: what it writes is taken as the engine's log.
    fn client(script: &str) -> Client {
        Client { name: "sh".into(), words: ["sh", "-c", script].map(OsString::from).into() }
    }

    fn measured(script: &str) -> BenchTransfer {
        let context = tempfile::tempdir().unwrap();
        fs::write(context.path().join(".dockerignore"), "x\n").unwrap();
        let request = Request { context: context.path().to_owned(), ..Request::default() };
        measure(&request, &[client(script)], 2).unwrap()
    }

    #[test]
    fn the_engine_tells_what_was_sent() {
        let message = r#"{"vertexes":[{"digest":"sha256:1","name":"[internal] load build context","started":"2026-01-01T00:00:01Z","completed":"2026-01-01T00:00:03Z"}],"statuses":[{"id":"transferring context:","vertex":"sha256:1","current":42,"timestamp":"2026-01-01T00:00:03Z","started":"2026-01-01T00:00:01Z"}]}"#;
        let answer = measured(&format!("echo '{message}' >&2"));
        assert_eq!(answer.left_out, None);
        let client = &answer.clients[0];
        assert_eq!((client.cold.transfer_seconds, client.cold.bytes), (2.0, 42));
        assert_eq!((client.unchanged.transfer_seconds, client.unchanged.bytes), (2.0, 42));
    }

    #[test]
    fn a_client_that_cannot_build_is_told() {
        let answer = measured("echo 'no engine answers' >&2; exit 3");
        assert_eq!((answer.left_out.as_deref(), answer.clients.len()), (Some("sh: no engine answers"), 0));
        assert_eq!(measured("true").left_out.as_deref(), Some("sh: its log doesn't tell of the context"));
    }

    #[test]
    fn the_ignore_file_that_is_in_force_is_in_force_there_too_and_the_context_has_a_name_of_its_own() {
        // `$0` to `$4`: --progress, --output, -f, the Dockerfile, the context.
        let script = r#"grep -q x "$3.dockerignore" && grep -q exclude "$3" && basename "$4" >&2; test -e "$4/.dockerignore" || echo gone >&2; exit 1"#;
        let said = measured(script).left_out.unwrap();
        assert!(said.starts_with("sh: stowaway-bench-") && said.ends_with("-0"), "{said}");
    }
}
