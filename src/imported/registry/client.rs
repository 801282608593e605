//! One repository of one registry over HTTP: requests, tokens, and what answers mean.

use std::io::Read;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::RegistryOptions;
use super::challenge::Challenge;
use super::error::RegistryError;
use crate::credentials::{Credentials, Docker, Secret, http};
use crate::image::Reference;

/// No token is longer.
const MAX_TOKEN: u64 = 1 << 20;
/// What manifests may be, best first.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json, */*";

/// A repository.
pub(super) struct Client {
    agent: Agent,
    /// The registry as references name it.
    host: String,
    /// `https://registry-1.docker.io`.
    base: String,
    repository: String,
    docker_config: Option<PathBuf>,
    patience: Duration,
    session: Mutex<Session>,
}

/// What was found out about who asks.
#[derive(Default)]
struct Session {
    header: Option<String>,
    with: Option<String>,
}

/// Something that a repository is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// `manifests/latest`, `blobs/sha256:…`.
    pub path: &'a str,
    /// What it is, for messages.
    pub what: &'a str,
    /// Its length, where that is known: a long answer may take longer.
    pub size: Option<u64>,
}

impl Client {
    /// A client for the repository of a reference. Asks nothing yet, but what an insecure registry speaks.
    pub fn new(reference: &Reference, options: &RegistryOptions) -> Result<Self, RegistryError> {
        let host = reference.domain().to_owned();
        let server = if host == "docker.io" { "registry-1.docker.io" } else { &host };
        let local = http::is_local(&host);
        let mut client = Self {
            agent: http::agent(&options.http(), local),
            base: format!("{}://{server}", if local { "http" } else { "https" }),
            repository: reference.path().to_owned(),
            docker_config: options.docker_config.clone(),
            patience: options.patience,
            session: Mutex::default(),
            host,
        };
        if options.insecure && !local && client.agent.get(format!("{}/v2/", client.base)).call().is_err() {
            client.base = client.base.replacen("https", "http", 1);
        }
        Ok(client)
    }

    /// Asks for something; proves who asks when the registry wants to know.
    pub fn get(&self, wanted: &Wanted<'_>) -> Result<Response<Body>, RegistryError> {
        let header = self.session(|s| s.header.clone());
        let mut response = self.send(wanted, header.as_deref())?;
        if response.status() == 401
            && let Some(header) = self.authorize(wanted, &response)?
        {
            self.session(|s| s.header = Some(header.clone()));
            response = self.send(wanted, Some(&header))?;
        }
        match response.status().as_u16() {
            200 => Ok(response),
            status => Err(self.refusal(wanted, status, response)),
        }
    }

