//! A request's body that ends only where the engine ended it.
//!
//! A gRPC server takes a call that was cancelled for one that has nothing more to say. Half an export would look like a whole
//! one: here a body that breaks off is an error.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

pub(super) struct Whole(pub Body);

/// What comes next of a body.
pub(super) type Polled = Poll<Option<Result<Frame<Bytes>, Status>>>;

impl Whole {
    /// The request with its body guarded.
    pub fn request(request: http::Request<Body>) -> http::Request<Self> {
        request.map(Self)
    }
}

fn broken(why: &str) -> Status {
    Status::aborted(format!("the engine broke the stream off{why}"))
}

impl http_body::Body for Whole {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let frame = ready!(http_body::Body::poll_frame(Pin::new(&mut self.0), cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(e)) => Some(Err(broken(&format!(": {e}")))),
            None if http_body::Body::is_end_stream(&self.0) => None,
            None => Some(Err(broken(""))),
        })
    }

    fn is_end_stream(&self) -> bool {
        http_body::Body::is_end_stream(&self.0)
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    /// Ends without having been ended, as a stream does that was reset.
    struct Reset;

    impl http_body::Body for Reset {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Polled {
            Poll::Ready(None)
        }
    }

    #[tokio::test]
    async fn only_an_end_is_an_end() {
        let error = Whole(Body::new(Reset)).collect().await.unwrap_err();
        assert_eq!(error.message(), "the engine broke the stream off");
        let whole = Whole(Body::new(http_body_util::Full::new(Bytes::from_static(b"all"))));
        assert_eq!(whole.collect().await.unwrap().to_bytes(), "all");
        let cancelled = http_body_util::StreamBody::new(tokio_stream::iter([Err::<Frame<Bytes>, _>(
            Status::cancelled("gone"),
        )]));
        assert_eq!(Whole(Body::new(cancelled)).collect().await.unwrap_err().code(), tonic::Code::Aborted);
    }
}
