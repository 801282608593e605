//! `build`: builds with an engine, which is fed from our own walk; says before what will happen, and after what did.

mod call;
mod can;
pub mod failure;
mod files;
mod inputs;
mod load;
mod offer;
mod options;
mod outcome;
mod predict;
mod record;
mod run;
mod skip;
mod solve;
pub mod status;
mod stores;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

pub use self::call::answer;
pub use self::inputs::{Inputs, find as find_inputs};
pub use self::offer::Surroundings;
pub use self::options::{CacheEntry, Call, Export, Flags, Host, Options, Secret, SecretSource, Ssh, Target};
use self::predict::{Foreseen, Prediction};
use self::record::{Place, Record};
use self::run::{Failure, Happening};
pub use self::run::{Interrupt, Response};
pub use self::solve::{Capabilities, Driver, Solve, solve};
use super::transport::{self, Transport};
use super::{Mtime, PackOptions, PackStream, Packable, Request};
use crate::digest::Digest;
use crate::engine::{self, Endpoint, Engine, Patience};
use crate::error::Error;
use crate::log::Recorder;
use crate::observer::{Observer, Silent};
use crate::progress::{self, Message};
use crate::report::{BuildReport, WhyReport};
use crate::snapshot::Store;

/// How long the engine may wait for the prediction, which is worth more before the build than in it.
const HEAD_START: Duration = Duration::from_millis(150);

/// How long a failure waits for what is known of its reason.
const AFTERTHOUGHT: Duration = Duration::from_secs(5);

/// A build to be made.
pub struct Job {
    /// What was asked for.
    pub options: Options,
    /// The same build as it is planned here; `None` for one that can't be: its context is elsewhere, or an archive.
    pub request: Option<Request>,
    /// Where the engine is.
    pub endpoint: Endpoint,
    /// The Docker engine that results are loaded into from builders that are none.
    pub load_into: Endpoint,
    /// What the environment and Docker's configuration tell.
    pub surroundings: Surroundings,
    /// Whether a build that would change nothing is left out.
    pub skip_unchanged: bool,
    /// How the context gets to the engine.
    pub transport: Transport,
    /// Where snapshots are kept.
    pub store: Option<Store>,
    /// The folder of the records of earlier builds.
    pub records: Option<PathBuf>,
}

/// Who watches a build.
pub trait Screen {
    /// Something that people should know.
    fn warning(&mut self, text: &str);
    /// What will become of the steps.
    fn foretold(&mut self, report: &WhyReport);
    /// Why nothing is foretold.
    fn untold(&mut self, why: &str);
    /// Something that may be of interest.
    fn note(&mut self, text: &str);
    /// There is an engine, and it is asked to build.
    fn begins(&mut self, about: &About);
    /// The engine reports.
    fn status(&mut self, message: &Message);
    /// Time passes.
    fn tick(&mut self);
    /// The build has failed.
    fn failed(&mut self, failure: &progress::Failure);
}

/// What builds, in buildx's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The builder's name.
    pub builder: String,
    /// The kind of builder.
    pub driver: &'static str,
}

/// A build that was made.
#[derive(Debug)]
pub struct Built {
    /// What was said, and what was done.
    pub report: BuildReport,
    /// What the engine says of the result.
    pub response: Response,
}

/// Builds.
///
/// # Errors
/// [`Error::Usage`] for what can't be asked for, [`Error::Engine`] without an engine, [`Error::Lost`] for one that goes away,
/// [`Error::Build`] for a build that fails, [`Error::Interrupted`].
pub fn build(
    job: &Job,
    stdin: Box<dyn Read + Send>,
    interrupt: &Interrupt,
    screen: &mut dyn Screen,
    observer: &Arc<dyn Observer + Send + Sync>,
) -> Result<Built, Error> {
    if let Some(path) = &job.options.iidfile {
        files::remove(path)?;
    }
    let done = engine::block_on(attempt(job, stdin, interrupt, screen, observer))??;
    if let (Some(path), Some(id)) = (&job.options.iidfile, files::image_id(&done.response)) {
        files::write(path, id.as_bytes())?;
    }
    if let Some(path) = &job.options.metadata_file {
        files::write(path, &files::metadata(&done.response))?;
    }
    Ok(done)
}

