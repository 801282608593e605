//! A session inside a gRPC call: `Control/Session` of a buildkitd carries its bytes in `BytesMessage`s both ways
//! (`session/grpchijack/dial.go`).
//!
//! A message is five bytes of gRPC (flag, length), the tag of its only field, that field's length, and the bytes. Outgoing bytes gather in
//! one buffer while the connection is busy and leave as one message; incoming ones are handed on as they come, whole message or not.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http_body::{Body, Frame};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that wait at most. One message is never longer; engines take 4 MiB and more.
const LIMIT: usize = 256 << 10;
/// Room for the head of a message: flag, length, tag, and a length of up to three bytes, which is 2 MiB.
const HEAD: usize = 5 + 1 + 3;
/// Field 1, of bytes.
const TAG: u8 = 0x0a;

/// What the writing and the sending side share.
#[derive(Default)]
struct Pipe {
    /// The message that is being gathered: room for its head, then its bytes. Empty when there are none.
    buffer: BytesMut,
    /// Nothing more will be written.
    finished: bool,
    /// Nobody sends any more.
    abandoned: bool,
    sender: Option<Waker>,
    writer: Option<Waker>,
}

type Shared = Arc<Mutex<Pipe>>;

fn lock(shared: &Shared) -> MutexGuard<'_, Pipe> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The request's side: a body of `BytesMessage`s made of what is written.
pub(super) struct Outgoing(Shared);

/// The writing side.
pub(super) struct Writer(Shared);

/// A pipe: what is written to the one end leaves the other as messages.
pub(super) fn pipe() -> (Writer, Outgoing) {
    let shared = Shared::default();
    (Writer(Arc::clone(&shared)), Outgoing(shared))
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut pipe = lock(&self.0);
        if pipe.buffer.len() > HEAD {
            let message = message(pipe.buffer.split());
            if let Some(writer) = pipe.writer.take() {
                writer.wake();
            }
            return Poll::Ready(Some(Ok(Frame::data(message))));
        }
        if pipe.finished {
            return Poll::Ready(None);
        }
        pipe.sender = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        let mut pipe = lock(&self.0);
        pipe.abandoned = true;
        if let Some(writer) = pipe.writer.take() {
            writer.wake();
        }
    }
}

/// Puts the head into the room that was left for it.
fn message(mut buffer: BytesMut) -> Bytes {
    let length = buffer.len() - HEAD;
    let mut head = Vec::with_capacity(HEAD);
    prost::encoding::encode_varint(length as u64, &mut head);
    let start = HEAD - head.len() - 6;
    let whole = u32::try_from(1 + head.len() + length).unwrap_or(u32::MAX);
    buffer[start] = 0;
    buffer[start + 1..start + 5].copy_from_slice(&whole.to_be_bytes());
    buffer[start + 5] = TAG;
    buffer[start + 6..HEAD].copy_from_slice(&head);
    buffer.advance(start);
    buffer.freeze()
}

impl Writer {
    fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.0);
        if pipe.abandoned || pipe.finished {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if pipe.buffer.is_empty() {
            pipe.buffer.reserve(HEAD + bytes.len().min(LIMIT));
            pipe.buffer.extend_from_slice(&[0; HEAD]);
        }
        let taken = bytes.len().min(LIMIT - (pipe.buffer.len() - HEAD));
        if taken == 0 && !bytes.is_empty() {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        pipe.buffer.extend_from_slice(&bytes[..taken]);
        if let Some(sender) = pipe.sender.take() {
            sender.wake();
        }
        Poll::Ready(Ok(taken))
    }

    fn finish(&mut self) {
        let mut pipe = lock(&self.0);
        pipe.finished = true;
        if let Some(sender) = pipe.sender.take() {
            sender.wake();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.finish();
    }
}

/// A session's bytes, both ways.
pub(super) struct Tunnel<B> {
    writer: Writer,
    incoming: B,
    messages: Messages,
    /// What has come and was not read yet.
    rest: Bytes,
}

impl<B> Tunnel<B> {
    pub(super) fn new(writer: Writer, incoming: B) -> Self {
        Self { writer, incoming, messages: Messages::default(), rest: Bytes::new() }
    }
}

impl<B: Body<Data = Bytes, Error = tonic::Status> + Unpin> AsyncRead for Tunnel<B> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let ready = this.messages.data(&mut this.rest)?;
            if ready > 0 {
                let taken = ready.min(buf.remaining());
                buf.put_slice(&this.rest[..taken]);
                this.rest.advance(taken);
                this.messages.left -= taken;
                return Poll::Ready(Ok(()));
            }
            match ready!(Pin::new(&mut this.incoming).poll_frame(cx)) {
                None if this.messages.between() => return Poll::Ready(Ok(())),
                None => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                Some(Err(status)) => return Poll::Ready(Err(io::Error::other(status))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(frame) => refused(frame.trailers_ref())?,
                },
            }
        }
    }
}

