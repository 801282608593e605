//! `build`: builds with an engine, which is fed from our own walk; says before what will happen, and after what did.

mod after;
mod call;
mod can;
pub mod failure;
mod files;
mod inputs;
mod layer;
mod load;
mod offer;
mod options;
mod outcome;
mod policy;
mod predict;
mod provenance;
mod push;
mod record;
mod run;
mod share;
mod skip;
mod solve;
pub mod status;
mod stores;
mod vcs;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

pub use self::call::answer;
pub use self::inputs::{Inputs, find as find_inputs};
pub use self::offer::Surroundings;
pub use self::options::{CacheEntry, Call, Export, Flags, Host, Options, Secret, SecretSource, Ssh, Target};
use self::predict::{Foreseen, Key, Prediction};
use self::record::{Place, Record};
use self::run::{Failure, Happening};
pub use self::run::{Interrupt, Response};
use self::share::{Ahead, Now, Shared};
pub use self::solve::{Capabilities, Driver, Solve, solve};
use super::analysis::CONTEXT;
use super::transport::{self, Transport};
use super::{Mtime, PackOptions, PackStream, Packable, Request};
use crate::buildkit::Version;
use crate::digest::Digest;
use crate::engine::{self, Endpoint, Engine, Patience};
use crate::error::Error;
use crate::git::GitError;
use crate::log::Recorder;
use crate::observer::{Observer, Silent};
use crate::progress::{self, Message, SourceInfo, Warning};
use crate::report::{BuildReport, WhyReport, shown};
use crate::snapshot::{Snapshot, Store};

/// How long the engine may wait for the prediction, which is worth more before the build than in it.
const HEAD_START: Duration = Duration::from_millis(60);

/// Why nothing is foretold of a build with a source policy.
const POLICED: &str = "a source policy may change what the steps start from";