/// One build, from the connection to the report.
async fn attempt(
    job: &Job,
    mut stdin: Box<dyn Read + Send>,
    interrupt: &Interrupt,
    screen: &mut dyn Screen,
    observer: &Arc<dyn Observer + Send + Sync>,
) -> Result<Built, Error> {
    let mut inputs = inputs::find(&job.options, &mut stdin, &mut offer::random_id)?;
    if job.transport == Transport::Tar {
        stdin = streamed(job, &mut inputs)?;
    }
    let engine = tokio::select! {
        engine = Engine::connect(&job.endpoint, Patience::default()) => engine?,
        () = interrupt.received() => return Err(Error::Interrupted),
    };
    let mut can = can::capabilities(&engine, &job.surroundings);
    let loads = job.options.exports.iter().any(|e| e.target == Target::Load) || can.default_load;
    if can.driver != Driver::Docker && loads && job.options.call.is_none() {
        let docker = Engine::connect(&job.load_into, Patience::default()).await?;
        can.loads_oci = docker.about().has_containerd_store();
    }
    let mut solve = solve(&job.options, &inputs, &can)?;
    solve.warnings.iter().for_each(|text| screen.warning(text));
    screen.begins(&About { builder: job.surroundings.builder.clone(), driver: can.driver.name() });
    let place = place(job, &engine);
    let last = place.as_ref().and_then(Place::read);
    let foresight = job.request.as_ref().filter(|_| job.options.call.is_none()).map(|request| {
        let (sender, receiver) = oneshot::channel();
        let (request, last, observer) = (request.clone(), last.clone(), Arc::clone(observer));
        // Nobody waits for it when the build is interrupted, however many files there are still to read.
        std::thread::spawn(move || drop(sender.send(predict::foresee(&request, last.as_ref(), &*observer))));
        receiver
    });
    let mut watch = Watch { screen, foresight, foreseen: None, log: Recorder::default() };
    watch.wait(if job.skip_unchanged { Duration::MAX } else { HEAD_START }, interrupt).await?;
    if job.skip_unchanged {
        let asked = asked(&solve);
        match skipped(job, &engine, &solve, can.driver, watch.foreseen.as_ref(), last.as_ref(), &asked).await
        {
            Ok(built) => return Ok(built),
            Err(why) => watch.screen.note(&format!("not skipped: {why}")),
        }
    }
    stores::resolve(&mut solve)?.iter().for_each(|text| watch.screen.warning(text));
    let offer::Offer { session, exports, archive, changed } =
        offer::session(job, &mut inputs, &solve, stdin)?;
    // The address of an archive is known once it is offered.
    solve.attrs.extend(inputs.attrs.get("context").map(|url| ("context".to_owned(), url.clone())));
    let session = Arc::new(session);
    let request = run::request(&solve, &offer::random_id(), &session.id);
    let mut loading = archive.map(|archive| Box::pin(load::load(&job.load_into, archive)));
    let mut loaded = None;
    let answer = {
        let building = async {
            match &job.options.call {
                None => run::run(&engine, session, request, interrupt, &mut |h| watch.happens(h)).await,
                Some(_) => call::ask(&engine, session, request, interrupt).await,
            }
        };
        tokio::pin!(building);
        loop {
            tokio::select! {
                answer = &mut building => break answer,
                result = either(&mut loading), if loaded.is_none() && loading.is_some() => loaded = Some(result),
            }
        }
    };
    match &answer {
        Ok(_) => watch.wait(Duration::MAX, interrupt).await?,
        Err(Failure::Solve(_)) => watch.wait(AFTERTHOUGHT, interrupt).await?,
        Err(_) => {}
    }
    let Watch { foreseen, log, screen, .. } = watch;
    let foreseen = foreseen.transpose().unwrap_or(None);
    let response = match answer {
        Ok(response) => response,
        Err(failure) => {
            let faults = exports.as_ref().map(|exports| exports.faults()).unwrap_or_default();
            if let Some(exports) = exports {
                exports.abandon().await;
            }
            return Err(explained(failure, &faults, foreseen.as_ref(), screen));
        }
    };
    let changed = changed.told();
    changed.iter().for_each(|text| screen.warning(text));
    if let Some(exports) = exports {
        exports.commit().map_err(offer::invalid)?;
    }
    stores::enter(&solve, &response)?;
    match (loaded, loading) {
        (Some(result), _) => result?,
        // The archive ends with whoever has held its pipe, and all of those are gone by now.
        (None, Some(loading)) => loading.await?,
        (None, None) => {}
    }
    let mut report = BuildReport {
        engine: engine.endpoint().place(),
        image: files::image_id(&response).map(str::to_owned),
        names: job.options.tags.clone(),
        ..BuildReport::default()
    };
    if let (Some(foreseen), Some(request)) = (&foreseen, &job.request) {
        if let Prediction::None(why) = &foreseen.prediction {
            report.unpredicted = Some(why.clone());
        }
        report.steps =
            outcome::join(request, foreseen, &log.finish()).map(outcome::steps).unwrap_or_default();
        let images = match can.driver {
            Driver::Docker => skip::images(&engine, job, foreseen.read.plan.as_ref()).await,
            Driver::Container | Driver::Remote => BTreeMap::new(),
        };
        // What was sent isn't what was looked at.
        if !changed.is_empty() {
            report
                .notes
                .push("files changed meanwhile: this build is not remembered for the next one".into());
        } else if let Err(e) = keep(job, foreseen, place.as_ref(), &solve, &response, images) {
            report.notes.push(format!("this build is not remembered for the next one: {e}"));
        }
    }
    Ok(Built { report: report.counted(), response })
}

