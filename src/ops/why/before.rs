//! What a build is compared with, read from where it is.

use std::path::Path;

use super::WhyOptions;
use crate::error::Error;
use crate::git::{GitError, Permissions};
use crate::image::{LayoutSpec, Platform};
use crate::imported::{ImportedCache, Unusable};
use crate::observer::Observer;
use crate::ops::analysis::{Analysis, AnalysisOptions, Read};
use crate::ops::snapshot::no_plan;
use crate::ops::{Against, Request, failures, freeze};
use crate::report::{BaselineReport, CacheAnswer, shown};
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
    /// A snapshot that lies in a file.
    ///
    /// # Errors
    /// [`Error::OtherBuild`] when it is one of another build.
    pub fn of_snapshot(snapshot: Snapshot, path: &Path, now: &Snapshot) -> Result<Self, Error> {
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
            usable: !unusable.as_ref().is_some_and(Unusable::is_certain),
            cache: unusable.as_ref().map(|why| match why {
                Unusable::OtherPlatform { .. } => CacheAnswer::OtherPlatform,
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
    match against {
        Against::File(path) => Before::of_snapshot(snapshot::read(path)?, path, now),
        Against::Git(revision) => at_revision(request, revision, options, observer),
        Against::Cache(text) => {
            let cache = ImportedCache::open_folder(&LayoutSpec::parse(text)?)?;
            Ok(Before::of_cache(cache, against, request))
        }
        Against::Registry(reference) => {
            Ok(Before::of_cache(from_registry(reference, options)?, against, request))
        }
        Against::Last => last(request, options, now, observer),
    }
}

#[cfg(feature = "registry")]
fn from_registry(reference: &str, options: &WhyOptions) -> Result<ImportedCache, Error> {
    Ok(ImportedCache::open_registry(reference, &options.registries)?)
}

#[cfg(not(feature = "registry"))]
fn from_registry(reference: &str, _: &WhyOptions) -> Result<ImportedCache, Error> {
    let message = format!("this stowaway was built without registries: registry:{reference} can't be read");
    Err(Error::usage(message, "build it with the feature `registry`"))
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
    at_revision(request, "HEAD", options, observer).map_err(|e| match e {
        Error::Git(
            GitError::NotARepository { .. } | GitError::NoWorkTree { .. } | GitError::NoCommits { .. },
        ) => {
            let message =
                format!("there is nothing to compare with: no snapshot was kept of this build, and {e}");
            Error::usage(message, "keep one with `stowaway snapshot`, or name a baseline with --against")
        }
        e => e,
    })
}

/// The build as a checkout of a revision in this place would have it.
fn at_revision(
    request: &Request,
    revision: &str,
    options: &WhyOptions,
    observer: &dyn Observer,
) -> Result<Before, Error> {
    let permissions = options.umask.map_or(Permissions::HERE, Permissions::of_clone);
    let read = Read::at_revision(request, revision, permissions, observer)?;
    let analysis =
        Analysis::of(&read, AnalysisOptions { fingerprints: true, ..Default::default() }, observer)?;
    if read.plan.is_none() {
        let mut error = no_plan(&read, failures::all(&analysis));
        if let Error::NoPlan { dockerfile, .. } = &mut error {
            *dockerfile = format!("{revision}:{dockerfile}");
        }
        return Err(error);
    }
    let snapshot = freeze(request, &analysis);
    let warnings = read.revision.iter().flat_map(|r| &r.warnings);
    let report = BaselineReport {
        kind: "git".to_owned(),
        name: revision.to_owned(),
        revision: snapshot.subject.revision.clone(),
        ..BaselineReport::default()
    };
    let notes = warnings.map(|w| format!("`{}` {}", shown(&w.path), w.code.message())).collect();
    Ok(Before { report, notes, state: State::Snapshot(Box::new(snapshot)) })
}
