//! Connections to engines.

use std::io;
use std::path::Path;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::address::Address;
use super::connect::Patience;
use super::endpoint::Endpoint;
use super::error::EngineError;
use super::gather::Gather;
use super::program::{self, Process, Program};
use super::{container, tls};
use crate::wording::reason;

/// Bytes to and from an engine.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// A connection, whatever it runs over. What is written may wait until it is flushed.
pub type Stream = Box<dyn Io>;

/// Connects.
pub(super) async fn connect(endpoint: &Endpoint, patience: Patience) -> Result<Stream, EngineError> {
    match &endpoint.address {
        Address::Unix(path) => {
            let stream = UnixStream::connect(path).await;
            Ok(Box::new(Gather::new(stream.map_err(|e| unix_error(endpoint, path, &e))?)))
        }
        Address::Tcp(host, port) => {
            let stream = tcp(host, *port).await.map_err(|e| tcp_error(endpoint, &e))?;
            match &endpoint.tls {
                Some(tls) => Ok(Box::new(tls::agree(endpoint, tls, host, stream).await?)),
                None => Ok(Box::new(Gather::new(stream))),
            }
        }
        Address::Ssh(ssh) => program(endpoint, &Program::ssh(ssh, endpoint.kind)),
        Address::Program(own) => program(endpoint, own),
        Address::Container(container) => container::connect(container, patience).await,
        Address::Other(why) => Err(unsupported(endpoint, why)),
    }
}

/// Connects through a program.
fn program(endpoint: &Endpoint, program: &Program) -> Result<Stream, EngineError> {
    match Process::start(program) {
        Ok(process) => Ok(Box::new(Gather::new(process))),
        Err(error) => {
            let (why, hint) = program::not_started(program, &error);
            Err(EngineError::Unreachable { place: endpoint.place(), why, hint })
        }
    }
}

/// Connects to the first of a host's addresses that listens.
async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    // Requests and answers are small; waiting for more of them helps nobody.
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn unsupported(endpoint: &Endpoint, why: &str) -> EngineError {
    EngineError::Unsupported {
        what: endpoint.text.clone(),
        source_of_choice: endpoint.source.clone(),
        why: why.to_owned(),
    }
}

fn unix_error(endpoint: &Endpoint, path: &Path, error: &io::Error) -> EngineError {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => Some("start the engine, or say where it is with DOCKER_HOST".to_owned()),
        io::ErrorKind::PermissionDenied => Some(format!(
            "{} is for its owner and group alone: join the group (usually `docker`) and log in again, or use a rootless engine",
            path.display()
        )),
        io::ErrorKind::ConnectionRefused => {
            Some("the socket is there and nobody listens: start the engine again".to_owned())
        }
        _ => None,
    };
    EngineError::Unreachable { place: endpoint.place(), why: reason(error), hint }
}

fn tcp_error(endpoint: &Endpoint, error: &io::Error) -> EngineError {
    let hint = (error.kind() == io::ErrorKind::ConnectionRefused)
        .then(|| "nobody listens there: start the engine, or correct the port".to_owned());
    EngineError::Unreachable { place: endpoint.place(), why: reason(error), hint }
}
