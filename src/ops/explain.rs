//! `explain`: sent or not, which pattern decided, which instructions take it.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use super::analysis::{Analysis, AnalysisOptions, Read};
use super::local::Local;
use super::{Request, failures, landing};
use crate::context::{PathState, Verdict};
use crate::entry::{ContextPath, Entry, Source as _};
use crate::error::Error;
use crate::gopath;
use crate::observer::Observer;
use crate::report::{DestinationField, ExplainReport, PathField, PathReport, TakenBy, VerdictReport, shown};

/// Explains paths of the context.
///
/// # Errors
/// [`Error`] for input that can't be read, an ignore file that can't be understood, and a path outside of the context.
pub fn explain(
    request: &Request,
    paths: &[PathBuf],
    observer: &dyn Observer,
) -> Result<ExplainReport, Error> {
    let paths: Vec<Vec<u8>> = paths.iter().map(|p| inside(&request.context, p)).collect::<Result<_, _>>()?;
    let read = Read::of(request, observer)?;
    let context = read.context.as_ref().map_err(|e| Error::from(e.clone()))?;
    let analysis = Analysis::of(&read, AnalysisOptions::default(), observer)?;
    let unknown = read.plan.is_none().then(|| failures::all(&analysis)).and_then(|e| e.into_iter().next());
    let answers = paths.iter().map(|p| path_report(&analysis, context, p));
    Ok(ExplainReport {
        ignore_file: context.found.name.clone(),
        ignore_file_reason: context.found.reason.clone(),
        paths: answers.collect::<Result<_, _>>()?,
        steps_unknown: unknown.map(|e| e.message),
    })
}

/// `path` below the context: as it stands when it exists there, else as seen from the current folder.
fn inside(context: &Path, path: &Path) -> Result<Vec<u8>, Error> {
    let there = |p: &Path| fs::symlink_metadata(p).is_ok();
    if path.is_relative() && there(&context.join(path)) || !there(path) && path.is_relative() {
        let clean = gopath::clean(path.as_os_str().as_bytes());
        if clean != b".." && !clean.starts_with(b"../") {
            return Ok(if clean == b"." { Vec::new() } else { clean });
        }
    }
    // Links on the way to the path are followed, a link in its last place is what is asked about.
    let whole = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            parent.canonicalize().map(|p| p.join(name))
        }
        _ => path.canonicalize(),
    };
    let root = context.canonicalize().map_err(|e| Error::read(context, e))?;
    match whole.as_deref().map(|w| w.strip_prefix(&root)) {
        Ok(Ok(relative)) => Ok(relative.as_os_str().as_bytes().to_vec()),
        _ => {
            let message = format!("`{}` lies outside the context `{}`", path.display(), context.display());
            Err(Error::usage(message, "give a path below the context, or the context with --context"))
        }
    }
}

/// One path's answer.
fn path_report(analysis: &Analysis<'_>, context: &Local, path: &[u8]) -> Result<PathReport, Error> {
    let verdict = context.context.explain(path)?;
    let meta = fs::symlink_metadata(context.context.on_disk(path)).ok();
    let root = path.is_empty();
    let requested = analysis.keys.as_ref().map(|_| {
        let asked = |entries: &[Entry]| root && !entries.is_empty() || position(entries, path).is_some();
        analysis.sent.iter().any(|s| s.source.name == context.name && asked(s.view.entries()))
    });
    let mut notes = notes(&verdict, meta.as_ref());
    let steps = taken_by(analysis, context, path, &mut notes);
    Ok(PathReport {
        path: PathField::new(if root { b"." } else { path }),
        exists: meta.is_some(),
        kind: meta.as_ref().map(|m| kind(&m.file_type())),
        sent: matches!(verdict.state, PathState::Sent | PathState::SentAsParent),
        requested,
        notes,
        steps,
        decided_by: verdict.cause.map(|c| VerdictReport {
            ignore_file: c.ignore_file,
            line: c.line,
            pattern: c.text.trim().to_owned(),
            negated: c.negated,
        }),
    })
}

