//! `moby.filesync.v1.FileSend`: its messages are pieces of an archive or packets of a folder, by what the exporter is.

use std::convert::Infallible;
use std::future::Future;
use std::io::Write as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use prost::Message as _;
use tokio::sync::mpsc::{Receiver as Pieces, Sender, UnboundedSender, channel, unbounded_channel};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status, Streaming};

use super::file::Archive;
use super::folder::{Progress, Receiver};
use super::packet::{BytesMessage, Packet};
use super::{Exports, Fault, Place, lock};
use crate::session::raw::{MAX_MESSAGE, Raw};
use crate::session::whole::Whole;
use crate::wording::reason;

/// How many messages wait between the network and the disk.
const WAITING: usize = 8;

type Replies = UnboundedSender<Result<Bytes, Status>>;

/// The service.
#[derive(Debug, Clone)]
pub struct FileSend {
    exports: Exports,
}

impl FileSend {
    /// The methods that it answers.
    pub const METHODS: &[&str] = &["DiffCopy"];

    pub(super) fn new(exports: Exports) -> Self {
        Self { exports }
    }
}

impl NamedService for FileSend {
    const NAME: &'static str = "moby.filesync.v1.FileSend";
}

impl Service<http::Request<Body>> for FileSend {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let exports = self.exports.clone();
        Box::pin(async move {
            let take = tower::service_fn(move |request| {
                let exports = exports.clone();
                async move { diff_copy(&exports, request) }
            });
            let mut grpc = Grpc::new(Raw).max_decoding_message_size(MAX_MESSAGE);
            Ok(grpc.streaming(take, Whole::request(request)).await)
        })
    }
}

/// What comes from the engine. Only [`Piece::End`] says that all has come.
enum Piece {
    Message(Bytes),
    End,
    Broken(String),
}

fn diff_copy(
    exports: &Exports,
    request: Request<Streaming<Bytes>>,
) -> Result<Response<UnboundedReceiverStream<Result<Bytes, Status>>>, Status> {
    let id = exporter(request.metadata());
    let place = begin(exports, id, request.metadata())?;
    let (pieces, taken) = channel(WAITING);
    // Not bounded: an engine that waits for its own answers to be read would wait for us, and we for it. A request is ten
    // bytes, and there is one for each name that the engine sent.
    let (replies, stream) = unbounded_channel();
    tokio::spawn(pump(request.into_inner(), pieces, replies.clone()));
    let exports = exports.clone();
    let thread = std::thread::Builder::new().name("export".into()).spawn(move || {
        // The engine takes the build for ended as soon as it hears that all is there: it has to be written down before.
        let mut done = |bytes| end(&exports, id, Ok(bytes));
        let result = match &place {
            Place::Archive(archive) => take_archive(archive, taken).map(done),
            Place::Folder { path, mirror } => take_folder(path, *mirror, taken, &replies, &mut done),
        };
        if let Err(fault) = result {
            let why = fault.to_string();
            end(&exports, id, Err(fault));
            let _ = replies.send(Err(Status::unknown(why)));
        }
    });
    thread.map_err(|e| Status::resource_exhausted(format!("starting a thread: {e}")))?;
    Ok(Response::new(UnboundedReceiverStream::new(stream)))
}

/// Which exporter it is; without a number the first (`SyncTarget.chooser`).
fn exporter(metadata: &MetadataMap) -> i64 {
    let id = metadata.get("buildkit-attachable-exporter-id").and_then(|v| v.to_str().ok());
    id.and_then(|id| id.parse().ok()).unwrap_or(0)
}

fn begin(exports: &Exports, id: i64, metadata: &MetadataMap) -> Result<Place, Status> {
    let target = u32::try_from(id).ok().and_then(|id| exports.targets.get(&id));
    let target = target.ok_or_else(|| Status::unknown(format!("exporter {id} not found")))?;
    let mut target = lock(target);
    match &target.to {
        Place::Archive(_)
            if target.state.running + target.state.done > 0 || target.state.failed.is_some() =>
        {
            return Err(Status::failed_precondition(format!("exporter {id} was sent before")));
        }
        // An engine that doesn't know of this sends each platform by itself, and one would remove the other's files.
        Place::Folder { mirror: true, .. } if !sends_platforms_together(metadata) => {
            return Err(Status::unknown(
                "local exporter mode=delete requires a BuildKit daemon with multi-platform local export support",
            ));
        }
        _ => {}
    }
    target.state.running += 1;
    for entry in metadata.iter() {
        if let KeyAndValueRef::Ascii(key, value) = entry
            && let Some(name) = key.as_str().strip_prefix("exporter-md-")
        {
            let value = String::from_utf8_lossy(value.as_encoded_bytes()).into_owned();
            let said = target.state.said.entry(name.to_owned()).or_default();
            let comma = if said.is_empty() { "" } else { "," };
            *said = format!("{said}{comma}{value}");
        }
    }
    Ok(target.to.clone())
}

