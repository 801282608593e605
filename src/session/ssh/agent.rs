//! The agent's protocol (`draft-ietf-sshm-ssh-agent`): each message is a length, a type and the rest.

use std::io;
use std::sync::Arc;

use bollard_buildkit_proto::moby::sshforward::v1::BytesMessage;
use bytes::BufMut as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc::Sender;
use tonic::{Status, Streaming};

use super::key::Key;
use super::wire::{Reader, put};

/// The longest message, in bytes (OpenSSH's limit).
const MAX_MESSAGE: usize = 256 << 10;

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const EXTENSION: u8 = 27;
const EXTENSION_FAILURE: u8 = 28;

type Replies = Sender<Result<BytesMessage, Status>>;

/// Who answers.
#[derive(Debug)]
pub(super) enum Upstream {
    /// An agent, for listing and signing.
    Agent(UnixStream),
    /// A socket, for whatever is said.
    Raw(UnixStream),
    /// Keys of our own.
    Keys(Arc<Vec<Key>>),
}

/// Answers what comes until one of both sides ends.
pub(super) async fn serve(from: Streaming<BytesMessage>, upstream: Upstream, to: Replies) {
    let closed = to.clone();
    let work = async {
        let result = match upstream {
            Upstream::Raw(socket) => copy(from, socket, &to).await,
            upstream => answer(from, upstream, &to).await,
        };
        if let Err(why) = result {
            let _ = to.send(Err(why)).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = closed.closed() => {}
    }
}

async fn answer(
    mut from: Streaming<BytesMessage>,
    mut upstream: Upstream,
    to: &Replies,
) -> Result<(), Status> {
    let mut waiting = Vec::new();
    while let Some(message) = from.message().await? {
        waiting.extend_from_slice(&message.data);
        while let Some(request) = take(&mut waiting)? {
            let reply = reply(&request, &mut upstream).await?;
            let mut data = Vec::with_capacity(reply.len() + 4);
            put(&mut data, &reply);
            if to.send(Ok(BytesMessage { data })).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The next whole message.
fn take(waiting: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Status> {
    let Some(length) = Reader(waiting).number() else { return Ok(None) };
    let length = length as usize;
    if length == 0 || length > MAX_MESSAGE {
        return Err(Status::unknown(format!("agent: a request of {length} bytes")));
    }
    if waiting.len() < length + 4 {
        return Ok(None);
    }
    let rest = waiting.split_off(length + 4);
    let message = std::mem::replace(waiting, rest);
    Ok(Some(message[4..].to_vec()))
}

async fn reply(request: &[u8], upstream: &mut Upstream) -> Result<Vec<u8>, Status> {
    let kind = request.first().copied().unwrap_or_default();
    Ok(match (kind, upstream) {
        (REQUEST_IDENTITIES, Upstream::Keys(keys)) => list(keys),
        (SIGN_REQUEST, Upstream::Keys(keys)) => sign(keys, &request[1..]).unwrap_or_else(|| vec![FAILURE]),
        (REQUEST_IDENTITIES | SIGN_REQUEST, Upstream::Agent(socket)) => {
            let reply = ask(socket, request).await;
            let reply = reply.map_err(|e| Status::unknown(format!("asking the ssh agent: {e}")))?;
            match reply.first() {
                Some(&(IDENTITIES_ANSWER | SIGN_RESPONSE)) => reply,
                _ => vec![FAILURE],
            }
        }
        (EXTENSION, Upstream::Agent(_)) => vec![EXTENSION_FAILURE],
        // Adding, removing, locking.
        _ => vec![FAILURE],
    })
}

async fn ask(socket: &mut UnixStream, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut message = Vec::with_capacity(request.len() + 4);
    put(&mut message, request);
    socket.write_all(&message).await?;
    let length = socket.read_u32().await? as usize;
    if length > MAX_MESSAGE {
        return Err(io::Error::other(format!("an answer of {length} bytes")));
    }
    let mut reply = vec![0; length];
    socket.read_exact(&mut reply).await?;
    Ok(reply)
}

fn list(keys: &[Key]) -> Vec<u8> {
    let mut out = vec![IDENTITIES_ANSWER];
    out.put_u32(keys.len() as u32);
    for key in keys {
        put(&mut out, &key.public);
        put(&mut out, b"");
    }
    out
}

fn sign(keys: &[Key], request: &[u8]) -> Option<Vec<u8>> {
    let mut request = Reader(request);
    let (public, data) = (request.string()?, request.string()?);
    let flags = request.number()?;
    let signature = keys.iter().find(|k| k.public == public)?.sign(data, flags)?;
    let mut out = vec![SIGN_RESPONSE];
    put(&mut out, &signature);
    Some(out)
}

/// Hands bytes on in both directions; either may end first.
async fn copy(mut from: Streaming<BytesMessage>, socket: UnixStream, to: &Replies) -> Result<(), Status> {
    let (mut read, mut write) = socket.into_split();
    let failed = |e: io::Error| Status::unknown(format!("forwarding a socket: {e}"));
    let out = async {
        while let Some(message) = from.message().await? {
            write.write_all(&message.data).await.map_err(failed)?;
        }
        write.shutdown().await.map_err(failed)
    };
    let back = async {
        loop {
            let mut data = vec![0; 32 << 10];
            let length = read.read(&mut data).await.map_err(failed)?;
            data.truncate(length);
            if length == 0 || to.send(Ok(BytesMessage { data })).await.is_err() {
                return Ok::<_, Status>(());
            }
        }
    };
    tokio::pin!(out);
    tokio::pin!(back);
    tokio::select! {
        ended = &mut back => ended,
        ended = &mut out => {
            ended?;
            back.await
        }
    }
}
