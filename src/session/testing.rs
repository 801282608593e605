//! A session at one end of a pipe, an engine's calls at the other.

use std::io;

use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint, Uri};

use super::Session;

/// Serves a session and connects to it as an engine does.
pub(super) async fn engine(session: Session) -> Channel {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    tokio::spawn(async move { session.serve(theirs).await });
    connect(ours).await
}

/// Likewise; the connection breaks when the task is aborted.
pub(super) async fn breakable(session: Session) -> (Channel, JoinHandle<()>) {
    let (ours, mut near) = tokio::io::duplex(1 << 20);
    let (mut far, theirs) = tokio::io::duplex(1 << 20);
    tokio::spawn(async move { session.serve(theirs).await });
    let wire = tokio::spawn(async move {
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    });
    (connect(ours).await, wire)
}

async fn connect(io: DuplexStream) -> Channel {
    let mut io = Some(io);
    let connector = tower::service_fn(move |_: Uri| {
        let io = io.take().ok_or_else(|| io::Error::other("the pipe was used before"));
        async move { io.map(TokioIo::new) }
    });
    Endpoint::from_static("http://session").connect_with_connector(connector).await.unwrap()
}