/// The context as a tar in place of a folder: it goes the way of an archive on standard input.
///
/// # Errors
/// [`Error::Usage`] for a context that is no folder.
fn streamed(job: &Job, inputs: &mut Inputs) -> Result<Box<dyn Read + Send>, Error> {
    let Some(request) = job.request.as_ref().filter(|_| inputs.locals.remove("context").is_some()) else {
        let hint = "leave --transport out: only a folder, for one platform, can be sent otherwise than usual";
        return Err(Error::usage("this context can't be sent as a tar", hint));
    };
    let options =
        PackOptions { mtime: Mtime::Listed, context_only: true, digest: None, ..PackOptions::default() };
    let packable = Arc::new(Packable::of(request, &options, &Silent)?);
    inputs.archive = Some(Vec::new());
    inputs.attrs.extend(transport::tar(&offer::random_id()).attrs);
    let stream = PackStream::new(packable, options);
    Ok(Box::new(stream.map_err(|e| Error::Usage { message: format!("starting to pack: {e}"), hint: None })?))
}

/// Waits for what there may be.
async fn either<F: Future + Unpin>(work: &mut Option<F>) -> F::Output {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

/// The build that need not be made.
///
/// # Errors
/// Why it has to be, in words.
async fn skipped(
    job: &Job,
    engine: &Engine,
    solve: &Solve,
    driver: Driver,
    foreseen: Option<&Result<Foreseen, Error>>,
    last: Option<&Record>,
    asked: &str,
) -> Result<Built, &'static str> {
    if let Some(why) = skip::never(&job.options, solve, driver) {
        return Err(why);
    }
    let Some(Ok(foreseen)) = foreseen else { return Err("nothing is known of its context") };
    let have = skip::images(engine, job, foreseen.read.plan.as_ref()).await;
    let why = skip::unchanged(foreseen, last, asked, &have, &job.options)?;
    let image = last.and_then(|l| l.image.clone());
    let response = image.iter().map(|id| (files::CONFIG.to_owned(), id.clone())).collect();
    let report = BuildReport {
        engine: engine.endpoint().place(),
        image,
        names: job.options.tags.clone(),
        skipped: Some(why),
        ..BuildReport::default()
    };
    Ok(Built { report, response })
}

/// What is seen of a build while it runs.
struct Watch<'s> {
    screen: &'s mut dyn Screen,
    foresight: Option<oneshot::Receiver<Result<Foreseen, Error>>>,
    foreseen: Option<Result<Foreseen, Error>>,
    log: Recorder,
}

impl Watch<'_> {
    /// Waits for the prediction, but not for longer than that.
    ///
    /// # Errors
    /// [`Error::Interrupted`]
    async fn wait(&mut self, limit: Duration, interrupt: &Interrupt) -> Result<(), Error> {
        let Some(foresight) = &mut self.foresight else { return Ok(()) };
        let foreseen = tokio::select! {
            foreseen = tokio::time::timeout(limit, foresight) => foreseen,
            () = interrupt.received() => return Err(Error::Interrupted),
        };
        if let Ok(Ok(foreseen)) = foreseen {
            self.take(foreseen);
        }
        Ok(())
    }

    /// Shows the prediction.
    fn take(&mut self, foreseen: Result<Foreseen, Error>) {
        self.foresight = None;
        match &foreseen {
            Ok(Foreseen { prediction: Prediction::Made(report), .. }) => self.screen.foretold(report),
            Ok(Foreseen { prediction: Prediction::None(why), .. }) => self.screen.untold(why),
            // The engine will say the same of what can't be read.
            Err(e) => self.screen.untold(&e.to_string()),
        }
        self.foreseen = Some(foreseen);
    }

    fn happens(&mut self, happening: Happening) {
        if let Some(foreseen) = self.foresight.as_mut().and_then(|f| f.try_recv().ok()) {
            self.take(foreseen);
        }
        match happening {
            Happening::Status(status) => {
                let message = status::message(*status);
                self.log.take(&message);
                self.screen.status(&message);
            }
            Happening::Tick => self.screen.tick(),
        }
    }
}

