//! Changes that a daemon does not notice which holds the context from an earlier build.
//!
//! Its transfer compares type, mode, size, modification time, owner and link with what it kept, and takes a folder that it has
//! for granted: other bytes of the same size under the same time, an extended attribute alone and the mode of a folder are
//! missed until something else makes it fetch them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cause, CauseKind, Stale, StepVerdict, Verdict};
use crate::snapshot::Snapshot;

/// Says for each step that reruns whether all that made it rerun may go unnoticed.
pub(super) fn mark(now: &Snapshot, steps: &mut [StepVerdict]) {
    let names: BTreeMap<&str, usize> =
        now.steps.iter().enumerate().map(|(i, s)| (s.name.as_str(), i)).collect();
    // A step stands on steps whose vertices come first.
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|s| now.steps[*s].vertex);
    for step in order {
        let parent = |cause: &Cause| cause.detail.as_deref().and_then(|name| names.get(name)).copied();
        let unnoticed = |cause: &Cause| match cause.kind {
            CauseKind::Parent => parent(cause).is_some_and(|p| steps[p].may_be_stale),
            // A file of a stage is what it is because of a step that stands before.
            _ if !cause.source.is_empty() => {
                names.get(cause.source.as_str()).map_or(cause.unnoticed, |p| steps[*p].may_be_stale)
            }
            _ => cause.unnoticed,
        };
        let verdict = &steps[step];
        let all = !verdict.causes.is_empty() && verdict.causes.iter().all(unnoticed);
        steps[step].may_be_stale = all && steps[step].verdict != Verdict::Cached;
    }
}

/// All of it, for the comparison as a whole.
pub(super) fn all(steps: &[StepVerdict]) -> Option<Stale> {
    let causes = steps.iter().flat_map(|s| &s.causes).filter(|c| c.unnoticed);
    let mut file = false;
    let mut folder = false;
    let mut paths: BTreeSet<(String, Vec<u8>)> = BTreeSet::new();
    for cause in causes {
        // Of a file a mode never goes unnoticed.
        let is_folder = matches!(cause.kind, CauseKind::Mode | CauseKind::Owner);
        (file, folder) = (file || !is_folder, folder || is_folder);
        paths.extend(cause.path.clone().map(|path| (cause.source.clone(), path)));
    }
    if paths.is_empty() {
        return None;
    }
    let count = if paths.len() == 1 { "1 path".to_owned() } else { format!("{} paths", paths.len()) };
    let mut text = format!(
        "{count} changed in a way that an engine which holds this context does not notice: it may show the step cached, or build \
         from what was there before"
    );
    if file {
        text += "; same size and modification time with other bytes, or an extended attribute alone: `touch` makes it look again";
    }
    if folder {
        text += "; the mode of a folder counts again once the folder was missing from a build";
    }
    Some(Stale { paths: paths.into_iter().collect(), text })
}
