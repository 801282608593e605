//! Streams that the engine fetches as if from `http://buildkit-session/`: a context that comes as a tar, on standard input or
//! from the packer (`session/upload`).

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bollard_buildkit_proto::moby::upload::v1 as proto;
use proto::BytesMessage;
use proto::upload_server::{Upload as Service, UploadServer};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// Bytes of a message. Old engines take no more than 4 MiB; more than half of one makes nothing faster.
const CHUNK: usize = 512 << 10;
/// How many messages wait between reader and network.
const WAITING: usize = 4;

type Reader = Box<dyn Read + Send>;

/// The streams on offer. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Uploads {
    streams: Arc<Mutex<BTreeMap<String, Reader>>>,
}

impl std::fmt::Debug for Uploads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Uploads")
    }
}

impl Uploads {
    /// The methods that it answers.
    pub const METHODS: &[&str] = &["Pull"];

    /// Offers a stream and gives its address, `http://buildkit-session/…`, for the frontend's `context`. The engine gets it
    /// once; it is read while it is sent.
    ///
    /// # Errors
    /// The system has no random numbers for the address.
    pub fn add(&self, stream: impl Read + Send + 'static) -> io::Result<String> {
        let mut id = [0; 16];
        SystemRandom::new().fill(&mut id).map_err(|_| io::Error::other("no random numbers"))?;
        let id: String = id.iter().map(|b| format!("{b:02x}")).collect();
        let url = format!("http://buildkit-session/{id}");
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Box::new(stream));
        Ok(url)
    }

    /// As [`super::Session::with`] takes it.
    pub fn service(&self) -> UploadServer<Self> {
        UploadServer::new(self.clone())
    }

    fn take(&self, id: &str) -> Option<Reader> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

#[tonic::async_trait]
impl Service for Uploads {
    type PullStream = Pin<Box<dyn tokio_stream::Stream<Item = Result<BytesMessage, Status>> + Send>>;

    async fn pull(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::PullStream>, Status> {
        let path = request.metadata().get("urlpath").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let id = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let stream = self.take(id);
        let stream =
            stream.ok_or_else(|| Status::unknown(format!("no http response from session for {id}")))?;
        let (send, receive) = channel(WAITING);
        let thread = std::thread::Builder::new().name("upload".into()).spawn(move || pump(stream, &send));
        thread.map_err(|e| Status::resource_exhausted(format!("starting a thread: {e}")))?;
        Ok(Response::new(Box::pin(ReceiverStream::new(receive))))
    }
}

/// Ends when the stream does, or when the engine wants no more.
fn pump(mut stream: Reader, to: &Sender<Result<BytesMessage, Status>>) {
    loop {
        let mut data = Vec::with_capacity(CHUNK);
        let message = match stream.by_ref().take(CHUNK as u64).read_to_end(&mut data) {
            Ok(0) => return,
            Ok(_) => Ok(BytesMessage { data }),
            Err(e) => Err(Status::unknown(format!("reading the stream for the engine: {e}"))),
        };
        let last = message.is_err();
        if to.blocking_send(message).is_err() || last {
            return;
        }
    }
}
