//! `containerd.services.content.v1.Content`: which store is meant stands in the call's metadata.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::Stores;
use super::digest::BlobDigest;
use super::ingest::{Ingest, parse};
use super::proto::{self, action};
use super::store::{Hold, Store};
use crate::session::aside::aside;
use crate::session::raw::MAX_MESSAGE;

/// Bytes of a message with content.
const CHUNK: u64 = 1 << 20;
/// How many blobs a message lists.
const LISTED: usize = 100;

/// The service.
#[derive(Debug, Clone)]
pub struct Content {
    stores: Stores,
}

impl Content {
    /// The methods that it answers.
    pub const METHODS: &[&str] =
        &["Info", "Update", "List", "Delete", "Read", "Status", "ListStatuses", "Write", "Abort"];

    pub(super) fn new(stores: Stores) -> Self {
        Self { stores }
    }
}

impl NamedService for Content {
    const NAME: &'static str = "containerd.services.content.v1.Content";
}

type Answer = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

impl Service<http::Request<Body>> for Content {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answer {
        let stores = self.stores.clone();
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        match method.as_str() {
            "Info" => unary(stores, request, info),
            "Update" => unary(stores, request, update),
            "Delete" => unary(stores, request, delete),
            "Status" => unary(stores, request, status),
            "ListStatuses" => unary(stores, request, list_statuses),
            "Abort" => unary(stores, request, abort),
            "List" => many(stores, request, list),
            "Read" => many(stores, request, read),
            "Write" => writes(stores, request),
            _ => Box::pin(async { Ok(Status::unimplemented("no such method").into_http()) }),
        }
    }
}

/// What calls and answers carry.
trait Message: prost::Message + Default + 'static {}

impl<T: prost::Message + Default + 'static> Message for T {}

/// Answers a call at once.
type One<Q, A> = fn(&Store, Q) -> Result<A, Status>;

/// A method with one answer, which may wait for the disk.
fn unary<Q: Message, A: Message>(stores: Stores, call: http::Request<Body>, answer: One<Q, A>) -> Answer {
    Box::pin(async move {
        let handler = tower::service_fn(move |request: Request<Q>| {
            let stores = stores.clone();
            async move {
                let store = choose(&stores, request.metadata())?;
                aside(move || answer(&store, request.into_inner())).await?.map(Response::new)
            }
        });
        let mut grpc = Grpc::new(ProstCodec::<A, Q>::default());
        Ok(grpc.unary(handler, call).await)
    })
}

type Replies<A> = Sender<Result<A, Status>>;

/// Answers a call bit by bit.
type Several<Q, A> = fn(&Store, &Q, &Replies<A>) -> Result<(), Status>;

/// A method with many answers, which come from a thread of its own.
fn many<Q: Message, A: Message>(stores: Stores, call: http::Request<Body>, answer: Several<Q, A>) -> Answer {
    Box::pin(async move {
        let handler = tower::service_fn(move |request: Request<Q>| {
            let stores = stores.clone();
            async move {
                let store = choose(&stores, request.metadata())?;
                let (send, receive) = channel(4);
                let request = request.into_inner();
                let thread = std::thread::Builder::new().name("content".into()).spawn(move || {
                    if let Err(why) = answer(&store, &request, &send) {
                        let _ = send.blocking_send(Err(why));
                    }
                });
                thread.map_err(|e| Status::resource_exhausted(format!("starting a thread: {e}")))?;
                Ok::<_, Status>(Response::new(ReceiverStream::new(receive)))
            }
        });
        let mut grpc = Grpc::new(ProstCodec::<A, Q>::default());
        Ok(grpc.server_streaming(handler, call).await)
    })
}

fn writes(stores: Stores, request: http::Request<Body>) -> Answer {
    Box::pin(async move {
        let handler = tower::service_fn(move |request: Request<Streaming<proto::WriteRequest>>| {
            let stores = stores.clone();
            async move {
                let store = choose(&stores, request.metadata())?;
                let (send, receive) = channel(1);
                tokio::spawn(async move {
                    let closed = send.clone();
                    tokio::select! {
                        () = closed.closed() => {}
                        result = write(store, request.into_inner(), &send) => {
                            if let Err(why) = result {
                                let _ = send.send(Err(why)).await;
                            }
                        }
                    }
                });
                Ok::<_, Status>(Response::new(ReceiverStream::new(receive)))
            }
        });
        let codec = ProstCodec::<proto::WriteResponse, proto::WriteRequest>::default();
        let mut grpc = Grpc::new(codec).max_decoding_message_size(MAX_MESSAGE);
        Ok(grpc.streaming(handler, request).await)
    })
}

