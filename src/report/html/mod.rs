//! One self-contained page: the contexts as a treemap (the hold), the stages and their steps (the layers), and what became of each step
//! over the last commits (the history).
//!
//! Everything that the page tells stands in it as HTML, in tables and lists, so that it reads without scripts; the script adds the
//! picture, the search and the links between the parts. Nothing is loaded from elsewhere, and the page's own policy forbids it: of
//! scripts and styles only those of this folder run, by their digests. What is small is gathered until the page keeps to its size.
//!
//! `hold` → `tree` → `gather` → `data` (with the rows of `treemap`) is the way of the picture; `picture` draws it for those without scripts; `layers`, `history` and `tables` write HTML;
//! `page` puts it together; `escape` makes names from outside harmless for all of them.

mod data;
mod escape;
mod gather;
mod history;
mod hold;
mod layers;
mod page;
mod picture;
mod summary;
mod tables;
mod tree;
mod treemap;

use std::io::{self, Write};

pub use self::hold::{Fate, Hold, HoldFolder, HoldItem, HoldState};
use super::{ChurnHistory, ChurnReport, DuReport, LogReport, PlanReport, WhyReport};

/// What a page shows.
#[derive(Debug, Clone)]
pub struct PageReport {
    /// The verb that was asked: what comes first, and how the hold is coloured to begin with.
    pub verb: PageVerb,
    /// The plan of the build.
    pub plan: PlanReport,
    /// For each step of the plan the places of those that it stands on.
    pub parents: Vec<Vec<usize>>,
    /// The files.
    pub hold: Hold,
    /// What the contexts weigh, for `du`.
    pub du: Option<DuReport>,
    /// The comparison with a baseline, for `why`.
    pub why: Option<WhyReport>,
    /// The log with the plan, for `report`.
    pub log: Option<LogReport>,
    /// The replay of commits, for `churn`.
    pub churn: Option<(ChurnReport, ChurnHistory)>,
}

/// The verbs that have a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageVerb {
    /// `plan`
    Plan,
    /// `why`
    Why,
    /// `du`
    Du,
    /// `churn`
    Churn,
    /// `report`
    Report,
}

impl PageVerb {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Why => "why",
            Self::Du => "du",
            Self::Churn => "churn",
            Self::Report => "report",
        }
    }
}

impl PageReport {
    /// Writes the page. The same values give the same bytes.
    ///
    /// # Errors
    /// What `out` says.
    pub fn html(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(page::write(self).as_bytes())
    }
}

/// How much of everything a page holds.
#[derive(Debug, Clone, Copy)]
struct Room {
    /// Items of the picture.
    items: usize,
    /// Causes of one step.
    causes: usize,
    /// Commits of the history.
    commits: usize,
    /// Rows of one table.
    rows: usize,
}

impl Room {
    const FIRST: Self = Self { items: 24_000, causes: 200, commits: 400, rows: 100 };
    /// A page is smaller than that, in bytes.
    const PAGE: usize = 1_900_000;

    /// Half as much.
    fn halved(self) -> Self {
        Self {
            items: self.items / 2,
            causes: self.causes / 2,
            commits: self.commits / 2,
            rows: self.rows.div_ceil(2),
        }
    }
}

#[cfg(test)]
mod tests;