/// So many files that arrive empty are named.
const WITHHELD: usize = 3;

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
    /// What the frontend found doubtful, each once.
    pub warnings: Vec<Warning>,
    /// A file could not be read when the engine asked for it: the result lacks its content.
    pub emptied: bool,
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
        let wanted = job.surroundings.variable("BUILDX_METADATA_WARNINGS").and_then(options::boolean);
        let warnings = if wanted == Some(true) { done.warnings.as_slice() } else { &[] };
        files::write(path, &files::metadata(&done.response, warnings))?;
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
    let policy = job.surroundings.variable(policy::VARIABLE).filter(|path| !path.is_empty());
    let policy = policy.map(|path| policy::read(Path::new(path))).transpose()?;
    let repository = repository(job);
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
    if job.transport == Transport::Oci {
        imaged(job, &mut inputs, &can, interrupt).await?;
    }
    let mut solve = solve(&job.options, &inputs, &can)?;
    match repository.await {
        Ok(Ok(found)) => solve.attrs.extend(found.iter().flat_map(|vcs| vcs.attrs(&job.options, &inputs))),
        Ok(Err(e)) => {
            solve.warnings.push(format!("current commit information was not captured by the build: {e}"))
        }
        Err(_) => {}
    }
    solve.warnings.iter().for_each(|text| screen.warning(text));
    screen.begins(&About { builder: job.surroundings.builder.clone(), driver: can.driver.name() });
    // A policy may put other sources in the place of those that are known.
    let place = place(job, &engine).filter(|_| policy.is_none());
    let last = place.as_ref().and_then(Place::read);
    let mut watch = Watch {
        screen,
        foresight: None,
        foreseen: None,
        untold: false,
        policed: policy.is_some(),
        log: Recorder::default(),
        warnings: Vec::new(),
    };
    let shared =
        match begin(job, &engine, (&solve, can.driver), last.as_ref(), &mut watch, interrupt, observer)
            .await?
        {
            Begun::Settled(built) => return Ok(*built),
            Begun::Sighted(shared) => shared,
        };
    stores::resolve(&mut solve)?.iter().for_each(|text| watch.screen.warning(text));
    let offer::Offer { session, exports, archive, changed, definitions, told } =
        offer::session(job, &mut inputs, &solve, stdin, &shared)?;
    // The address of an archive is known once it is offered.
    solve.attrs.extend(inputs.attrs.get("context").map(|url| ("context".to_owned(), url.clone())));
    let session = Arc::new(session);
    let reference = offer::random_id();
    let mut request = run::request(&solve, definitions, &reference, &session.id);
    request.source_policy = policy;
    let mut loading = archive.map(|archive| Box::pin(load::load(&job.load_into, archive)));
    let mut loaded = None;
    let answer = {
        let building = async {
            match &job.options.call {
                None => run::run(&engine, session, request, told, interrupt, &mut |h| watch.happens(h)).await,
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
    shared.tell(if answer.is_ok() { Now::Read } else { Now::Explain });
    match &answer {
        Ok(_) => watch.wait(Duration::MAX, interrupt).await?,
        Err(Failure::Solve(_)) => watch.wait(AFTERTHOUGHT, interrupt).await?,
        Err(_) => {}
    }
    let Watch { foreseen, log, screen, warnings, .. } = watch;
    let foreseen = foreseen.transpose().unwrap_or(None);
    let mut response = match answer {
        Ok(response) => response,
        Err(failure) => {
            let faults = exports.as_ref().map(|exports| exports.faults()).unwrap_or_default();
            if let Some(exports) = exports {
                exports.abandon().await;
            }
            let trouble = inputs.image.as_ref().and_then(|image| image.trouble());
            return Err(explained(failure, &faults, foreseen.as_ref(), trouble, screen));
        }
    };
    let (emptied, changed) = (changed.emptied(), changed.told());
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
    if job.options.call.is_none() {
        after::describe(job, &engine, &reference, &mut response).await?;
        after::push(job, &engine, &push::names(&solve, &can), &mut response, screen).await?;
    }
    if solve.exports.iter().any(|e| e.is("prefer-image-digest")) {
        // The store that it was loaded into knows the image by its manifest.
        response.remove(files::CONFIG);
    }
    let mut report = BuildReport {
        engine: engine.endpoint().place(),
        image: files::image_id(&response).map(str::to_owned),
        names: job.options.tags.clone(),
        ..BuildReport::default()
    };
    if let (Some(foreseen), Some(request)) = (foreseen, &job.request) {
        if let Prediction::None(why) = &foreseen.prediction {
            report.unpredicted = Some(why.clone());
        }
        report.steps =
            outcome::join(request, &foreseen, &log.finish()).map(outcome::steps).unwrap_or_default();
        let images = match can.driver {
            Driver::Docker => skip::images(&engine, job, foreseen.read.plan.as_ref()).await,
            Driver::Container | Driver::Remote => BTreeMap::new(),
        };
        let Foreseen { read, snapshot, key, .. } = foreseen;
        for withheld in read.local(CONTEXT).iter().flat_map(|local| local.context.withheld()).take(WITHHELD) {
            screen.warning(&format!("{} {}", shown(&withheld.path), withheld.message));
        }
        // The context is of no more use.
        drop(read);
        // What was sent isn't what was looked at.
        if !changed.is_empty() {
            report
                .notes
                .push("files changed meanwhile: this build is not remembered for the next one".into());
        } else if let Err(e) = keep(job, (snapshot, key), place.as_ref(), &solve, &response, images) {
            report.notes.push(format!("this build is not remembered for the next one: {e}"));
        }
    }
    Ok(Built { report: report.counted(), response, warnings, emptied })
}

/// Asks git, beside the connecting.
fn repository(job: &Job) -> oneshot::Receiver<Result<Option<vcs::Vcs>, GitError>> {
    let (sender, receiver) = oneshot::channel();
    let (context, surroundings) = (job.options.context.clone(), job.surroundings.clone());
    std::thread::spawn(move || drop(sender.send(vcs::Vcs::of(&context, &surroundings))));
    receiver
}

/// The context as a tar in place of a folder: it goes the way of an archive on standard input.
///
/// # Errors
/// [`Error::Usage`] for a context that is no folder.
fn streamed(job: &Job, inputs: &mut Inputs) -> Result<Box<dyn Read + Send>, Error> {
    let request = otherwise(job, inputs, "a tar")?;
    let options =
        PackOptions { mtime: Mtime::Listed, context_only: true, digest: None, ..PackOptions::default() };
    let packable = Arc::new(Packable::of(request, &options, &Silent)?);
    inputs.archive = Some(Vec::new());
    inputs.attrs.extend(transport::tar(&offer::random_id()).attrs);
    let stream = PackStream::new(packable, options);
    Ok(Box::new(stream.map_err(|e| Error::Usage { message: format!("starting to pack: {e}"), hint: None })?))
}

/// The context as an image in place of a folder.
///
/// # Errors
/// [`Error::Usage`] for a context that is no folder, and for an engine that takes no images from a session: a dockerd with its old image
/// store, BuildKit before 0.11. [`Error`] for one that can't be read.
async fn imaged(
    job: &Job,
    inputs: &mut Inputs,
    can: &Capabilities,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let request = otherwise(job, inputs, "an image")?;
    if !can.takes_layouts() {
        let hint = "leave --transport out, turn on the containerd image store, or update the builder";
        return Err(Error::usage("this engine takes no context as an image", hint));
    }
    let image = layer::image(request, job.records.as_deref(), interrupt).await?;
    let image = Arc::new(layer::Layered::new(image));
    inputs.attrs.insert(transport::DOCKERFILE.0.into(), transport::DOCKERFILE.1.into());
    inputs.image = Some(image);
    Ok(())
}

/// The request of a context that is sent as something else than a folder.
fn otherwise<'j>(job: &'j Job, inputs: &mut Inputs, what: &str) -> Result<&'j Request, Error> {
    job.request.as_ref().filter(|_| inputs.locals.remove("context").is_some()).ok_or_else(|| {
        let hint = "leave --transport out: only a folder, for one platform, can be sent otherwise than usual";
        Error::usage(format!("this context can't be sent as {what}"), hint)
    })
}

