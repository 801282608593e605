//! Which patterns match what, and whether it would matter if they were not there: one pass over all that was met.

use std::collections::HashMap;

use super::super::FolderFacts;
use super::super::steps::{below, entries, slashes};
use crate::context::Ignored;
use crate::entry::FileType;
use crate::pattern::{IgnoreFile, Matcher, Pattern};

/// So many paths are kept of a pattern that changes nothing.
const KEPT: usize = 256;
/// A folder with more in it than this is not looked through; its pattern then counts as one that matters.
const BELOW: usize = 512;

/// What a pattern does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reach {
    /// True when at least one path matches the pattern itself.
    pub matches: bool,
    /// True when a path would be sent without it that isn't now, or the other way round.
    pub matters: bool,
    /// Paths that match, as long as it does not matter; a few at most.
    pub paths: Vec<Vec<u8>>,
    /// All that it could match lies in a folder that isn't entered: the line that hides that folder.
    pub closed_by: Option<usize>,
}

/// What the patterns are asked about.
struct Asked<'f> {
    folder: &'f FolderFacts<'f>,
    file: &'f IgnoreFile,
    /// What is hidden, by path.
    hidden: HashMap<&'f [u8], &'f Ignored>,
    /// The matcher without one of its patterns, where there are negated ones.
    without: HashMap<usize, Option<Matcher>>,
}

/// What each of the matcher's patterns does.
pub(super) fn all<'f>(folder: &'f FolderFacts<'f>, file: &'f IgnoreFile) -> Vec<Reach> {
    let hidden = folder.hidden.iter().map(|i| (i.path.as_bytes(), i)).collect();
    let mut asked = Asked { folder, file, hidden, without: HashMap::new() };
    let patterns = file.matcher().patterns();
    let mut reach: Vec<Reach> = vec![Reach::default(); patterns.len()];
    let mut active = Vec::new();
    for (i, pattern) in patterns.iter().enumerate() {
        match Shape::of(pattern) {
            Shape::Literal if asked.has(pattern.text()) => asked.note(&mut reach[i], i, pattern.text()),
            Shape::Literal => {}
            shape => active.push((i, shape)),
        }
    }
    let listed = entries(folder).iter().map(|e| e.path.as_bytes());
    for path in listed.chain(folder.hidden.iter().map(|i| i.path.as_bytes())) {
        let depth = slashes(path);
        active.retain(|(i, shape)| {
            if shape.may_match(path, depth) && patterns[*i].matches(path) == Ok(true) {
                asked.note(&mut reach[*i], *i, path);
            }
            !reach[*i].matters
        });
    }
    for (i, pattern) in patterns.iter().enumerate().filter(|(_, p)| !p.negated()) {
        if !reach[i].matches {
            reach[i].closed_by = asked.closed_by(pattern);
        }
    }
    reach
}

/// What rules paths out before a pattern is tested.
enum Shape<'p> {
    /// It matches one path: itself.
    Literal,
    /// Without `**` it matches paths of its own depth.
    Depth(usize),
    /// `**/*.pyc`, `**/name`: what the name has to end with.
    Ending(&'p [u8]),
    /// Anything else.
    Any,
}

impl<'p> Shape<'p> {
    fn of(pattern: &'p Pattern) -> Self {
        let text = pattern.text();
        let special = |b: &[u8]| b.iter().any(|b| b"*?[]\\^{|".contains(b));
        if !special(text) {
            return Self::Literal;
        }
        if !text.windows(2).any(|w| w == b"**") {
            return if text.contains(&b'\\') { Self::Any } else { Self::Depth(slashes(text)) };
        }
        let rest = text.strip_prefix(b"**/").map(|r| r.strip_prefix(b"*").unwrap_or(r));
        match rest {
            Some(end) if !special(end) => Self::Ending(end),
            _ => Self::Any,
        }
    }

    fn may_match(&self, path: &[u8], depth: usize) -> bool {
        match self {
            Self::Literal => false,
            Self::Depth(own) => *own == depth,
            Self::Ending(end) => path.ends_with(end),
            Self::Any => true,
        }
    }
}

impl Asked<'_> {
    fn has(&self, path: &[u8]) -> bool {
        self.hidden.contains_key(path) || self.folder.context.get(path).is_some()
    }

    /// Takes note that a pattern matches a path.
    fn note(&mut self, reach: &mut Reach, i: usize, path: &[u8]) {
        reach.matches = true;
        let given_up = self.file.matcher().has_exclusions() && reach.paths.len() >= KEPT;
        if given_up || self.matters(i, path) {
            reach.matters = true;
            reach.paths.clear();
        } else if reach.paths.len() < KEPT {
            reach.paths.push(path.to_vec());
        }
    }

    /// Whether the path, or what is in it, would fare otherwise without the pattern.
    fn matters(&mut self, i: usize, path: &[u8]) -> bool {
        let matcher = self.file.matcher();
        if !matcher.has_exclusions() {
            return !others_hide(matcher, i, path);
        }
        let texts = || {
            let patterns = matcher.patterns().iter().enumerate().filter(|(j, _)| *j != i);
            patterns.filter_map(|(_, p)| Some(self.file.patterns().get(p.index())?.pattern.as_str()))
        };
        let without =
            self.without.entry(i).or_insert_with(|| Matcher::new(&texts().collect::<Vec<_>>()).ok());
        let Some(without) = without else { return true };
        let same = |path: &[u8]| {
            let fate = |m: &Matcher| m.explain(path).map(|e| e.decision.matched);
            fate(matcher) == fate(without)
        };
        let listed = below(entries(self.folder), path);
        if listed.len() > BELOW || !same(path) {
            return true;
        }
        let is_dir = self.hidden.get(path).is_some_and(|i| i.file_type == FileType::Dir);
        if !is_dir && listed.is_empty() {
            return false;
        }
        let inside = |p: &[u8]| p.strip_prefix(path).is_some_and(|r| r.starts_with(b"/"));
        let mut hidden = self.hidden.keys().filter(|p| inside(p)).take(BELOW);
        listed.iter().any(|e| !same(e.path.as_bytes())) || hidden.any(|p| !same(p))
    }

    /// The line that hides a folder which isn't entered and in which all lies that a pattern could match.
    fn closed_by(&self, pattern: &Pattern) -> Option<usize> {
        let text = pattern.text();
        let special = text.iter().position(|b| b"*?[]\\^".contains(b)).unwrap_or(text.len());
        let slashes = text[..special].iter().enumerate().filter(|(_, b)| **b == b'/');
        let mut folders = slashes.map(|(i, _)| &text[..i]).filter_map(|f| self.hidden.get(f));
        folders.find(|i| i.closed).map(|i| i.cause.line)
    }
}

/// Whether another pattern matches the path or a folder above it: without negated ones the rest never takes that back.
pub(super) fn others_hide(matcher: &Matcher, i: usize, path: &[u8]) -> bool {
    let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i).chain([path.len()]);
    let others = || matcher.patterns().iter().enumerate().filter(|(j, p)| *j != i && !p.negated());
    ends.into_iter().any(|end| others().any(|(_, p)| p.matches(&path[..end]) == Ok(true)))
}
