//! What rules look at.

use super::context::Verdict;
use crate::context::{Context, Ignored};
use crate::dockerfile::Dockerfile;
pub use crate::dockerfile::Lint;
use crate::entry::Entry;
use crate::plan::{Plan, Step};

/// One build, read and analysed.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    /// The Dockerfile's name as findings say it: its path from where the program runs, `-` for standard input.
    pub dockerfile: &'a str,
    /// Its bytes; empty when there is none.
    pub bytes: &'a [u8],
    /// What it says; `None` when there is none or it can't be read.
    pub parsed: Option<&'a Dockerfile>,
    /// What the target runs.
    pub plan: Option<&'a Plan>,
    /// The context first, then the named contexts of the target that are folders. A folder whose ignore file can't be read is not among them.
    pub folders: Vec<FolderFacts<'a>>,
    /// What each step of the plan takes, in the plan's order; empty when keys could not be computed.
    pub steps: Vec<StepFacts<'a>>,
    /// Why the build would fail.
    pub failures: Vec<Failure>,
    /// What BuildKit's own checks say.
    pub lints: Vec<Lint>,
    /// What works, but not as most people expect, as `plan` warns of it.
    pub surprises: Vec<Surprise>,
    /// What was asked for beyond the rules.
    pub asked: Asked,
    /// How often files of the build context changed lately; `None` where no repository tells. Not asked for where
    /// [`wants_churn`](super::wants_churn) says that no rule would look.
    pub churn: Option<Churn>,
    /// What was seen by looking into files and into git's index.
    pub looked: Looked,
}

/// What was seen by looking into files and into git's index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// The files that hold a secret, or look like it.
    pub peeked: Vec<Peeked>,
    /// The entries whose modes a fresh checkout would not have, in order.
    pub modes: Vec<OddMode>,
}

/// A file that was looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peeked {
    /// The folder's place in [`Facts::folders`].
    pub folder: usize,
    /// Its path below the folder.
    pub path: Vec<u8>,
    /// What it is.
    pub verdict: Verdict,
}

/// An entry with a mode that a fresh checkout would not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OddMode {
    /// The folder's place in [`Facts::folders`].
    pub folder: usize,
    /// The entry's place in the folder's listing.
    pub entry: usize,
    /// The mode that it has in a fresh checkout with umask 022.
    pub fresh: u16,
}

/// What was asked for beyond the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The most that the context may hold, in bytes.
    pub max_context: Option<u64>,
    /// Paths that have to be in the context, as they were written.
    pub require: Vec<Vec<u8>>,
}

/// How often files changed in the last commits that led to the checked out one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Churn {
    /// How many commits were looked at.
    pub commits: usize,
    /// Paths below the build context, sorted bytewise, each with the number of those commits that changed it.
    pub paths: Vec<(Vec<u8>, usize)>,
}

/// A folder that the build may send.
#[derive(Debug)]
pub struct FolderFacts<'a> {
    /// `context`, or the named context's name.
    pub name: &'a str,
    /// The folder as it was named, for messages.
    pub path: String,
    /// Its listing.
    pub context: &'a Context,
    /// Its ignore file.
    pub ignore: IgnoreFacts<'a>,
    /// What the ignore file hides; a folder that isn't entered is one entry.
    pub hidden: Hidden,
}

/// What an ignore file hides.
pub type Hidden = Vec<Ignored>;

/// The choice of the ignore file.
#[derive(Debug, Clone, Copy)]
pub struct IgnoreFacts<'a> {
    /// Its name as findings say it, from where the program runs; `None` when there is none.
    pub name: Option<&'a str>,
    /// Its bytes; empty when there is none.
    pub bytes: &'a [u8],
    /// Why this one, in words.
    pub reason: &'a str,
    /// The general ignore file that the Dockerfile's own one overrides.
    pub overridden: Option<&'a str>,
    /// A general ignore file beside a Dockerfile outside of the context, which is never read.
    pub unread: Option<&'a str>,
}

/// What a step does with files.
#[derive(Debug)]
pub struct StepFacts<'a> {
    /// The step.
    pub step: &'a Step,
    /// What it takes of local folders.
    pub taken: Vec<Taken<'a>>,
}

/// What a step takes of one folder.
#[derive(Debug)]
pub struct Taken<'a> {
    /// The folder's place in [`Facts::folders`].
    pub folder: usize,
    /// The entries, in fsutil's order: runs of what was sent for that step.
    pub entries: Vec<&'a [Entry]>,
}

/// Why the build would fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The file, where it is not the Dockerfile.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column, from 1.
    pub column: Option<usize>,
    /// The step.
    pub step: Option<String>,
    /// The code that `plan` gives it.
    pub code: String,
    /// In our words.
    pub message: String,
    /// What the engine says.
    pub engine_message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The line of an ignore file that is to blame: file, line, pattern as written.
    pub cause: Option<(String, usize, String)>,
    /// The path that was looked up, as the engine names it; empty where none is to blame.
    pub path: Vec<u8>,
}

/// Something that works, but not as most people expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surprise {
    /// The Dockerfile's line, from 1; `None` where no line of it is meant.
    pub line: Option<usize>,
    /// The code that `plan` gives it.
    pub code: String,
    /// In words.
    pub message: String,
}
