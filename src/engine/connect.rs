//! A connection to an engine: finding out what it is, its Control API, and a session.

use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::llb_bridge_client::LlbBridgeClient;
use bollard_buildkit_proto::moby::buildkit::v1::{InfoRequest, ListWorkersRequest};
use http::{HeaderName, HeaderValue, Uri};
use tonic::Code;
use tonic::body::Body;
use tower_service::Service as _;

use super::about::About;
use super::address::Address;
use super::docker::Docker;
use super::endpoint::{Endpoint, Kind, Tls};
use super::error::EngineError;
use super::grpc::Grpc;
use super::http1::{self, Http};
use super::stream::{self, Stream};
use super::tunnel::{self, Tunnel};

/// What BuildKit's own client takes and sends in one message (`util/grpcerrors`, `client.New`).
const MESSAGE: usize = 16 << 20;

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until a connection stands; behind ssh three times that, as Docker's client waits.
    pub connect: Duration,
    /// Until a small question has its answer.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), answer: Duration::from_secs(30) }
    }
}

/// A session as it is announced to the engine.
#[derive(Debug, Clone, Copy)]
pub struct Announced<'a> {
    /// Names the session; unique for each build.
    pub id: &'a str,
    /// For people.
    pub name: &'a str,
    /// With the name of a local it chooses the tree that the engine keeps.
    pub shared_key: &'a str,
    /// What the engine may call, as `/package.Service/Method`.
    pub methods: &'a [&'a str],
}

/// An engine that answered.
#[derive(Debug)]
pub struct Engine {
    endpoint: Endpoint,
    patience: Patience,
    kind: Kind,
    about: About,
    grpc: Grpc,
}

impl Engine {
    /// Connects, and asks the engine what it is.
    ///
    /// # Errors
    /// Nobody is there, it is no engine, or it takes too long.
    pub async fn connect(endpoint: &Endpoint, patience: Patience) -> Result<Self, EngineError> {
        let first = match endpoint.kind {
            Kind::Docker => Self::docker_at(endpoint, patience).await,
            Kind::BuildKit => Self::buildkit_at(endpoint, patience).await,
        };
        let Err(error) = first else { return first };
        if !speaks_otherwise(&error) || !matches!(endpoint.address, Address::Unix(_) | Address::Tcp(..)) {
            return Err(error);
        }
        // Who is there may be of the other kind.
        let second = match endpoint.kind {
            Kind::Docker => {
                let other = Endpoint { kind: Kind::BuildKit, ..endpoint.clone() };
                Self::buildkit_at(&other, patience).await
            }
            Kind::BuildKit => {
                let other = Endpoint { kind: Kind::Docker, ..endpoint.clone() };
                Self::docker_at(&other, patience).await
            }
        };
        second.map_err(|_| error)
    }

    async fn docker_at(endpoint: &Endpoint, patience: Patience) -> Result<Self, EngineError> {
        let place = endpoint.place();
        let mut http = Http::new(dial(endpoint, patience).await?, &place).await?;
        let mut about = About::default();
        let asking = async {
            let ping = http.get("/_ping", "asking whether it is Docker's").await?;
            if ping.status != 200 {
                return Err(http1::refused(&place, "GET /_ping".to_owned(), &ping));
            }
            about.api = ping.header("api-version").map(str::to_owned);
            let version = http.get("/version", "asking for its version").await?;
            let version: serde_json::Value = serde_json::from_slice(&version.body).unwrap_or_default();
            about.docker = Some(version["Version"].as_str().unwrap_or("unknown").to_owned());
            // The connection is good for more: behind ssh another one takes long.
            http.upgrade("/grpc", "h2c", &[], None, "asking for BuildKit").await
        };
        let io = within(patience.answer, &place, "asking what it is", asking).await?;
        let grpc = Grpc::new(io, &place).await.map_err(|e| no_http2(&place, &e))?;
        Self { endpoint: endpoint.clone(), patience, kind: Kind::Docker, about, grpc }.described().await
    }