    /// Like [`Client::get`], but with the whole answer, of at most `limit` bytes.
    pub fn read(&self, wanted: &Wanted<'_>, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let answer = |why: String| self.answer(wanted, why);
        let body = self.get(wanted)?.into_body();
        if body.content_length().is_some_and(|len| len > limit) {
            return Err(answer(format!("it is longer than {limit} bytes")));
        }
        let mut bytes = Vec::new();
        let read = body.into_with_config().limit(u64::MAX).reader().take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|e| answer(format!("the answer breaks off: {e}")))?;
        if bytes.len() as u64 > limit {
            return Err(answer(format!("it is longer than {limit} bytes")));
        }
        Ok(bytes)
    }

    fn session<T>(&self, with: impl FnOnce(&mut Session) -> T) -> T {
        with(&mut self.session.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An answer that is of no use.
    pub fn answer(&self, wanted: &Wanted<'_>, why: String) -> RegistryError {
        RegistryError::Answer { host: self.host.clone(), what: wanted.what.into(), why }
    }

    fn send(&self, wanted: &Wanted<'_>, header: Option<&str>) -> Result<Response<Body>, RegistryError> {
        let url = format!("{}/v2/{}/{}", self.base, self.repository, wanted.path);
        let time = http::answer_time(self.patience, wanted.size);
        let request = self.agent.get(url).config().timeout_recv_body(Some(time)).build();
        let mut request = request.header("Accept", ACCEPT);
        if let Some(header) = header {
            request = request.header("Authorization", header);
        }
        request.call().map_err(|e| self.failed(&self.host, e))
    }

    fn failed(&self, host: &str, error: ureq::Error) -> RegistryError {
        let host = host.to_owned();
        let why = match error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                return RegistryError::Silent { host, patience: http::CONNECT.min(self.patience) };
            }
            ureq::Error::Timeout(_) => return RegistryError::Silent { host, patience: self.patience },
            ureq::Error::HostNotFound => "there is no host of that name".into(),
            ureq::Error::Io(error) => io_reason(&error),
            ureq::Error::Rustls(error) => format!("TLS: {error}"),
            ureq::Error::Tls(why) => format!("TLS: {why}"),
            other => other.to_string(),
        };
        RegistryError::Unreachable { host, why }
    }

    /// The header that proves who asks; `None` when there is nothing to prove it with.
    fn authorize(
        &self,
        wanted: &Wanted<'_>,
        response: &Response<Body>,
    ) -> Result<Option<String>, RegistryError> {
        let offers = response.headers().get_all("www-authenticate").iter();
        let offers: Vec<&str> = offers.filter_map(|h| h.to_str().ok()).collect();
        let Some(challenge) = Challenge::parse(&offers.join(", ")) else { return Ok(None) };
        let credentials = match &self.docker_config {
            Some(folder) => {
                let docker = Docker { folder: folder.clone(), environment: None, patience: self.patience };
                docker.find(&self.host)?
            }
            None => None,
        };
        self.session(|s| s.with = credentials.as_ref().map(|c| c.source.clone()));
        match (challenge, credentials.as_ref().map(|c| &c.secret)) {
            (_, Some(Secret::Bearer(token))) => Ok(Some(format!("Bearer {token}"))),
            (Challenge::Basic, Some(Secret::Password { user, password })) => {
                Ok(Some(http::basic(user, password)))
            }
            (Challenge::Basic, _) => Ok(None),
            (Challenge::Bearer { realm, service, scope }, _) => {
                let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", self.repository));
                let ask = TokenAsk { realm, service, scope };
                self.token(wanted, &ask, credentials.as_ref()).map(|token| Some(format!("Bearer {token}")))
            }
        }
    }

    fn token(
        &self,
        wanted: &Wanted<'_>,
        ask: &TokenAsk,
        credentials: Option<&Credentials>,
    ) -> Result<String, RegistryError> {
        let secure = ask.realm.starts_with("https://");
        if !secure && (self.base.starts_with("https://") || !ask.realm.starts_with("http://")) {
            return Err(self.answer(wanted, "it sends us to an insecure place for a token".into()));
        }
        let host = ask.realm.split('/').nth(2).unwrap_or(&self.host);
        let response = self.send_token_ask(ask, credentials).map_err(|e| self.failed(host, e))?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(self.refusal(wanted, status, response));
        }
        let mut bytes = Vec::new();
        let body = response.into_body().into_with_config().limit(MAX_TOKEN).reader().read_to_end(&mut bytes);
        body.map_err(|e| self.answer(wanted, format!("the token breaks off: {e}")))?;
        let token: Option<Token> = serde_json::from_slice(&bytes).ok();
        let token = token.and_then(|t| t.token.or(t.access_token)).filter(|t| !t.is_empty());
        token.ok_or_else(|| self.answer(wanted, format!("{host} gives no token")))
    }

    fn send_token_ask(
        &self,
        ask: &TokenAsk,
        credentials: Option<&Credentials>,
    ) -> Result<Response<Body>, ureq::Error> {
        let service = ask.service.as_deref().map(|s| ("service", s));
        let fields = service.into_iter().chain([("scope", ask.scope.as_str()), ("client_id", "stowaway")]);
        match credentials.map(|c| &c.secret) {
            Some(Secret::Identity(token)) => {
                let grant = [("grant_type", "refresh_token"), ("refresh_token", token)];
                self.agent.post(&ask.realm).send_form(fields.chain(grant))
            }
            secret => {
                let mut request = self.agent.get(&ask.realm).query_pairs(fields);
                if let Some(Secret::Password { user, password }) = secret {
                    request = request.header("Authorization", http::basic(user, password));
                }
                request.call()
            }
        }
    }

    fn refusal(&self, wanted: &Wanted<'_>, status: u16, response: Response<Body>) -> RegistryError {
        let (host, what, said) = (self.host.clone(), wanted.what.to_owned(), said(response));
        match status {
            401 | 403 => {
                let with = match self.session(|s| s.with.clone()) {
                    Some(source) => format!("asked with the credentials of {source}"),
                    None => "asked without credentials, Docker has none for it".into(),
                };
                RegistryError::Denied { host, what, status, said, with }
            }
            404 => RegistryError::NotFound { host, what, said },
            429 => self.answer(wanted, format!("too many requests (status 429{said})")),
            _ => self.answer(wanted, format!("status {status}{said}")),
        }
    }
}

struct TokenAsk {
    realm: String,
    service: Option<String>,
    scope: String,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.replacen("Connection", "connection", 1)
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    errors: Vec<SaidError>,
    #[serde(default)]
    details: Option<String>,
}

#[derive(Deserialize)]
struct SaidError {
    message: Option<String>,
    code: Option<String>,
}

/// What a registry says about a refusal, with `: ` before it; empty for nothing that can be read.
fn said(response: Response<Body>) -> String {
    let mut bytes = Vec::new();
    let reader = response.into_body().into_with_config().limit(u64::MAX).reader();
    let _ = reader.take(16 << 10).read_to_end(&mut bytes);
    let Ok(said) = serde_json::from_slice::<Said>(&bytes) else { return String::new() };
    let first = said.errors.into_iter().find_map(|e| e.message.filter(|m| !m.is_empty()).or(e.code));
    let Some(text) = first.or(said.details) else { return String::new() };
    format!(": {}", text.chars().filter(|c| !c.is_control()).take(200).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(base: &str) -> Client {
        let reference = Reference::parse("127.0.0.1:1/app").unwrap();
        let mut client = Client::new(&reference, &RegistryOptions::default()).unwrap();
        client.base = base.to_owned();
        client
    }

    const WANTED: Wanted<'_> = Wanted { path: "manifests/latest", what: "app", size: None };

    #[test]
    fn a_server_without_tls_is_not_taken_for_one_with() {
        let toy = super::super::testing::Toy::of("max");
        let error = client(&format!("https://{}", toy.host)).read(&WANTED, 1 << 20).unwrap_err();
        assert!(matches!(&error, RegistryError::Unreachable { .. }), "{error}");
    }

    #[test]
    fn a_secret_is_not_sent_in_the_clear_for_a_registry_with_tls() {
        let ask = |realm: &str| TokenAsk { realm: realm.into(), service: None, scope: "s".into() };
        let credentials = Credentials { secret: Secret::Identity("i".into()), source: "config.json".into() };
        for realm in ["http://127.0.0.1:1/token", "ftp://x", "token"] {
            let error =
                client("https://127.0.0.1:1").token(&WANTED, &ask(realm), Some(&credentials)).unwrap_err();
            assert!(error.to_string().contains("insecure place"), "{error}");
        }
    }
}
