//! A buildkitd in a container, as buildx's driver `docker-container` reaches it: `buildctl dial-stdio`, run in the container through Docker's
//! interface (`driver/docker-container/driver.go`).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::address::Container;
use super::connect::{Patience, dial};
use super::docker::Docker;
use super::error::{EngineError, printable};
use super::http1::Http;
use super::program::failed_to_run;
use super::stream::Stream;

/// How often a buildkitd that was just started is asked whether it listens.
const TRIES: u32 = 15;

/// Connects, having started the container if it was stopped.
pub(super) async fn connect(container: &Container, patience: Patience) -> Result<Stream, EngineError> {
    let docker = Docker::new(&container.engine, patience);
    let path = format!("/containers/{}/json", container.name);
    let found = docker.get(&path).await?;
    if found.status == 404 {
        return Err(EngineError::NotBooted {
            builder: container.builder.clone(),
            container: container.name.clone(),
            engine: container.engine.place(),
        });
    }
    let found: Value = docker.json(&path, &found)?;
    if found["State"]["Running"] != true {
        docker.post(&format!("/containers/{}/start", container.name), None, &[204, 304]).await?;
        wait(&docker, container, patience).await?;
    }
    exec(&docker, container, patience, &["buildctl", "dial-stdio"]).await.map(|(_, stream)| stream)
}

/// Waits until the buildkitd in a container that was just started listens.
async fn wait(docker: &Docker, container: &Container, patience: Patience) -> Result<(), EngineError> {
    let mut said = Vec::new();
    for attempt in 0..TRIES {
        tokio::time::sleep(Duration::from_millis(120 * u64::from(attempt))).await;
        let (id, mut stream) = exec(docker, container, patience, &["buildctl", "debug", "workers"]).await?;
        said.clear();
        // Its complaint comes as the error of the stream.
        let ended = (&mut stream).take(64 << 10).read_to_end(&mut said).await;
        let path = format!("/exec/{id}/json");
        let state: Value = docker.json(&path, &docker.get(&path).await?)?;
        if state["ExitCode"] == 0 {
            return Ok(());
        }
        if let Err(e) = ended {
            said = e.to_string().into_bytes();
        }
    }
    Err(EngineError::Unreachable {
        place: format!("{} in {}", container.name, container.engine.place()),
        why: format!(
            "its container was started and its buildkitd does not answer: {}",
            printable(&String::from_utf8_lossy(&said))
        ),
        hint: Some(format!("see `docker logs {}`", container.name)),
    })
}

/// Runs a command in the container; its name, and its input and output.
async fn exec(
    docker: &Docker,
    container: &Container,
    patience: Patience,
    command: &[&str],
) -> Result<(String, Stream), EngineError> {
    let what = json!({"AttachStdin": true, "AttachStdout": true, "AttachStderr": true, "Cmd": command});
    let path = format!("/containers/{}/exec", container.name);
    let made = docker.post(&path, Some(&what), &[201]).await?;
    let made: Value = docker.json(&path, &made)?;
    let id = made["Id"].as_str().filter(|id| id.chars().all(|c| c.is_ascii_alphanumeric()));
    let id = id.unwrap_or_default().to_owned();
    let place = container.engine.place();
    let http = Http::new(Box::pin(dial(&container.engine, patience)).await?, &place).await?;
    let body = Bytes::from_static(br#"{"Detach":false,"Tty":false}"#);
    let json = [(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let doing = "running buildctl in the builder's container";
    let stream = http.upgrade(&format!("/exec/{id}/start"), "tcp", &json, Some(body), doing).await?;
    Ok((id, Box::new(Demux::new(stream))))
}

/// A command's output and complaints come in one stream, in pieces each with a head: which of the two, three zeros, and the length
/// (`stdcopy`). What is written to it goes in as it is.
struct Demux<S> {
    inner: S,
    head: [u8; 8],
    have: usize,
    left: usize,
    complaint: Vec<u8>,
    /// Some of its output has come.
    spoke: bool,
}

impl<S> Demux<S> {
    fn new(inner: S) -> Self {
        Self { inner, head: [0; 8], have: 0, left: 0, complaint: Vec::new(), spoke: false }
    }

    /// The end of the stream is an error where something was complained about.
    fn end(&self) -> io::Result<()> {
        if self.complaint.is_empty() {
            return Ok(());
        }
        let said = printable(&String::from_utf8_lossy(&self.complaint));
        Err(io::Error::other(format!("buildctl says: {said}")))
    }
}

/// Reads into `buf`; the number of bytes.
fn read(
    inner: &mut (impl AsyncRead + Unpin),
    cx: &mut Context<'_>,
    buf: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buf = ReadBuf::new(buf);
    ready!(Pin::new(inner).poll_read(cx, &mut buf))?;
    Poll::Ready(Ok(buf.filled().len()))
}

impl<S: AsyncRead + Unpin> AsyncRead for Demux<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while buf.remaining() > 0 {
            if this.left == 0 {
                match ready!(read(&mut this.inner, cx, &mut this.head[this.have..]))? {
                    0 if this.have == 0 => return Poll::Ready(this.end()),
                    0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                    n => this.have += n,
                }
                if this.have == this.head.len() {
                    let [_, _, _, _, length @ ..] = this.head;
                    this.left = u32::from_be_bytes(length) as usize;
                    this.have = 0;
                }
                continue;
            }
            let output = this.head[0] == 1;
            let mut scratch = [0; 1024];
            let room = if output { buf.initialize_unfilled() } else { &mut scratch[..] };
            let room_len = room.len().min(this.left);
            let n = ready!(read(&mut this.inner, cx, &mut room[..room_len]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            this.left -= n;
            if output {
                if !std::mem::replace(&mut this.spoke, true) {
                    failed_to_run(&room[..n])?;
                }
                buf.advance(n);
                return Poll::Ready(Ok(()));
            }
            let kept = n.min(4096 - this.complaint.len().min(4096));
            this.complaint.extend_from_slice(&scratch[..kept]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Demux<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::run;

    fn piece(kind: u8, text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len()).expect("a short text").to_be_bytes();
        [&[kind, 0, 0, 0][..], &length, text.as_bytes()].concat()
    }

    #[test]
    fn output_is_told_from_complaints() {
        run(async {
            let bytes = [piece(1, "ab"), piece(1, ""), piece(2, "no\n"), piece(1, "c")].concat();
            let (mut out, mut demux) = (Vec::new(), Demux::new(&bytes[..]));
            let error = demux.read_to_end(&mut out).await.expect_err("a complaint");
            assert_eq!((&out[..], error.to_string().as_str()), (&b"abc"[..], "buildctl says: no"));
            let bytes = piece(1, "OCI runtime exec failed: no buildctl\r\n");
            let error = Demux::new(&bytes[..]).read_to_end(&mut out).await.expect_err("a failure");
            assert_eq!(error.to_string(), "OCI runtime exec failed: no buildctl");
            let mut cut = Demux::new(&bytes[..9]);
            assert!(cut.read_to_end(&mut out).await.is_err(), "a piece that breaks off");
        });
    }
}
