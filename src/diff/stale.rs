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
    let mut content = false;
    let mut paths: BTreeSet<(String, Vec<u8>)> = BTreeSet::new();
    for cause in causes {
        content |= cause.kind == CauseKind::Content;
        paths.extend(cause.path.clone().map(|path| (cause.source.clone(), path)));
    }
    if paths.is_empty() {
        return None;
    }
    let count = match paths.len() {
        1 => "1 path".to_owned(),
        n => format!("{n} paths"),
    };
    let what = if content {
        "same size and modification time with other content, or only a folder's mode or an extended attribute"
    } else {
        "only a folder's mode or an extended attribute"
    };
    let text = format!(
        "{count} changed in a way that an engine which holds this context does not notice ({what}): it may show the step \
         cached, or build from the file as it was; touching the file makes it look again"
    );
    Some(Stale { paths: paths.into_iter().collect(), text })
}
