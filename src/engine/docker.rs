//! Docker's own interface of a dockerd: images and containers.

use std::io;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::connect::{Patience, dial, within};
use super::endpoint::Endpoint;
use super::error::{EngineError, printable};
use super::http1::{self, Answer, Carried, Http};

/// A line of progress is never longer.
const LINE: usize = 1 << 20;

/// Docker's interface: each question takes a connection of its own.
#[derive(Debug, Clone)]
pub struct Docker {
    endpoint: Endpoint,
    place: String,
    patience: Patience,
}

impl Docker {
    /// The interface of an engine that was found; nothing is connected yet.
    pub fn new(endpoint: &Endpoint, patience: Patience) -> Self {
        Self { endpoint: endpoint.clone(), place: endpoint.place(), patience }
    }

    /// Asks for `path`; whatever the status is.
    ///
    /// # Errors
    /// Nobody answers, or not in time.
    pub async fn get(&self, path: &str) -> Result<Answer, EngineError> {
        self.ask(Method::GET, path, None).await
    }

    /// Reads a document from an answer.
    ///
    /// # Errors
    /// The engine refuses to give it, or it is none.
    pub fn json<T: DeserializeOwned>(&self, path: &str, answer: &Answer) -> Result<T, EngineError> {
        if !(200..300).contains(&answer.status) {
            return Err(http1::refused(&self.place, format!("GET {path}"), answer));
        }
        serde_json::from_slice(&answer.body).map_err(|e| EngineError::NoEngine {
            place: self.place.clone(),
            why: format!("its answer to {path} is no document that is understood: {e}"),
        })
    }