/// What is not obvious.
fn notes(verdict: &Verdict, meta: Option<&fs::Metadata>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(cause) = &verdict.cause {
        if !cause.at.is_empty() && cause.at != verdict.path {
            notes.push(format!("the pattern matches `{}`, and so all that it holds", shown(&cause.at)));
        }
        if let Some(folder) = cause.not_entered.as_ref().filter(|f| **f != verdict.path) {
            notes.push(format!(
                "`{}` is hidden and not entered: no later pattern brings this back",
                shown(folder)
            ));
        }
    }
    match &verdict.state {
        PathState::SentAsParent => {
            notes.push("the folder itself is hidden, and sent because something in it is".into());
        }
        PathState::Unreadable => {
            notes.push("it can't be read, so that a build which asks for it fails".into())
        }
        PathState::ThroughLink { link, target } => {
            let (link, target) = (shown(link), shown(target));
            notes.push(format!("`{link}` is a link to `{target}`: ask about the real path"));
        }
        PathState::Sent if meta.is_some_and(|m| m.file_type().is_socket()) => {
            notes.push("a socket is sent as an empty file".into());
        }
        PathState::Sent if meta.is_some_and(fs::Metadata::is_symlink) => {
            notes.push("the link itself is sent; as a COPY source it counts as what it points to".into());
        }
        _ => {}
    }
    notes
}

/// The steps that take the path, and of a folder that none takes as a whole, how much of it is taken.
fn taken_by(analysis: &Analysis<'_>, context: &Local, path: &[u8], notes: &mut Vec<String>) -> Vec<TakenBy> {
    let Some(plan) = &analysis.read.plan else { return Vec::new() };
    let mut out = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let op = &plan.graph.vertices[step.vertex.0].op;
        for taken in analysis.taken(index).filter(|t| t.sent.source.name == context.name) {
            let entries = taken.sent.view.entries();
            let landed = landing::landing(op, taken.input, entries, taken.ranges);
            let places = position(entries, path).and_then(|at| landed.get(&at).cloned()).unwrap_or_default();
            let below = |at: &&usize| path.is_empty() || entries[**at].path.is_below(path);
            let parts = if places.is_empty() { landed.keys().filter(below).count() } else { 0 };
            if parts > 0 {
                notes.push(format!("line {} takes {parts} of the entries below it", step.span.line));
            }
            let at = |place| TakenBy {
                name: step.name.clone(),
                line: step.span.line,
                destination: Some(DestinationField(place)),
            };
            out.extend(places.into_iter().map(at));
        }
    }
    out
}

/// Where a path stands in a listing.
fn position(entries: &[Entry], path: &[u8]) -> Option<usize> {
    entries.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), path)).ok()
}

/// The name of a type.
fn kind(file_type: &fs::FileType) -> &'static str {
    match file_type {
        t if t.is_dir() => "dir",
        t if t.is_symlink() => "symlink",
        t if t.is_fifo() => "fifo",
        t if t.is_socket() => "socket",
        t if t.is_char_device() => "char",
        t if t.is_block_device() => "block",
        _ => "file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_looked_for_below_the_context() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        fs::write(dir.path().join("a/x"), "").unwrap();
        let ask = |p: &Path| inside(dir.path(), p).map(|p| String::from_utf8(p).unwrap());
        assert_eq!(ask(Path::new("a/x")).unwrap(), "a/x");
        assert_eq!(ask(Path::new("./a/../a/x/")).unwrap(), "a/x");
        assert_eq!(ask(&dir.path().join("a/x")).unwrap(), "a/x");
        assert_eq!(ask(Path::new("not/there")).unwrap(), "not/there");
        assert_eq!(ask(dir.path()).unwrap(), "");
        assert!(ask(Path::new("../x")).is_err() && ask(Path::new("/etc/passwd")).is_err());
    }
}
