//! What became of each step at each commit, for those who draw it.

use std::collections::BTreeMap;

use super::builder::Outcome;
use super::history::History;
use super::name;
use super::tally::{Mark, Place, Row, Why};
use crate::git::Commit;
use crate::report::{ChurnCommit, ChurnHistory, ChurnMark, ChurnOutcome, ChurnPath, PathField};

/// So many paths are told of one step at one commit.
const PATHS: usize = 6;

/// The replay commit by commit.
pub fn of(history: &History, folders: &BTreeMap<String, Vec<u8>>, rows: &[Row]) -> ChurnHistory {
    ChurnHistory {
        commits: history.commits.iter().skip(1).map(commit).collect(),
        steps: rows.iter().map(strip).collect(),
        proposals: Vec::new(),
        touched: touched(history, folders),
    }
}

/// A commit for a report.
pub fn commit(commit: &Commit) -> ChurnCommit {
    ChurnCommit { id: commit.id.to_string(), time: commit.time, subject: commit.subject.clone() }
}

/// One step's commits.
pub fn strip(row: &Row) -> Vec<ChurnMark> {
    row.strip.iter().map(mark).collect()
}

fn mark(mark: &Mark) -> ChurnMark {
    let ran = mark.outcome == Outcome::Ran;
    ChurnMark {
        // The first commit fills the memory, and has no mark.
        commit: mark.commit.saturating_sub(1),
        outcome: match mark.outcome {
            Outcome::Cached => ChurnOutcome::Hit,
            Outcome::Ran => ChurnOutcome::Miss,
            Outcome::Unknown => ChurnOutcome::Unknown,
        },
        why: ran.then(|| name(mark.why)),
        paths: mark.paths.iter().filter(|_| ran && mark.why == Why::Files).take(PATHS).map(path).collect(),
        more_paths: if ran && mark.why == Why::Files { mark.paths.len().saturating_sub(PATHS) } else { 0 },
    }
}

fn path((_, path): &Place) -> PathField {
    PathField::new(path)
}

/// In how many commits each path of a local source changed, whether or not a step takes it.
fn touched(history: &History, folders: &BTreeMap<String, Vec<u8>>) -> Vec<ChurnPath> {
    let mut counts: BTreeMap<(&str, &[u8]), usize> = BTreeMap::new();
    for change in history.changes.iter().flatten() {
        for (source, folder) in folders {
            let below = match folder.as_slice() {
                b"" => Some(&change.path[..]),
                folder => change.path.strip_prefix(folder).and_then(|rest| rest.strip_prefix(b"/")),
            };
            if let Some(path) = below {
                *counts.entry((source, path)).or_default() += 1;
            }
        }
    }
    let path = |((source, path), commits): ((&str, &[u8]), usize)| ChurnPath {
        source: source.to_owned(),
        path: PathField::new(path),
        commits,
    };
    counts.into_iter().map(path).collect()
}
