//! `snapshot`: the state of a build's inputs, frozen.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::analysis::{Analysis, AnalysisOptions, Read};
use super::{Request, failures, freeze};
use crate::context::PathState;
use crate::error::Error;
use crate::observer::Observer;
use crate::plan::{Op, Source, Vertex};
use crate::report::{ErrorReport, Sent, WarningReport};
use crate::snapshot::Snapshot;

/// A snapshot that was taken just now.
pub struct Taken {
    /// It.
    pub snapshot: Snapshot,
    /// What is sent of all local sources together.
    pub sent: Sent,
    /// Why the build would fail: that is part of its state, and no reason to take no snapshot.
    pub warnings: Vec<WarningReport>,
    read: Read,
}

impl Taken {
    /// Whether a file lies in the context and is sent by this build, so that writing it changes what the snapshot is of.
    pub fn is_changed_by(&self, file: &Path) -> bool {
        let Some(path) = self.below_context(file) else { return false };
        let Ok(context) = &self.read.context else { return false };
        let verdict = context.context.explain(&path);
        let hidden = verdict.is_ok_and(|v| v.state == PathState::Ignored);
        let asked = |v: &Vertex| match &v.op {
            Op::Source(Source::Local(local)) if local.name == "context" => {
                local.follow_paths.is_empty() || local.follow_paths.contains(&path)
            }
            _ => false,
        };
        !hidden && self.read.plan.iter().flat_map(|p| &p.graph.vertices).any(asked)
    }

    /// The path of a file that is there below the context.
    fn below_context(&self, file: &Path) -> Option<Vec<u8>> {
        let root = Path::new(OsStr::from_bytes(&self.snapshot.subject.context));
        let file = file.canonicalize().ok()?;
        Some(file.strip_prefix(root).ok()?.as_os_str().as_bytes().to_vec())
    }
}

/// Takes a snapshot.
///
/// # Errors
/// [`Error`] for input that can't be read; [`Error::NoPlan`] for a Dockerfile of which nothing can be made.
pub fn snapshot(request: &Request, observer: &dyn Observer) -> Result<Taken, Error> {
    let read = Read::of(request, observer)?;
    let analysis =
        Analysis::of(&read, AnalysisOptions { fingerprints: true, ..Default::default() }, observer)?;
    let errors = failures::all(&analysis);
    if read.plan.is_none() {
        return Err(no_plan(&read, errors));
    }
    let mut snapshot = freeze(request, &analysis);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    snapshot.subject.taken = now.and_then(|d| i64::try_from(d.as_secs()).ok());
    drop(analysis);
    let warnings = errors.into_iter().map(warning).collect();
    Ok(Taken { sent: sent(&snapshot), snapshot, warnings, read })
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
