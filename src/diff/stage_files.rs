//! Files of an earlier stage that a step takes, and of which the digests are known.

use super::{Cause, CauseKind};
use crate::entry::ContextPath;
use crate::snapshot::{ContentState, InputState, PickedFiles, StageFileState};

/// The files that differ between what an input picked before and now; `stage` names the step that left them.
pub(super) fn changes(stage: &str, before: &InputState, now: &InputState) -> Vec<Cause> {
    let (old, new) = (files(before), files(now));
    let cause =
        |kind, path: &[u8]| Cause { source: stage.to_owned(), path: Some(path.to_vec()), ..Cause::new(kind) };
    let find = |list: &[&StageFileState], path: &[u8]| {
        let at = list.binary_search_by(|f| ContextPath::compare(&f.path, path)).ok()?;
        Some(list[at].digest)
    };
    let mut out = Vec::new();
    for file in &new {
        match find(&old, &file.path) {
            Some(digest) if digest == file.digest => {}
            Some(_) => out.push(cause(CauseKind::Content, &file.path)),
            None => out.push(cause(CauseKind::Added, &file.path)),
        }
    }
    let gone = old.iter().filter(|f| find(&new, &f.path).is_none());
    out.extend(gone.map(|f| cause(CauseKind::Removed, &f.path)));
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

/// In the order of paths, each once.
fn files(input: &InputState) -> Vec<&StageFileState> {
    let ContentState::Known { picked, .. } = &input.content else { return Vec::new() };
    let mut out: Vec<&StageFileState> = Vec::new();
    for picked in picked {
        if let PickedFiles::Stage(files) = &picked.files {
            out.extend(files);
        }
    }
    out.sort_by(|a, b| ContextPath::compare(&a.path, &b.path));
    out.dedup_by(|a, b| a.path == b.path);
    out
}

/// Whether an input picked files of a stage.
pub(super) fn is_stage(input: &InputState) -> bool {
    match &input.content {
        ContentState::Known { picked, .. } => picked.iter().any(|p| matches!(p.files, PickedFiles::Stage(_))),
        _ => false,
    }
}
