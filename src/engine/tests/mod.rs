//! Engines that a test plays itself.

mod carried;
mod find;
mod tls;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::types::{BuildkitVersion, WorkerRecord};
use bollard_buildkit_proto::moby::buildkit::v1::{DiskUsageRequest, InfoResponse, ListWorkersResponse};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::stream::Io;
use super::*;

const PATIENCE: Patience = Patience { connect: Duration::from_secs(5), answer: Duration::from_secs(5) };

/// A socket in a folder of its own.
pub(super) fn socket() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("e.sock");
    (dir, path)
}

pub(super) fn at(path: &Path, kind: Kind) -> Endpoint {
    Endpoint::new(&format!("unix://{}", path.display()), "test", kind)
}

/// Waits for `work`, not forever.
pub(super) fn run<T>(work: impl Future<Output = T>) -> T {
    let limited = async { tokio::time::timeout(Duration::from_secs(20), work).await.expect("in time") };
    block_on(limited).expect("a runtime")
}

fn message(message: &impl prost::Message) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.encoded_len()).expect("a short message"));
    message.encode(&mut bytes).expect("room");
    bytes.freeze()
}

type Answered = Response<http_body_util::combinators::UnsyncBoxBody<Bytes, hyper::Error>>;

/// A gRPC answer of one message.
fn answer(body: Bytes, code: &'static str) -> Answered {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.parse().expect("a value"));
    let frames = [Ok(Frame::data(body)), Ok(Frame::trailers(trailers))];
    let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    Response::builder().header("content-type", "application/grpc").body(body).expect("an answer")
}

/// What a BuildKit says: it sends a session's bytes back.
async fn control(request: Request<Incoming>) -> Result<Answered, Infallible> {
    let worker = WorkerRecord {
        id: "w".to_owned(),
        labels: [("org.mobyproject.buildkit.worker.snapshotter".to_owned(), "overlayfs".to_owned())].into(),
        platforms: vec![bollard_buildkit_proto::pb::Platform {
            os: "linux".to_owned(),
            architecture: "arm64".to_owned(),
            variant: "v8".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let version = BuildkitVersion { version: "v0.1.2".to_owned(), ..Default::default() };
    Ok(match request.uri().path() {
        "/moby.buildkit.v1.Control/ListWorkers" => {
            answer(message(&ListWorkersResponse { record: vec![worker] }), "0")
        }
        "/moby.buildkit.v1.Control/Info" => {
            answer(message(&InfoResponse { buildkit_version: Some(version) }), "0")
        }
        "/moby.buildkit.v1.Control/Session" => {
            let head = request.headers();
            assert_eq!(head["x-docker-expose-session-uuid"], "id");
            assert_eq!(head.get_all("x-docker-expose-session-grpc-method").iter().count(), 2);
            Response::new(request.into_body().boxed_unsync())
        }
        _ => answer(Bytes::new(), "12"),
    })
}

async fn serve_control(io: impl Io) {
    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    drop(builder.serve_connection(TokioIo::new(io), service_fn(control)).await);
}

/// A buildkitd.
pub(super) fn buildkitd(path: &Path) {
    let listener = UnixListener::bind(path).expect("a socket");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_control(stream));
        }
    });
}

/// Reads a request's head and body, byte by byte: what follows belongs to whatever the connection becomes.
async fn request(io: &mut impl Io) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("a head");
    let length = head.lines().find_map(|l| l.strip_prefix("Content-Length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    io.read_exact(&mut body).await.ok()?;
    Some(head + &String::from_utf8(body).expect("a body"))
}

/// A dockerd on one connection: `sessions` is what it says on a session, in the same write as the head.
async fn serve_docker(mut io: impl Io, early: &'static [u8]) {
    const SWITCH: &[u8] = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    while let Some(head) = request(&mut io).await {
        let body = match head.split(' ').nth(1).expect("a path") {
            "/_ping" => "OK",
            "/version" => r#"{"Version": "28.1.0"}"#,
            "/grpc" => {
                io.write_all(SWITCH).await.expect("a reader");
                return serve_control(io).await;
            }
            "/session" => {
                assert!(head.starts_with("POST ") && head.contains("X-Docker-Expose-Session-Uuid: id\r\n"));
                io.write_all(&[SWITCH, early].concat()).await.expect("a reader");
                let (mut from, mut to) = tokio::io::split(io);
                drop(tokio::io::copy(&mut from, &mut to).await);
                return;
            }
            _ => "{}",
        };
        let head = format!("HTTP/1.1 200 OK\r\nApi-Version: 1.49\r\nContent-Length: {}\r\n\r\n", body.len());
        io.write_all((head + body).as_bytes()).await.expect("a reader");
    }
}

/// A dockerd.
pub(super) fn dockerd(path: &Path, early: &'static [u8]) {
    let listener = UnixListener::bind(path).expect("a socket");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_docker(stream, early));
        }
    });
}

fn announced<'a>() -> Announced<'a> {
    Announced { id: "id", name: "n", shared_key: "k", methods: &["/a.B/C", "/d.E/F"] }
}

