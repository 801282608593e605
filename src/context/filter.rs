//! The rule by which fsutil doesn't enter folders (`fsutil/filter.go`, `Walk`).

use crate::gopath::BadPattern;
use crate::pattern::{Decision, Info, Matcher, Pattern};

/// A matcher together with what decides whether a folder is entered.
///
/// For an exclude list the patterns that count are the negated ones: an ignored folder is entered when one of them may match
/// inside. For an include list it is the others: a folder that doesn't match is entered when one of them may.
#[derive(Debug)]
pub(super) struct Filter<'m> {
    matcher: &'m Matcher,
    /// Those of the patterns that count, without a trailing `/**` and `/*`; `None` when one of them has a special
    /// character, because then every folder is entered.
    reach: Option<Vec<&'m [u8]>>,
}

impl<'m> Filter<'m> {
    pub(super) fn exclude(matcher: &'m Matcher) -> Self {
        Self::new(matcher, true)
    }

    pub(super) fn include(matcher: &'m Matcher) -> Self {
        Self::new(matcher, false)
    }

    fn new(matcher: &'m Matcher, negated: bool) -> Self {
        let counting = || matcher.patterns().iter().filter(|p| p.negated() == negated).map(without_glob);
        let special = counting().any(|p| p.iter().any(|b| b"*[]?^\\".contains(b)));
        Self { matcher, reach: (!special).then(|| counting().collect()) }
    }

    pub(super) fn matcher(&self) -> &'m Matcher {
        self.matcher
    }

    /// Whether something inside `folder` may be wanted although `folder` itself isn't.
    pub(super) fn may_reach_into(&self, folder: &[u8]) -> bool {
        self.reach.as_ref().is_none_or(|patterns| patterns.iter().any(|p| reaches_into(p, folder)))
    }
}

/// `strings.HasPrefix(pattern + "/", folder + "/")`
fn reaches_into(pattern: &[u8], folder: &[u8]) -> bool {
    pattern.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

fn without_glob(pattern: &Pattern) -> &[u8] {
    let text = pattern.text();
    let text = text.strip_suffix(b"/**").unwrap_or(text);
    text.strip_suffix(b"/*").unwrap_or(text)
}

/// The decisions on the folders above the path that is looked at, so that each is made once.
///
/// Paths may come in any order; those that come in the order of a walk cost nothing extra.
#[derive(Debug, Default)]
pub(super) struct Parents {
    path: Vec<u8>,
    /// For each folder on `path`: where its path ends, and what its children need to know.
    infos: Vec<(usize, Info)>,
}

impl Parents {
    /// What the folder of `path` matched; `None` at the top.
    pub(super) fn info_for(&mut self, matcher: &Matcher, path: &[u8]) -> Result<Option<&Info>, BadPattern> {
        let folder = &path[..path.iter().rposition(|b| *b == b'/').unwrap_or(0)];
        self.keep_common(folder);
        let mut start = self.infos.last().map_or(0, |(end, _)| end + 1);
        while start < folder.len() {
            let end = folder[start..].iter().position(|b| *b == b'/').map_or(folder.len(), |i| start + i);
            let (_, info) =
                matcher.decide_with_info(&folder[..end], self.infos.last().map(|(_, info)| info))?;
            self.push(&folder[..end], info);
            start = end + 1;
        }
        Ok(self.infos.last().map(|(_, info)| info))
    }

    /// Takes note of a folder whose own folder is the last one that was asked for.
    pub(super) fn push(&mut self, folder: &[u8], info: Info) {
        self.path.clear();
        self.path.extend_from_slice(folder);
        self.infos.push((folder.len(), info));
    }

    fn keep_common(&mut self, folder: &[u8]) {
        let on_path = |end: usize| {
            folder.len() >= end
                && folder[..end] == self.path[..end]
                && matches!(folder.get(end), None | Some(b'/'))
        };
        let keep = self.infos.iter().take_while(|(end, _)| on_path(*end)).count();
        self.infos.truncate(keep);
    }
}

/// What an exclude filter says of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// It is sent.
    Visible,
    /// It is ignored, but it is a folder that is entered.
    Entered(Decision),
    /// It is ignored, and so is all that is in it.
    Hidden(Decision),
}

impl Filter<'_> {
    /// Looks at one entry of a walk with an exclude list.
    pub(super) fn look(&self, parents: &mut Parents, path: &[u8], is_dir: bool) -> Result<Sight, BadPattern> {
        let parent = parents.info_for(self.matcher, path)?;
        if !is_dir {
            let decision = self.matcher.decide(path, parent)?;
            return Ok(if decision.matched { Sight::Hidden(decision) } else { Sight::Visible });
        }
        let (decision, info) = self.matcher.decide_with_info(path, parent)?;
        if decision.matched && !self.may_reach_into(path) {
            return Ok(Sight::Hidden(decision));
        }
        parents.push(path, info);
        Ok(if decision.matched { Sight::Entered(decision) } else { Sight::Visible })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enters(patterns: &[&str], folder: &str) -> bool {
        let matcher = Matcher::new(patterns).unwrap();
        Filter::exclude(&matcher).may_reach_into(folder.as_bytes())
    }

    #[test]
    fn an_ignored_folder_is_entered_when_a_negated_pattern_may_match_inside() {
        assert!(!enters(&["docs"], "docs"));
        assert!(enters(&["docs", "!docs/a/b"], "docs") && enters(&["docs", "!docs/a/b"], "docs/a"));
        assert!(!enters(&["docs", "!docs/a/b"], "docs/b") && !enters(&["docs", "!docs-x"], "docs"));
        assert!(enters(&["docs", "!docs/a/**"], "docs/a") && !enters(&["docs", "!docs/a/*/**"], "docs/a/b"));
        assert!(enters(&["docs", "!**/keep"], "docs/any"));
        assert!(!enters(&["**/x", "!docs"], "other"));
    }

    #[test]
    fn parents_in_any_order_give_the_same_as_one_walk() {
        let matcher = Matcher::new(&["a", "!a/b", "**/c"]).unwrap();
        let mut parents = Parents::default();
        for path in ["a/b/c/d", "a/x", "ab/c/d", "a/b/x", "z", "a/b/c/d"] {
            let parent = parents.info_for(&matcher, path.as_bytes()).unwrap();
            let decision = matcher.decide(path.as_bytes(), parent).unwrap();
            assert_eq!(decision, matcher.explain(path.as_bytes()).unwrap().decision, "{path}");
        }
    }
}
