//! [`Matcher`]: a list of patterns, the last word wins (`patternmatcher.go`, `MatchesUsingParentResults`).

use super::error::{PatternError, PatternErrorKind};
use super::glob::Pattern;
use super::text::{runes, trim_space};
use crate::gopath::{BadPattern, check_syntax, clean};

/// A compiled list of patterns. Matching takes `&self` and any number of threads.
#[derive(Debug, Default)]
pub struct Matcher {
    patterns: Vec<Pattern>,
    exclusions: bool,
}

/// Which patterns a folder matched: what its children need to know. Made by the matcher that gets it back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Info(Box<[bool]>);

/// Whether a path matched, and which pattern had the last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// True when the path is matched (for an ignore file: ignored).
    pub matched: bool,
    /// The place of the deciding pattern in [`Matcher::patterns`]; `None` when no pattern said anything.
    pub by: Option<usize>,
}

/// A [`Decision`] together with the path on which the pattern itself matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// The path that the deciding pattern matched: the path itself or a folder above it. Empty when nothing decided.
    pub at: Vec<u8>,
}

impl Matcher {
    /// Takes a list of patterns as they are written: white space is trimmed, blank ones are dropped, the rest is cleaned
    /// (`path.Clean`, the `!` included), then a leading `!` negates. (`--exclude` and `--parents` patterns come here
    /// directly; those of an ignore file went through [`super::IgnoreFile`] first.)
    ///
    /// # Errors
    /// [`PatternError`] for a lone `!` and for a pattern that Go's `filepath.Match(p, ".")` rejects.
    pub fn new<P: AsRef<[u8]>>(patterns: &[P]) -> Result<Self, PatternError> {
        let mut list = Vec::with_capacity(patterns.len());
        for (index, pattern) in patterns.iter().enumerate() {
            let trimmed = trim_space(pattern.as_ref());
            if !trimmed.is_empty() {
                list.push(parse(trimmed, index)?);
            }
        }
        let exclusions = list.iter().any(Pattern::negated);
        Ok(Self { patterns: list, exclusions })
    }

    /// The patterns in their order, without blank ones.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// True when at least one pattern is negated.
    pub fn has_exclusions(&self) -> bool {
        self.exclusions
    }

    /// Matches `path` and says what its children need to know. `parent` is what this gave for the folder of `path`;
    /// without it (Moby's zero `MatchInfo`) each pattern is also tested on every folder above `path`.
    ///
    /// # Errors
    /// [`BadPattern`] when a pattern that had to be tested can't be compiled.
    pub fn matches_with_parent(
        &self,
        path: &[u8],
        parent: Option<&Info>,
    ) -> Result<(bool, Info), BadPattern> {
        let (decision, info) = self.decide_with_info(path, parent)?;
        Ok((decision.matched, info))
    }

    /// [`Matcher::matches_with_parent`] with the pattern that decided.
    ///
    /// # Errors
    /// As there.
    pub fn decide_with_info(
        &self,
        path: &[u8],
        parent: Option<&Info>,
    ) -> Result<(Decision, Info), BadPattern> {
        let mut info = vec![false; self.patterns.len()].into_boxed_slice();
        let decision = self.run(path, parent, |i| info[i] = true)?;
        Ok((decision, Info(info)))
    }

    /// The decision alone, for paths without children.
    ///
    /// # Errors
    /// As [`Matcher::matches_with_parent`].
    pub fn decide(&self, path: &[u8], parent: Option<&Info>) -> Result<Decision, BadPattern> {
        self.run(path, parent, |_| {})
    }

    /// Matches a path of which nothing is known (`MatchesOrParentMatches`). This is not always what a walk finds, which
    /// goes from parent to child.
    ///
    /// # Errors
    /// As [`Matcher::matches_with_parent`].
    pub fn matches_or_parent(&self, path: &[u8]) -> Result<bool, BadPattern> {
        Ok(self.decide(path, None)?.matched)
    }

