//! The files by which a step missed a cache, read from the layer that the cache still holds.

use std::collections::BTreeSet;

use crate::cache::{LayerEntry, LayerFile};
use crate::diff::{self, Cause, CauseKind, Landing, Overrides};
use crate::entry::Source as _;
use crate::gopath;
use crate::imported::{ImportError, ImportedCache};
use crate::ops::analysis::Analysis;
use crate::ops::landing::landing;
use crate::plan::{FileActionKind, Op, Plan};
use crate::snapshot::Snapshot;

/// A step that missed because of files, and the record that it would have matched.
pub struct Miss {
    /// The step.
    pub step: usize,
    /// The record in the cache with the step's operation.
    pub record: usize,
}

/// The files that differ; empty when the layer doesn't tell.
///
/// # Errors
/// [`ImportError`] when the layer can't be read.
pub fn files(
    cache: &ImportedCache,
    miss: &Miss,
    plan: &Plan,
    analysis: &Analysis<'_>,
    now: &Snapshot,
) -> Result<Vec<Cause>, ImportError> {
    let op = &plan.graph.vertices[plan.steps[miss.step].vertex.0].op;
    // What an archive holds lands in the image in its place.
    let Op::File(actions) = op else { return Ok(Vec::new()) };
    let copies = actions.iter().filter_map(|a| match &a.kind {
        FileActionKind::Copy(copy) => Some(copy),
        _ => None,
    });
    if copies.clone().any(|c| c.attempt_unpack) {
        return Ok(Vec::new());
    }
    let overrides = Overrides { mode: copies.clone().any(|c| c.mode != -1 || !c.mode_str.is_empty()) };
    let Some(entries) = cache.layer_entries(miss.record)? else { return Ok(Vec::new()) };
    let before: Vec<diff::LayerFile> = entries.into_iter().filter_map(put).collect();
    let landed = landed(analysis, op, miss.step);
    let mut causes = diff::name_files(now, &landed, &before, overrides);
    if copies.into_iter().any(|c| gopath::has_wildcard(c.src.as_bytes())) {
        // What is in a folder that a wildcard matches goes into the destination, which doesn't get that folder's mode.
        let entry = |l: &Landing| now.sources.get(l.source).and_then(|s| s.entries.get(l.entry));
        let folders = landed.iter().filter_map(entry).filter(|e| e.stat.is_dir());
        let folders: BTreeSet<&[u8]> = folders.map(|e| e.path.as_bytes()).collect();
        let of_folder = |c: &Cause| c.path.as_ref().is_some_and(|p| folders.contains(p.as_slice()));
        causes.retain(|c| c.kind != CauseKind::Mode || !of_folder(c));
    }
    Ok(causes)
}

/// What a layer puts into the image.
fn put(entry: LayerEntry) -> Option<diff::LayerFile> {
    let LayerEntry::Put(LayerFile { path, stat, blake3, .. }) = entry else { return None };
    Some(diff::LayerFile { path, stat, content: blake3 })
}

/// Where everything that the step takes from local sources goes.
fn landed(analysis: &Analysis<'_>, op: &Op, step: usize) -> Vec<Landing> {
    let mut out = Vec::new();
    for taken in analysis.taken(step) {
        let Some(source) = analysis.sent.iter().position(|s| s.key == taken.sent.key) else { continue };
        for (entry, paths) in landing(op, taken.input, taken.sent.view.entries(), taken.ranges) {
            let relative = |path: Vec<u8>| path.strip_prefix(b"/").map(<[u8]>::to_vec).unwrap_or(path);
            out.extend(paths.into_iter().map(|path| Landing { source, entry, path: relative(path) }));
        }
    }
    out
}

/// Puts the files in the place of the cause that says that there are some.
pub fn replace(causes: &mut Vec<Cause>, files: Vec<Cause>) {
    let unnamed = |c: &Cause| c.kind == CauseKind::Content && c.path.is_none();
    if let Some(at) = causes.iter().position(unnamed).filter(|_| !files.is_empty()) {
        causes.splice(at..=at, files);
    }
}
