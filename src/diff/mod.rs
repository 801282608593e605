//! Before and after → for each step whether it is cached, and what made it rerun, file by file.

mod align;
mod causes;
mod files;
mod fold;
mod hints;
mod ignored;
mod lcs;
mod line_endings;
mod links;
mod litter;
mod lookup;
mod named;
mod open;
mod operation;
mod renames;
mod same;
mod stage_files;
mod stale;
mod taken;
mod umask;
mod words;

pub use fold::{Folded, fold};
pub use hints::{Hint, HintRule, hints};
pub use line_endings::mark_line_endings;
pub use lookup::{Found, Lookup, lookup};
pub use named::{Landing, LayerFile, Overrides, name_files};

use crate::snapshot::Snapshot;

/// What a build is compared with.
#[derive(Debug, Clone, Copy)]
pub enum Baseline<'a> {
    /// The state of its inputs at another moment.
    Snapshot(&'a Snapshot),
    /// Only what a builder remembers: there are digests of steps, but not of files.
    Records(&'a crate::cache::Remembered),
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// By step of the later snapshot.
    pub steps: Vec<StepVerdict>,
    /// Changes that a daemon's incremental transfer does not notice, wherever they are.
    pub stale: Option<Stale>,
}

/// Files that a daemon which holds this context may serve as they were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stale {
    /// Each with its local source, in order.
    pub paths: Vec<(String, Vec<u8>)>,
    /// What may happen and what to do, in words.
    pub text: String,
}

/// What becomes of one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepVerdict {
    /// Whether it reruns.
    pub verdict: Verdict,
    /// For [`Verdict::Unknown`]: what becomes of it if every name still stands for the same image, URL or repository;
    /// `None` where that doesn't decide.
    pub likely: Option<Verdict>,
    /// What an unknown verdict hangs on, in words.
    pub open: Vec<String>,
    /// It would rerun even if all that it stands on were cached.
    pub first_cause: bool,
    /// Why it reruns (or may).
    pub causes: Vec<Cause>,
    /// All that changed is what a daemon's incremental transfer does not notice: one that holds this context may show the step
    /// cached.
    pub may_be_stale: bool,
    /// The step of the earlier snapshot that it is compared with.
    pub counterpart: Option<usize>,
}

/// Compares a build with a baseline.
pub fn compare(baseline: Baseline<'_>, now: &Snapshot) -> Comparison {
    let (before, remembered) = match baseline {
        Baseline::Snapshot(snapshot) => (Some(snapshot), &snapshot.remembered),
        Baseline::Records(records) => (None, records),
    };
    let lookup = lookup(remembered, now);
    let counterparts = before.map_or_else(|| vec![None; now.steps.len()], |b| align::align(b, now));
    let comparing = causes::Comparing::new(before, remembered, now, &lookup, counterparts);
    let mut steps: Vec<StepVerdict> = (0..now.steps.len()).map(|i| comparing.step(i)).collect();
    stale::mark(now, &mut steps);
    Comparison { stale: stale::all(&steps), steps }
}

/// Whether a step reruns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Its result is taken from the cache.
    Cached,
    /// It runs.
    Rerun,
    /// That can't be told.
    #[default]
    Unknown,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What changed.
    pub kind: CauseKind,
    /// The local source of `path`, as `context`; the stage's step for a file of a stage; empty for others.
    pub source: String,
    /// The file below that source; `None` where no file is to blame.
    pub path: Option<Vec<u8>>,
    /// What was there before, for people: a mode (`0644`), a type, a link's target, an old path, a word of the instruction.
    pub before: Option<String>,
    /// What is there now.
    pub after: Option<String>,
    /// The Dockerfile's or the ignore file's line, from 1.
    pub line: Option<usize>,
    /// More in words: the ignore file's pattern, the name of the argument, the step that stands before.
    pub detail: Option<String>,
    /// A daemon's incremental transfer does not notice it.
    pub unnoticed: bool,
}

impl Cause {
    /// A cause of which no more than its kind is known.
    pub fn new(kind: CauseKind) -> Self {
        Self {
            kind,
            source: String::new(),
            path: None,
            before: None,
            after: None,
            line: None,
            detail: None,
            unnoticed: false,
        }
    }
}

/// The kinds of cause; their names in JSON are in kebab case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CauseKind {
    /// Other bytes.
    Content,
    /// Other permission bits.
    Mode,
    /// Another owner.
    Owner,
    /// A file became a folder, or the like.
    Type,
    /// A symbolic link points elsewhere.
    Linkname,
    /// Other extended attributes.
    Xattr,
    /// It was not there.
    Added,
    /// It is gone.
    Removed,
    /// It was there under another name (`before`).
    Renamed,
    /// The instruction has other words.
    Instruction,
    /// A build argument or variable has another value (`detail` is its name).
    Arg,
    /// A line of the ignore file lets it in or keeps it out now (`line`, `detail` is the pattern).
    Ignore,
    /// The base image is another.
    Base,
    /// A step that it stands on reruns (`detail` is its name).
    Parent,
    /// A source is not there: the build fails.
    Missing,
    /// `--no-cache` or `--no-cache-filter`.
    NoCache,
    /// Nothing of it is remembered.
    NotRemembered,
    /// It can't be told (`detail` says why).
    Unknown,
}
