//! `--load` from a builder that is no Docker engine: the archive that it sends goes straight into one.

use std::io::{self, Write};

use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::engine::{Docker, Endpoint, EngineError, Patience};

/// Pieces of an archive that wait to be loaded.
const WAITING: usize = 8;

/// The end of a pipe that an archive is written to, from a thread of its own.
pub struct Writer(Sender<Bytes>);

/// The other end.
pub struct Archive(Receiver<Bytes>);

/// A pipe.
pub fn pipe() -> (Writer, Archive) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Writer(sender), Archive(receiver))
}

impl Write for Writer {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Bytes::copy_from_slice(data));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe)).map(|()| data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Loads what comes through the pipe, until it is closed.
///
/// # Errors
/// Nobody answers, or the engine refuses the archive.
pub async fn load(into: &Endpoint, archive: Archive) -> Result<(), EngineError> {
    let Archive(receiver) = archive;
    let frames = futures_util::stream::unfold(receiver, |mut receiver| async {
        let piece = receiver.recv().await?;
        Some((Ok::<_, io::Error>(Frame::data(piece)), receiver))
    });
    let docker = Docker::new(into, Patience::default());
    docker.load(StreamBody::new(frames), &mut |_| {}).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_out_at_the_other_end() {
        let (mut writer, Archive(mut receiver)) = pipe();
        let thread = std::thread::spawn(move || writer.write_all(b"abc"));
        assert_eq!(receiver.blocking_recv().as_deref(), Some(&b"abc"[..]));
        assert_eq!(receiver.blocking_recv(), None);
        thread.join().unwrap().unwrap();
    }

    #[test]
    fn a_reader_that_is_gone_is_a_closed_pipe() {
        let (mut writer, archive) = pipe();
        drop(archive);
        assert_eq!(writer.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
