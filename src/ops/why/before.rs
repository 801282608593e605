//! What a build is compared with, read from where it is.

use std::path::Path;

use super::WhyOptions;
use crate::error::Error;
use crate::image::{LayoutSpec, Platform};
use crate::imported::ImportedCache;
use crate::observer::Observer;
use crate::ops::{Against, Request};
use crate::report::{BaselineReport, CacheAnswer};
use crate::snapshot::{self, Snapshot, comparable};

/// A baseline that was read.
pub struct Before {
    /// What it says of itself.
    pub report: BaselineReport,
    /// What has to be known to read the answer, in words.
    pub notes: Vec<String>,
    /// What there is of it.
    pub state: State,
}

/// What there is of a baseline.
pub enum State {
    /// The build's inputs.
    Snapshot(Box<Snapshot>),
    /// What a builder put into a cache.
    Cache(Box<ImportedCache>),
}

impl Before {
    fn of_snapshot(snapshot: Snapshot, path: &Path, now: &Snapshot) -> Result<Self, Error> {
        let other = |why| Error::OtherBuild { path: path.to_owned(), why };
        let notes = comparable(&snapshot, now).map_err(other)?;
        let report = BaselineReport {
            kind: "snapshot".to_owned(),
            name: path.display().to_string(),
            taken: snapshot.subject.taken,
            revision: snapshot.subject.revision.clone(),
            ..BaselineReport::default()
        };
        Ok(Self { report, notes, state: State::Snapshot(Box::new(snapshot)) })
    }

    fn of_cache(cache: ImportedCache, against: &Against, request: &Request) -> Self {
        let platform = request.plan.platform.as_ref().map_or_else(Platform::host, Platform::normalized);
        let unusable = cache.unusable(Some(&platform));
        let report = BaselineReport {
            kind: against.kind().to_owned(),
            name: against.name(),
            usable: !unusable.as_ref().is_some_and(crate::imported::Unusable::is_certain),
            cache: unusable.as_ref().map(|why| match why {
                crate::imported::Unusable::OtherPlatform { .. } => CacheAnswer::OtherPlatform,
                _ => CacheAnswer::None,
            }),
            ..BaselineReport::default()
        };
        let notes = unusable.iter().map(|why| format!("{why}: {}", why.hint())).collect();
        Self { report, notes, state: State::Cache(Box::new(cache)) }
    }
}

/// Reads the baseline.
///
/// # Errors
/// [`Error`] when it is not there, is none, or is one of another build.
pub fn open(
    request: &Request,
    options: &WhyOptions,
    now: &Snapshot,
    observer: &dyn Observer,
) -> Result<Before, Error> {
    let against = &options.against;
    let _ = observer;
    match against {
        Against::File(path) => Before::of_snapshot(snapshot::read(path)?, path, now),
        Against::Cache(text) => {
            let cache = ImportedCache::open_folder(&LayoutSpec::parse(text)?)?;
            Ok(Before::of_cache(cache, against, request))
        }
        Against::Last => last(request, options, now, observer),
        _ => Err(Error::usage("not yet", "wait")),
    }
}

/// The last snapshot that was kept, else the last commit.
fn last(
    request: &Request,
    options: &WhyOptions,
    now: &Snapshot,
    observer: &dyn Observer,
) -> Result<Before, Error> {
    let kept = options.store.as_ref().map(|store| store.last(&now.subject)).transpose()?.flatten();
    if let Some(kept) = kept {
        let unreadable = kept.unreadable.iter().map(|e| format!("a newer snapshot can't be used: {e}"));
        let mut before = Before::of_snapshot(kept.snapshot, &kept.path, now)?;
        before.notes.extend(unreadable);
        return Ok(before);
    }
    let _ = (request, observer);
    Err(Error::usage("not yet", "wait"))
}