/// How a build begins.
enum Begun {
    /// It need not be made.
    Settled(Box<Built>),
    /// Its context is looked at.
    Sighted(Shared),
}

/// Starts the prediction, and finds out whether there is anything to build.
async fn begin(
    job: &Job,
    engine: &Engine,
    (solve, driver): (&Solve, Driver),
    last: Option<&Record>,
    watch: &mut Watch<'_>,
    interrupt: &Interrupt,
    observer: &Arc<dyn Observer + Send + Sync>,
) -> Result<Begun, Error> {
    let mut walked = None;
    let settled = match doubt(job, solve, driver, last) {
        None => Ok(None),
        Some(Some(why)) => Err(why),
        Some(None) => {
            let (shared, ahead) = share::shared(false, true);
            watch.foresight = foresight(job, engine, last, Ahead { key_first: true, ..ahead }, observer);
            watch.wait(Duration::MAX, interrupt).await?;
            walked = Some(shared).filter(|_| !watch.knows_nothing());
            skipped(job, engine, watch.foreseen.as_ref(), last, &asked(solve)).await.map(Some)
        }
    };
    match settled {
        Ok(Some(built)) => return Ok(Begun::Settled(Box::new(built))),
        Ok(None) => {}
        Err(why) => watch.screen.note(&format!("not skipped: {why}")),
    }
    if let Some(shared) = walked {
        return Ok(Begun::Sighted(shared));
    }
    // Without an earlier build there is nothing to foretell, and files are only read for the next one's sake.
    let later = last.is_none() && job.transport == Transport::Files;
    let (shared, ahead) = share::shared(later, job.store.is_some());
    watch.foresight = foresight(job, engine, last, ahead, observer);
    match later {
        true => watch.untell(if watch.policed { POLICED } else { predict::FIRST }),
        false => watch.wait(HEAD_START, interrupt).await?,
    }
    Ok(Begun::Sighted(shared))
}

/// Why a build that is to be skipped if possible has to be made in any case; `None` in place of that for one that may be skipped, and
/// no answer for one that isn't to be.
fn doubt(job: &Job, solve: &Solve, driver: Driver, last: Option<&Record>) -> Option<Option<&'static str>> {
    let never = || skip::never(&job.options, solve, driver);
    job.skip_unchanged.then(|| never().or(last.is_none().then_some(skip::UNKNOWN)))
}

/// The engine's version of BuildKit; `None` where its keys aren't known.
fn version(engine: &Engine) -> Option<Version> {
    let about = engine.about();
    let told = about.buildkit.as_deref().and_then(Version::of_engine);
    told.or_else(|| about.docker.as_deref().and_then(Version::of_docker))
}

/// Starts the prediction. Nobody waits for it when the build is interrupted, however many files there are still to read.
fn foresight(
    job: &Job,
    engine: &Engine,
    last: Option<&Record>,
    ahead: Ahead,
    observer: &Arc<dyn Observer + Send + Sync>,
) -> Option<oneshot::Receiver<Result<Foreseen, Error>>> {
    let request = job.request.as_ref().filter(|_| job.options.call.is_none())?;
    let (sender, receiver) = oneshot::channel();
    let (mut request, last, observer) = (request.clone(), last.cloned(), Arc::clone(observer));
    request.plan.buildkit = version(engine);
    std::thread::spawn(move || {
        drop(sender.send(predict::foresee(&request, last.as_ref(), ahead, &*observer)));
    });
    Some(receiver)
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
    foreseen: Option<&Result<Foreseen, Error>>,
    last: Option<&Record>,
    asked: &str,
) -> Result<Built, &'static str> {
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
    Ok(Built { report, response, warnings: Vec::new(), emptied: false })
}

/// The first line of an error that may have one for each file.
fn brief(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    match lines.count() {
        0 => first.to_owned(),
        more => format!("{first}, and {more} more"),
    }
}