fn sends_platforms_together(metadata: &MetadataMap) -> bool {
    metadata.get_all("buildkit-exporter-multi-platform").iter().any(|v| v == "1")
}

fn end(exports: &Exports, id: i64, result: Result<u64, Fault>) {
    let Some(target) = u32::try_from(id).ok().and_then(|id| exports.targets.get(&id)) else { return };
    let state = &mut lock(target).state;
    state.running = state.running.saturating_sub(1);
    match result {
        Ok(bytes) => {
            state.done += 1;
            state.bytes += bytes;
        }
        Err(fault) => state.failed = Some(fault),
    }
}

/// Hands on what comes until it ends, or nobody waits for it or for the answer any more: an engine may leave a stream open
/// when it has all that it wants.
async fn pump(mut from: Streaming<Bytes>, to: Sender<Piece>, replies: Replies) {
    loop {
        let message = tokio::select! {
            biased;
            () = to.closed() => return,
            () = replies.closed() => Err(Status::aborted("the engine broke the stream off")),
            message = from.message() => message,
        };
        let (piece, more) = match message {
            Ok(Some(bytes)) => (Piece::Message(bytes), true),
            Ok(None) => (Piece::End, false),
            Err(status) => (Piece::Broken(status.message().to_owned()), false),
        };
        if to.send(piece).await.is_err() || !more {
            return;
        }
    }
}

fn next(pieces: &mut Pieces<Piece>) -> Result<Option<Bytes>, Fault> {
    match pieces.blocking_recv() {
        Some(Piece::Message(bytes)) => Ok(Some(bytes)),
        Some(Piece::End) => Ok(None),
        Some(Piece::Broken(why)) => Err(Fault::There(why)),
        None => Err(Fault::There("the session ended before the export".into())),
    }
}

fn take_archive(archive: &Arc<Mutex<Option<Archive>>>, mut pieces: Pieces<Piece>) -> Result<u64, Fault> {
    let mut archive = lock(archive);
    let ended = || Fault::There("the build has ended before the export".into());
    let archive = archive.as_mut().ok_or_else(ended)?;
    let mut bytes = 0;
    while let Some(message) = next(&mut pieces)? {
        let data =
            BytesMessage::decode(message).map_err(|e| format!("the engine sends something else: {e}"))?.data;
        archive.write_all(&data).map_err(|e| format!("writing {archive:?}: {}", reason(&e)))?;
        bytes += data.len() as u64;
    }
    archive.flush().map_err(|e| format!("writing {archive:?}: {}", reason(&e)))?;
    Ok(bytes)
}

fn take_folder(
    path: &Path,
    mirror: bool,
    mut pieces: Pieces<Piece>,
    replies: &Replies,
    done: &mut dyn FnMut(u64),
) -> Result<(), Fault> {
    let mut reply = |packet: Packet| {
        let _ = replies.send(Ok(packet.bytes()));
    };
    let result = Receiver::new(path, mirror).map_err(Fault::Here).and_then(|mut receiver| {
        let filled = fill(&mut receiver, &mut pieces, &mut reply, done);
        if filled.is_err() {
            receiver.discard();
        }
        filled
    });
    if let Err(fault) = &result {
        reply(Packet::error(&fault.to_string()));
    }
    result
}

/// Takes packets until all is there, and the engine knows.
fn fill(
    receiver: &mut Receiver,
    pieces: &mut Pieces<Piece>,
    reply: &mut dyn FnMut(Packet),
    done: &mut dyn FnMut(u64),
) -> Result<(), Fault> {
    let mut complete = false;
    loop {
        let message = match next(pieces) {
            Ok(Some(message)) => message,
            _ if complete => return Ok(()),
            Ok(None) => return Err(Fault::There("the engine ended the transfer early".into())),
            Err(why) => return Err(why),
        };
        let packet = Packet::decode(message).map_err(|e| format!("the engine sends something else: {e}"))?;
        match receiver.take(packet, reply)? {
            Progress::More => {}
            Progress::Complete => {
                complete = true;
                done(receiver.bytes);
                reply(Packet::fin());
            }
            Progress::Closed => return Ok(()),
        }
    }
}
