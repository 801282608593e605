//! A verb's answer with everything that a page shows beside it: every file of the contexts, what steps stand on, and the plan.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use super::analysis::{Analysis, AnalysisOptions, CONTEXT, Read};
use super::churn::replayed;
use super::du::hidden;
use super::local::{Local, cause_report};
use super::report::join;
use super::snapshot::no_plan;
use super::{ChurnOptions, DuOptions, Request, WhyOptions, du, failures, plan, report, why};
use crate::entry::{Entry, FileType, Source as _};
use crate::error::Error;
use crate::log;
use crate::observer::Observer;
use crate::report::{
    Cause, ChurnHistory, Hold, HoldFolder, HoldItem, HoldState, PageReport, PageVerb, WhyReport, kind_name,
    shown, type_name,
};

/// What a page is of.
pub enum PageOf<'a> {
    /// `plan`
    Plan,
    /// `why`
    Why(WhyOptions),
    /// `du`
    Du(DuOptions),
    /// `churn`
    Churn(ChurnOptions),
    /// `report`: a log by name, and what it is compared with.
    Report {
        /// The log's name.
        name: &'a str,
        /// Where it is read from.
        log: &'a mut dyn BufRead,
        /// What the build is compared with.
        why: Option<WhyOptions>,
    },
}

/// Answers for a page: one walk, one analysis, for the verb and for all that stands beside it.
///
/// # Errors
/// [`Error`], as of the verb.
pub fn page(request: &Request, of: PageOf<'_>, observer: &dyn Observer) -> Result<PageReport, Error> {
    let verb = of.verb();
    // What needs no walk comes first: it may fail.
    let churn = match &of {
        PageOf::Churn(options) => Some(replayed(request, options)?),
        _ => None,
    };
    let read = Read::of(request, observer)?;
    let fingerprints = of.compares();
    let unread = verb == PageVerb::Du;
    let analysis = Analysis::of(
        &read,
        AnalysisOptions { fingerprints, unread, ..AnalysisOptions::default() },
        observer,
    )?;
    let mut page = PageReport {
        verb,
        plan: plan::of(request, &analysis),
        parents: read.plan.as_ref().map_or_else(Vec::new, parents),
        hold: Hold::default(),
        du: None,
        why: None,
        log: None,
        churn,
    };
    answer(&mut page, request, of, &analysis, observer)?;
    let facts = Facts::of(page.why.as_ref(), page.churn.as_ref().map(|(_, history)| history));
    page.hold = hold(&analysis, &facts)?;
    if unread {
        // Nothing was read, so that the keys are of no use.
        page.plan.records.clear();
        for step in &mut page.plan.steps {
            (step.content_key, step.cache_key) = (None, None);
        }
    }
    Ok(page)
}

impl PageOf<'_> {
    fn verb(&self) -> PageVerb {
        match self {
            Self::Plan => PageVerb::Plan,
            Self::Why(_) => PageVerb::Why,
            Self::Du(_) => PageVerb::Du,
            Self::Churn(_) => PageVerb::Churn,
            Self::Report { .. } => PageVerb::Report,
        }
    }

    fn compares(&self) -> bool {
        matches!(self, Self::Why(_) | Self::Report { why: Some(_), .. })
    }
}

/// Adds what the verb answers.
fn answer(
    page: &mut PageReport,
    request: &Request,
    of: PageOf<'_>,
    analysis: &Analysis<'_>,
    observer: &dyn Observer,
) -> Result<(), Error> {
    match of {
        PageOf::Plan | PageOf::Churn(_) => {}
        PageOf::Du(options) => page.du = Some(du::of(request, analysis, &options)?),
        PageOf::Why(options) => page.why = Some(why::of(request, &options, analysis, observer)?),
        PageOf::Report { name, log, why } => {
            let log = log::read(log).map_err(|source| Error::read(Path::new(name), source))?;
            if analysis.read.plan.is_none() {
                return Err(no_plan(analysis.read, failures::all(analysis)));
            }
            page.why = why.map(|options| why::of(request, &options, analysis, observer)).transpose()?;
            page.log = Some(report::of(request, analysis.read, name, &log, page.why.clone())?);
        }
    }
    Ok(())
}

/// For each step those that it stands on.
fn parents(plan: &crate::plan::Plan) -> Vec<Vec<usize>> {
    join::parents(plan).into_iter().map(|parents| parents.into_iter().collect()).collect()
}

/// What is known of paths beside the walk: by the name of their local source, then by path.
#[derive(Default)]
struct Facts<'a> {
    changed: FxHashMap<(&'a str, &'a [u8]), &'static str>,
    commits: FxHashMap<(&'a str, &'a [u8]), usize>,
}

impl<'a> Facts<'a> {
    fn of(why: Option<&'a WhyReport>, history: Option<&'a ChurnHistory>) -> Self {
        let mut facts = Self::default();
        for cause in why.iter().flat_map(|w| &w.steps).flat_map(|s| &s.causes) {
            if let Some(path) = &cause.path {
                let source = cause.source.as_deref().unwrap_or(CONTEXT);
                facts.changed.entry((source, &path.0)).or_insert_with(|| kind_name(cause.kind));
            }
        }
        for touched in history.iter().flat_map(|h| &h.touched) {
            facts.commits.insert((&touched.source, &touched.path.0), touched.commits);
        }
        facts
    }
}