    /// Matches as a walk does, from the top down to `path`, and finds on which path the deciding pattern matched.
    ///
    /// # Errors
    /// As [`Matcher::matches_with_parent`].
    pub fn explain(&self, path: &[u8]) -> Result<Explanation, BadPattern> {
        let mut chain: Vec<(&[u8], Info)> = Vec::new();
        let mut decision = Decision { matched: false, by: None };
        let slashes = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i);
        for end in slashes.chain([path.len()]) {
            let (step, info) = self.decide_with_info(&path[..end], chain.last().map(|(_, info)| info))?;
            decision = step;
            chain.push((&path[..end], info));
        }
        let at =
            decision.by.and_then(|i| chain.iter().find(|(_, info)| info.0[i]).map(|(at, _)| at.to_vec()));
        Ok(Explanation { decision, at: at.unwrap_or_default() })
    }

    fn run(
        &self,
        path: &[u8],
        parent: Option<&Info>,
        mut record: impl FnMut(usize),
    ) -> Result<Decision, BadPattern> {
        let mut decision = Decision { matched: false, by: None };
        for (i, pattern) in self.patterns.iter().enumerate() {
            let inherited = parent.is_some_and(|info| info.0.get(i).copied().unwrap_or(false));
            // A pattern that could change nothing isn't tested, and so is not on record for the children either.
            if !inherited && pattern.negated() != decision.matched {
                continue;
            }
            if inherited || self.test(pattern, path, parent.is_none())? {
                record(i);
                decision = Decision { matched: !pattern.negated(), by: Some(i) };
            }
        }
        Ok(decision)
    }

    fn test(&self, pattern: &Pattern, path: &[u8], with_folders: bool) -> Result<bool, BadPattern> {
        if pattern.matches(path)? {
            return Ok(true);
        }
        if with_folders {
            let slashes = path.iter().enumerate().filter(|(i, b)| **b == b'/' && *i > 0);
            for (slash, _) in slashes {
                if pattern.matches(&path[..slash])? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

fn parse(trimmed: &[u8], index: usize) -> Result<Pattern, PatternError> {
    let cleaned = clean(trimmed);
    let fail =
        |kind| PatternError { kind, pattern: runes(trimmed).into_owned(), index, file: None, line: None };
    let negated = cleaned[0] == b'!';
    let text = &cleaned[usize::from(negated)..];
    if text.is_empty() {
        return Err(fail(PatternErrorKind::LoneBang));
    }
    check_syntax(text).map_err(|_| fail(PatternErrorKind::Syntax))?;
    Ok(Pattern::new(text.to_vec(), negated, index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(patterns: &[&str]) -> Matcher {
        Matcher::new(patterns).unwrap()
    }

    fn walks_to(patterns: &[&str], path: &str) -> bool {
        matcher(patterns).explain(path.as_bytes()).unwrap().decision.matched
    }

    #[test]
    fn the_last_word_wins() {
        assert!(!walks_to(&["*.md", "!a.md"], "a.md"));
        assert!(walks_to(&["*.md", "!a.md", "a*"], "a.md"));
        assert!(!walks_to(&["!a.md"], "a.md"));
    }

    #[test]
    fn a_folder_that_matched_hands_its_match_down() {
        assert!(walks_to(&["docs"], "docs/a/b.md"));
        assert!(!walks_to(&["docs", "!docs/a"], "docs/a/b.md"));
        assert!(walks_to(&["docs", "!docs/a"], "docs/b"));
    }

    #[test]
    fn the_explanation_names_pattern_and_folder() {
        let m = matcher(&["  ", "docs/", "!docs/keep", "*.md"]);
        let e = m.explain(b"docs/x/y").unwrap();
        assert_eq!((e.decision.matched, e.decision.by, &e.at[..]), (true, Some(0), &b"docs"[..]));
        assert_eq!(m.patterns()[0].index(), 1);
        let e = m.explain(b"docs/keep").unwrap();
        assert_eq!((e.decision.matched, e.decision.by, &e.at[..]), (false, Some(1), &b"docs/keep"[..]));
        let e = m.explain(b"src").unwrap();
        assert_eq!((e.decision.by, e.at), (None, Vec::new()));
    }

    #[test]
    fn without_a_parent_the_folders_above_are_tested() {
        let m = matcher(&["docs", "!docs/*/keep"]);
        assert_eq!(m.matches_or_parent(b"docs/a/x"), Ok(true));
        assert_eq!(m.matches_or_parent(b"docs/a/keep/x"), Ok(false));
        assert_eq!(m.matches_or_parent(b"/docs/a"), Ok(false));
    }

    #[test]
    fn refused_patterns_say_which_one() {
        let error = |patterns: &[&str]| {
            let e = Matcher::new(patterns).unwrap_err();
            (e.kind, e.index)
        };
        assert_eq!(error(&["a", "!"]), (PatternErrorKind::LoneBang, 1));
        assert_eq!(error(&["", "a["]), (PatternErrorKind::Syntax, 1));
        assert_eq!(error(&["!/."]), (PatternErrorKind::LoneBang, 0));
        assert!(Matcher::new(&["a*["]).is_ok());
    }

    #[test]
    fn patterns_that_did_not_pass_the_ignore_reader_keep_their_slash() {
        let m = matcher(&["/a", "!./x"]);
        assert_eq!((m.patterns()[0].text(), m.patterns()[1].text()), (&b"/a"[..], &b"./x"[..]));
    }

    #[test]
    fn an_uncompilable_pattern_is_an_error_only_when_it_is_tested() {
        let m = matcher(&["a", "b*[z-a]"]);
        assert_eq!(m.matches_or_parent(b"a"), Ok(true));
        assert_eq!(m.matches_or_parent(b"c"), Err(BadPattern));
    }
}
