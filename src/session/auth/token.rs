//! Tokens from the server that a registry names (`containerd`, `core/remotes/docker/auth/fetch.go`).

use std::io::Read as _;

use bollard_buildkit_proto::moby::filesync::v1 as proto;
use proto::{FetchTokenRequest, FetchTokenResponse};
use serde::Deserialize;
use tonic::Status;
use ureq::Agent;
use ureq::http::{Response, Uri};

use super::pair;
use crate::credentials::Secret;
use crate::credentials::http::{self, Http};

/// No answer is longer.
const MAX_ANSWER: u64 = 1 << 20;
/// How long a token holds when its server doesn't say, in seconds.
const DEFAULT_EXPIRATION: i64 = 60;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<i64>,
    issued_at: Option<String>,
}

/// Why there is no token.
enum Refusal {
    Status(u16),
    Other(String),
}

/// Gets a token; waits for the network.
pub(super) fn fetch(
    http: &Http,
    request: &FetchTokenRequest,
    secret: Option<Secret>,
) -> Result<FetchTokenResponse, Status> {
    if let Some(Secret::Bearer(token)) = secret {
        return Ok(FetchTokenResponse { token, expires_in: DEFAULT_EXPIRATION, issued_at: 0 });
    }
    let (user, secret) = pair(secret);
    let host = request.realm.parse::<Uri>().ok().and_then(|u| u.authority().map(|a| a.host().to_owned()));
    let server = host.as_deref().unwrap_or("the token server");
    let local = host.as_deref().is_some_and(http::is_local) && request.realm.starts_with("http://");
    let asked = Asked { agent: http::agent(http, local), request, user: &user, secret: &secret };
    let what =
        if secret.is_empty() { "failed to fetch anonymous token" } else { "failed to fetch oauth token" };
    asked.fetch().map_err(|refusal| {
        let (why, denied) = match refusal {
            Refusal::Status(status) => (format!("status {status}"), matches!(status, 401 | 403)),
            Refusal::Other(why) => (why, false),
        };
        let text = format!("{what}: {server} for {}: {why}", request.host);
        if denied { Status::permission_denied(text) } else { Status::unknown(text) }
    })
}

struct Asked<'a> {
    agent: Agent,
    request: &'a FetchTokenRequest,
    user: &'a str,
    secret: &'a str,
}

impl Asked<'_> {
    fn fetch(&self) -> Result<FetchTokenResponse, Refusal> {
        if self.secret.is_empty() {
            return self.get();
        }
        match self.post() {
            // Registries that know no POST: GCR says 404, Artifactory 401.
            Err(Refusal::Status(404 | 401)) => self.get(),
            Err(Refusal::Status(405)) if !self.user.is_empty() => self.get(),
            other => other,
        }
    }

    fn post(&self) -> Result<FetchTokenResponse, Refusal> {
        let scope = self.request.scopes.join(" ");
        let mut fields = vec![("service", self.request.service.as_str()), ("client_id", "buildkit-client")];
        if !scope.is_empty() {
            fields.push(("scope", &scope));
        }
        if self.user.is_empty() {
            fields.extend([("grant_type", "refresh_token"), ("refresh_token", self.secret)]);
        } else {
            fields.extend([("grant_type", "password"), ("username", self.user), ("password", self.secret)]);
        }
        answer(self.agent.post(&self.request.realm).send_form(fields))
    }

    fn get(&self) -> Result<FetchTokenResponse, Refusal> {
        let service = Some(self.request.service.as_str()).filter(|s| !s.is_empty()).map(|s| ("service", s));
        let scopes = self.request.scopes.iter().map(|s| ("scope", s.as_str()));
        let mut get = self.agent.get(&self.request.realm).query_pairs(service.into_iter().chain(scopes));
        if !self.secret.is_empty() {
            get = get.header("Authorization", http::basic(self.user, self.secret));
        }
        answer(get.call())
    }
}

fn answer(response: Result<Response<ureq::Body>, ureq::Error>) -> Result<FetchTokenResponse, Refusal> {
    // An error's text may name the request's address, never its fields.
    let response = response.map_err(|e| Refusal::Other(e.to_string()))?;
    let status = response.status().as_u16();
    if !(200..400).contains(&status) {
        return Err(Refusal::Status(status));
    }
    let mut bytes = Vec::new();
    let reader = response.into_body().into_with_config().limit(u64::MAX).reader();
    reader
        .take(MAX_ANSWER)
        .read_to_end(&mut bytes)
        .map_err(|e| Refusal::Other(format!("the answer breaks off: {e}")))?;
    let answer: Answer = serde_json::from_slice(&bytes)
        .map_err(|_| Refusal::Other("unable to decode token response".into()))?;
    let given = |token: Option<String>| token.filter(|t| !t.is_empty());
    let token = given(answer.access_token).or_else(|| given(answer.token)).ok_or_else(|| {
        Refusal::Other("authorization server did not include a token in the response".into())
    })?;
    Ok(FetchTokenResponse {
        token,
        expires_in: answer.expires_in.filter(|e| *e != 0).unwrap_or(DEFAULT_EXPIRATION),
        issued_at: answer.issued_at.as_deref().and_then(seconds).unwrap_or(0),
    })
}

fn seconds(time: &str) -> Option<i64> {
    Some(time.parse::<jiff::Timestamp>().ok()?.as_second())
}