/// Where the record of this build with this engine is.
fn place(job: &Job, engine: &Engine) -> Option<Place> {
    let request = job.request.as_ref()?;
    let context = request.context.canonicalize().ok()?;
    let options = &job.options;
    let file = options.file.as_deref().map(std::path::absolute).transpose().ok()?.unwrap_or_default();
    let platforms: Vec<String> = options.platforms.iter().map(crate::image::Platform::full).collect();
    let subject = [
        context.as_os_str().as_encoded_bytes(),
        file.as_os_str().as_encoded_bytes(),
        options.target.as_deref().unwrap_or_default().as_bytes(),
        platforms.join(",").as_bytes(),
        // The context's top has another key from a tar.
        if job.transport == Transport::Tar { b"tar" } else { b"" },
    ]
    .map(<[u8]>::to_vec);
    let subject: Vec<&[u8]> = subject.iter().map(Vec::as_slice).collect();
    Some(Place::new(job.records.as_ref()?, &subject, &can::identity(engine)))
}

/// Keeps what the next build is compared with.
fn keep(
    job: &Job,
    foreseen: &Foreseen,
    place: Option<&Place>,
    solve: &Solve,
    response: &Response,
    images: BTreeMap<String, String>,
) -> Result<(), Error> {
    let (Some(store), Some(snapshot)) = (&job.store, &foreseen.snapshot) else { return Ok(()) };
    let mut snapshot = snapshot.clone();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok();
    snapshot.subject.taken = now.and_then(|d| i64::try_from(d.as_secs()).ok());
    let kept = store.keep(&snapshot)?;
    let Some(place) = place else { return Ok(()) };
    let path = std::path::absolute(&kept.path).unwrap_or(kept.path);
    let mut record = Record::new(path, foreseen.key.as_ref().map(|k| k.digest.clone()), asked(solve));
    record.image = files::image_id(response).map(str::to_owned);
    record.images = images;
    place.write(&record).map_err(|e| Error::write(job.records.as_deref().unwrap_or("".as_ref()), e))
}

/// The digest of what an engine is asked for, which tells no values.
fn asked(solve: &Solve) -> String {
    let exports: Vec<_> = solve.exports.iter().map(|e| (&e.kind, &e.attrs)).collect();
    let caches = |all: &[options::CacheEntry]| -> Vec<_> {
        all.iter().map(|c| (c.kind.clone(), c.attrs.clone())).collect()
    };
    let parts = (
        &solve.frontend,
        &solve.attrs,
        exports,
        caches(&solve.cache_to),
        caches(&solve.cache_from),
        &solve.entitlements,
    );
    // Strings and maps of them can always be written.
    Digest::blake3(serde_json::to_vec(&parts).unwrap_or_default()).to_string()
}

/// A failure, with what is known of its reason: what could not be written here, and what is wrong with the build itself.
fn explained(
    failure: Failure,
    faults: &[String],
    foreseen: Option<&Foreseen>,
    screen: &mut dyn Screen,
) -> Error {
    let status = match failure {
        Failure::Before(error) => return error,
        Failure::Interrupted => return Error::Interrupted,
        Failure::Solve(status) => status,
    };
    if run::is_lost(&status) {
        return Error::Lost { message: status.message().to_owned() };
    }
    let mut failure = failure::failure(&status);
    // The engine may have seen no more than the end of a stream.
    for fault in faults.iter().filter(|fault| !status.message().contains(*fault)) {
        failure.message = format!("{}: {fault}", failure.message);
    }
    let blamed = |path: &[u8]| {
        let path = String::from_utf8_lossy(path);
        !path.is_empty() && status.message().contains(&format!("\"{path}\""))
    };
    let said = |text: &str| !text.is_empty() && status.message().contains(text);
    let faults = foreseen.map(|f| f.faults.as_slice()).unwrap_or_default();
    let known = faults.iter().find(|(fault, path)| blamed(path) || said(&fault.engine_message));
    failure.hints.extend(known.map(|(fault, _)| offer::explanation(fault)));
    screen.failed(&failure);
    Error::Build { message: failure.message }
}
