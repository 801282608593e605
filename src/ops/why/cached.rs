//! What a builder's cache says of a build: whether it is one of it at all, and the files by which steps missed.

use super::layer::{self, Miss};
use crate::diff::{self, CauseKind, Comparison, Verdict};
use crate::gopath;
use crate::imported::ImportedCache;
use crate::ops::analysis::Analysis;
use crate::plan::{FileActionKind, Op, Plan};
use crate::report::CacheAnswer;
use crate::snapshot::{ContentState, Snapshot, VertexKind};

/// A build that was looked up in a cache.
pub struct Looked<'a> {
    pub cache: &'a ImportedCache,
    pub plan: &'a Plan,
    pub analysis: &'a Analysis<'a>,
    pub now: &'a Snapshot,
}

/// Why a key with a pattern in it may be another than the cache's, though no file changed.
const OLDER: &str = "whether a BuildKit up to v0.25 wrote the cache: it makes the keys of wildcards, --exclude and --parents in \
                     another way (--buildkit tells)";

impl Looked<'_> {
    /// The snapshot with those contents left open of which the cache can't tell whether they are the same: keys of patterns
    /// differ between versions of BuildKit, and a cache doesn't say which one wrote it. Where the layer shows that files
    /// differ, the key does under every version.
    pub fn without_doubtful_keys(&self) -> Snapshot {
        let lookup = diff::lookup(&self.cache.remembered, self.now);
        let mut now = self.now.clone();
        for (step, planned) in self.plan.steps.iter().enumerate() {
            let found = &lookup.vertices[planned.vertex.0];
            let Some(record) =
                found.best.filter(|_| has_pattern(&self.plan.graph.vertices[planned.vertex.0].op))
            else {
                continue;
            };
            let missed = |i: usize, content: &ContentState| {
                !found.inputs[i] && matches!(content, ContentState::Known { .. })
            };
            let inputs = &mut now.vertices[planned.vertex.0].inputs;
            let mut doubtful =
                inputs.iter_mut().enumerate().filter(|(i, s)| missed(*i, &s.content)).peekable();
            if doubtful.peek().is_none() || self.files_differ(step, record) {
                continue;
            }
            doubtful.for_each(|(_, input)| input.content = ContentState::Open(OLDER.to_owned()));
        }
        now
    }

    /// Whether the cache's layer shows other files than the step would make now.
    fn files_differ(&self, step: usize, record: usize) -> bool {
        let miss = Miss { step, record };
        layer::files(self.cache, &miss, self.plan, self.analysis, self.now)
            .is_ok_and(|files| !files.is_empty())
    }

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

/// Whether an operation picks its files by patterns.
fn has_pattern(op: &Op) -> bool {
    let Op::File(actions) = op else { return false };
    actions.iter().any(|a| match &a.kind {
        FileActionKind::Copy(copy) => {
            copy.allow_wildcard && gopath::has_wildcard(copy.src.as_bytes())
                || !copy.include_patterns.is_empty()
                || !copy.exclude_patterns.is_empty()
        }
        _ => false,
    })
}
