//! One build under check: read once, looked at as often as fixes are tried.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::analysis::{Analysis, AnalysisOptions, Read};
use super::super::churn_counts::churn_counts;
use super::super::{Request, lints};
use super::config::Config;
use super::{gather, names};
use crate::check::{self, Churn, Finding, Hidden, Looked};
use crate::context::GENERAL;
use crate::error::Error;
use crate::observer::Silent;

/// A build that was read.
pub struct Checker<'r> {
    /// What is built.
    pub request: &'r Request,
    /// How bad findings are, and what is asked for beyond the rules.
    pub config: &'r Config,
    /// Its files.
    pub read: Read,
    /// What ignore files hide, by the folder's name, so that a try that doesn't touch them needs no walk.
    pub hidden: BTreeMap<String, Hidden>,
    /// What was seen by looking into files, so that the same goes for that.
    pub looked: Option<Looked>,
    /// How often its files changed, once that was asked.
    pub churn: Option<Option<Churn>>,
}

/// What was found, configuration and comments applied.
pub struct Judged {
    /// What is told.
    pub findings: Vec<Finding>,
    /// How many are not.
    pub suppressed: u64,
}

impl Checker<'_> {
    /// Looks at the build as it is now.
    ///
    /// # Errors
    /// [`Error`] for input that can't be read.
    pub fn find(&mut self) -> Result<Judged, Error> {
        let options = AnalysisOptions { unread: true, ..AnalysisOptions::default() };
        let analysis = Analysis::of(&self.read, options, &Silent)?;
        let known = (std::mem::take(&mut self.hidden), self.looked.take());
        let mut facts = gather::facts(&analysis, &self.config.asked, known.0, known.1);
        facts.lints = lints(self.request, &self.read);
        if check::wants_churn(&facts) {
            facts.churn = self.churn.get_or_insert_with(|| churn_counts(&self.request.context)).clone();
        }
        let mut found = check::find(&facts);
        let silences = check::silences(&facts, &mut found);
        self.looked = Some(facts.looked);
        self.hidden = facts.folders.into_iter().map(|f| (f.name.to_owned(), f.hidden)).collect();
        let all = found.0.len();
        let findings: Vec<Finding> = found
            .0
            .into_iter()
            .filter(|f| !silences.iter().any(|s| s.covers(f)))
            .filter_map(|f| self.config.judge(f))
            .collect();
        Ok(Judged { suppressed: (all - findings.len()) as u64, findings })
    }

    /// True when a file can't be used as a whole, so that there may be more to be found than is.
    pub fn masked(&self) -> bool {
        let unlisted = self.read.context.is_err() || self.read.named.iter().any(Result::is_err);
        unlisted || self.read.plan.as_ref().is_none_or(|plan| !plan.errors.is_empty())
    }

    /// Entries of the folders, hidden ones among them.
    pub fn entries(&self) -> u64 {
        let counts = self.read.locals().map(|l| l.context.counts());
        counts.map(|c| c.files + c.dirs + c.symlinks + c.special + c.ignored).sum()
    }

    /// The bytes of a file that a fix can change: of the Dockerfile, of an ignore file, and nothing for the general one that isn't there yet.
    pub fn text(&self, file: &str) -> Option<Cow<'_, [u8]>> {
        let located = &self.read.located;
        if file == located.dockerfile {
            return located.bytes.as_deref().ok().map(Cow::Borrowed);
        }
        let found = self.read.locals().map(|l| &l.found);
        let mut ignores = std::iter::once(&located.ignore).chain(found);
        if let Some(ignore) = ignores.find(|i| i.name.as_deref() == Some(file)) {
            return Some(Cow::Borrowed(&ignore.bytes));
        }
        let general = names::below(&self.request.context, GENERAL);
        (located.ignore.name.is_none() && general.to_string_lossy() == file).then_some(Cow::Borrowed(&[]))
    }
}
