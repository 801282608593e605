//! Small writes put together. HTTP/2 writes each frame by itself, of 16 KiB at most, and a system call for each of them takes longer
//! than to copy it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So much is gathered at most. What is as long goes out as it is.
const LIMIT: usize = 128 << 10;

/// A connection of which the writes are gathered until it is flushed.
#[derive(Debug)]
pub(super) struct Gather<S> {
    inner: S,
    waiting: Vec<u8>,
    /// So many of those bytes are out.
    gone: usize,
}

impl<S> Gather<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, waiting: Vec::new(), gone: 0 }
    }
}

impl<S: AsyncWrite + Unpin> Gather<S> {
    /// Writes what waits.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.gone < self.waiting.len() {
            let rest = &self.waiting[self.gone..];
            match ready!(Pin::new(&mut self.inner).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.gone += written,
            }
        }
        self.waiting.clear();
        self.gone = 0;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gather<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let length = slices.iter().map(|slice| slice.len()).sum();
        if this.waiting.len() + length > LIMIT {
            ready!(this.drain(cx))?;
        }
        if length >= LIMIT {
            return Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        }
        slices.iter().for_each(|slice| this.waiting.extend_from_slice(slice));
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gather<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buf)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Takes a few bytes at a time, counts how often it is called, and now and then makes one wait.
    #[derive(Default)]
    struct Slow {
        taken: Vec<u8>,
        calls: usize,
        most: usize,
    }

    impl AsyncWrite for Slow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.calls += 1;
            if self.calls.is_multiple_of(3) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let some = bytes.len().min(self.most);
            self.taken.extend_from_slice(&bytes[..some]);
            Poll::Ready(Ok(some))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn what_is_written_arrives_in_order_whatever_its_pieces() {
        let mut rng = fastrand::Rng::with_seed(5);
        for most in [1000, 70_000, usize::MAX] {
            let mut io = Gather::new(Slow { most, ..Slow::default() });
            let mut all = Vec::new();
            for _ in 0..60 {
                let size = [1, 9, 16_384, LIMIT - 1, LIMIT, LIMIT + 1][rng.usize(..6)];
                let piece: Vec<u8> = (0..size).map(|_| rng.u8(..)).collect();
                io.write_all(&piece).await.unwrap();
                all.extend(piece);
                if rng.u8(..4) == 0 {
                    io.flush().await.unwrap();
                    assert_eq!(io.inner.taken.len(), all.len());
                }
            }
            io.shutdown().await.unwrap();
            assert!(io.inner.taken == all, "at most {most} at a time");
        }
    }

    #[tokio::test]
    async fn frames_leave_together_and_not_before_the_flush() {
        let mut io = Gather::new(Slow { most: usize::MAX, ..Slow::default() });
        for _ in 0..7 {
            io.write_all(&[1; 16 << 10]).await.unwrap();
        }
        assert_eq!(io.inner.calls, 0);
        io.flush().await.unwrap();
        assert_eq!((io.inner.calls, io.inner.taken.len()), (1, 7 << 14));
    }

    #[tokio::test]
    async fn what_is_read_goes_through() {
        let (ours, mut theirs) = tokio::io::duplex(100);
        theirs.write_all(b"abc").await.unwrap();
        let mut three = [0; 3];
        Gather::new(ours).read_exact(&mut three).await.unwrap();
        assert_eq!(&three, b"abc");
    }
}
