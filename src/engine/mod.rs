//! The engine: where it is, as Docker's and BuildKit's clients would find it, and a connection on which its Control API and a session are spoken.
//!
//! An engine is a dockerd, which speaks HTTP/1.1 and upgrades `/grpc` and `/session` to HTTP/2, or a buildkitd, which speaks gRPC on its socket
//! and carries the session in `Control/Session`.

mod about;
mod address;
pub mod buildx;
mod client;
mod connect;
mod container;
mod docker;
mod endpoint;
mod error;
mod find;
mod gather;
mod grpc;
mod http1;
mod line;
mod program;
mod stream;
mod tls;
mod tunnel;

#[cfg(test)]
mod tests;

pub use self::about::{About, Worker};
pub use self::address::{Address, Container, Ssh};
pub use self::client::Client;
pub use self::connect::{Announced, Engine, Patience};
pub use self::docker::Docker;
pub use self::endpoint::{Builder, Endpoint, Kind, Tls};
pub use self::error::EngineError;
pub use self::find::{Settings, find};
pub use self::grpc::Grpc;
pub use self::http1::Answer;
pub use self::program::Program;
pub use self::stream::{Io, Stream};
use crate::wording::reason;

/// Runs `work` with a runtime for connections, and waits for its end: all connections of a build live on the calling thread.
///
/// # Errors
/// The system has no means for a runtime.
pub fn block_on<T>(work: impl Future<Output = T>) -> Result<T, EngineError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| EngineError::Runtime { why: reason(&e) })?;
    Ok(runtime.block_on(work))
}
