//! `ls`: the files that the engine will see.

use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;

use super::analysis::{Analysis, AnalysisOptions, Read};
use super::local::{self, Local, cause_report};
use super::{DockerfileInput, Request, landing, locate, surprises};
use crate::cache::CacheError;
use crate::context::Ignored;
use crate::digest::{self, Algorithm, hash_files};
use crate::entry::{FileType, Source};
use crate::error::Error;
use crate::observer::Observer;
use crate::plan::{Op, Plan, Step};
use crate::report::{DestinationField, EntryReport, LinkField, ListReport, PathField, type_name};

/// What is listed, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// What is listed.
    pub which: Which,
    /// Which digest of each file's content is added.
    pub hash: Option<Algorithm>,
}

/// What is listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Which {
    /// What the engine sees.
    #[default]
    Seen,
    /// What the ignore file hides; a folder stands for all that it holds.
    Ignored,
    /// Both.
    All,
    /// What one instruction takes, and where it lands.
    Step {
        /// The Dockerfile, if it is named: it must be the build's.
        file: Option<String>,
        /// A line of the instruction.
        line: usize,
    },
}

/// Lists a context.
///
/// # Errors
/// [`Error`] for input that can't be read, an ignore file that can't be understood, and a `--step` that isn't there.
pub fn list(request: &Request, options: &ListOptions, observer: &dyn Observer) -> Result<ListReport, Error> {
    if let Which::Step { file, line } = &options.which {
        let read = Read::of(request, observer)?;
        let analysis = Analysis::of(&read, AnalysisOptions::default(), observer)?;
        return of_step(&analysis, file.as_deref(), *line, options.hash, observer);
    }
    let located = locate::locate(request)?;
    if let (DockerfileInput::Path(path), Err(absent)) = (&request.dockerfile, &located.bytes) {
        let message = format!("reading {}: no such file", path.display());
        return Err(Error::Usage { message, hint: absent.hint.clone() });
    }
    let local = local::load("context", &request.context, located.ignore, None, observer)??;
    local.context.check()?;
    let mut entries =
        if options.which == Which::Ignored { Vec::new() } else { seen(&local, options.hash, observer)? };
    let hidden = match options.which {
        Which::Ignored => ignored(&local, false)?,
        Which::All => ignored(&local, true)?,
        Which::Seen | Which::Step { .. } => Vec::new(),
    };
    // What is in view is in order.
    if !hidden.is_empty() {
        entries.extend(hidden);
        entries.sort_by(|a, b| crate::entry::ContextPath::compare(&a.path.0, &b.path.0));
    }
    let mut warnings = surprises::of_ignore_file(&local.found);
    warnings.extend(surprises::of_entries(&local.context));
    Ok(ListReport { step: None, entries, warnings })
}

/// What is in view.
fn seen(local: &Local, hash: Option<Algorithm>, observer: &dyn Observer) -> Result<Vec<EntryReport>, Error> {
    let entries = local.context.entries();
    let all = 0..entries.len();
    reports(&*local.context, std::slice::from_ref(&all), hash, observer)
}

/// The reports of some entries, with digests when they are asked for.
fn reports(
    source: &dyn Source,
    ranges: &[Range<usize>],
    hash: Option<Algorithm>,
    observer: &dyn Observer,
) -> Result<Vec<EntryReport>, Error> {
    let entries = source.entries();
    let indexes: Vec<usize> = ranges.iter().cloned().flatten().collect();
    let mut reports: Vec<EntryReport> = indexes.iter().map(|i| EntryReport::new(&entries[*i])).collect();
    let Some(algorithm) = hash else { return Ok(reports) };
    let regular = |at: &usize| entries[indexes[*at]].stat.file_type == FileType::File;
    let places: Vec<usize> = (0..indexes.len()).filter(regular).collect();
    let wanted: Vec<usize> = places.iter().map(|at| indexes[*at]).collect();
    let sha256 = algorithm == Algorithm::Sha256;
    let asked = digest::Request { sha256, blake3: !sha256, ..digest::Request::default() };
    let digests = hash_files(source, &wanted, asked, observer);
    for report in &mut reports {
        report.hash_asked = true;
    }
    for (at, digests) in places.into_iter().zip(digests) {
        let digests = digests.map_err(|e| CacheError::Hash(vec![*e]))?;
        reports[at].sha256 = digests.sha256;
        reports[at].blake3 = digests.blake3;
    }
    Ok(reports)
}

