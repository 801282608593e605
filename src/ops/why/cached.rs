//! What a builder's cache says of a build: whether it is one of it at all, and the files by which steps missed.

use super::layer::{self, Miss};
use crate::diff::{self, CauseKind, Comparison, Verdict};
use crate::imported::ImportedCache;
use crate::ops::analysis::Analysis;
use crate::plan::Plan;
use crate::report::CacheAnswer;
use crate::snapshot::{Snapshot, VertexKind};

/// A build that was looked up in a cache.
pub struct Looked<'a> {
    pub cache: &'a ImportedCache,
    pub plan: &'a Plan,
    pub analysis: &'a Analysis<'a>,
    pub now: &'a Snapshot,
}

impl Looked<'_> {
    /// Names the files by which steps missed, as far as their layers are still there; what stands in the way comes back in
    /// words.
    pub fn name_files(&self, comparison: &mut Comparison) -> Vec<String> {
        let lookup = diff::lookup(&self.cache.remembered, self.now);
        let mut notes = Vec::new();
        for (step, verdict) in comparison.steps.iter_mut().enumerate() {
            let unnamed = verdict.causes.iter().any(|c| c.kind == CauseKind::Content && c.path.is_none());
            let record = lookup.vertices[self.now.steps[step].vertex].best;
            let Some(record) = record.filter(|_| unnamed && verdict.first_cause) else { continue };
            match layer::files(self.cache, &Miss { step, record }, self.plan, self.analysis, self.now) {
                Ok(files) => layer::replace(&mut verdict.causes, files),
                Err(e) => {
                    notes.push(format!("the layer of {} can't be read: {e}", self.plan.steps[step].name))
                }
            }
        }
        notes
    }

    /// What the cache is good for.
    pub fn answer(&self, comparison: &Comparison) -> CacheAnswer {
        let verdicts = || comparison.steps.iter().map(|s| s.verdict);
        if verdicts().all(|v| v == Verdict::Cached) {
            return CacheAnswer::Complete;
        }
        let base = |(step, verdict): (usize, &diff::StepVerdict)| {
            self.now.vertices[self.now.steps[step].vertex].kind == VertexKind::Image
                && verdict.verdict == Verdict::Rerun
        };
        if comparison.steps.iter().enumerate().any(base) {
            return CacheAnswer::OtherBase;
        }
        CacheAnswer::TheseFiles
    }
}