/// What is seen of a build while it runs.
struct Watch<'s> {
    screen: &'s mut dyn Screen,
    foresight: Option<oneshot::Receiver<Result<Foreseen, Error>>>,
    foreseen: Option<Result<Foreseen, Error>>,
    /// It was said already why nothing is foretold.
    untold: bool,
    /// A source policy may put other sources in the place of those that are known.
    policed: bool,
    log: Recorder,
    /// What the frontend found doubtful, each once.
    warnings: Vec<Warning>,
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

    /// Whether nothing was asked, or no more than a key.
    fn knows_nothing(&self) -> bool {
        matches!(&self.foreseen, None | Some(Ok(Foreseen { prediction: Prediction::Unasked, .. })))
    }

    /// Says why nothing is foretold, if something could be.
    fn untell(&mut self, why: &str) {
        if self.foresight.is_some() {
            self.untold = true;
            self.screen.untold(why);
        }
    }

    /// Shows the prediction.
    fn take(&mut self, mut foreseen: Result<Foreseen, Error>) {
        self.foresight = None;
        if let Ok(Foreseen { prediction: Prediction::None(why), .. }) = &mut foreseen
            && self.policed
        {
            *why = POLICED.into();
        }
        match &foreseen {
            Ok(Foreseen { prediction: Prediction::None(_), .. }) if self.untold => {}
            Ok(Foreseen { prediction: Prediction::Unasked, .. }) => {}
            Ok(Foreseen { prediction: Prediction::Made(report), .. }) => self.screen.foretold(report),
            Ok(Foreseen { prediction: Prediction::None(why), .. }) => self.screen.untold(why),
            // The engine will say the same of what can't be read.
            Err(e) => self.screen.untold(&brief(&e.to_string())),
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
                message.warnings.iter().for_each(|warning| self.doubt(warning));
                self.screen.status(&message);
            }
            Happening::Told(words) => {
                let messages = status::of_words(&words, &offer::random_id(), jiff::Timestamp::now());
                messages.iter().for_each(|message| self.screen.status(message));
            }
            Happening::Tick => self.screen.tick(),
        }
    }

    /// Keeps a warning, unless another vertex has given the same, and without the definition of the file that it is about (buildx
    /// `util/progress/printer.go`, `dedupWarnings`).
    fn doubt(&mut self, warning: &Warning) {
        let source = warning.source.clone().map(|s| SourceInfo { definition: None, ..s });
        let warning = Warning { source, ..warning.clone() };
        let bare = |warning: &Warning| Warning { vertex: String::new(), ..warning.clone() };
        if !self.warnings.iter().any(|known| bare(known) == bare(&warning)) {
            self.warnings.push(warning);
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
        // The context's top has another key where the engine unpacks it.
        match job.transport {
            Transport::Files => b"".as_slice(),
            Transport::Tar => b"tar",
            Transport::Oci => b"oci",
        },
    ]
    .map(<[u8]>::to_vec);
    let subject: Vec<&[u8]> = subject.iter().map(Vec::as_slice).collect();
    Some(Place::new(job.records.as_ref()?, &subject, &can::identity(engine)))
}

/// Keeps what the next build is compared with.
fn keep(
    job: &Job,
    (snapshot, key): (Option<Snapshot>, Option<Key>),
    place: Option<&Place>,
    solve: &Solve,
    response: &Response,
    images: BTreeMap<String, String>,
) -> Result<(), Error> {
    let (Some(store), Some(mut snapshot)) = (&job.store, snapshot) else { return Ok(()) };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok();
    snapshot.subject.taken = now.and_then(|d| i64::try_from(d.as_secs()).ok());
    let kept = store.keep(&snapshot)?;
    let Some(place) = place else { return Ok(()) };
    let path = std::path::absolute(&kept.path).unwrap_or(kept.path);
    let mut record = Record::new(path, key.map(|k| k.digest), asked(solve));
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
    // The commit is no option: what is built is the same whatever it is called.
    let attrs: BTreeMap<_, _> = solve.attrs.iter().filter(|(key, _)| !key.starts_with(vcs::PREFIX)).collect();
    let parts = (
        &solve.frontend,
        attrs,
        exports,
        caches(&solve.cache_to),
        caches(&solve.cache_from),
        &solve.entitlements,
    );
    // Strings and maps of them can always be written.
    Digest::blake3(serde_json::to_vec(&parts).unwrap_or_default()).to_string()
}

/// A failure, with what is known of its reason: what could not be written here, what is wrong with the build itself, and what could not
/// be given to the engine.
fn explained(
    failure: Failure,
    faults: &[String],
    foreseen: Option<&Foreseen>,
    trouble: Option<String>,
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
    failure.hints.extend(known.map(|(fault, _)| offer::explanation(fault)).or(trouble));
    screen.failed(&failure);
    Error::Build { message: failure.message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_files_that_could_not_be_read_one_is_named() {
        assert_eq!(brief("reading a: gone"), "reading a: gone");
        assert_eq!(brief("reading a: gone\nreading b: gone\nreading c: gone"), "reading a: gone, and 2 more");
        assert_eq!(brief(""), "");
    }
}
