//! `churn`: how often each step would have run in the last commits, and what would spare that.
//!
//! A builder is replayed that forgets nothing: it has built every commit before, each in turn, along the first parents. A step
//! runs when none of these builds left a record that it finds. Base images are taken for what their names say.

mod builder;
mod edit;
mod history;
mod moment;
mod propose;
mod strips;
mod tally;

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use self::edit::Edit;
use self::history::History;
use self::moment::{Made, Mill};
use self::propose::{Candidate, OnlyBecause};
use self::tally::{LeftOut, Row, Tally, Why};
use super::revision::{Checkout, RevisionOptions};
use super::{NamedInput, Request, images, locate};
use crate::error::Error;
use crate::report::{
    ChurnCause, ChurnHistory, ChurnLeftOut, ChurnMark, ChurnPath, ChurnPattern, ChurnProposal, ChurnReport,
    ChurnStep, PathField,
};

/// Which commits are replayed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChurnOptions {
    /// The newest commit.
    pub revision: String,
    /// So many commits are counted at most.
    pub commits: usize,
    /// None that is older: a date in any form that git reads.
    pub since: Option<String>,
    /// The umask of the checkouts.
    pub umask: u16,
}

impl Default for ChurnOptions {
    fn default() -> Self {
        Self { revision: "HEAD".to_owned(), commits: 200, since: None, umask: 0o022 }
    }
}

/// So many paths of a step are told.
const PATHS: usize = 10;
/// So many commits that aren't counted are told.
const LEFT_OUT: usize = 20;

/// Replays commits.
///
/// # Errors
/// [`Error`] when there is no repository, no commit or no such revision, and for input that can't be read.
pub fn churn(request: &Request, options: &ChurnOptions) -> Result<ChurnReport, Error> {
    Ok(replayed(request, options)?.0)
}

/// As [`churn`], with what became of each step at each commit.
///
/// # Errors
/// As [`churn`].
pub(super) fn replayed(
    request: &Request,
    options: &ChurnOptions,
) -> Result<(ChurnReport, ChurnHistory), Error> {
    locate::check_folder(&request.context, "the context")?;
    let history = History::read(request, options)?;
    let images = images::Known::of(request)?;
    let folders = folders(request, &history);
    let mill = Mill::new(request, &images);
    let shared = RevisionOptions::default();
    // All ways of changing the inputs are replayed side by side, so that each commit is listed once for all of them.
    let replay = |ways: &[Option<&Edit>]| -> Result<Vec<Tally<'_>>, Error> {
        let mut tallies: Vec<Tally<'_>> =
            ways.iter().map(|_| Tally::new(&history.changes, &folders)).collect();
        let make = |checkout: &Checkout| -> Result<Vec<Made>, Error> {
            ways.par_iter().map(|way| mill.moment(checkout, &shared, *way)).collect()
        };
        history.replay(request, make, |commit, made| {
            tallies.iter_mut().zip(made).for_each(|(tally, made)| tally.feed(commit, made));
        })?;
        Ok(tallies)
    };
    let Some(tally) = replay(&[None])?.pop() else { return Ok(Default::default()) };
    let rows = tally.rows();
    let mut report = report(&history, &tally, &rows, options);
    let mut strips = strips::of(&history, &folders, &rows);
    let Some(newest) = &tally.newest else { return Ok((report, strips)) };
    let candidates = propose::candidates(&rows, newest);
    let ways: Vec<Option<&Edit>> = candidates.iter().map(|c| Some(&c.edit)).collect();
    let tried = if ways.is_empty() { Vec::new() } else { replay(&ways)? };
    let mut proposals = Vec::new();
    for (candidate, tried) in candidates.iter().zip(&tried) {
        // What breaks a build helps nobody.
        if tried.left_out.len() <= tally.left_out.len() {
            proposals.extend(proposal(candidate, &rows, &tried.rows()));
        }
    }
    proposals.sort_by_key(|(p, _)| std::cmp::Reverse(p.steps_before.saturating_sub(p.steps_after)));
    (report.proposals, strips.proposals) = proposals.into_iter().unzip();
    Ok((report, strips))
}

/// The folders of local sources below the top of the work tree, of those that lie in it.
fn folders(request: &Request, history: &History) -> BTreeMap<String, Vec<u8>> {
    let named = request.named.iter().filter_map(|(name, input)| match input {
        NamedInput::Folder(root) => Some((name.as_str(), root)),
        _ => None,
    });
    std::iter::once(("context", &request.context))
        .chain(named)
        .filter_map(|(name, root)| Some((name.to_owned(), history.repository.below(root)?)))
        .collect()
}

