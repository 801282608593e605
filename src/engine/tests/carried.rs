//! Connections that a program or a container carries.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::engine::{Address, Container, Docker, Program};

/// A program as a file that nobody has open for writing any more.
fn script(dir: &Path, text: &str) -> String {
    let path = dir.join("ssh");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    path.display().to_string()
}

fn through(name: String, args: &[&str], kind: Kind) -> Endpoint {
    let args = args.iter().map(|a| (*a).to_owned()).collect();
    let mut endpoint = Endpoint::new("ssh://h", "test", kind);
    endpoint.address = Address::Program(Program { name, args });
    endpoint
}

#[test]
fn an_engine_that_a_program_carries_is_spoken_to() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use tokio::net::unix::pipe::OpenOptions;
    run(async {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let [up, down] = ["up", "down"].map(|name| dir.path().join(name));
        for pipe in [&up, &down] {
            mknodat(CWD, pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
        }
        // Both ends of each, so that opening waits for nobody.
        let receiver = OpenOptions::new().read_write(true).open_receiver(&up).expect("a pipe");
        let sender = OpenOptions::new().read_write(true).open_sender(&down).expect("a pipe");
        tokio::spawn(serve_docker(tokio::io::join(receiver, sender), b""));
        let carry = r#"cat "$2" & exec cat > "$1""#;
        let (up, down) = (up.display().to_string(), down.display().to_string());
        let endpoint = through("sh".to_owned(), &["-c", carry, "ssh", &up, &down], Kind::Docker);
        let engine = Engine::connect(&endpoint, PATIENCE).await.expect("an engine");
        assert_eq!((engine.kind(), engine.about().buildkit.as_deref()), (Kind::Docker, Some("v0.1.2")));
    });
}

#[test]
fn what_a_program_complains_about_is_told() {
    run(async {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let ssh = script(dir.path(), "echo 'me@h: Permission denied (publickey).' >&2; exit 255");
        for kind in [Kind::Docker, Kind::BuildKit] {
            // Over the shell: another test may be starting a process while the file is still open in it.
            let endpoint = through("sh".to_owned(), &[&ssh], kind);
            let error = Engine::connect(&endpoint, PATIENCE).await.expect_err("no rights");
            assert!(error.to_string().contains("Permission denied (publickey)"), "{kind:?}: {error}");
        }
        let error =
            Engine::connect(&through("no-such-program".to_owned(), &[], Kind::Docker), PATIENCE).await;
        let error = error.expect_err("no program");
        assert!(error.to_string().contains("starting no-such-program: no such file"), "{error}");
        assert!(error.hint().is_some_and(|h| h.contains("install no-such-program")), "{error}");
    });
}

#[test]
fn a_program_that_hangs_is_not_waited_for() {
    run(async {
        let endpoint = through("sleep".to_owned(), &["100"], Kind::Docker);
        let patience = Patience { answer: Duration::from_millis(200), ..PATIENCE };
        let error = Engine::connect(&endpoint, patience).await.expect_err("silence");
        assert!(matches!(error, EngineError::Late { .. }), "{error}");
    });
}

/// One of Docker's engines with a builder's container, in which a buildkitd is.
struct Host {
    running: std::sync::atomic::AtomicBool,
    exists: bool,
    asked: std::sync::Mutex<Vec<String>>,
}