    async fn buildkit_at(endpoint: &Endpoint, patience: Patience) -> Result<Self, EngineError> {
        let place = endpoint.place();
        let io = dial(endpoint, patience).await?;
        let grpc = Grpc::new(io, &place).await.map_err(|e| no_http2(&place, &e))?;
        let about = About::default();
        Self { endpoint: endpoint.clone(), patience, kind: Kind::BuildKit, about, grpc }.described().await
    }

    /// Asks BuildKit what it is.
    async fn described(mut self) -> Result<Self, EngineError> {
        let place = self.endpoint.place();
        let mut control = self.control();
        let asking = async {
            let workers = control.list_workers(ListWorkersRequest::default()).await;
            let workers = workers.map_err(|status| call_error(&place, "ListWorkers", &status))?;
            let info = match control.info(InfoRequest {}).await {
                Ok(info) => info.into_inner().buildkit_version.map(|v| v.version),
                // Those before Docker 23 don't know the question.
                Err(status) if status.code() == Code::Unimplemented => None,
                Err(status) => return Err(call_error(&place, "Info", &status)),
            };
            Ok((workers.into_inner().record, info))
        };
        let (workers, version) =
            within(self.patience.answer, &place, "asking BuildKit what it is", asking).await?;
        self.about.workers = workers.into_iter().map(Into::into).collect();
        self.about.buildkit = version.filter(|v| !v.is_empty());
        Ok(self)
    }

    /// Where it is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Docker's or BuildKit's own: what answered, whatever was expected.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What it says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// BuildKit's Control API: Solve, Status, Prune and the like. Calls on it know no limit of time.
    pub fn control(&self) -> ControlClient<Grpc> {
        ControlClient::with_origin(self.grpc.clone(), self.origin())
            .max_decoding_message_size(MESSAGE)
            .max_encoding_message_size(MESSAGE)
    }

    /// What calls name as their authority: a proxy in front of a remote buildkitd may choose by it.
    fn origin(&self) -> Uri {
        let named = match (&self.endpoint.address, &self.endpoint.tls) {
            (Address::Tcp(_, port), Some(Tls { name: Some(name), .. })) => Some(format!("{name}:{port}")),
            (Address::Tcp(host, port), _) if host.contains(':') => Some(format!("[{host}]:{port}")),
            (Address::Tcp(host, port), _) => Some(format!("{host}:{port}")),
            _ => None,
        };
        let origin = named.and_then(|authority| format!("http://{authority}/").parse().ok());
        origin.unwrap_or(Uri::from_static("http://localhost/"))
    }

    /// Docker's own interface, where the engine has one.
    pub fn docker(&self) -> Option<Docker> {
        (self.kind == Kind::Docker).then(|| Docker::new(&self.endpoint, self.patience))
    }

    /// BuildKit's gateway: what frontends are run and asked through.
    pub fn bridge(&self) -> LlbBridgeClient<Grpc> {
        LlbBridgeClient::with_origin(self.grpc.clone(), Uri::from_static("http://localhost"))
            .max_decoding_message_size(MESSAGE)
            .max_encoding_message_size(MESSAGE)
    }

    /// Calls of services that have no client here, such as containerd's content.
    pub fn calls(&self) -> tonic::client::Grpc<Grpc> {
        tonic::client::Grpc::with_origin(self.grpc.clone(), self.origin()).max_decoding_message_size(MESSAGE)
    }

    /// Opens a session: the stream on which the engine is HTTP/2's client, and we its server.
    ///
    /// # Errors
    /// The engine refuses it, or takes too long.
    pub async fn open_session(&self, announced: &Announced<'_>) -> Result<Stream, EngineError> {
        let headers = headers(announced, &self.endpoint.place())?;
        match self.kind {
            Kind::Docker => self.session_of_docker(&headers).await,
            Kind::BuildKit => self.session_of_buildkit(headers).await,
        }
    }

    async fn session_of_docker(&self, headers: &[(HeaderName, HeaderValue)]) -> Result<Stream, EngineError> {
        let place = self.endpoint.place();
        let http = Http::new(dial(&self.endpoint, self.patience).await?, &place).await?;
        let doing = "opening a session";
        let opening = http.upgrade("/session", "h2c", headers, None, doing);
        Ok(Box::new(within(self.patience.answer, &place, doing, opening).await?))
    }

