//! The rule of a walk with an include list, an exclude list, both or none (`fsutil/filter.go`, `Walk`).

use super::filter::{Filter, Sight};
use crate::gopath::BadPattern;
use crate::pattern::{Decision, Info};

/// What a walk lets through.
#[derive(Debug, Default)]
pub(super) struct Sieve<'m> {
    include: Option<Filter<'m>>,
    exclude: Option<Filter<'m>>,
    /// Whether testing a path against the exclude list may fail.
    may_fail: bool,
}

/// What the entries of a folder need to know of what it matched. `None` at the top.
#[derive(Debug, Clone, Default)]
pub(super) struct Infos {
    include: Option<Info>,
    exclude: Option<Info>,
}

/// What a [`Sieve`] says of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is sent.
    Sent,
    /// It isn't sent, but it is a folder that is entered: because of what the ignore file says, or because only something in it
    /// is asked for.
    Entered(Option<Decision>),
    /// It is ignored, and so is all that is in it.
    Hidden(Decision),
    /// Neither it nor anything in it was asked for.
    Passed,
}

/// Which list has a pattern that can't be compiled.
#[derive(Debug)]
pub(super) struct BadList(pub(super) &'static str);

impl<'m> Sieve<'m> {
    /// An exclude list without patterns is none; an include list without any lets nothing through.
    pub(super) fn new(include: Option<Filter<'m>>, exclude: Option<Filter<'m>>) -> Self {
        let exclude = exclude.filter(|f| !f.matcher().patterns().is_empty());
        let may_fail = exclude.as_ref().is_some_and(|f| f.matcher().patterns().iter().any(|p| p.is_broken()));
        Self { include, exclude, may_fail }
    }

    /// Looks at one entry of the folder that `above` belongs to; gives what its own entries need to know.
    pub(super) fn look(&self, above: &Infos, path: &[u8], is_dir: bool) -> Result<(Fate, Infos), BadList> {
        let mut infos = Infos::default();
        let mut asked = true;
        if let Some(include) = &self.include {
            let (decision, info) = look(include, path, above.include.as_ref(), is_dir)
                .map_err(|_| BadList("includepatterns"))?;
            asked = decision.matched;
            infos.include = info;
            let ends = !asked && !(is_dir && include.may_reach_into(path));
            // A file that isn't asked for is tested against the other list all the same, which only shows when that fails.
            if ends && (is_dir || !self.may_fail) {
                return Ok((Fate::Passed, infos));
            }
        }
        let fate = match &self.exclude {
            None => Sight::Visible,
            Some(exclude) => {
                let (decision, info) = look(exclude, path, above.exclude.as_ref(), is_dir)
                    .map_err(|_| BadList("excludepatterns"))?;
                infos.exclude = info;
                match decision.matched {
                    false => Sight::Visible,
                    true if is_dir && exclude.may_reach_into(path) => Sight::Entered(decision),
                    true => Sight::Hidden(decision),
                }
            }
        };
        let fate = match fate {
            Sight::Visible if asked => Fate::Sent,
            Sight::Visible if is_dir => Fate::Entered(None),
            Sight::Entered(decision) => Fate::Entered(Some(decision)),
            Sight::Hidden(decision) if asked => Fate::Hidden(decision),
            Sight::Visible | Sight::Hidden(_) => Fate::Passed,
        };
        Ok((fate, infos))
    }
}

fn look(
    filter: &Filter<'_>,
    path: &[u8],
    above: Option<&Info>,
    is_dir: bool,
) -> Result<(Decision, Option<Info>), BadPattern> {
    if is_dir {
        let (decision, info) = filter.matcher().decide_with_info(path, above)?;
        return Ok((decision, Some(info)));
    }
    Ok((filter.matcher().decide(path, above)?, None))
}