/// Every file of the contexts.
fn hold(analysis: &Analysis<'_>, facts: &Facts<'_>) -> Result<Hold, Error> {
    let mut hold = Hold { step_sets: vec![Vec::new()], planned: analysis.keys.is_some(), ..Hold::default() };
    let mut sets = Sets::default();
    let mut lines = BTreeMap::new();
    for local in analysis.read.locals() {
        let mut folder = HoldFolder { name: local.name.clone(), items: Vec::new() };
        listed(analysis, local, facts, &mut sets, &mut folder.items);
        hidden_files(local, &mut lines, &mut hold, &mut folder.items)?;
        hold.folders.push(folder);
    }
    hold.step_sets.append(&mut sets.sets);
    Ok(hold)
}

/// What is in view of a folder.
fn listed(
    analysis: &Analysis<'_>,
    local: &Local,
    facts: &Facts<'_>,
    sets: &mut Sets,
    items: &mut Vec<HoldItem>,
) {
    let entries = local.context.entries();
    let marks = du::Marks::of(analysis, local);
    let taken = taken(analysis, local, sets);
    let mut inodes = FxHashSet::default();
    for (at, entry) in entries.iter().enumerate() {
        let path = entry.path.as_bytes();
        let key = (local.name.as_str(), path);
        let state = HoldState {
            kind: kind(entry),
            mode: Some(entry.stat.mode),
            sent: marks.sent.as_ref().is_some_and(|sent| sent[at]),
            steps: taken[at],
            hidden: None,
            changed: facts.changed.get(&key).copied(),
            commits: facts.commits.get(&key).copied().unwrap_or(0),
        };
        let inode = entry.stat.extra.as_ref().and_then(|e| e.inode);
        let file = matches!(entry.stat.file_type, FileType::File | FileType::Socket);
        // As `du` counts: the second name of a file weighs nothing.
        let weighs = file && inode.is_none_or(|inode| inodes.insert(inode));
        items.push(HoldItem { path: path.to_vec(), bytes: if weighs { entry.stat.size } else { 0 }, state });
    }
}

fn kind(entry: &Entry) -> &'static str {
    if entry.hardlink.is_some() { "hardlink" } else { type_name(entry.stat.file_type) }
}

/// Which steps take each entry of a folder: places of their sets.
fn taken(analysis: &Analysis<'_>, local: &Local, sets: &mut Sets) -> Vec<usize> {
    let mut out = vec![0; local.context.entries().len()];
    let steps = analysis.read.plan.as_ref().map_or(0, |p| p.steps.len());
    for step in 0..steps {
        for taken in analysis.taken(step).filter(|t| t.sent.source.name == local.name) {
            for at in taken.ranges.iter().cloned().flatten() {
                let place = taken.sent.view.place(at);
                out[place] = sets.with(out[place], step);
            }
        }
    }
    out
}

/// Sets of steps, each of which has one place. Place 0 is that of the empty set, which isn't stored.
#[derive(Default)]
struct Sets {
    sets: Vec<Vec<usize>>,
    grown: FxHashMap<(usize, usize), usize>,
}

impl Sets {
    /// The set at `place` with `step`. Steps come in ascending order.
    fn with(&mut self, place: usize, step: usize) -> usize {
        if let Some(known) = self.grown.get(&(place, step)) {
            return *known;
        }
        let mut set = place.checked_sub(1).map_or_else(Vec::new, |at| self.sets[at].clone());
        if set.last() == Some(&step) {
            return place;
        }
        set.push(step);
        self.sets.push(set);
        self.grown.insert((place, step), self.sets.len());
        self.sets.len()
    }
}

/// What the ignore file of a folder hides.
fn hidden_files(
    local: &Local,
    lines: &mut BTreeMap<(String, usize), usize>,
    hold: &mut Hold,
    items: &mut Vec<HoldItem>,
) -> Result<(), Error> {
    let seen = local.context.entries().iter().filter_map(|e| e.stat.extra.as_ref()?.inode);
    let mut inodes: FxHashSet<hidden::Inode> = seen.collect();
    let mut unreadable = Vec::new();
    hidden::each(&local.context, &mut unreadable, |file| {
        let key = (file.cause.ignore_file.clone(), file.cause.line);
        let line = *lines.entry(key).or_insert_with(|| {
            let cause: Cause = cause_report(file.cause.clone());
            hold.ignore_lines.push(cause);
            hold.ignore_lines.len() - 1
        });
        let weighs = file.inode.is_none_or(|inode| inodes.insert(inode));
        items.push(HoldItem {
            path: file.path.to_vec(),
            bytes: if weighs { file.size } else { 0 },
            state: HoldState { mode: file.mode, hidden: Some(line), ..HoldState::default() },
        });
    })?;
    hold.notes.extend(
        unreadable.iter().map(|path| {
            format!("`{}` is hidden and can't be listed: what is in it isn't counted", shown(path))
        }),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sets_of_steps_have_one_place() {
        let mut sets = Sets::default();
        let (a, b) = (sets.with(0, 3), sets.with(0, 3));
        assert_eq!((a, b), (1, 1));
        assert_eq!(sets.with(a, 3), a, "a step is in a set once");
        let both = sets.with(a, 5);
        assert_eq!(sets.sets[both - 1], [3, 5]);
    }
}
