//! `--exclude` and `--parents` patterns of a copy (fsutil's `copier.include` and `copier.exclude`).

use super::error::ApplyError;
use crate::gopath::BadPattern;
use crate::pattern::{Info, Matcher};

/// The patterns of a copy.
#[derive(Debug, Default)]
pub(super) struct Filter {
    include: Option<Matcher>,
    exclude: Option<Matcher>,
}

/// What a folder's children need to know about it.
#[derive(Debug, Clone, Default)]
pub(super) struct Parents {
    include: Option<Info>,
    exclude: Option<Info>,
}

/// What the patterns say about one path.
pub(super) struct Verdict {
    pub included: bool,
    pub excluded: bool,
    pub parents: Parents,
}

impl Verdict {
    /// The verdict on the source itself, which no pattern is asked about.
    pub fn all() -> Self {
        Self { included: true, excluded: false, parents: Parents::default() }
    }
}

impl Filter {
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, ApplyError> {
        let matcher = |patterns: &[String], what: &str| {
            if patterns.is_empty() {
                return Ok(None);
            }
            Matcher::new(patterns).map(Some).map_err(|e| {
                let what = format!("invalid {what}: [{}]", patterns.join(" "));
                ApplyError::fails("bad-pattern", e.engine_message()).wrap(&what)
            })
        };
        Ok(Self {
            include: matcher(include, "includepatterns")?,
            exclude: matcher(exclude, "excludepatterns")?,
        })
    }

    /// True when there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.include.is_none() && self.exclude.is_none()
    }

    pub fn decide(&self, path: &[u8], parents: &Parents) -> Result<Verdict, ApplyError> {
        let (mut included, include) = ask(self.include.as_ref(), path, &parents.include, true)
            .map_err(|e| failed(e, "failed to match includepatterns"))?;
        let (excluded, exclude) = ask(self.exclude.as_ref(), path, &parents.exclude, false)
            .map_err(|e| failed(e, "failed to match excludepatterns"))?;
        included &= !excluded;
        Ok(Verdict { included, excluded, parents: Parents { include, exclude } })
    }

    /// True when nothing below a path that isn't included can be, so that it isn't even looked at.
    pub fn skips(&self, verdict: &Verdict) -> bool {
        !verdict.included && self.include.is_none() && !self.has_exceptions()
    }

    /// True when a folder's entries are not looked at.
    pub fn stays_out(&self, verdict: &Verdict) -> bool {
        verdict.excluded && !self.has_exceptions()
    }

    fn has_exceptions(&self) -> bool {
        self.exclude.as_ref().is_some_and(Matcher::has_exclusions)
    }
}

fn ask(
    matcher: Option<&Matcher>,
    path: &[u8],
    parent: &Option<Info>,
    default: bool,
) -> Result<(bool, Option<Info>), BadPattern> {
    let Some(matcher) = matcher else { return Ok((default, None)) };
    let (matched, info) = matcher.matches_with_parent(path, parent.as_ref())?;
    Ok((matched, Some(info)))
}

fn failed(error: BadPattern, what: &str) -> ApplyError {
    ApplyError::fails("bad-pattern", error.to_string()).wrap(what)
}
