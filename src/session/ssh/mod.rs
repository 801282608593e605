//! Forwards SSH agents for `RUN --mount=type=ssh` (`session/sshforward/sshprovider`): what runs in the build may list keys and
//! have them sign, and nothing else.

mod agent;
mod key;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bollard_buildkit_proto::moby::sshforward::v1 as proto;
use proto::ssh_server::{Ssh as Service, SshServer};
use proto::{BytesMessage, CheckAgentRequest, CheckAgentResponse};
use tokio::net::UnixStream;
use tokio::sync::mpsc::channel;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use self::agent::Upstream;
use self::key::Key;

/// The name of the agent that a Dockerfile asks for without naming one.
pub const DEFAULT: &str = "default";
/// No key's file is longer, in bytes.
const MAX_KEY: u64 = 100 * 1024;
/// How long an agent's socket may take to be connected to.
const CONNECT: Duration = Duration::from_secs(2);

/// An agent on offer: `--ssh ID[=PATH,…]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// What the Dockerfile calls it; empty for [`DEFAULT`].
    pub id: String,
    /// One socket of an agent, or files with private keys; none for the agent of this session (`SSH_AUTH_SOCK`).
    pub paths: Vec<PathBuf>,
    /// Forwards a socket as it is, whoever listens there (`raw=true`).
    pub raw: bool,
}

/// Why an agent can't be offered. It holds no key.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// Two have one name.
    #[error("duplicate agent ID {id:?}")]
    Twice {
        /// The name.
        id: String,
    },
    /// There is none.
    #[error("invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set")]
    None,
    /// A path can't be read.
    #[error("ssh agent {id:?}: {}: {error}", path.display())]
    Path {
        /// The agent's name.
        id: String,
        /// The socket or file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is of no use.
    #[error("ssh agent {id:?}: failed to parse {}: {why}", path.display())]
    Key {
        /// The agent's name.
        id: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Paths that don't go together.
    #[error("ssh agent {id:?}: {why}")]
    Mixed {
        /// The agent's name.
        id: String,
        /// What doesn't.
        why: &'static str,
    },
}

/// The service.
#[derive(Debug, Clone)]
pub struct Agents {
    offered: Arc<BTreeMap<String, Source>>,
}

#[derive(Debug, Clone)]
enum Source {
    Socket { path: PathBuf, raw: bool },
    Keys(Arc<Vec<Key>>),
}

impl Agents {
    /// The methods that it answers.
    pub const METHODS: &[&str] = &["CheckAgent", "ForwardAgent"];

    /// Offers agents; `usual` is what `SSH_AUTH_SOCK` names. Keys are read now.
    ///
    /// # Errors
    /// A path that isn't there, a key that can't be read or that a passphrase protects, sockets and keys under one name.
    pub fn new(agents: impl IntoIterator<Item = Agent>, usual: Option<&Path>) -> Result<Self, SshError> {
        let mut offered = BTreeMap::new();
        for agent in agents {
            let id = if agent.id.is_empty() { DEFAULT.to_owned() } else { agent.id.clone() };
            let source = source(&id, &agent, usual)?;
            if offered.insert(id.clone(), source).is_some() {
                return Err(SshError::Twice { id });
            }
        }
        Ok(Self { offered: Arc::new(offered) })
    }

    /// As [`super::Session::with`] takes it.
    pub fn service(self) -> SshServer<Self> {
        SshServer::new(self)
    }

    fn find(&self, id: &str) -> Result<&Source, Status> {
        let id = if id.is_empty() { DEFAULT } else { id };
        self.offered.get(id).ok_or_else(|| Status::unknown(format!("unset ssh forward key {id}")))
    }
}

fn source(id: &str, agent: &Agent, usual: Option<&Path>) -> Result<Source, SshError> {
    let mixed = |why| SshError::Mixed { id: id.into(), why };
    if agent.raw && agent.paths.len() != 1 {
        return Err(mixed("raw mode must supply exactly one path"));
    }
    let mut paths: Vec<&Path> = agent.paths.iter().map(PathBuf::as_path).collect();
    if paths.is_empty() || (paths.len() == 1 && paths[0].as_os_str().is_empty()) {
        paths = vec![usual.filter(|p| !p.as_os_str().is_empty()).ok_or(SshError::None)?];
    }
    let (mut socket, mut keys) = (None, Vec::new());
    for path in paths {
        if socket.is_some() {
            return Err(mixed("only single socket allowed"));
        }
        let failed = |error| SshError::Path { id: id.into(), path: path.into(), error };
        if std::fs::metadata(path).map_err(failed)?.file_type().is_socket() {
            socket = Some(path.to_owned());
        } else if agent.raw {
            return Err(mixed("raw mode only supported with socket paths"));
        } else {
            keys.push(key(id, path)?);
        }
    }
    match socket {
        Some(_) if !keys.is_empty() => Err(mixed("invalid combination of keys and sockets")),
        Some(path) => Ok(Source::Socket { path, raw: agent.raw }),
        None => Ok(Source::Keys(Arc::new(keys))),
    }
}

fn key(id: &str, path: &Path) -> Result<Key, SshError> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_KEY).read_to_end(&mut text));
    read.map_err(|error| SshError::Path { id: id.into(), path: path.into(), error })?;
    Key::parse(&text).map_err(|why| SshError::Key { id: id.into(), path: path.into(), why })
}

impl Source {
    async fn open(&self, id: &str) -> Result<Upstream, Status> {
        let (path, raw) = match self {
            Self::Keys(keys) => return Ok(Upstream::Keys(Arc::clone(keys))),
            Self::Socket { path, raw } => (path, *raw),
        };
        let failed = |why: String| {
            Status::unknown(format!(
                "failed to dial agent {id}: failed to connect to {}: {why}",
                path.display()
            ))
        };
        let connected = tokio::time::timeout(CONNECT, UnixStream::connect(path)).await;
        let socket = connected.map_err(|_| failed("no answer".into()))?.map_err(|e| failed(e.to_string()))?;
        Ok(if raw { Upstream::Raw(socket) } else { Upstream::Agent(socket) })
    }
}

#[tonic::async_trait]
impl Service for Agents {
    async fn check_agent(
        &self,
        request: Request<CheckAgentRequest>,
    ) -> Result<Response<CheckAgentResponse>, Status> {
        self.find(&request.into_inner().id)?;
        Ok(Response::new(CheckAgentResponse {}))
    }

    type ForwardAgentStream = Pin<Box<dyn tokio_stream::Stream<Item = Result<BytesMessage, Status>> + Send>>;

    async fn forward_agent(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::ForwardAgentStream>, Status> {
        let id = request.metadata().get("buildkit.ssh.id").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let upstream = self.find(id)?.open(id).await?;
        let (send, receive) = channel(4);
        tokio::spawn(agent::serve(request.into_inner(), upstream, send));
        Ok(Response::new(Box::pin(ReceiverStream::new(receive))))
    }
}
