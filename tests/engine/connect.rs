//! The engine that is there, found as Docker's client would find it: its connection and its session.

use std::convert::Infallible;
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::SolveRequest;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use stowaway::engine::{self, Announced, Endpoint, Engine, Kind, Patience, Settings, Stream};

use crate::support::engine::engine;

/// Refuses everything that the engine asks for, in words of our own.
async fn refuse(session: Stream) {
    let service = hyper::service::service_fn(|_: http::Request<hyper::body::Incoming>| async {
        let refusal = tonic::Status::permission_denied("words of our own");
        Ok::<_, Infallible>(refusal.into_http::<Empty<bytes::Bytes>>())
    });
    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    drop(server.serve_connection(TokioIo::new(session), service).await);
}

/// Has the engine ask for a Dockerfile; what it says of the answer.
async fn asked_for_a_file(engine: &Engine, id: &str) -> String {
    let methods = &["/moby.filesync.v1.FileSync/DiffCopy"];
    let announced = Announced { id, name: "test", shared_key: "", methods };
    let session = engine.open_session(&announced).await.expect("a session");
    let serving = tokio::spawn(refuse(session));
    let request = SolveRequest {
        r#ref: format!("{id}-build"),
        session: id.to_owned(),
        frontend: "dockerfile.v0".to_owned(),
        ..SolveRequest::default()
    };
    let status = engine.control().solve(request).await.expect_err("a refusal");
    serving.abort();
    status.message().to_owned()
}

fn id() -> String {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    format!("stowaway-test-{}-{}", std::process::id(), time.as_nanos())
}

#[test]
fn the_engine_in_force_is_found_told_and_asks_its_session() {
    let Some(_engine) = engine("connect") else { return };
    let endpoint = engine::find(&Settings::new(std::env::vars().collect())).expect("an endpoint");
    let said = engine::block_on(async {
        let engine = Engine::connect(&endpoint, Patience::default()).await.expect("an engine");
        assert!(engine.about().platforms().iter().any(|p| p.starts_with("linux/")), "{:?}", engine.about());
        assert_eq!(engine.docker().is_some(), engine.kind() == Kind::Docker);
        assert_eq!(engine.about().docker.is_some(), engine.kind() == Kind::Docker);
        if let Some(docker) = engine.docker() {
            let image = docker.image("stowaway.invalid/no/such:image").await.expect("an answer");
            assert_eq!(image, None);
        }
        asked_for_a_file(&engine, &id()).await
    });
    assert!(said.expect("a runtime").contains("words of our own"), "the engine asked our session");
}

#[test]
fn a_socket_that_is_taken_for_the_other_kind_is_told_all_the_same() {
    let Some(_engine) = engine("connect") else { return };
    let endpoint = engine::find(&Settings::new(std::env::vars().collect())).expect("an endpoint");
    if endpoint.builder.is_some() {
        // A builder's node can't be anything else.
        return;
    }
    let kinds = engine::block_on(async {
        let right = Engine::connect(&endpoint, Patience::default()).await.expect("an engine");
        let other = if endpoint.kind == Kind::Docker { Kind::BuildKit } else { Kind::Docker };
        let wrong = Endpoint { kind: other, ..endpoint.clone() };
        let patience = Patience { connect: Duration::from_secs(20), ..Patience::default() };
        let wrong = Engine::connect(&wrong, patience).await.expect("an engine");
        (right.kind(), wrong.kind())
    });
    let (right, wrong) = kinds.expect("a runtime");
    assert_eq!(right, wrong);
}
