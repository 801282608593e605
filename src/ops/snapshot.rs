//! `snapshot`: the state of a build's inputs, frozen.

use std::time::{SystemTime, UNIX_EPOCH};

use super::analysis::{Analysis, AnalysisOptions, Read};
use super::{Request, failures, freeze};
use crate::error::Error;
use crate::observer::Observer;
use crate::report::{ErrorReport, Sent, WarningReport};
use crate::snapshot::Snapshot;

/// A snapshot that was taken just now.
#[derive(Debug)]
pub struct Taken {
    /// It.
    pub snapshot: Snapshot,
    /// What is sent of all local sources together.
    pub sent: Sent,
    /// Why the build would fail: that is part of its state, and no reason to take no snapshot.
    pub warnings: Vec<WarningReport>,
}

/// Takes a snapshot.
///
/// # Errors
/// [`Error`] for input that can't be read; [`Error::NoPlan`] for a Dockerfile of which nothing can be made.
pub fn snapshot(request: &Request, observer: &dyn Observer) -> Result<Taken, Error> {
    let read = Read::of(request, observer)?;
    let analysis = Analysis::of(&read, AnalysisOptions { fingerprints: true }, observer)?;
    let errors = failures::all(&analysis);
    if read.plan.is_none() {
        return Err(no_plan(&read, errors));
    }
    let mut snapshot = freeze(request, &analysis);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    snapshot.subject.taken = now.and_then(|d| i64::try_from(d.as_secs()).ok());
    Ok(Taken { sent: sent(&snapshot), snapshot, warnings: errors.into_iter().map(warning).collect() })
}

/// Why there are no steps.
pub(super) fn no_plan(read: &Read, errors: Vec<ErrorReport>) -> Error {
    let hint = errors.iter().find_map(|e| e.hint.clone());
    let reasons = errors.into_iter().map(reason).collect();
    Error::NoPlan { dockerfile: read.located.dockerfile.clone(), reasons, hint }
}

/// An error in one line.
pub(super) fn reason(error: ErrorReport) -> String {
    match error.line {
        Some(line) => format!("line {line}: {}", error.message),
        None => error.message,
    }
}

fn sent(snapshot: &Snapshot) -> Sent {
    let mut sum = Sent::default();
    for source in &snapshot.sources {
        let Sent { files, dirs, symlinks, bytes } = super::local::count(&source.entries);
        sum.files += files;
        sum.dirs += dirs;
        sum.symlinks += symlinks;
        sum.bytes += bytes;
    }
    sum
}

fn warning(error: ErrorReport) -> WarningReport {
    let message = match error.line {
        Some(line) => format!("the build would fail on line {line}: {}", error.message),
        None => format!("the build would fail: {}", error.message),
    };
    WarningReport { line: error.line, code: error.code, message }
}
