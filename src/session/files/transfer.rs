//! One call of DiffCopy: a thread that lists, threads that read, a task that takes the engine's requests, and a bounded channel
//! from the threads to the response.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tonic::{Code, Status, Streaming};

use super::buffer::Pool;
use super::desk::{Batch, Desk};
use super::event::{Change, Counters, Event, Listener};
use super::local::{Local, Piece};
use super::open::Root;
use super::outgoing::{Item, Outgoing};
use super::reader::Reader;
use super::walk::Block;
use crate::context::{ContextError, Request, is_withheld};
use crate::entry::Entry;
use crate::pattern::Matcher;
use crate::session::packet::{self, Kind, Packet};

/// So many blocks may wait for the connection.
const QUEUE: usize = 8;
/// Threads that read contents.
const READERS: usize = 2;
/// The listing goes out in blocks of about this size: one at a time would cost more than all else.
const BLOCK: usize = 16 << 10;

/// What the parts of a transfer have in common.
pub(super) struct Shared {
    pub(super) transfer: u64,
    pub(super) name: String,
    pub(super) local: Local,
    pub(super) desk: Desk,
    pub(super) counters: Counters,
    pub(super) listener: Listener,
    pub(super) started: Instant,
    pub(super) finished: AtomicBool,
    pub(super) failure: OnceLock<String>,
    /// The request's exclude patterns, where they may refuse the content of what they list.
    pub(super) refused: Option<Matcher>,
    /// A place among the transfers that may run at once.
    pub(super) _place: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("transfer", &self.transfer)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Tells the caller that a file isn't what was listed.
    pub(super) fn changed(&self, entry: &Entry, change: Change) {
        let (transfer, local, path) = (self.transfer, &*self.name, entry.path.as_bytes());
        (self.listener)(Event::Changed { transfer, local, path, change });
    }

    /// Tells the caller that a path isn't what it was when the build began.
    fn since(&self, path: &[u8]) {
        let (transfer, local, change) = (self.transfer, &*self.name, Change::Since);
        (self.listener)(Event::Changed { transfer, local, path, change });
    }

    /// Whether the engine has said that it has everything.
    pub(super) fn is_finished(&self) -> bool {
        self.finished.load(Relaxed)
    }

    /// Whether the request lists a file whose content BuildKit's client doesn't give: it is sent empty.
    pub(super) fn refuses(&self, path: &[u8]) -> bool {
        self.refused.as_ref().is_some_and(|excludes| is_withheld(excludes, path))
    }

    /// Keeps the first reason.
    pub(super) fn set_failure(&self, reason: &str) {
        let _ = self.failure.set(reason.to_owned());
    }

    pub(super) fn tell_end(&self) {
        (self.listener)(Event::Ended {
            transfer: self.transfer,
            local: &self.name,
            totals: self.counters.totals(),
            took: self.started.elapsed(),
            failure: self.failure.get().map(String::as_str),
        });
    }
}

/// Where the threads hand over what goes out; waits while the engine takes nothing.
#[derive(Debug, Clone)]
pub(super) struct Outlet(mpsc::Sender<Item>);

/// Nobody takes anything any more.
#[derive(Debug)]
pub(super) struct Gone;

impl Outlet {
    pub(super) fn send(&self, frames: Bytes) -> Result<(), Gone> {
        self.0.blocking_send(Item::Frames(frames)).map_err(|_| Gone)
    }

    /// Ends the transfer behind what was sent so far.
    pub(super) fn fail(&self, text: &str) {
        let _ = self.0.blocking_send(Item::Failed(Status::new(Code::Unknown, text)));
    }
}

/// Starts the threads and the task; gives the response's body.
pub(super) fn start(
    shared: Shared,
    request: Request,
    packets: Streaming<Packet>,
    patience: Duration,
) -> io::Result<Outgoing> {
    let shared = Arc::new(shared);
    let (sender, items) = mpsc::channel(QUEUE);
    let (fail, failed) = oneshot::channel();
    start_threads(&shared, request, &sender).inspect_err(|_| shared.desk.abandon())?;
    let task = tokio::spawn({
        let shared = Arc::clone(&shared);
        async move {
            match take_requests(&shared, packets, patience).await {
                Ok(()) => finish(&shared, &sender).await,
                Err(status) => {
                    let _ = fail.send(status);
                }
            }
        }
    });
    Ok(Outgoing { shared, items, failed, failed_gone: false, requests: task.abort_handle(), done: false })
}