/// What the trailers say of the call's end.
fn refused(trailers: Option<&http::HeaderMap>) -> io::Result<()> {
    let status = trailers.and_then(tonic::Status::from_header_map);
    match status {
        Some(status) if status.code() != tonic::Code::Ok => Err(io::Error::other(status)),
        _ => Ok(()),
    }
}

impl<B: Unpin> AsyncWrite for Tunnel<B> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writer.write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut taken = 0;
        for slice in slices.iter().filter(|s| !s.is_empty()) {
            match self.writer.write(cx, slice) {
                Poll::Ready(Ok(n)) => taken += n,
                Poll::Pending if taken > 0 => break,
                other => return other,
            }
        }
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The sender has been woken; what waits leaves as soon as the engine takes it.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.finish();
        Poll::Ready(Ok(()))
    }
}

/// Where in which message the incoming bytes are.
#[derive(Debug, Default)]
struct Messages {
    /// Bytes of the present message that are still to come.
    left: usize,
    /// The head of the next one, as far as it has come.
    head: Vec<u8>,
}

impl Messages {
    /// Reads heads off the front of `rest`; says how much of what follows belongs to the present message.
    fn data(&mut self, rest: &mut Bytes) -> io::Result<usize> {
        while self.left == 0 && rest.has_remaining() {
            self.head.push(rest.get_u8());
            if let Some(length) = length(&self.head)? {
                self.left = length;
                self.head.clear();
            }
        }
        Ok(self.left.min(rest.len()))
    }

    fn between(&self) -> bool {
        self.left == 0 && self.head.is_empty()
    }
}

/// How many bytes follow a head; `None` while it is not complete.
fn length(head: &[u8]) -> io::Result<Option<usize>> {
    let broken = |why: &str| io::Error::new(io::ErrorKind::InvalidData, format!("a message {why}"));
    if head.first().is_some_and(|flag| *flag != 0) {
        return Err(broken("is compressed"));
    }
    let Some((prefix, field)) = head.split_first_chunk::<5>() else { return Ok(None) };
    let [_, whole @ ..] = *prefix;
    let whole = u32::from_be_bytes(whole) as usize;
    match field {
        [] if whole == 0 => return Ok(Some(0)),
        [] | [TAG] => return Ok(None),
        [TAG, ..] => {}
        _ => return Err(broken("has another field than its bytes")),
    }
    let size = &field[1..];
    if size.last().is_some_and(|byte| *byte >= 0x80) {
        return if size.len() < 5 { Ok(None) } else { Err(broken("has a length that never ends")) };
    }
    let bits = size.iter().enumerate().map(|(i, byte)| u64::from(byte & 0x7f) << (7 * i));
    let length = usize::try_from(bits.sum::<u64>()).map_err(|_| broken("is too long"))?;
    if 1 + size.len() + length != whole {
        return Err(broken("holds more than its bytes"));
    }
    Ok(Some(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a stream of messages once their heads are taken off, fed in pieces of `size`.
    fn read(bytes: &[u8], size: usize) -> io::Result<Vec<u8>> {
        let (mut messages, mut out) = (Messages::default(), Vec::new());
        for piece in bytes.chunks(size) {
            let mut rest = Bytes::copy_from_slice(piece);
            loop {
                let ready = messages.data(&mut rest)?;
                if ready == 0 {
                    break;
                }
                out.extend_from_slice(&rest.split_to(ready));
                messages.left -= ready;
            }
        }
        assert!(messages.between());
        Ok(out)
    }

    fn framed(length: usize) -> Bytes {
        let mut buffer = BytesMut::zeroed(HEAD);
        buffer.extend_from_slice(&vec![7; length]);
        message(buffer)
    }

    #[test]
    fn a_message_is_what_prost_would_make_of_it() {
        use bollard_buildkit_proto::moby::buildkit::v1::BytesMessage;
        use prost::Message as _;
        for length in [1, 127, 128, 16_383, 16_384, LIMIT] {
            let bytes = framed(length);
            let whole = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize;
            assert_eq!((bytes[0], whole), (0, bytes.len() - 5));
            assert_eq!(BytesMessage::decode(&bytes[5..]).expect("a message").data, vec![7; length]);
        }
    }

    #[test]
    fn messages_may_arrive_in_pieces_of_any_size() {
        let mut stream = framed(1).to_vec();
        stream.extend_from_slice(&[0; 5]);
        stream.extend_from_slice(&framed(300));
        for size in [1, 2, 6, 7, 9, 100, 1000] {
            assert_eq!(read(&stream, size).expect("messages"), [7; 301], "pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_such_message_is_an_error() {
        for bytes in [
            &[1, 0, 0, 0, 0][..],
            &[0, 0, 0, 0, 2, 0x12, 0],
            &[0, 0, 0, 0, 9, TAG, 3],
            &[0, 0, 0, 0, 9, TAG, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(read(bytes, 1).is_err(), "{bytes:?}");
        }
    }
}