/// Puts heads before what comes from the container, as Docker does.
async fn muxed(mut from: impl tokio::io::AsyncRead + Unpin, mut to: impl tokio::io::AsyncWrite + Unpin) {
    let mut buffer = [0; 3000];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let head = [&[1, 0, 0, 0][..], &u32::try_from(n).expect("short").to_be_bytes()].concat();
        if to.write_all(&head).await.is_err() || to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

impl Host {
    async fn serve(&self, mut io: impl Io) {
        use std::sync::atomic::Ordering;
        while let Some(head) = request(&mut io).await {
            let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
            self.asked.lock().expect("a lock").push(line.clone());
            let (status, body) = match line.as_str() {
                "GET /containers/c/json" if !self.exists => (404, "{}".to_owned()),
                "GET /containers/c/json" => {
                    (200, format!(r#"{{"State":{{"Running":{}}}}}"#, self.running.load(Ordering::SeqCst)))
                }
                "POST /containers/c/start" => {
                    self.running.store(true, Ordering::SeqCst);
                    (204, String::new())
                }
                "POST /containers/c/exec" if head.contains("workers") => (201, r#"{"Id":"w"}"#.to_owned()),
                "POST /containers/c/exec" => (201, r#"{"Id":"d"}"#.to_owned()),
                "GET /exec/w/json" => (200, r#"{"ExitCode":0}"#.to_owned()),
                other => {
                    let switch = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
                    io.write_all(switch).await.expect("a reader");
                    if other == "POST /exec/w/start" {
                        return;
                    }
                    let (ours, theirs) = tokio::io::duplex(1 << 16);
                    tokio::spawn(serve_control(theirs));
                    let (from, to) = tokio::io::split(io);
                    let (mut inside_from, mut inside_to) = (to, ours);
                    let (read_half, mut write_half) = tokio::io::split(&mut inside_to);
                    let mut from = from;
                    let up = async { drop(tokio::io::copy(&mut from, &mut write_half).await) };
                    tokio::select! { () = up => {}, () = muxed(read_half, &mut inside_from) => {} }
                    return;
                }
            };
            let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n", body.len());
            io.write_all((head + &body).as_bytes()).await.expect("a reader");
        }
    }
}

/// A node of a builder on an engine that a test plays.
fn node(running: bool, exists: bool) -> (tempfile::TempDir, std::sync::Arc<Host>, Endpoint) {
    let (dir, path) = socket();
    let asked = std::sync::Mutex::default();
    let host = std::sync::Arc::new(Host { running: running.into(), exists, asked });
    let listener = UnixListener::bind(&path).expect("a socket");
    let serving = std::sync::Arc::clone(&host);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let host = std::sync::Arc::clone(&serving);
            tokio::spawn(async move { host.serve(stream).await });
        }
    });
    let engine = Box::new(at(&path, Kind::Docker));
    let mut endpoint = Endpoint::new("docker-container://c", "builder b", Kind::BuildKit);
    endpoint.address =
        Address::Container(Container { engine, name: "c".to_owned(), builder: "b".to_owned() });
    (dir, host, endpoint)
}

#[test]
fn a_builders_container_is_spoken_to_and_started_when_it_is_stopped() {
    run(async {
        for running in [true, false] {
            let (_dir, host, endpoint) = node(running, true);
            let engine = Engine::connect(&endpoint, PATIENCE).await.expect("an engine");
            assert_eq!((engine.kind(), engine.about().buildkit.as_deref()), (Kind::BuildKit, Some("v0.1.2")));
            let mut session = engine.open_session(&announced()).await.expect("a session");
            let bytes: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(100_000).collect();
            session.write_all(&bytes).await.expect("a reader");
            let mut back = vec![0; bytes.len()];
            session.read_exact(&mut back).await.expect("an echo");
            assert!(back == bytes);
            let asked = host.asked.lock().expect("a lock").join("\n");
            assert_eq!(asked.contains("POST /containers/c/start"), !running, "{asked}");
        }
    });
}

#[test]
fn a_builder_that_was_never_started_says_how() {
    run(async {
        let (_dir, _, endpoint) = node(false, false);
        let error = Engine::connect(&endpoint, PATIENCE).await.expect_err("no container");
        assert!(matches!(error, EngineError::NotBooted { .. }), "{error}");
        assert_eq!(error.hint().as_deref(), Some("start it with `docker buildx inspect --bootstrap b`"));
    });
}

/// A dockerd that answers each request with the same.
fn always(path: &Path, answer: &'static str) -> std::sync::Arc<std::sync::Mutex<Vec<String>>> {
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let listener = UnixListener::bind(path).expect("a socket");
    let hearing = std::sync::Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 4096];
            let n = stream.read(&mut bytes).await.expect("a request");
            hearing.lock().expect("a lock").push(String::from_utf8_lossy(&bytes[..n]).into_owned());
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    heard
}

#[test]
fn images_are_looked_up_tagged_loaded_and_pushed() {
    run(async {
        let (_dir, path) = socket();
        let heard = always(&path, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}");
        let docker = Docker::new(&at(&path, Kind::Docker), PATIENCE);
        assert_eq!(docker.image("localhost:5000/a/b:c d").await.expect("an answer"), None);
        assert!(docker.tag("sha256:0", "r/n", "t").await.is_err(), "no such image");
        let heard = heard.lock().expect("a lock").join("");
        assert!(heard.starts_with("GET /images/localhost:5000/a/b:c%20d/json HTTP/1.1\r\n"), "{heard}");
        assert!(heard.contains("POST /images/sha256:0/tag?repo=r/n&tag=t HTTP/1.1\r\n"), "{heard}");

        let (_dir, path) = socket();
        let lines = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"status\":\"a\"}\r\n{\"error\":\"it is full\"}\r\n";
        let heard = always(&path, lines);
        let docker = Docker::new(&at(&path, Kind::Docker), PATIENCE);
        let mut told = Vec::new();
        let tar = http_body_util::Full::new(Bytes::from_static(b"tar")).map_err(|never| match never {});
        let error = docker.load(tar, &mut |line| told.push(line.clone())).await.expect_err("an error");
        assert!(error.to_string().contains("refuses POST /images/load: it is full"), "{error}");
        assert_eq!(told, [serde_json::json!({"status": "a"})]);
        let error = docker.push("r/n", "t", "c2VjcmV0", &mut |_| {}).await.expect_err("an error").to_string();
        assert!(error.contains("it is full") && !error.contains("c2VjcmV0"), "{error}");
        let heard = heard.lock().expect("a lock").join("");
        assert!(heard.contains("POST /images/r/n/push?tag=t HTTP/1.1\r\n"), "{heard}");
        assert!(heard.contains("X-Registry-Auth: c2VjcmV0\r\n"), "{heard}");
    });
}
