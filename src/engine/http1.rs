//! Docker's HTTP interface: one connection, requests after each other, until it is upgraded to something else.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, UPGRADE, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

use super::error::{EngineError, chain, printable};
use super::stream::Io;
use super::tls;

/// No document of interest is longer.
const LIMIT: usize = 8 << 20;

/// What a request may carry.
pub(super) type Carried = UnsyncBoxBody<Bytes, std::io::Error>;

/// A connection to a dockerd.
pub(super) struct Http {
    sender: SendRequest<Carried>,
    place: String,
}

/// An answer that was read to its end.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// HTTP's status.
    pub status: u16,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// No body.
pub(super) fn nothing() -> Carried {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body that is there already.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Carried {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

impl Http {
    /// Begins on a connection.
    pub(super) async fn new(io: impl Io, place: &str) -> Result<Self, EngineError> {
        let place = place.to_owned();
        let made = http1::Builder::new().title_case_headers(true).handshake(TokioIo::new(io)).await;
        let (sender, connection) = made.map_err(|e| broken(&place, "beginning", &e))?;
        // What ends it is what every request on it ends with.
        tokio::spawn(async move { drop(connection.with_upgrades().await) });
        Ok(Self { sender, place })
    }

    /// Makes a request; the body of the answer is still to be read.
    pub(super) async fn send(
        &mut self,
        mut request: Request<Carried>,
        doing: &'static str,
    ) -> Result<Response<Incoming>, EngineError> {
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("docker"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("stowaway/", env!("CARGO_PKG_VERSION"))));
        self.sender.ready().await.map_err(|e| broken(&self.place, doing, &e))?;
        self.sender.send_request(request).await.map_err(|e| broken(&self.place, doing, &e))
    }

    /// Asks for a document.
    pub(super) async fn get(&mut self, path: &str, doing: &'static str) -> Result<Answer, EngineError> {
        let request = request(Method::GET, path, nothing(), &self.place)?;
        let answer = self.send(request, doing).await?;
        read(answer, &self.place, doing).await
    }

    /// Asks for the connection itself. Bytes that came with the answer stay part of it.
    pub(super) async fn upgrade(
        mut self,
        path: &str,
        to: &'static str,
        headers: &[(HeaderName, HeaderValue)],
        body: Option<Bytes>,
        doing: &'static str,
    ) -> Result<TokioIo<Upgraded>, EngineError> {
        let length = body.as_ref().map_or(0, Bytes::len);
        let carried = body.map_or_else(nothing, whole);
        let mut request = request(Method::POST, path, carried, &self.place)?;
        let own = request.headers_mut();
        own.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        own.insert(UPGRADE, HeaderValue::from_static(to));
        own.insert(CONTENT_LENGTH, HeaderValue::from(length));
        for (name, value) in headers {
            own.append(name, value.clone());
        }
        let answer = self.send(request, doing).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            let answer = read(answer, &self.place, doing).await?;
            return Err(refused(&self.place, format!("POST {path}"), &answer));
        }
        let upgraded = hyper::upgrade::on(answer).await.map_err(|e| broken(&self.place, doing, &e))?;
        Ok(TokioIo::new(upgraded))
    }
}

/// A request for a path that may have been put together from names.
pub(super) fn request(
    method: Method,
    path: &str,
    body: Carried,
    place: &str,
) -> Result<Request<Carried>, EngineError> {
    let made = Request::builder().method(method).uri(path).body(body);
    made.map_err(|e| EngineError::Broken { place: place.to_owned(), doing: "asking", why: e.to_string() })
}

/// Reads an answer to its end, as long as it is not too long.
pub(super) async fn read(
    answer: Response<Incoming>,
    place: &str,
    doing: &'static str,
) -> Result<Answer, EngineError> {
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, LIMIT).collect().await.map_err(|e| EngineError::Broken {
        place: place.to_owned(),
        doing,
        why: chain(&*e),
    })?;
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
}

/// An answer that is a refusal, with its own words: `{"message": …}`, or text.
pub(super) fn refused(place: &str, request: String, answer: &Answer) -> EngineError {
    let said = serde_json::from_slice::<serde_json::Value>(&answer.body).ok();
    let said = said.and_then(|v| v["message"].as_str().map(str::to_owned));
    let said = said.unwrap_or_else(|| String::from_utf8_lossy(&answer.body).into_owned());
    let mut message = printable(&said);
    if message.is_empty() {
        message = "it says no more".to_owned();
    }
    EngineError::Refused { place: place.to_owned(), request, status: answer.status, message }
}

/// A connection that broke, or on which something else than HTTP is spoken.
pub(super) fn broken(place: &str, doing: &'static str, error: &hyper::Error) -> EngineError {
    if let Some(why) = tls::inside(error) {
        // With TLS 1.3 a certificate of ours is refused after everything seemed to be fine.
        return tls::refused(place, why);
    }
    let place = place.to_owned();
    if error.is_parse() {
        return EngineError::NoEngine { place, why: format!("it does not speak HTTP ({error})") };
    }
    EngineError::Broken { place, doing, why: chain(error) }
}