#[test]
fn a_dockerd_is_told_from_a_buildkitd_whatever_was_expected() {
    run(async {
        let (_dir, path) = socket();
        dockerd(&path, b"");
        let (_dir, other) = socket();
        buildkitd(&other);
        for kind in [Kind::Docker, Kind::BuildKit] {
            let engine = Engine::connect(&at(&path, kind), PATIENCE).await.expect("a dockerd");
            assert_eq!(engine.kind(), Kind::Docker, "expected {kind:?}");
            let about = engine.about();
            let versions = (about.docker.as_deref(), about.api.as_deref(), about.buildkit.as_deref());
            assert_eq!(versions, (Some("28.1.0"), Some("1.49"), Some("v0.1.2")));
            assert!(about.has_containerd_store());
            let engine = Engine::connect(&at(&other, kind), PATIENCE).await.expect("a buildkitd");
            assert_eq!(engine.kind(), Kind::BuildKit, "expected {kind:?}");
            assert_eq!(engine.about().platforms(), ["linux/arm64/v8"]);
            assert!(!engine.about().has_containerd_store(), "the label means that with a dockerd alone");
        }
    });
}

#[test]
fn what_an_engine_says_with_the_head_of_its_answer_is_not_lost() {
    run(async {
        let (_dir, path) = socket();
        dockerd(&path, b"early");
        let engine = Engine::connect(&at(&path, Kind::Docker), PATIENCE).await.expect("an engine");
        let mut session = engine.open_session(&announced()).await.expect("a session");
        session.write_all(b"late").await.expect("a reader");
        session.flush().await.expect("a reader");
        let mut bytes = [0; 9];
        session.read_exact(&mut bytes).await.expect("an echo");
        assert_eq!(&bytes, b"earlylate");
    });
}

#[test]
fn a_session_in_a_buildkitd_carries_every_byte_both_ways() {
    run(async {
        let (_dir, path) = socket();
        buildkitd(&path);
        let engine = Engine::connect(&at(&path, Kind::BuildKit), PATIENCE).await.expect("an engine");
        let session = engine.open_session(&announced()).await.expect("a session");
        let (mut from, mut to) = tokio::io::split(session);
        let bytes: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(5 << 20).collect();
        let sent = bytes.clone();
        let writing = tokio::spawn(async move {
            for chunk in sent.chunks(70_001) {
                to.write_all(chunk).await.expect("a reader");
            }
            to.shutdown().await.expect("an end");
        });
        let mut back = Vec::new();
        from.read_to_end(&mut back).await.expect("an echo to its end");
        writing.await.expect("a writer");
        assert!(back == bytes, "{} of {} bytes", back.len(), bytes.len());
    });
}

#[test]
fn an_engine_that_dies_in_mid_call_breaks_the_call() {
    run(async {
        let (_dir, path) = socket();
        let listener = UnixListener::bind(&path).expect("a socket");
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a client");
            let dying = service_fn(|request: Request<Incoming>| async move {
                if request.uri().path().ends_with("/DiskUsage") {
                    std::future::pending::<()>().await;
                }
                control(request).await
            });
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let serving = builder.serve_connection(TokioIo::new(stream), dying);
            drop(tokio::time::timeout(Duration::from_millis(300), serving).await);
        });
        let engine = Engine::connect(&at(&path, Kind::BuildKit), PATIENCE).await.expect("an engine");
        let status =
            engine.control().disk_usage(DiskUsageRequest::default()).await.expect_err("a dead engine");
        assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
        assert!(status.message().contains("broke"), "{status:?}");
        server.await.expect("a server");
    });
}

#[test]
fn nobody_there_is_told_with_what_to_do() {
    run(async {
        let (_dir, path) = socket();
        let error = Engine::connect(&at(&path, Kind::Docker), PATIENCE).await.expect_err("nobody");
        assert!(error.to_string().contains("no such file or directory"), "{error}");
        assert!(error.hint().is_some_and(|h| h.contains("DOCKER_HOST")), "{error}");
        drop(UnixListener::bind(&path).expect("a socket"));
        let error = Engine::connect(&at(&path, Kind::Docker), PATIENCE).await.expect_err("nobody");
        assert!(error.to_string().contains("connection refused"), "{error}");
        assert!(error.hint().is_some_and(|h| h.contains("start the engine again")), "{error}");
    });
}

#[test]
fn one_that_accepts_and_says_nothing_is_not_waited_for() {
    run(async {
        let (_dir, path) = socket();
        let _silent = UnixListener::bind(&path).expect("a socket");
        let patience = Patience { answer: Duration::from_millis(200), ..PATIENCE };
        for kind in [Kind::Docker, Kind::BuildKit] {
            let error = Engine::connect(&at(&path, kind), patience).await.expect_err("silence");
            assert!(matches!(error, EngineError::Late { .. }), "{error}");
        }
    });
}

#[test]
fn one_that_talks_nonsense_is_no_engine() {
    run(async {
        let (_dir, path) = socket();
        let listener = UnixListener::bind(&path).expect("a socket");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                drop(stream.read(&mut [0; 4096]).await);
                drop(stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await);
            }
        });
        let error = Engine::connect(&at(&path, Kind::Docker), PATIENCE).await.expect_err("nonsense");
        assert!(error.to_string().contains("no engine"), "{error}");
        assert!(Engine::connect(&at(&path, Kind::BuildKit), PATIENCE).await.is_err());
    });
}

#[test]
fn a_refusal_is_told_in_the_engines_own_words() {
    run(async {
        let (_dir, path) = socket();
        let listener = UnixListener::bind(&path).expect("a socket");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = request(&mut stream).await;
                let body = r#"{"message":"no rights\nfor you"}"#;
                let head = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\n\r\n", body.len());
                drop(stream.write_all((head + body).as_bytes()).await);
            }
        });
        let error = Engine::connect(&at(&path, Kind::Docker), PATIENCE).await.expect_err("a refusal");
        assert!(error.to_string().ends_with("refuses GET /_ping: no rights for you (status 403)"), "{error}");
    });
}