    /// Makes a request with a document, or without, and reads the answer.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        document: Option<&Value>,
    ) -> Result<Answer, EngineError> {
        let body = document.map_or_else(http1::nothing, |d| http1::whole(d.to_string()));
        let mut request = http1::request(method, path, body, &self.place)?;
        if document.is_some() {
            let kind = HeaderValue::from_static("application/json");
            request.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        }
        let mut http = self.connect().await?;
        let doing = "asking it";
        let asking = async {
            let answer = http.send(request, doing).await?;
            http1::read(answer, &self.place, doing).await
        };
        within(self.patience.answer, &self.place, doing, asking).await
    }

    /// Posts a document, or nothing; an answer with another status than these is a refusal.
    pub(super) async fn post(
        &self,
        path: &str,
        document: Option<&Value>,
        fine: &[u16],
    ) -> Result<http1::Answer, EngineError> {
        let answer = self.ask(Method::POST, path, document).await?;
        if fine.contains(&answer.status) {
            return Ok(answer);
        }
        Err(http1::refused(&self.place, format!("POST {path}"), &answer))
    }

    async fn connect(&self) -> Result<Http, EngineError> {
        Http::new(Box::pin(dial(&self.endpoint, self.patience)).await?, &self.place).await
    }

    /// What it knows of an image, by reference or ID; `None` when it has none of that name.
    ///
    /// # Errors
    /// Nobody answers, not in time, or with a refusal.
    pub async fn image(&self, reference: &str) -> Result<Option<Value>, EngineError> {
        let path = format!("/images/{}/json", encoded(reference, "/:@"));
        let answer = self.get(&path).await?;
        if answer.status == 404 { Ok(None) } else { self.json(&path, &answer).map(Some) }
    }

    /// Gives an image another name.
    ///
    /// # Errors
    /// Nobody answers, not in time, or with a refusal.
    pub async fn tag(&self, image: &str, repository: &str, tag: &str) -> Result<(), EngineError> {
        let (image, repository, tag) = (encoded(image, "/:@"), encoded(repository, "/:"), encoded(tag, ""));
        let path = format!("/images/{image}/tag?repo={repository}&tag={tag}");
        self.post(&path, None, &[201]).await.map(drop)
    }

    /// Loads a tar of images as `docker load` reads them. What the engine says of its progress goes to `told`. Knows no limit of time.
    ///
    /// # Errors
    /// Nobody answers, the engine refuses the tar, or `tar` itself fails.
    pub async fn load<B>(&self, tar: B, told: &mut dyn FnMut(&Value)) -> Result<(), EngineError>
    where
        B: http_body::Body<Data = Bytes, Error = io::Error> + Send + 'static,
    {
        let mut request =
            http1::request(Method::POST, "/images/load?quiet=0", tar.boxed_unsync(), &self.place)?;
        let kind = HeaderValue::from_static("application/x-tar");
        request.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        self.follow(request, "POST /images/load", "loading an image", told).await
    }

    /// Pushes an image that the engine has. `auth` is the base64 of a document with the registry's credentials, as `X-Registry-Auth` wants it.
    /// Knows no limit of time.
    ///
    /// # Errors
    /// Nobody answers, or the engine or the registry refuses it.
    pub async fn push(
        &self,
        repository: &str,
        tag: &str,
        auth: &str,
        told: &mut dyn FnMut(&Value),
    ) -> Result<(), EngineError> {
        let path = format!("/images/{}/push?tag={}", encoded(repository, "/:"), encoded(tag, ""));
        let mut request = http1::request(Method::POST, &path, http1::nothing(), &self.place)?;
        let secret = HeaderValue::from_str(auth).map(|mut value| {
            value.set_sensitive(true);
            value
        });
        let secret = secret.map_err(|_| EngineError::Broken {
            place: self.place.clone(),
            doing: "pushing an image",
            why: "the registry's credentials fit into no header".to_owned(),
        })?;
        request.headers_mut().insert("x-registry-auth", secret);
        self.follow(request, "POST /images/…/push", "pushing an image", told).await
    }

    /// Makes a request that the engine answers with lines of progress, one of which may be an error.
    async fn follow(
        &self,
        request: http::Request<Carried>,
        name: &str,
        doing: &'static str,
        told: &mut dyn FnMut(&Value),
    ) -> Result<(), EngineError> {
        let answer = self.connect().await?.send(request, doing).await?;
        if answer.status() != 200 {
            let answer = http1::read(answer, &self.place, doing).await?;
            return Err(http1::refused(&self.place, name.to_owned(), &answer));
        }
        let (mut body, mut lines) = (answer.into_body(), Lines::default());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|e| http1::broken(&self.place, doing, &e))?;
            for line in lines.add(frame.data_ref().map_or(&[], |d| d)) {
                if let Some(why) = line["error"].as_str() {
                    return Err(self.told_no(name, why));
                }
                told(&line);
            }
            if lines.rest.len() > LINE {
                return Err(self.told_no(name, "a line of its progress has no end"));
            }
        }
        Ok(())
    }

    fn told_no(&self, request: &str, why: &str) -> EngineError {
        EngineError::Refused {
            place: self.place.clone(),
            request: request.to_owned(),
            status: 200,
            message: printable(why),
        }
    }
}

/// Documents, one a line.
#[derive(Default)]
struct Lines {
    rest: BytesMut,
}

impl Lines {
    fn add(&mut self, bytes: &[u8]) -> Vec<Value> {
        let mut from = self.rest.len();
        self.rest.extend_from_slice(bytes);
        let mut out = Vec::new();
        while let Some(end) = self.rest[from..].iter().position(|byte| *byte == b'\n') {
            let line = self.rest.split_to(from + end + 1);
            from = 0;
            out.extend(serde_json::from_slice(&line).ok());
        }
        out
    }
}

/// A word as a part of a path or of a query: everything is encoded but what can't be misread, and `more`.
fn encoded(word: &str, more: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(word.len());
    for byte in word.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-._~".contains(c) || more.contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_become_another_request() {
        assert_eq!(encoded("a/b:c@sha256:0", "/:@"), "a/b:c@sha256:0");
        assert_eq!(encoded("x?y=1 HTTP/1.1\r\n#", "/:@"), "x%3Fy%3D1%20HTTP/1.1%0D%0A%23");
    }

    #[test]
    fn lines_of_progress_may_come_in_pieces() {
        let mut lines = Lines::default();
        assert!(lines.add(b"{\"a\":").is_empty());
        assert_eq!(
            lines.add(b"1}\n{\"b\":2}\r\n{"),
            [serde_json::json!({"a": 1}), serde_json::json!({"b": 2})]
        );
        assert_eq!(lines.rest, "{"[..]);
    }
}
