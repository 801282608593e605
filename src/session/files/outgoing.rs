//! The response of a DiffCopy call: what the threads of a transfer hand over, then how it ended.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tonic::Status;

use super::transfer::Shared;
use crate::session::whole::Polled;

/// What comes through the channel.
#[derive(Debug)]
pub(super) enum Item {
    /// Frames of packets.
    Frames(Bytes),
    /// The end, and it is an error.
    Failed(Status),
}

/// The body; dropping it ends the transfer.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) shared: Arc<Shared>,
    pub(super) items: mpsc::Receiver<Item>,
    /// What doesn't wait for what is on its way: the engine broke the rules, or fell silent.
    pub(super) failed: oneshot::Receiver<Status>,
    pub(super) failed_gone: bool,
    pub(super) requests: AbortHandle,
    pub(super) done: bool,
}

impl Outgoing {
    fn end(&mut self, status: &Status) -> Polled {
        self.done = true;
        self.items.close();
        self.shared.desk.abandon();
        if status.code() != tonic::Code::Ok {
            self.shared.set_failure(status.message());
        }
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        if self.done {
            return Poll::Ready(None);
        }
        if !self.failed_gone
            && let Poll::Ready(failed) = Pin::new(&mut self.failed).poll(cx)
        {
            self.failed_gone = true;
            if let Ok(status) = failed {
                return self.end(&status);
            }
        }
        match ready!(self.items.poll_recv(cx)) {
            Some(Item::Frames(frames)) => {
                self.shared.counters.bytes.fetch_add(frames.len() as u64, Relaxed);
                Poll::Ready(Some(Ok(Frame::data(frames))))
            }
            Some(Item::Failed(status)) => self.end(&status),
            None if self.shared.is_finished() => self.end(&Status::ok("")),
            None => self.end(&Status::internal("a thread of the transfer ended before its work")),
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.requests.abort();
        self.shared.desk.abandon();
        if !self.done {
            self.shared.set_failure("the engine broke the transfer off");
        }
        self.shared.tell_end();
    }
}