    async fn session_of_buildkit(
        &self,
        headers: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Stream, EngineError> {
        let place = self.endpoint.place();
        let (writer, outgoing) = tunnel::pipe();
        let mut request = http::Request::new(Body::new(outgoing));
        *request.method_mut() = http::Method::POST;
        let mut parts = self.origin().into_parts();
        parts.path_and_query =
            Some(http::uri::PathAndQuery::from_static("/moby.buildkit.v1.Control/Session"));
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        *request.version_mut() = http::Version::HTTP_2;
        let own = request.headers_mut();
        own.insert("te", HeaderValue::from_static("trailers"));
        own.insert("content-type", HeaderValue::from_static("application/grpc"));
        for (name, value) in headers {
            own.append(name, value);
        }
        let mut grpc = self.grpc.clone();
        let opening = async {
            let ready = std::future::poll_fn(|cx| grpc.poll_ready(cx)).await;
            ready.map_err(|status| call_error(&place, "Session", &status))?;
            // The answer begins with the engine's first bytes: it speaks first.
            let answer = grpc.call(request).await.map_err(|s| call_error(&place, "Session", &s))?;
            match tonic::Status::from_header_map(answer.headers()) {
                Some(status) if status.code() != Code::Ok => Err(call_error(&place, "Session", &status)),
                _ => Ok(answer.into_body()),
            }
        };
        let incoming = within(self.patience.answer, &place, "opening a session", opening).await?;
        Ok(Box::new(Tunnel::new(writer, incoming)))
    }
}

/// Connects, within the time that there is.
pub(super) async fn dial(endpoint: &Endpoint, patience: Patience) -> Result<Stream, EngineError> {
    let limit = match &endpoint.address {
        Address::Ssh(_) | Address::Program(_) => patience.connect * 3,
        // It may have to be started.
        Address::Container(_) => patience.connect * 6,
        _ => patience.connect,
    };
    within(limit, &endpoint.place(), "connecting", stream::connect(endpoint, patience)).await
}

/// What `work` gives, or that it took too long.
pub(super) async fn within<T>(
    limit: Duration,
    place: &str,
    doing: &'static str,
    work: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    let late = |_| EngineError::Late { place: place.to_owned(), doing, after: limit };
    tokio::time::timeout(limit, work).await.map_err(late)?
}

/// Whether somebody is there who speaks something else than was expected.
fn speaks_otherwise(error: &EngineError) -> bool {
    match error {
        EngineError::NoEngine { .. } | EngineError::Broken { .. } => true,
        EngineError::Call { code, .. } => *code == Code::Unavailable,
        _ => false,
    }
}

fn no_http2(place: &str, error: &hyper::Error) -> EngineError {
    EngineError::NoEngine { place: place.to_owned(), why: format!("it does not speak HTTP/2 ({error})") }
}

pub(super) fn call_error(place: &str, call: &'static str, status: &tonic::Status) -> EngineError {
    EngineError::Call {
        place: place.to_owned(),
        call,
        message: super::error::printable(status.message()),
        code: status.code(),
    }
}

/// The headers that announce a session (`session/session.go`).
fn headers(announced: &Announced<'_>, place: &str) -> Result<Vec<(HeaderName, HeaderValue)>, EngineError> {
    let single = [
        ("x-docker-expose-session-uuid", announced.id),
        ("x-docker-expose-session-name", announced.name),
        ("x-docker-expose-session-sharedkey", announced.shared_key),
    ];
    let methods = announced.methods.iter().map(|m| ("x-docker-expose-session-grpc-method", *m));
    let value = |(name, text): (&'static str, &str)| {
        let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|e| EngineError::Broken {
            place: place.to_owned(),
            doing: "announcing a session",
            why: format!("{name}: {e}"),
        })?;
        Ok((HeaderName::from_static(name), value))
    };
    single.into_iter().chain(methods).map(value).collect()
}
