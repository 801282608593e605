//! A build on its way: the session, `Solve` and `Status` side by side, until all three are over or somebody interrupts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::{
    CacheOptions, CacheOptionsEntry, Exporter, SolveRequest, StatusRequest, StatusResponse,
};
use bollard_buildkit_proto::pb;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tonic::{Code, Status};

use super::options::CacheEntry;
use super::solve::Solve;
use crate::engine::{Announced, Engine};
use crate::error::Error;
use crate::session::Session;

/// How long an engine may take to end a build that was interrupted.
const FAREWELL: Duration = Duration::from_secs(3);
/// When nothing has come for so long after a build's end, its report is over (`client/solve.go`).
const SILENCE: Duration = Duration::from_secs(5);
/// The same after a build that failed before anything was reported.
const NOTHING_SAID: Duration = Duration::from_millis(200);
/// How often a display is told that time passes.
const TICK: Duration = Duration::from_millis(150);
/// Reports that wait to be shown.
const REPORTS: usize = 256;

/// Asks a build to end.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Notify>);

impl Interrupt {
    /// Asks for it; from any thread.
    pub fn send(&self) {
        self.0.notify_one();
    }

    /// Waits until it is asked for.
    pub(super) async fn received(&self) {
        self.0.notified().await;
    }
}

/// What an engine answered to a build.
pub type Response = BTreeMap<String, String>;

/// What happens while an engine builds.
pub enum Happening {
    /// The engine reports.
    Status(Box<StatusResponse>),
    /// The session has something to say.
    Told(String),
    /// Time passes.
    Tick,
}

/// Why there is no response.
#[derive(Debug)]
pub enum Failure {
    /// There is no session, or the build could not be asked for.
    Before(Error),
    /// The engine says that the build failed, or went away.
    Solve(Box<Status>),
    /// Somebody interrupted it.
    Interrupted,
}

