//! `du`: what a context weighs, and how much of that is sent, used, or of no use to any instruction.

pub(super) mod hidden;
mod tally;

use self::tally::Tally;
use super::analysis::{Analysis, AnalysisOptions, Read};
use super::local::Local;
use super::{DockerfileInput, Request, failures};
use crate::entry::{Entry, FileType, Source as _};
use crate::error::Error;
use crate::observer::Observer;
use crate::report::{DuFile, DuLimit, DuNamed, DuReport, PathField, Shares, shown};

/// How much is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuOptions {
    /// How many folders, and how many files, are listed at most.
    pub top: usize,
    /// How deep the listed folders lie at most: 1 for those at the top, 0 for none.
    pub depth: usize,
    /// The bytes that may be sent.
    pub max: Option<u64>,
}

impl Default for DuOptions {
    fn default() -> Self {
        Self { top: 10, depth: 1, max: None }
    }
}

/// Weighs a build's context.
///
/// # Errors
/// [`Error`] for input that can't be read, an ignore file that can't be understood, and a Dockerfile that was named and isn't there.
/// A Dockerfile that can't be understood is no error: the context has its weight all the same. No file's content is read.
pub fn du(request: &Request, options: &DuOptions, observer: &dyn Observer) -> Result<DuReport, Error> {
    let read = Read::of(request, observer)?;
    let analysis = Analysis::of(&read, AnalysisOptions { unread: true, ..Default::default() }, observer)?;
    of(request, &analysis, options)
}

/// Weighs the context of what was analysed.
pub(super) fn of(request: &Request, analysis: &Analysis<'_>, options: &DuOptions) -> Result<DuReport, Error> {
    let read = analysis.read;
    if let (DockerfileInput::Path(path), Err(absent)) = (&request.dockerfile, &read.located.bytes) {
        return Err(Error::Usage {
            message: format!("reading {}: no such file", path.display()),
            hint: absent.hint.clone(),
        });
    }
    let context = read.context.as_ref().map_err(|e| Error::from(e.clone()))?;
    context.context.check()?;
    let marks = Marks::of(analysis, context);
    let tally = Tally::of(context, &marks, options.depth)?;
    let named: Vec<DuNamed> =
        read.named.iter().flatten().map(|local| named(analysis, local)).collect::<Result<_, _>>()?;
    let mut report = DuReport {
        context: context.summary(),
        dockerfile: read.located.dockerfile.clone(),
        target: read.plan.as_ref().map_or_else(String::new, |p| p.target_name.clone()),
        shares: tally.whole,
        files: largest(context, &marks, options.top),
        steps_unknown: unknown(analysis),
        notes: notes(analysis, &tally),
        named_contexts: named,
        ..DuReport::default()
    };
    report.folders = tally.into_folders();
    report.folders_left_out = report.folders.len().saturating_sub(options.top);
    report.folders.truncate(options.top);
    report.limit = options.max.map(|max| limit(&report, max));
    Ok(report)
}

/// Why nothing is known of what is sent and used.
fn unknown(analysis: &Analysis<'_>) -> Option<String> {
    let error = analysis.keys.is_none().then(|| failures::all(analysis).into_iter().next())?;
    Some(error.map_or_else(|| "the build can't be planned".to_owned(), |e| e.message))
}

/// What has to be known to read the numbers.
fn notes(analysis: &Analysis<'_>, tally: &Tally) -> Vec<String> {
    let mut notes = Vec::new();
    if analysis.keys.is_some() {
        let failing = failures::all(analysis).into_iter().filter(|e| e.step.is_some());
        notes.extend(failing.map(|e| {
            let line = e.line.map_or_else(String::new, |l| format!("line {l} "));
            format!("{line}would fail, and counts as taking nothing: {}", e.message)
        }));
    }
    notes.extend(
        tally.unreadable.iter().map(|path| {
            format!("`{}` is hidden and can't be listed: what is in it isn't counted", shown(path))
        }),
    );
    notes
}

/// A named context's parts.
fn named(analysis: &Analysis<'_>, local: &Local) -> Result<DuNamed, Error> {
    let tally = Tally::of(local, &Marks::of(analysis, local), 0)?;
    Ok(DuNamed { name: local.name.clone(), context: local.summary(), shares: tally.whole })
}

/// What the limit is compared with: all that is sent, of every folder.
fn limit(report: &DuReport, max: u64) -> DuLimit {
    let weight = |s: &Shares| s.sent.unwrap_or(s.visible).bytes;
    let bytes = weight(&report.shares) + report.named_contexts.iter().map(|n| weight(&n.shares)).sum::<u64>();
    DuLimit { max, bytes, exceeded: bytes > max }
}

/// What becomes of each entry of a folder.
pub(in crate::ops) struct Marks {
    /// The engine asks for it, by place in the listing; `None` when the Dockerfile doesn't tell.
    pub sent: Option<Vec<bool>>,
    /// Some instruction takes it.
    pub used: Option<Vec<bool>>,
}

impl Marks {
    /// Marks what is sent and used of a folder.
    pub(in crate::ops) fn of(analysis: &Analysis<'_>, local: &Local) -> Self {
        let Some(plan) = analysis.read.plan.as_ref().filter(|_| analysis.keys.is_some()) else {
            return Self { sent: None, used: None };
        };
        let mut sent = vec![false; local.context.entries().len()];
        let mut used = sent.clone();
        for view in analysis.sent.iter().filter(|s| s.source.name == local.name).map(|s| &s.view) {
            (0..view.entries().len()).for_each(|at| sent[view.place(at)] = true);
        }
        let taken = (0..plan.steps.len()).flat_map(|step| analysis.taken(step));
        for taken in taken.filter(|t| t.sent.source.name == local.name) {
            let places = taken.ranges.iter().cloned().flatten().map(|at| taken.sent.view.place(at));
            places.for_each(|at| used[at] = true);
        }
        Self { sent: Some(sent), used: Some(used) }
    }
}

/// The largest files in view.
fn largest(local: &Local, marks: &Marks, top: usize) -> Vec<DuFile> {
    let entries = local.context.entries();
    let counts = |e: &Entry| e.stat.file_type == FileType::File && e.hardlink.is_none() && e.stat.size > 0;
    let mut places: Vec<usize> = (0..entries.len()).filter(|at| counts(&entries[*at])).collect();
    // Stable: files of one size stay in the listing's order.
    places.sort_by_key(|at| std::cmp::Reverse(entries[*at].stat.size));
    places.truncate(top);
    let file = |at: usize| DuFile {
        path: PathField::new(entries[at].path.as_bytes()),
        bytes: entries[at].stat.size,
        sent: marks.sent.as_ref().map(|m| m[at]),
        used: marks.used.as_ref().map(|m| m[at]),
    };
    places.into_iter().map(file).collect()
}