fn report(history: &History, tally: &Tally<'_>, rows: &[Row], options: &ChurnOptions) -> ChurnReport {
    let newest = tally.newest.as_deref();
    ChurnReport {
        dockerfile: newest.map_or_else(|| "Dockerfile".to_owned(), |m| m.dockerfile.clone()),
        target: newest.map_or_else(String::new, |m| m.target_name.clone()),
        revision: options.revision.clone(),
        newest: history.commits.last().map(strips::commit),
        oldest: history.commits.first().map(strips::commit),
        commits: tally.commits(),
        merges: history.commits.iter().skip(1).filter(|c| c.parents > 1).count(),
        shallow: history.cut_off,
        steps: rows.iter().map(step).collect(),
        left_out: left_out(history, &tally.left_out),
        not_counted: tally.left_out.len(),
        proposals: Vec::new(),
        notes: notes(history, tally, rows),
    }
}

fn notes(history: &History, tally: &Tally<'_>, rows: &[Row]) -> Vec<String> {
    let mut notes = Vec::new();
    if history.cut_off {
        notes.push(format!(
            "the clone is shallow and has {} commits of this line; `git fetch --unshallow` brings the others",
            history.commits.len()
        ));
    }
    if tally.commits() == 0 {
        notes.push("there is nothing to compare: it takes two commits that can be built".to_owned());
    }
    if rows.iter().any(|r| r.unknown > 0) {
        notes.push("whether a step that copies what a program wrote runs hangs on what it wrote".to_owned());
    }
    notes
}

fn step(row: &Row) -> ChurnStep {
    let own: usize = row.why.iter().filter(|(why, _)| **why != Why::Parent).map(|(_, n)| n).sum();
    let cause =
        |(why, commits): (&Why, &usize)| ChurnCause { kind: name(*why).to_owned(), commits: *commits };
    ChurnStep {
        name: row.name.clone(),
        stage: row.stage.clone(),
        line: row.line,
        instruction: row.instruction.clone(),
        text: row.text.clone(),
        commits: row.commits,
        missed: row.missed,
        own,
        unknown: row.unknown,
        returned: row.returned,
        causes: row.why.iter().map(cause).collect(),
        paths: paths(row),
        only_because_of: propose::only_because(row).into_iter().take(PATHS).map(pattern).collect(),
    }
}

fn pattern(one: OnlyBecause) -> ChurnPattern {
    ChurnPattern { pattern: one.pattern, commits: one.commits }
}

fn name(why: Why) -> &'static str {
    match why {
        Why::Files => "files",
        Why::Ignore => "ignore",
        Why::Instruction => "instruction",
        Why::NoCache => "no-cache",
        Why::Parent => "parent",
    }
}

/// The paths that made a step run, the most frequent first.
fn paths(row: &Row) -> Vec<ChurnPath> {
    let mut counts: BTreeMap<&tally::Place, usize> = BTreeMap::new();
    for place in row.paths.iter().flatten() {
        *counts.entry(place).or_default() += 1;
    }
    let mut counts: Vec<(&tally::Place, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let path = |((source, path), commits): (&tally::Place, usize)| ChurnPath {
        source: source.clone(),
        path: PathField::new(&path[..]),
        commits,
    };
    counts.into_iter().take(PATHS).map(path).collect()
}

fn left_out(history: &History, left_out: &[LeftOut]) -> Vec<ChurnLeftOut> {
    let one = |l: &LeftOut| ChurnLeftOut {
        commit: history.commits[l.commit].id.to_string(),
        why: l.why.clone(),
        fails: l.fails,
    };
    left_out.iter().rev().take(LEFT_OUT).map(one).collect()
}

/// What a candidate would change; `None` when that is nothing.
fn proposal(candidate: &Candidate, before: &[Row], after: &[Row]) -> Option<(ChurnProposal, Vec<ChurnMark>)> {
    let row = before.iter().find(|r| r.index == candidate.step)?;
    let wanted = match &candidate.edit {
        Edit::Narrow { exclude, .. } => edit::narrow(&row.text, exclude),
        _ => row.text.clone(),
    };
    let then = after.iter().find(|r| r.stage == row.stage && r.text == wanted)?;
    let sum = |rows: &[Row]| rows.iter().map(|r| r.missed).sum::<usize>();
    if then.missed >= row.missed || sum(after) >= sum(before) {
        return None;
    }
    let (kind, edit) = match &candidate.edit {
        Edit::Ignore { line } => ("ignore", vec![line.clone()]),
        Edit::Narrow { .. } => ("narrow", vec![wanted.clone()]),
        Edit::Manifests { copy, run, files } => {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            ("manifests", vec![edit::first_copy(&copy.text, &files)?, run.text.clone(), copy.text.clone()])
        }
    };
    let only = candidate
        .pattern
        .as_ref()
        .and_then(|p| propose::only_because(row).into_iter().find(|o| o.pattern == *p).map(|o| o.commits));
    let strip = strips::strip(then);
    let proposal = ChurnProposal {
        kind: kind.to_owned(),
        step: row.name.clone(),
        line: row.line,
        text: row.text.clone(),
        edit,
        pattern: candidate.pattern.clone(),
        only,
        commits: row.commits,
        before: row.missed,
        after: then.missed,
        steps_before: sum(before),
        steps_after: sum(after),
    };
    Some((proposal, strip))
}
