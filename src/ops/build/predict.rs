//! What is known of a build before the engine begins: its plan, its key, its faults, and what `why` says against the last build here.

use super::record::Record;
use crate::error::Error;
use crate::observer::Observer;
use crate::ops::analysis::{Analysis, AnalysisOptions, Read};
use crate::ops::{Request, failures, freeze, key, why};
use crate::report::{ErrorReport, WhyReport};
use crate::snapshot::{self, Snapshot};

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
}

/// Walks, reads and compares.
///
/// # Errors
/// [`Error`] for input that can't be read.
pub fn foresee(request: &Request, last: Option<&Record>, observer: &dyn Observer) -> Result<Foreseen, Error> {
    let read = Read::of(request, observer)?;
    let analysis =
        Analysis::of(&read, AnalysisOptions { fingerprints: true, ..Default::default() }, observer)?;
    let faults = failures::with_paths(&analysis);
    let key = key::of_analysis(&analysis, observer).ok();
    let key = key.map(|k| Key { digest: k.key.to_string(), assumes: k.assumes });
    let mut snapshot = None;
    let mut prediction = Prediction::None("no plan can be made of the Dockerfile".into());
    if let Some(plan) = &read.plan {
        let now = freeze(request, &analysis);
        prediction = match last {
            None => Prediction::None("this is the first build of it with this engine".into()),
            Some(last) => compare(request, &analysis, plan, &now, last),
        };
        snapshot = Some(now);
    }
    drop(analysis);
    Ok(Foreseen { read, snapshot, key, faults, prediction })
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
