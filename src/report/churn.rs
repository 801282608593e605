//! `stowaway.churn/1`.

use std::io::{self, Write};

use serde::Serialize;

use super::{Document, Look, PathField, human, json, markdown};

/// What `churn` found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChurnReport {
    /// The Dockerfile as it was named.
    pub dockerfile: String,
    /// The target stage's name.
    pub target: String,
    /// The revision as it was named.
    pub revision: String,
    /// The newest commit.
    pub newest: Option<ChurnCommit>,
    /// The oldest one, which the replay starts from.
    pub oldest: Option<ChurnCommit>,
    /// How many commits are counted: all that were replayed but the first that can be built, and those that are left out.
    pub commits: usize,
    /// How many of the replayed ones are merges; their other parents are not replayed.
    pub merges: usize,
    /// A shallow clone has no older ones.
    pub shallow: bool,
    /// The steps of the newest Dockerfile, in its order.
    pub steps: Vec<ChurnStep>,
    /// What would have spared rebuilds, the best first.
    pub proposals: Vec<ChurnProposal>,
    /// How many commits are not counted.
    pub not_counted: usize,
    /// The newest of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<ChurnLeftOut>,
    /// What has to be known to read the answer, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChurnCommit {
    /// Its full name.
    pub id: String,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
    /// The first line of its message.
    pub subject: String,
}

/// A step over all commits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChurnStep {
    /// BuildKit's name of it now.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Its first line now.
    pub line: usize,
    /// Its keyword in upper case.
    pub instruction: String,
    /// The instruction as written now.
    pub text: String,
    /// Commits that have it.
    pub commits: usize,
    /// Commits in which it runs.
    pub missed: usize,
    /// How many of these it is itself to blame for: not only what it stands on.
    pub own: usize,
    /// Commits in which it may run: that hangs on what a program writes.
    pub unknown: usize,
    /// Commits that changed it back to what an earlier one had, so that nothing ran.
    pub returned: usize,
    /// Commits in which it runs, by reason.
    pub causes: Vec<ChurnCause>,
    /// The files that made it run, the most frequent first, ten at most.
    pub paths: Vec<ChurnPath>,
    /// Patterns that alone made it run, the most frequent first, ten at most.
    pub only_because_of: Vec<ChurnPattern>,
}

/// A reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChurnCause {
    /// `files`, `ignore`, `instruction`, `no-cache` or `parent`.
    pub kind: String,
    /// Commits.
    pub commits: usize,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChurnPath {
    /// The local source: `context`, or a named context's name.
    pub source: String,
    /// The path below it.
    #[serde(flatten)]
    pub path: PathField,
    /// Commits.
    pub commits: usize,
}

/// A pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChurnPattern {
    /// As it may stand in an ignore file.
    pub pattern: String,
    /// Commits in which nothing else changed of what the step takes.
    pub commits: usize,
}

/// What would have spared rebuilds, by the keys of every commit with the change made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChurnProposal {
    /// `ignore`: a line of the ignore file; `narrow`: a COPY that leaves something out; `manifests`: the files that an
    /// installation needs are copied first.
    pub kind: String,
    /// The step that gains.
    pub step: String,
    /// Its line.
    pub line: usize,
    /// The instruction as written.
    pub text: String,
    /// The lines: of the ignore file for `ignore`, else those that stand in place of the instructions.
    pub edit: Vec<String>,
    /// For `ignore` and `narrow`: the pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// In how many commits the step ran only because of what that matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<usize>,
    /// Commits that have the step.
    pub commits: usize,
    /// Commits in which it runs.
    pub before: usize,
    /// Commits in which it would run.
    pub after: usize,
    /// Runs of all steps together.
    pub steps_before: usize,
    /// Those with the change.
    pub steps_after: usize,
}

/// The replay commit by commit, for those who draw it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChurnHistory {
    /// The commits, oldest first, without the one that fills the builder's memory.
    pub commits: Vec<ChurnCommit>,
    /// For each step of the report, what became of it at the commits that are counted and have it.
    pub steps: Vec<Vec<ChurnMark>>,
    /// For each proposal, what would become of its step.
    pub proposals: Vec<Vec<ChurnMark>>,
    /// In how many commits each path changed, whether or not a step takes it.
    pub touched: Vec<ChurnPath>,
}

/// A step at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChurnMark {
    /// The commit's place in the history.
    pub commit: usize,
    /// Whether it ran.
    pub outcome: ChurnOutcome,
    /// Why it ran: one of the names of [`ChurnCause`].
    pub why: Option<&'static str>,
    /// The first of the files that made it run.
    pub paths: Vec<PathField>,
    /// How many more these are.
    pub more_paths: usize,
}

/// What a builder that forgets nothing does with a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChurnOutcome {
    /// It takes the result from its cache.
    Hit,
    /// It runs the step.
    Miss,
    /// That hangs on what a program writes.
    Unknown,
}

/// A commit that is not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChurnLeftOut {
    /// Its full name.
    pub commit: String,
    /// Why, in words.
    pub why: String,
    /// There is a build, but it fails.
    pub fails: bool,
}

impl ChurnProposal {
    /// What it is, in words that may have names in backticks.
    pub fn sentence(&self) -> String {
        let (text, all) = (&self.text, self.commits);
        let pattern = self.pattern.as_deref().unwrap_or_default();
        let spared = |what: &str| format!("{what}: {} instead of {}", self.after, self.before);
        match (self.kind.as_str(), self.only) {
            ("ignore", Some(only)) => format!(
                "`{text}` ran in {} of {all} commits, {only} only because of `{pattern}`; ignoring it: {}",
                self.before, self.after
            ),
            ("narrow", Some(only)) => format!(
                "`{text}` ran in {} of {all} commits, {only} only because of `{pattern}`; leaving it out: {}",
                self.before, self.after
            ),
            ("manifests", _) => {
                format!(
                    "`{text}` ran in {} of {all} commits; copying what it needs first: {}",
                    self.before, self.after
                )
            }
            _ => spared(text),
        }
    }
}

impl Document for ChurnReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        human::churn::write(out, self, look)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.churn/1", self)
    }

    fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        markdown::churn(out, self)
    }
}
