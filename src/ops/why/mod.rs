//! `why`: which steps rerun, compared with a baseline, and because of which files.

mod answer;
mod before;
mod cached;
mod layer;

pub use answer::reruns;

#[cfg(feature = "engine")]
use std::path::Path;

use self::before::{Before, State};
use self::cached::Looked;
use super::against::Against;
use super::analysis::{Analysis, AnalysisOptions, Read};
use super::snapshot::no_plan;
use super::{DockerfileInput, Request, failures, freeze};
use crate::diff::{self, Baseline};
use crate::error::Error;
use crate::observer::Observer;
use crate::plan::Plan;
use crate::report::{WhyReport, WhySummary};
use crate::snapshot::{Snapshot, Store};

/// What a build is compared with, and how.
#[derive(Debug, Clone, Default)]
pub struct WhyOptions {
    /// The baseline.
    pub against: Against,
    /// Where snapshots are kept; `None` for nowhere.
    pub store: Option<Store>,
    /// A revision is taken as a new clone under this umask has it; `None` for a checkout in this place, which leaves the
    /// permission bits of what git calls unchanged.
    pub umask: Option<u16>,
    /// How registries are asked.
    #[cfg(feature = "registry")]
    pub registries: crate::imported::RegistryOptions,
}

/// Compares a build with a baseline.
///
/// # Errors
/// [`Error`] for input that can't be read, and for a baseline that isn't one.
pub fn why(request: &Request, options: &WhyOptions, observer: &dyn Observer) -> Result<WhyReport, Error> {
    let read = Read::of(request, observer)?;
    let analysis =
        Analysis::of(&read, AnalysisOptions { fingerprints: true, ..Default::default() }, observer)?;
    of(request, options, &analysis, observer)
}

/// Compares what was analysed, with fingerprints, with a baseline.
pub(super) fn of(
    request: &Request,
    options: &WhyOptions,
    analysis: &Analysis<'_>,
    observer: &dyn Observer,
) -> Result<WhyReport, Error> {
    let Some(plan) = &analysis.read.plan else {
        return Err(no_plan(analysis.read, failures::all(analysis)));
    };
    let now = freeze(request, analysis);
    let before = before::open(request, options, &now, observer)?;
    // A builder goes on with the version that it has, unless another one is told.
    if let (None, State::Snapshot(snapshot)) = (request.plan.buildkit, &before.state)
        && snapshot.buildkit != now.buildkit
    {
        let mut request = request.clone();
        request.plan.buildkit = Some(snapshot.buildkit);
        return why(&request, options, observer);
    }
    Ok(compared(request, analysis, plan, &now, before))
}

/// Compares what was analysed with a snapshot that lies in the file `path`.
///
/// # Errors
/// [`Error::OtherBuild`] for a snapshot of another build.
#[cfg(feature = "engine")]
pub(super) fn since(
    request: &Request,
    analysis: &Analysis<'_>,
    plan: &Plan,
    now: &Snapshot,
    (path, snapshot): (&Path, Snapshot),
) -> Result<WhyReport, Error> {
    let before = Before::of_snapshot(snapshot, path, now)?;
    Ok(compared(request, analysis, plan, now, before))
}

fn compared(
    request: &Request,
    analysis: &Analysis<'_>,
    plan: &Plan,
    now: &Snapshot,
    mut before: Before,
) -> WhyReport {
    let read = analysis.read;
    let mut advice = Vec::new();
    let comparison = match &before.state {
        State::Snapshot(snapshot) => {
            before.notes.extend(another_version(snapshot, now));
            let mut comparison = diff::compare(Baseline::Snapshot(snapshot), now);
            advice = super::hints(read, snapshot, now, &mut comparison);
            comparison
        }
        State::Cache(cache) => {
            let looked = Looked { cache, plan, analysis, now };
            let mut comparison = diff::compare(
                Baseline::Records(&cache.remembered),
                &match request.plan.buildkit {
                    Some(_) => now.clone(),
                    None => looked.without_doubtful_keys(),
                },
            );
            before.notes.extend(looked.name_files(&mut comparison));
            before.report.cache = before.report.cache.or_else(|| Some(looked.answer(&comparison)));
            comparison
        }
    };
    let steps = answer::steps(plan, now, &comparison);
    let mut notes = before.notes;
    notes.extend(comparison.stale.iter().map(|s| s.text.clone()));
    WhyReport {
        baseline: before.report,
        dockerfile: read.located.dockerfile.clone(),
        dockerfile_path: dockerfile_path(request, read),
        target: plan.target_name.clone(),
        summary: WhySummary::of(&steps),
        steps,
        hints: answer::hints(plan, advice),
        notes,
    }
}

/// The words for a baseline that another version of BuildKit made.
fn another_version(before: &Snapshot, now: &Snapshot) -> Option<String> {
    let (old, new) = (before.buildkit, now.buildkit);
    let text = || {
        format!(
            "the baseline has the keys of BuildKit {old}, this has those of {new}: that alone lets steps rerun"
        )
    };
    (old != new).then(text)
}

/// The Dockerfile's path from the current folder, for those who point at its lines.
pub(super) fn dockerfile_path(request: &Request, read: &Read) -> Option<String> {
    let path = match &request.dockerfile {
        DockerfileInput::Bytes(_) => return None,
        DockerfileInput::Path(_) => return Some(read.located.dockerfile.clone()),
        DockerfileInput::Default => request.context.join(&read.located.dockerfile),
    };
    let path = path.strip_prefix(".").unwrap_or(&path);
    Some(path.to_string_lossy().into_owned())
}
