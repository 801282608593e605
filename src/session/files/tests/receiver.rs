//! A receiver with the rules of fsutil's (`fsutil/receive.go`, `validator.go`), over a connection in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::body::Body;
use tonic::codec::Streaming;
use tonic::{Code, Status};

use super::super::{Event, FileSync, Local};
use crate::entry::ContextPath;
use crate::session::packet::{self, Kind, Packet, Packets, WireStat, go_mode};
use crate::session::{Alive, Session};

/// A session on one end of a connection, and the engine's side of it.
pub struct Engine {
    pub send: SendRequest<Body>,
    pub events: Arc<Mutex<Vec<String>>>,
}

/// What a transfer brought.
#[derive(Debug, Default)]
pub struct Tree {
    pub stats: Vec<WireStat>,
    pub contents: BTreeMap<u32, Vec<u8>>,
    pub ended: Vec<u32>,
    pub largest: usize,
}

/// A call of DiffCopy.
pub struct Call {
    pub requests: mpsc::UnboundedSender<Result<Frame<Bytes>, Status>>,
    pub packets: Streaming<Packet>,
}

pub async fn engine(locals: Vec<(&str, Local)>) -> Engine {
    engine_with(locals, Duration::from_secs(20)).await
}

pub async fn engine_with(locals: Vec<(&str, Local)>, patience: Duration) -> Engine {
    let events: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = {
        let events = Arc::clone(&events);
        Arc::new(move |event: Event<'_>| events.lock().unwrap().push(line(&event)))
    };
    let locals = locals.into_iter().map(|(name, local)| (name.to_owned(), local)).collect();
    let files = FileSync::with_patience(locals, listener, patience);
    let session =
        Session::new("id", "name", "key").with(FileSync::METHODS, files).with(&["Check"], Alive::server());
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    tokio::spawn(async move { session.serve(ours).await });
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(theirs));
    let (send, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    Engine { send, events }
}

fn line(event: &Event<'_>) -> String {
    match event {
        Event::Started { local, .. } => format!("{local} started"),
        Event::Changed { path, change, .. } => format!("{} {change:?}", String::from_utf8_lossy(path)),
        Event::Ended { local, totals, failure, .. } => {
            format!("{local} ended {} {} {} {failure:?}", totals.entries, totals.requested, totals.content)
        }
    }
}

impl Engine {
    /// Calls DiffCopy with headers.
    pub async fn call(&mut self, headers: &[(&str, &[u8])]) -> Result<Call, Status> {
        let (requests, receiver) = mpsc::unbounded_channel();
        let body = Body::new(StreamBody::new(UnboundedReceiverStream::new(receiver)));
        let mut call = http::Request::post("http://session/moby.filesync.v1.FileSync/DiffCopy");
        for (name, value) in headers {
            call = call.header(*name, http::HeaderValue::from_bytes(value).unwrap());
        }
        let response = self.send.send_request(call.body(body).unwrap()).await.unwrap();
        if let Some(status) = Status::from_header_map(response.headers()) {
            return Err(status);
        }
        assert_eq!(response.headers()["content-type"], "application/grpc");
        let status = response.status();
        let body = response.into_body().map_err(|e| Status::from_error(Box::new(e)));
        let packets = Streaming::new_response(Packets, body, status, None, Some(4 << 20));
        Ok(Call { requests, packets })
    }

    /// A whole transfer of everything that is asked for in `headers`.
    pub async fn receive(&mut self, headers: &[(&str, &[u8])]) -> Result<Tree, Status> {
        self.call(headers).await?.receive(|_| true).await
    }

    pub fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }
}

impl Call {
    pub fn ask(&self, kind: Kind, id: u32) {
        let mut frame = Vec::new();
        packet::put_short(&mut frame, kind, id);
        let _ = self.requests.send(Ok(Frame::data(frame.into())));
    }

    pub fn raw(&self, bytes: &[u8]) {
        let _ = self.requests.send(Ok(Frame::data(Bytes::copy_from_slice(bytes))));
    }

    pub async fn next(&mut self) -> Result<Option<Packet>, Status> {
        let next = tokio::time::timeout(Duration::from_secs(20), self.packets.next()).await;
        next.expect("the session is silent").transpose()
    }

    /// Takes everything, with the contents that are `wanted`, up to the end of the call.
    pub async fn receive(mut self, wanted: impl Fn(&WireStat) -> bool) -> Result<Tree, Status> {
        let mut tree = Tree::default();
        let (mut listed, mut open) = (false, 0);
        while let Some(packet) = self.next().await? {
            tree.largest = tree.largest.max(packet.encoded_len());
            match (packet.kind(), packet.stat) {
                (Kind::Stat, Some(stat)) => {
                    check_order(&tree.stats, &stat);
                    let id = tree.stats.len() as u32;
                    if stat.mode & !0o777 & !(go_mode::SETUID | go_mode::SETGID | go_mode::STICKY) == 0
                        && stat.linkname.is_empty()
                        && wanted(&stat)
                    {
                        open += 1;
                        self.ask(Kind::Req, id);
                        tree.contents.insert(id, Vec::new());
                    }
                    tree.stats.push(stat);
                }
                (Kind::Stat, None) => listed = true,
                (Kind::Data, _) if packet.data.is_empty() => {
                    assert!(!tree.ended.contains(&packet.id), "{} ended twice", packet.id);
                    tree.ended.push(packet.id);
                    open -= 1;
                }
                (Kind::Data, _) => tree.contents.get_mut(&packet.id).expect("asked for").extend(&packet.data),
                (Kind::Err, _) => {
                    let text = String::from_utf8_lossy(&packet.data).into_owned();
                    return Err(Status::new(Code::Aborted, format!("error from sender: {text}")));
                }
                (Kind::Fin, _) => {
                    assert!(listed && open == 0);
                    continue;
                }
                (Kind::Req, _) => panic!("a sender doesn't ask"),
            }
            if listed && open == 0 {
                self.ask(Kind::Fin, 0);
            }
        }
        Ok(tree)
    }
}

/// Paths rise, and every folder stands before what is in it.
fn check_order(before: &[WireStat], stat: &WireStat) {
    let path = ContextPath::new(&stat.path[..]).expect("a clean path");
    if let Some(last) = before.last() {
        assert!(ContextPath::compare(&last.path, &stat.path).is_lt(), "{path:?} is out of order");
    }
    if let Some(parent) = path.parent() {
        let folder = |s: &WireStat| s.path == parent.as_bytes() && s.mode & go_mode::DIR != 0;
        assert!(before.iter().rev().any(folder), "{path:?} comes before its folder");
    }
    let hard = !stat.linkname.is_empty() && stat.mode & go_mode::SYMLINK == 0;
    assert!(!hard || before.iter().any(|s| s.path == stat.linkname), "{path:?} links to nothing");
}

impl Tree {
    pub fn paths(&self) -> Vec<String> {
        self.stats.iter().map(|s| String::from_utf8_lossy(&s.path).into_owned()).collect()
    }

    pub fn id(&self, path: &[u8]) -> u32 {
        self.stats.iter().position(|s| s.path == path).expect("listed") as u32
    }

    pub fn content(&self, path: &[u8]) -> &[u8] {
        &self.contents[&self.id(path)]
    }

    pub fn stat(&self, path: &[u8]) -> &WireStat {
        &self.stats[self.id(path) as usize]
    }
}
