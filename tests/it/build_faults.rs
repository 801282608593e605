//! `build` without an engine worth the name: said at once, with the engine's exit status, and nothing left behind.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::cli::{Run, command, run};

/// So long nobody waits for an engine that says nothing.
const LIMIT: Duration = Duration::from_secs(60);

/// Builds with the engine at `socket`; the run, after looking that nothing was written.
#[track_caller]
fn build(folder: &Path, socket: &Path) -> Run {
    std::fs::write(folder.join("Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n").expect("a Dockerfile");
    let start = Instant::now();
    let mut command = command();
    command.current_dir(folder).env("DOCKER_HOST", format!("unix://{}", socket.display()));
    for name in ["DOCKER_CONTEXT", "BUILDX_BUILDER", "BUILDKIT_HOST", "DOCKER_TLS_VERIFY"] {
        command.env_remove(name);
    }
    command.env("DOCKER_CONFIG", folder.join("no-config"));
    command.args(["build", "-o", "type=tar,dest=out.tar", "--metadata-file", "meta.json", "."]);
    let run = run(&mut command).expect_code(3);
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    for name in ["out.tar", "meta.json"] {
        assert!(!folder.join(name).exists(), "{name} was left behind");
    }
    assert!(run.stdout.is_empty(), "{:?}", run.stdout);
    run
}

/// An engine that does `answer` with every connection.
fn engine(folder: &Path, answer: impl Fn(UnixStream) + Send + 'static) -> std::path::PathBuf {
    let socket = folder.join("engine.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(answer));
    socket
}

/// Reads the head of a request.
fn head(stream: &mut UnixStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

#[test]
fn where_no_engine_is_its_place_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("nothing.sock");
    let run = build(folder.path(), &socket);
    assert!(run.stderr.contains("nothing.sock"), "{}", run.stderr);
}

#[test]
fn an_engine_that_hangs_up_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = engine(folder.path(), drop);
    assert!(build(folder.path(), &socket).stderr.contains("error:"));
}

#[test]
fn an_engine_that_says_nothing_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = std::sync::Mutex::new(Vec::new());
    let socket = engine(folder.path(), move |stream| {
        if let Ok(mut kept) = kept.lock() {
            kept.push(stream);
        }
    });
    assert!(build(folder.path(), &socket).stderr.contains("error:"));
}

#[test]
fn an_engine_that_refuses_the_upgrade_is_told_in_its_own_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = engine(folder.path(), |mut stream| {
        while let head = head(&mut stream)
            && !head.is_empty()
        {
            let (status, body) = match head.contains("/_ping") {
                true => ("200 OK", "OK"),
                false => ("403 Forbidden", r#"{"message":"builds are not for you"}"#),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nApi-Version: 1.51\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    let run = build(folder.path(), &socket);
    assert!(run.stderr.contains("builds are not for you"), "{}", run.stderr);
}

#[test]
fn an_engine_that_talks_nonsense_after_the_upgrade_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = engine(folder.path(), |mut stream| {
        let answer: &[u8] = match head(&mut stream) {
            head if head.contains("/_ping") => b"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK",
            _ => b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nthis is no HTTP/2 at all, and never will be",
        };
        let _ = stream.write_all(answer);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert!(build(folder.path(), &socket).stderr.contains("error:"));
}
