//! The service from which an engine gets files: `moby.filesync.v1.FileSync/DiffCopy`.
//!
//! The engine asks for a local by its name, with patterns. It is sent the listing in fsutil's order, asks for the contents that it doesn't
//! have, gets them in pieces, and says when it has everything. Both directions run at the same time.
//!
//! Listing and reading happen on threads; between them and the connection is a bounded channel, so that memory depends neither on
//! the sizes of files nor on how slowly the engine takes them. Nothing is read that wasn't listed for that request: ids come from the
//! listing, and files are opened below the root without following links.

mod buffer;
mod desk;
mod event;
mod local;
mod metadata;
mod open;
mod outgoing;
mod reader;
#[cfg(test)]
mod tests;
mod transfer;
mod walk;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{HeaderValue, header};
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::NamedService;
use tonic::{Status, Streaming};

pub use event::{Change, Digesting, Event, Listener, Passing, Totals};
pub use local::Local;
pub use walk::{Walk, Walker};

use super::packet::Packets;
use crate::pattern::Matcher;
use event::Counters;
use transfer::Shared;

/// An engine that moves nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(600);
/// So many transfers may run at once; a build has one for each local.
const TRANSFERS: usize = 64;
/// What an engine sends is a few bytes long; only the text of an error is longer.
const LARGEST_PACKET: usize = 1 << 20;

/// Offers locals to an engine.
#[derive(Clone)]
pub struct FileSync {
    offer: Arc<Offer>,
}

struct Offer {
    locals: BTreeMap<String, Local>,
    listener: Listener,
    patience: Duration,
    places: Arc<Semaphore>,
    transfers: AtomicU64,
}

impl std::fmt::Debug for FileSync {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileSync").field("locals", &self.offer.locals.keys()).finish_non_exhaustive()
    }
}

impl FileSync {
    /// What a session offers of this service.
    pub const METHODS: &[&str] = &["DiffCopy"];

    /// Offers `locals` by their names. `listener` hears of each transfer.
    pub fn new(locals: BTreeMap<String, Local>, listener: Listener) -> Self {
        Self::with_patience(locals, listener, PATIENCE)
    }

    fn with_patience(locals: BTreeMap<String, Local>, listener: Listener, patience: Duration) -> Self {
        let places = Arc::new(Semaphore::new(TRANSFERS));
        Self { offer: Arc::new(Offer { locals, listener, patience, places, transfers: AtomicU64::new(0) }) }
    }
}

impl NamedService for FileSync {
    const NAME: &'static str = "moby.filesync.v1.FileSync";
}

impl Service<http::Request<Body>> for FileSync {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        ready(Ok(self.offer.diff_copy(request).unwrap_or_else(Status::into_http)))
    }
}

impl Offer {
    fn diff_copy(&self, call: http::Request<Body>) -> Result<http::Response<Body>, Status> {
        if !call.uri().path().to_ascii_lowercase().ends_with("/diffcopy") {
            return Err(Status::unimplemented("files are only offered by DiffCopy"));
        }
        let (name, request) = metadata::decode(call.headers());
        let Some(local) = self.locals.get(&name) else {
            return Err(Status::not_found(format!("no access allowed to dir {name:?}")));
        };
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place
            .map_err(|_| Status::resource_exhausted(format!("more than {TRANSFERS} transfers at once")))?;
        let shared = Shared {
            transfer: self.transfers.fetch_add(1, Relaxed),
            name,
            local: local.clone(),
            desk: desk::Desk::default(),
            counters: Counters::default(),
            listener: Arc::clone(&self.listener),
            started: Instant::now(),
            finished: AtomicBool::new(false),
            failure: OnceLock::new(),
            refused: Matcher::new(&request.excludes).ok().filter(Matcher::has_exclusions),
            _place: place,
        };
        (self.listener)(Event::Started { transfer: shared.transfer, local: &shared.name, request: &request });
        let packets = Streaming::new_request(Packets, call.into_body(), None, Some(LARGEST_PACKET));
        let body = transfer::start(shared, request, packets, self.patience)
            .map_err(|error| Status::unknown(format!("starting the transfer: {error}")))?;
        let mut response = http::Response::new(Body::new(body));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        Ok(response)
    }
}
