//! gRPC calls on one HTTP/2 connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::BodyExt as _;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::Status;
use tonic::body::Body;
use tower_service::Service;

use super::error::chain;
use super::stream::Io;

/// Bytes of a stream, and of the connection, that an engine may send ahead: layers and caches come this way, too.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// A connection for gRPC calls; a copy is the same connection. It is never made anew: once it broke, calls fail and say so.
#[derive(Clone)]
pub struct Grpc {
    sender: SendRequest<Body>,
    place: Arc<str>,
}

impl std::fmt::Debug for Grpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grpc").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Grpc {
    /// Begins HTTP/2 on a connection. The runtime drives it until the last copy is dropped.
    pub(super) async fn new(io: impl Io, place: &str) -> Result<Self, hyper::Error> {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .handshake(TokioIo::new(io))
            .await?;
        // What ends it is what every call on it ends with.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, place: place.into() })
    }
}

impl Service<http::Request<Body>> for Grpc {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.sender.poll_ready(cx).map_err(|e| status(&self.place, e))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answer = self.sender.send_request(request);
        let place = Arc::clone(&self.place);
        Box::pin(async move {
            let answer = answer.await.map_err(|e| status(&place, e))?;
            Ok(answer.map(|body| Body::new(body.map_err(move |e| status(&place, e)))))
        })
    }
}

/// A broken connection is told as one; a stream that the engine reset keeps the code that it gave.
fn status(place: &str, error: hyper::Error) -> Status {
    let words = chain(&error);
    let gone = error.is_canceled() || error.is_closed();
    let status = Status::from_error(Box::new(error));
    match status.code() {
        tonic::Code::Cancelled if !gone => status,
        tonic::Code::Cancelled | tonic::Code::Unknown | tonic::Code::Unavailable => {
            Status::unavailable(format!("the connection to the engine at {place} broke: {words}"))
        }
        _ => status,
    }
}