/// The store that a call names; the first name counts (`attachableContentStore.choose`).
fn choose(stores: &Stores, metadata: &MetadataMap) -> Result<Arc<Store>, Status> {
    const KEY: &str = "buildkit-attachable-store-id";
    let id = metadata.get(KEY).map(|v| String::from_utf8_lossy(v.as_encoded_bytes()).into_owned());
    let id = id.ok_or_else(|| Status::invalid_argument(format!("request lacks metadata {KEY:?}")))?;
    let store = stores.offered.get(&id);
    store.cloned().ok_or_else(|| Status::not_found(format!("unknown store {id}: not found")))
}

fn digest(text: &str) -> Result<BlobDigest, Status> {
    parse(text)?.ok_or_else(|| Status::invalid_argument("\"\" failed validation"))
}

fn info(store: &Store, request: proto::DigestRequest) -> Result<proto::InfoResponse, Status> {
    Ok(proto::InfoResponse { info: Some(store.info(&digest(&request.digest)?)?) })
}

/// There are no labels here, as in every store that a folder is.
fn update(_: &Store, request: proto::UpdateRequest) -> Result<proto::InfoResponse, Status> {
    digest(&request.info.unwrap_or_default().digest)?;
    Err(Status::failed_precondition("update not supported on immutable content store"))
}

fn delete(store: &Store, request: proto::DigestRequest) -> Result<proto::Empty, Status> {
    store.delete(&digest(&request.digest)?).map(|()| proto::Empty {})
}

fn status(store: &Store, request: proto::RefRequest) -> Result<proto::StatusResponse, Status> {
    Ok(proto::StatusResponse { status: Some(store.status(&request.name)?) })
}

fn list_statuses(store: &Store, request: proto::ListRequest) -> Result<proto::ListStatusesResponse, Status> {
    unfiltered(&request)?;
    Ok(proto::ListStatusesResponse { statuses: store.statuses() })
}

fn abort(store: &Store, request: proto::RefRequest) -> Result<proto::Empty, Status> {
    store.writable()?;
    store.abort(&request.name);
    Ok(proto::Empty {})
}

fn unfiltered(request: &proto::ListRequest) -> Result<(), Status> {
    if request.filters.iter().all(String::is_empty) {
        return Ok(());
    }
    Err(Status::unimplemented("filters are not known here"))
}

fn list(
    store: &Store,
    request: &proto::ListRequest,
    to: &Replies<proto::ListResponse>,
) -> Result<(), Status> {
    unfiltered(request)?;
    for some in store.list()?.chunks(LISTED) {
        if to.blocking_send(Ok(proto::ListResponse { info: some.to_vec() })).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn read(
    store: &Store,
    request: &proto::ReadRequest,
    to: &Replies<proto::ReadResponse>,
) -> Result<(), Status> {
    let digest = digest(&request.digest)?;
    let blob = store.blob(&digest)?;
    let length = blob.length();
    let start = u64::try_from(request.offset).unwrap_or(0);
    if start > length {
        return Err(Status::out_of_range(format!("read past object length {length} bytes")));
    }
    let wanted = u64::try_from(request.size).ok().filter(|size| *size > 0);
    let end = wanted.and_then(|size| start.checked_add(size)).map_or(length, |end| end.min(length));
    let mut at = start;
    while at < end {
        let mut data = vec![0; usize::try_from(CHUNK.min(end - at)).unwrap_or(0)];
        blob.read_exact_at(&mut data, at)
            .map_err(|e| Status::data_loss(format!("reading content {digest}: {e}")))?;
        let offset = i64::try_from(at - start).unwrap_or(i64::MAX);
        at += data.len() as u64;
        if to.blocking_send(Ok(proto::ReadResponse { offset, data: Bytes::from(data) })).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

async fn write(
    store: Arc<Store>,
    mut from: Streaming<proto::WriteRequest>,
    to: &Replies<proto::WriteResponse>,
) -> Result<(), Status> {
    let Some(first) = from.message().await? else { return Ok(()) };
    if first.name.is_empty() {
        return Err(Status::invalid_argument("first message must have a reference"));
    }
    let expected = parse(&first.expected)?;
    let mut work = {
        let (name, total) = (first.name.clone(), first.total);
        aside(move || store.ingest(&name, total, expected.as_ref())).await??
    };
    let mut next = Some(first);
    while let Some(request) = next {
        let commit = request.action == action::COMMIT;
        let (back, response) = aside(move || step(work, &request)).await?;
        let sent = to.send(Ok(response?)).await.is_ok();
        if commit || !sent {
            return Ok(());
        }
        work = back;
        next = from.message().await?;
    }
    let (hold, ingest) = work;
    hold.leave(ingest);
    Ok(())
}

type Work = (Hold, Ingest);

fn step(mut work: Work, request: &proto::WriteRequest) -> (Work, Result<proto::WriteResponse, Status>) {
    let response = work.1.step(&work.0.store, request);
    (work, response)
}
