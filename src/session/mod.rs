//! The BuildKit session: a gRPC server that the engine calls for files, credentials, secrets, agents and exports.
//!
//! The engine decides what it asks for; every service refuses what wasn't offered to the build.

mod aside;
pub mod auth;
pub mod content;
pub mod export;
pub mod files;
mod health;
mod packet;
mod raw;
pub mod secrets;
pub mod ssh;
#[cfg(test)]
mod testing;
pub mod upload;
mod whole;

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::NamedService;
use tower::util::BoxCloneSyncService;

pub use health::Alive;

type Call = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Infallible>;

/// What an engine may call, and under which names it finds it.
#[derive(Clone)]
pub struct Session {
    /// Names the session; unique for each build.
    pub id: String,
    /// For people; engines don't use it.
    pub name: String,
    /// With the name of a local it chooses the tree that the engine keeps between builds: one for each context, Dockerfile and target, since an
    /// engine deletes from its tree what a build no longer sends.
    pub shared_key: String,
    services: Vec<Exposed>,
}

#[derive(Clone)]
struct Exposed {
    methods: Vec<String>,
    call: Call,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("methods", &self.methods())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session without services.
    pub fn new(id: impl Into<String>, name: impl Into<String>, shared_key: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), shared_key: shared_key.into(), services: Vec::new() }
    }

    /// Offers some methods of a service: a server that tonic generated, or anything else that answers HTTP requests.
    #[must_use]
    pub fn with<S>(mut self, methods: &[&str], service: S) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let methods = methods.iter().map(|method| format!("/{}/{method}", S::NAME)).collect();
        self.services.push(Exposed { methods, call: Call::new(service) });
        self
    }

    /// The methods on offer, as `/package.Service/Method`: the engine is told of them and calls no others.
    pub fn methods(&self) -> Vec<&str> {
        self.services.iter().flat_map(|s| &s.methods).map(String::as_str).collect()
    }

    /// Answers the engine's calls on a connection on which it is the client, until it closes it.
    ///
    /// # Errors
    /// What broke the connection.
    pub async fn serve<IO>(&self, io: IO) -> io::Result<()>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let services: Arc<[Exposed]> = self.services.clone().into();
        let dispatch = tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let services = Arc::clone(&services);
            async move { answer(&services, request.map(Body::new)).await }
        });
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(2 << 20)
            .max_concurrent_streams(1024)
            // Patterns and paths travel in headers; hyper's own limit of 16 KiB is soon reached.
            .max_header_list_size(4 << 20)
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(120))
            .serve_connection(TokioIo::new(io), TowerToHyperService::new(dispatch))
            .await
            .map_err(io::Error::other)
    }
}

async fn answer(
    services: &[Exposed],
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Infallible> {
    let path = request.uri().path();
    let offered = services.iter().find(|s| s.methods.iter().any(|m| m.eq_ignore_ascii_case(path)));
    match offered {
        Some(exposed) => {
            let mut call = exposed.call.clone();
            poll_fn(|cx| call.poll_ready(cx)).await?;
            call.call(request).await
        }
        None => {
            let refusal = tonic::Status::unimplemented(format!("{path} is not offered by this session"));
            Ok(refusal.into_http())
        }
    }
}