/// The request as it is sent. `definitions` are inputs that the frontend is given.
pub fn request(
    solve: &Solve,
    definitions: BTreeMap<String, pb::Definition>,
    reference: &str,
    session: &str,
) -> SolveRequest {
    let exporters: Vec<Exporter> = solve
        .exports
        .iter()
        .map(|e| Exporter { r#type: e.kind.clone(), attrs: e.attrs.clone().into_iter().collect() })
        .collect();
    // Engines before BuildKit 0.13 know of one exporter, in fields of its own.
    let first = exporters.first().cloned().unwrap_or_default();
    SolveRequest {
        r#ref: reference.to_owned(),
        session: session.to_owned(),
        exporter_deprecated: first.r#type,
        exporter_attrs_deprecated: first.attrs,
        exporters,
        frontend: solve.frontend.clone(),
        frontend_attrs: solve.frontend_attrs().into_iter().collect(),
        frontend_inputs: definitions.into_iter().collect(),
        cache: Some(CacheOptions {
            exports: solve.cache_to.iter().map(cache).collect(),
            imports: solve.cache_from.iter().map(cache).collect(),
            ..CacheOptions::default()
        }),
        entitlements: solve.entitlements.clone(),
        internal: solve.internal,
        ..SolveRequest::default()
    }
}

fn cache(entry: &CacheEntry) -> CacheOptionsEntry {
    CacheOptionsEntry { r#type: entry.kind.clone(), attrs: entry.attrs.clone().into_iter().collect() }
}

/// Builds. `happens` hears of everything on the calling thread, and of what comes through `told`.
///
/// # Errors
/// [`Failure`]
pub async fn run(
    engine: &Engine,
    session: Arc<Session>,
    request: SolveRequest,
    told: mpsc::UnboundedReceiver<String>,
    interrupt: &Interrupt,
    happens: &mut dyn FnMut(Happening),
) -> Result<Response, Failure> {
    let serving = serve(engine, &session).await.map_err(Failure::Before)?;
    let result = attend(engine, request, told, interrupt, happens).await;
    serving.abort();
    result
}

/// Opens the session and answers the engine on it.
///
/// # Errors
/// The engine opens none.
pub async fn serve(engine: &Engine, session: &Arc<Session>) -> Result<JoinHandle<()>, Error> {
    let methods = session.methods();
    let announced = Announced {
        id: &session.id,
        name: &session.name,
        shared_key: &session.shared_key,
        methods: &methods,
    };
    let io = engine.open_session(&announced).await?;
    let session = Arc::clone(session);
    // A session that breaks makes the build fail, which says so.
    Ok(tokio::spawn(async move { drop(session.serve(io).await) }))
}

/// Waits for the build, and for what is reported of it.
async fn attend(
    engine: &Engine,
    request: SolveRequest,
    mut told: mpsc::UnboundedReceiver<String>,
    interrupt: &Interrupt,
    happens: &mut dyn FnMut(Happening),
) -> Result<Response, Failure> {
    let mut reports = report(engine, request.r#ref.clone());
    let mut control = engine.control();
    let mut tick = tokio::time::interval(TICK);
    let mut said = false;
    let result = {
        let solving = control.solve(request);
        tokio::pin!(solving);
        loop {
            tokio::select! {
                biased;
                () = interrupt.received() => break None,
                answer = &mut solving => break Some(answer),
                Some(status) = reports.recv() => {
                    said = true;
                    happens(Happening::Status(Box::new(status)));
                }
                Some(words) = told.recv() => happens(Happening::Told(words)),
                _ = tick.tick() => happens(Happening::Tick),
            }
        }
        // The end of this block drops the call: the engine is told that nobody waits for it, and cancels the build.
    };
    match result {
        None => {
            let rest = drain(&mut reports, FAREWELL, happens);
            tokio::select! {
                () = interrupt.received() => {}
                _ = tokio::time::timeout(FAREWELL, rest) => {}
            }
            Err(Failure::Interrupted)
        }
        Some(answer) => {
            let silence = if said || answer.is_ok() { SILENCE } else { NOTHING_SAID };
            tokio::select! {
                () = interrupt.received() => {}
                () = drain(&mut reports, silence, happens) => {}
            }
            let answer = answer.map_err(|status| Failure::Solve(Box::new(status)))?;
            Ok(answer.into_inner().exporter_response.into_iter().collect())
        }
    }
}

/// Takes what is still reported, until that ends or nothing comes for `silence`.
async fn drain(
    reports: &mut mpsc::Receiver<StatusResponse>,
    silence: Duration,
    happens: &mut dyn FnMut(Happening),
) {
    while let Ok(Some(status)) = tokio::time::timeout(silence, reports.recv()).await {
        happens(Happening::Status(Box::new(status)));
    }
}

/// Listens to what the engine reports of a build.
fn report(engine: &Engine, reference: String) -> mpsc::Receiver<StatusResponse> {
    let (sender, receiver) = mpsc::channel(REPORTS);
    let mut control = engine.control();
    tokio::spawn(async move {
        // What ends it ends the build, too, which says why.
        let Ok(stream) = control.status(StatusRequest { r#ref: reference }).await else { return };
        let mut stream = stream.into_inner();
        while let Ok(Some(status)) = stream.message().await {
            if sender.send(status).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// Whether the engine is gone, in place of a build that failed.
pub fn is_lost(status: &Status) -> bool {
    status.code() == Code::Unavailable
}

#[cfg(test)]
mod tests {
    use super::super::options::{Export, Target};
    use super::*;

    fn solve() -> Solve {
        let attrs = BTreeMap::from([("name".to_owned(), "x".to_owned())]);
        let cache = CacheEntry { kind: "local".into(), attrs: BTreeMap::from([("src".into(), "/c".into())]) };
        Solve {
            frontend: "dockerfile.v0".into(),
            attrs: BTreeMap::from([("filename".into(), "Dockerfile".into())]),
            exports: vec![Export { kind: "moby".into(), attrs, target: Target::Engine }],
            cache_to: Vec::new(),
            cache_from: vec![cache],
            entitlements: Vec::new(),
            internal: false,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn old_engines_find_the_exporter_in_fields_of_their_own() {
        let request = request(&solve(), BTreeMap::new(), "r", "s");
        assert_eq!(request.exporter_deprecated, "moby");
        assert_eq!(request.exporter_attrs_deprecated, request.exporters[0].attrs);
        assert_eq!(request.exporters[0].attrs["name"], "x");
    }

    #[test]
    fn the_frontend_is_told_of_the_caches() {
        let request = request(&solve(), BTreeMap::new(), "r", "s");
        assert_eq!(request.frontend_attrs["cache-imports"], r#"[{"Type":"local","Attrs":{"src":"/c"}}]"#);
        assert_eq!(request.cache.unwrap().imports[0].attrs["src"], "/c");
    }
}