fn start_threads(shared: &Arc<Shared>, request: Request, sender: &mpsc::Sender<Item>) -> io::Result<()> {
    let root = shared.local.root().map(Root::open).transpose()?.map(Arc::new);
    let pool = Arc::new(Pool::default());
    for _ in 0..READERS {
        let (shared, outlet) = (Arc::clone(shared), Outlet(sender.clone()));
        let reader = Reader { shared, outlet, pool: Arc::clone(&pool), root: root.clone(), buffer: None };
        thread::Builder::new().name("send files".into()).spawn(move || reader.run())?;
    }
    let lister = Lister::new(Arc::clone(shared), Outlet(sender.clone()));
    thread::Builder::new().name("send listing".into()).spawn(move || lister.run(&request))?;
    Ok(())
}

/// Answers the engine's FIN. The threads end with what they have in hand, and with them the response.
async fn finish(shared: &Shared, sender: &mpsc::Sender<Item>) {
    shared.finished.store(true, Relaxed);
    let mut fin = Vec::new();
    packet::put_short(&mut fin, Kind::Fin, 0);
    let _ = sender.send(Item::Frames(fin.into())).await;
    shared.desk.close();
}

/// Takes requests until the engine has everything. It never waits for what is sent, or both sides would wait for each other.
async fn take_requests(
    shared: &Shared,
    mut packets: Streaming<Packet>,
    patience: Duration,
) -> Result<(), Status> {
    loop {
        let pulse = shared.counters.pulse();
        let Ok(packet) = tokio::time::timeout(patience, packets.message()).await else {
            if shared.counters.pulse() == pulse {
                let text =
                    format!("the engine neither asked for nor took anything for {} s", patience.as_secs());
                return Err(Status::deadline_exceeded(text));
            }
            continue;
        };
        let Some(packet) = packet? else {
            return Err(Status::unknown("EOF: the engine ended its requests before it had everything"));
        };
        match packet.kind() {
            Kind::Req => {
                if !shared.desk.ask(packet.id) {
                    return Err(Status::unknown(format!("invalid file id {}", packet.id)));
                }
                shared.counters.requested.fetch_add(1, Relaxed);
            }
            Kind::Fin => return Ok(()),
            Kind::Err => {
                let text = String::from_utf8_lossy(&packet.data).into_owned();
                return Err(Status::unknown(format!("error from receiver: {text}")));
            }
            // The reference takes no notice of what a receiver doesn't send.
            Kind::Stat | Kind::Data => {}
        }
    }
}

/// The thread that lists.
struct Lister {
    shared: Arc<Shared>,
    outlet: Outlet,
    block: Vec<u8>,
    scratch: Vec<u8>,
    batch: Batch,
    entries: u64,
}

impl Lister {
    fn new(shared: Arc<Shared>, outlet: Outlet) -> Self {
        let block = Vec::with_capacity(BLOCK + 512);
        Self { shared, outlet, block, scratch: Vec::new(), batch: Batch::default(), entries: 0 }
    }

    fn run(mut self, request: &Request) {
        let shared = Arc::clone(&self.shared);
        let mut gone = false;
        let listed = shared.local.list(request, &mut |path| shared.since(path), &mut |piece| {
            let added = match piece {
                Piece::Entry(place, entry) => self.add(place, entry),
                Piece::Block(block) => self.pass(block),
            };
            gone = added.is_err();
            if gone { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match listed {
            _ if gone => {}
            Ok(()) => {
                packet::put_short(&mut self.block, Kind::Stat, 0);
                let _ = self.flush();
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn add(&mut self, place: Option<usize>, entry: &Entry) -> Result<(), Gone> {
        self.batch.add(place, entry);
        packet::put_stat(&mut self.block, &mut self.scratch, entry);
        self.entries += 1;
        if self.block.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    /// Passes entries on that are ready to be sent.
    fn pass(&mut self, block: &Block) -> Result<(), Gone> {
        self.batch.extend(block.places());
        self.entries += self.batch.len() as u64;
        self.shared.desk.register(&mut self.batch);
        self.shared.counters.entries.store(self.entries, Relaxed);
        self.outlet.send(block.frames.clone())
    }

    fn flush(&mut self) -> Result<(), Gone> {
        self.shared.desk.register(&mut self.batch);
        self.shared.counters.entries.store(self.entries, Relaxed);
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK + 512));
        self.outlet.send(block.into())
    }

    /// A walk that fails is told in a packet, too; what fails before it is only the call's status (`session/filesync/filesync.go`,
    /// `fsutil/send.go`).
    fn refuse(mut self, error: &ContextError) {
        let text = error.to_string();
        let before = matches!(
            error,
            ContextError::Include { .. } | ContextError::Exclude { .. } | ContextError::NotPrintable { .. }
        );
        if !before {
            packet::put_error(&mut self.block, &text);
            if self.flush().is_err() {
                return;
            }
        }
        self.outlet.fail(&text);
    }
}
