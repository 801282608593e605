//! What is known of a build before the engine begins: its plan, its key, its faults, and what `why` says against the last build here.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::record::Record;
use super::share::{Ahead, Now};
use crate::context::{Context, ContextOptions, Excludes};
use crate::error::Error;
use crate::observer::Observer;
use crate::ops::analysis::{Analysis, AnalysisOptions, CONTEXT, Read};
use crate::ops::locate::locate;
use crate::ops::{Request, failures, freeze, key, known, local, why};
use crate::pattern::IgnoreFile;
use crate::report::{ErrorReport, WhyReport};
use crate::session::files::Walker;
use crate::snapshot::{self, Snapshot};

/// Why nothing is foretold of a build that was never made.
pub const FIRST: &str = "this is the first build of it with this engine";

/// What is known.
pub struct Foreseen {
    /// What was read; its plan names the steps.
    pub read: Read,
    /// The inputs, frozen; none of a Dockerfile of which no plan can be made.
    pub snapshot: Option<Snapshot>,
    /// The digest of all that decides the result, and what it takes for granted.
    pub key: Option<Key>,
    /// Why the build will fail, as far as can be told, each with the path to blame.
    pub faults: Vec<(ErrorReport, Vec<u8>)>,
    /// What becomes of each step.
    pub prediction: Prediction,
}

/// A key, and which names it takes to mean what they meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// `blake3:…`.
    pub digest: String,
    /// What it takes for granted, in words.
    pub assumes: Vec<String>,
}

/// What becomes of each step.
pub enum Prediction {
    /// In comparison with the last build with this engine.
    Made(Box<WhyReport>),
    /// Nothing can be said, and why.
    None(String),
    /// The key is that of the last build, and no more was asked.
    Unasked,
}

/// Walks, reads and compares. The walk is shared with the transfer, which all that follows gives way to.
///
/// # Errors
/// [`Error`] for input that can't be read.
pub fn foresee(
    request: &Request,
    last: Option<&Record>,
    ahead: Ahead,
    observer: &dyn Observer,
) -> Result<Foreseen, Error> {
    let Ahead { walker, later, key_first } = ahead;
    let mut read = walk(request, walker, observer)?;
    let mut options = AnalysisOptions { fingerprints: true, ..AnalysisOptions::default() };
    if let Some((seen, now)) = later {
        // Whoever is gone without a word doesn't want to know.
        options.unread = now.recv() != Ok(Now::Read);
        options.unsaved = true;
        if let Ok(local) = &mut read.context {
            local.seen = Some(seen);
        }
    }
    let settled = last.and_then(|last| last.key.clone()).filter(|_| key_first);
    let work = || compared(request, (last, settled), read, options, observer);
    match rayon::ThreadPoolBuilder::new().start_handler(|_| give_way()).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// Lets everything else run first. What a thread can't lower stays as it is.
fn give_way() {
    // Elsewhere this is of the whole process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(10);
}

/// Finds the files and walks, for both sides.
fn walk(request: &Request, walker: Walker, observer: &dyn Observer) -> Result<Read, Error> {
    let index = request.index.as_deref();
    let mut walker = Some(walker);
    let mut load = |name: &str, root: &Path, found| {
        let Some(mut walker) = walker.take_if(|_| name == CONTEXT) else {
            return local::load(name, root, found, index, observer);
        };
        let mut shared = |root: &Path,
                          ignore: Option<IgnoreFile>,
                          options: &ContextOptions<'_>,
                          observer: &dyn Observer| {
            walker.begin(Excludes::of(ignore.as_ref()));
            Context::load_streaming(root, ignore, options, observer, &mut |streamed| {
                walker.take(&streamed);
                ControlFlow::Continue(())
            })
        };
        let loaded = local::load_with(name, root, found, index, observer, &mut shared)?;
        if let Ok(local) = &loaded {
            walker.end(Arc::clone(&local.context));
        }
        Ok(loaded)
    };
    Read::loaded(request, locate(request)?, |_, ignore| ignore, &mut load)
}

fn compared(
    request: &Request,
    (last, settled): (Option<&Record>, Option<String>),
    read: Read,
    options: AnalysisOptions,
    observer: &dyn Observer,
) -> Result<Foreseen, Error> {
    let analysis = Analysis::of(&read, options, observer)?;
    if options.unsaved && !options.unread {
        read.locals().for_each(|local| remember(local, observer));
    }
    let faults = failures::with_paths(&analysis);
    if options.unread {
        let prediction = Prediction::None(FIRST.into());
        drop(analysis);
        return Ok(Foreseen { read, snapshot: None, key: None, faults, prediction });
    }
    let key = key::of_analysis(&analysis, observer).ok();
    let key = key.map(|k| Key { digest: k.key.to_string(), assumes: k.assumes });
    if settled.is_some() && settled == key.as_ref().map(|k| k.digest.clone()) {
        drop(analysis);
        return Ok(Foreseen { read, snapshot: None, key, faults, prediction: Prediction::Unasked });
    }
    let mut snapshot = None;
    let mut prediction = Prediction::None("no plan can be made of the Dockerfile".into());
    if let Some(plan) = &read.plan {
        let now = freeze(request, &analysis);
        prediction = match last {
            None => Prediction::None(FIRST.into()),
            Some(last) => compare(request, &analysis, plan, &now, last),
        };
        snapshot = Some(now);
    }
    drop(analysis);
    Ok(Foreseen { read, snapshot, key, faults, prediction })
}

/// Lets the index remember what was read, by whomever. What was seen on its way isn't needed any more once there are keys.
fn remember(local: &local::Local, observer: &dyn Observer) {
    if let (Some(seen), Some(index)) = (&local.seen, &local.index) {
        seen.hand_over(index);
    }
    known::save(local, observer);
}

/// Compares with what was kept of the last build.
fn compare(
    request: &Request,
    analysis: &Analysis<'_>,
    plan: &crate::plan::Plan,
    now: &Snapshot,
    last: &Record,
) -> Prediction {
    let before = snapshot::read(&last.snapshot).map_err(Error::from);
    let compared = before.and_then(|b| why::since(request, analysis, plan, now, (&last.snapshot, b)));
    match compared {
        Ok(report) => Prediction::Made(Box::new(report)),
        Err(e) => Prediction::None(format!("the last build can't be compared with: {e}")),
    }
}