/// What is hidden, each with the pattern that does it; `all` looks into hidden folders, too.
fn ignored(local: &Local, all: bool) -> Result<Vec<EntryReport>, Error> {
    let report = |ignored: Ignored| {
        let disk = local.context.on_disk(ignored.path.as_bytes());
        let mode = std::fs::symlink_metadata(&disk).map_or(0, |m| m.permissions().mode() & 0o7777);
        let link = std::fs::read_link(&disk).ok();
        EntryReport {
            path: PathField::new(ignored.path.as_bytes()),
            kind: type_name(ignored.file_type),
            mode: u16::try_from(mode).unwrap_or_default(),
            size: (ignored.file_type == FileType::File).then_some(ignored.size),
            linkname: link.map(|l| LinkField(l.into_os_string().into_encoded_bytes())),
            sha256: None,
            blake3: None,
            hash_asked: false,
            ignored: Some(cause_report(ignored.cause)),
            destination: None,
        }
    };
    Ok(local.context.ignored(all)?.into_iter().map(report).collect())
}

/// What one instruction takes from the context, and where it lands.
fn of_step(
    analysis: &Analysis<'_>,
    file: Option<&str>,
    line: usize,
    hash: Option<Algorithm>,
    observer: &dyn Observer,
) -> Result<ListReport, Error> {
    let (plan, index) = find(analysis.read, file, line)?;
    let step = &plan.steps[index];
    let mut entries = Vec::new();
    for taken in analysis.taken(index) {
        let view = &taken.sent.view;
        let vertex = &plan.graph.vertices[step.vertex.0];
        let landed = landing::landing(&vertex.op, taken.input, view.entries(), taken.ranges);
        let one = |i: &usize| *i..*i + 1;
        let ranges: Vec<Range<usize>> = landed.keys().map(one).collect();
        let reports = reports(view, &ranges, hash, observer)?;
        for (report, places) in reports.into_iter().zip(landed.into_values()) {
            for place in places {
                let destination = Some(DestinationField(place));
                entries.push(EntryReport { destination, ..report.clone() });
            }
        }
    }
    Ok(ListReport { step: Some(step.name.clone()), entries, warnings: Vec::new() })
}

/// The step that has the line.
fn find<'a>(read: &'a Read, file: Option<&str>, line: usize) -> Result<(&'a Plan, usize), Error> {
    let name = &read.located.dockerfile;
    if let Some(file) = file.filter(|f| !same_file(f, name)) {
        let message = format!("--step names `{file}`, but the Dockerfile is `{name}`");
        return Err(Error::usage(message, "give the Dockerfile with -f"));
    }
    let Some(plan) = &read.plan else {
        return Err(Error::usage(
            format!("`{name}` has no steps: it can't be read"),
            "`stowaway plan` says why",
        ));
    };
    let has = |s: &Step| s.span.line <= line && line <= s.span.end_line;
    let on_line = || plan.steps.iter().enumerate().filter(|(_, s)| has(s));
    // A heredoc and `--link` have steps of their own on the line; the one that takes files is meant.
    match on_line().find(|(_, s)| !s.sources.is_empty()).or_else(|| on_line().next_back()) {
        Some((index, _)) => Ok((plan, index)),
        None => {
            let copies =
                plan.steps.iter().filter(|s| !matches!(plan.graph.vertices[s.vertex.0].op, Op::Source(_)));
            let lines: Vec<String> = copies.map(|s| s.span.line.to_string()).take(20).collect();
            let hint = format!("the target's steps are on the lines {}", lines.join(", "));
            Err(Error::usage(format!("no step of the target is on line {line} of `{name}`"), &hint))
        }
    }
}

/// True when both name one file: as text, by their last component, or on disk.
fn same_file(a: &str, b: &str) -> bool {
    let (a, b) = (std::path::Path::new(a), std::path::Path::new(b));
    a == b
        || a.file_name() == b.file_name()
        || a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}
