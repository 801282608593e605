//! Who asks a registry: the engine is given Docker's own credentials, or better, tokens that were got with them
//! (`session/auth/authprovider`).
//!
//! An engine first asks for a token authority. Declining it (`Unavailable`) would make the engine ask for the password and get
//! tokens itself (`util/resolver/authorizer.go`), so we sign, as buildx does: with an authority the password stays here, and
//! since the key is made from the same seeds as buildx's, the engine goes on using the tokens that it has from either.

mod seeds;
#[cfg(test)]
mod tests;
mod token;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bollard_buildkit_proto::moby::filesync::v1 as proto;
use proto::auth_server::{Auth as Service, AuthServer};
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use tonic::{Request, Response, Status};

use self::seeds::Seeds;
use super::aside::aside;
use crate::credentials::http::Http;
use crate::credentials::{Docker, Secret};

/// How long credentials are used before Docker is asked for them again: tokens of some clouds live for five minutes.
const FRESH: Duration = Duration::from_secs(4 * 60 + 50);
/// Docker Hub's registry, which Docker's config has under another name.
const HUB: &str = "registry-1.docker.io";

/// How credentials are found and tokens are got.
#[derive(Clone)]
pub struct Options {
    /// Where Docker's credentials are.
    pub docker: Docker,
    /// How the servers that give tokens are asked.
    pub http: Http,
    /// False when `BUILDKIT_NO_CLIENT_TOKEN` is set to true: the engine then gets the credentials and fetches tokens itself.
    pub tokens: bool,
    /// Is told what people want to know: `[auth] library/alpine:pull token for registry-1.docker.io`, once each.
    pub told: Option<Told>,
}

/// Hears what is given to the engine, in words and without secrets.
pub type Told = Arc<dyn Fn(&str) + Send + Sync>;

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("docker", &self.docker)
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}

/// The service.
#[derive(Debug, Clone)]
pub struct Auth {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    seeds: Seeds,
    /// Held while Docker is asked: helpers of some systems hang when two run at once.
    found: Mutex<BTreeMap<String, Found>>,
    said: Mutex<BTreeSet<String>>,
}

#[derive(Debug)]
struct Found {
    at: Instant,
    secret: Option<Secret>,
}

impl Auth {
    /// The methods that it answers.
    pub const METHODS: &[&str] = &["Credentials", "FetchToken", "GetTokenAuthority", "VerifyTokenAuthority"];

    /// Nothing is asked or read before the engine asks.
    pub fn new(options: Options) -> Self {
        let seeds = Seeds::new(options.docker.folder.clone());
        let shared = Shared { options, seeds, found: Mutex::default(), said: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// As [`super::Session::with`] takes it.
    pub fn service(self) -> AuthServer<Self> {
        AuthServer::new(self)
    }
}

impl Shared {
    fn secret(&self, host: &str) -> Result<Option<Secret>, Status> {
        let mut found = lock(&self.found);
        if let Some(known) = found.get(host).filter(|f| f.at.elapsed() <= FRESH) {
            return Ok(known.secret.clone());
        }
        let name = if host == HUB { "docker.io" } else { host };
        let credentials = self.options.docker.find(name).map_err(|e| Status::unknown(e.to_string()))?;
        let secret = credentials.map(|c| c.secret);
        found.insert(host.into(), Found { at: Instant::now(), secret: secret.clone() });
        Ok(secret)
    }

    /// A key that this client has for a host and this run of the engine: the seed keeps an engine from choosing what is
    /// signed, and whoever has no credentials has the same key as all others without.
    fn authority(&self, host: &str, salt: &[u8]) -> Result<Ed25519KeyPair, Status> {
        if !self.options.tokens {
            // With this the engine asks for the credentials instead (`auth.GetTokenAuthority`).
            return Err(Status::unavailable("client side tokens disabled"));
        }
        let (_, secret) = pair(self.secret(host)?);
        let seed = self.seeds.get(host).map_err(|e| Status::unknown(e.to_string()))?;
        let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, salt));
        if !secret.is_empty() {
            mac.update(&seed);
        }
        Ed25519KeyPair::from_seed_unchecked(mac.sign().as_ref())
            .map_err(|_| Status::internal("making a key for the token authority"))
    }

    fn tell(&self, words: String) {
        if let Some(told) = &self.options.told
            && lock(&self.said).insert(words.clone())
        {
            told(&words);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Name and secret as the protocol has them: a token with which others are asked for has no name (`toCredentials`).
fn pair(secret: Option<Secret>) -> (String, String) {
    match secret {
        Some(Secret::Password { user, password }) => (user, password),
        Some(Secret::Identity(token)) => (String::new(), token),
        Some(Secret::Bearer(_)) | None => (String::new(), String::new()),
    }
}

#[tonic::async_trait]
impl Service for Auth {
    async fn credentials(
        &self,
        request: Request<proto::CredentialsRequest>,
    ) -> Result<Response<proto::CredentialsResponse>, Status> {
        let (shared, host) = (Arc::clone(&self.shared), request.into_inner().host);
        aside(move || {
            let (username, secret) = pair(shared.secret(&host)?);
            if !secret.is_empty() {
                shared.tell(format!("[auth] sharing credentials for {host}"));
            }
            Ok(Response::new(proto::CredentialsResponse { username, secret }))
        })
        .await?
    }

    async fn fetch_token(
        &self,
        request: Request<proto::FetchTokenRequest>,
    ) -> Result<Response<proto::FetchTokenResponse>, Status> {
        let (shared, request) = (Arc::clone(&self.shared), request.into_inner());
        aside(move || {
            let secret = shared.secret(&request.host)?;
            if !matches!(secret, None | Some(Secret::Bearer(_))) {
                let scopes: Vec<_> =
                    request.scopes.iter().map(|s| s.trim_start_matches("repository:")).collect();
                shared.tell(format!("[auth] {} token for {}", scopes.join(" "), request.host));
            }
            token::fetch(&shared.options.http, &request, secret).map(Response::new)
        })
        .await?
    }

    async fn get_token_authority(
        &self,
        request: Request<proto::GetTokenAuthorityRequest>,
    ) -> Result<Response<proto::GetTokenAuthorityResponse>, Status> {
        let (shared, request) = (Arc::clone(&self.shared), request.into_inner());
        aside(move || {
            let key = shared.authority(&request.host, &request.salt)?;
            let public_key = key.public_key().as_ref().to_vec();
            Ok(Response::new(proto::GetTokenAuthorityResponse { public_key }))
        })
        .await?
    }

    async fn verify_token_authority(
        &self,
        request: Request<proto::VerifyTokenAuthorityRequest>,
    ) -> Result<Response<proto::VerifyTokenAuthorityResponse>, Status> {
        let (shared, request) = (Arc::clone(&self.shared), request.into_inner());
        aside(move || {
            let key = shared.authority(&request.host, &request.salt)?;
            // As NaCl's crypto_sign writes it: the signature, then what was signed.
            let mut signed = key.sign(&request.payload).as_ref().to_vec();
            signed.extend_from_slice(&request.payload);
            Ok(Response::new(proto::VerifyTokenAuthorityResponse { signed }))
        })
        .await?
    }
}
