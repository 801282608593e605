//! [`View`]: what a client sends when the engine asks for some paths (`fsutil/filter.go` with an include list).

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};

use super::error::ContextError;
use super::filter::Filter;
use super::follow::follow_links;
use super::links::set_hard_links;
use super::walk::{Problem, ProblemKind};
use super::{Context, Tree};
use crate::entry::{Entry, Source};
use crate::gopath::BadPattern;
use crate::pattern::{Info, Matcher, runes, unsendable};

/// A part of a [`Context`]; also a [`Source`].
#[derive(Debug)]
pub struct View<'c> {
    context: &'c Context,
    entries: Cow<'c, [Entry]>,
    /// Where each entry stands in the context; `None` when nothing is left out.
    places: Option<Vec<usize>>,
    patterns: Option<Vec<Vec<u8>>>,
}

impl<'c> View<'c> {
    /// The context that this is a part of.
    pub fn context(&self) -> &'c Context {
        self.context
    }

    /// Where an entry of this view stands in the context.
    pub fn place(&self, entry: usize) -> usize {
        self.places.as_ref().map_or(entry, |places| places[entry])
    }

    /// The include patterns that the follow paths became, after links were resolved; `None` when nothing is left out.
    pub fn include_patterns(&self) -> Option<&[Vec<u8>]> {
        self.patterns.as_deref()
    }
}

impl Source for View<'_> {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn open(&self, entry: &Entry) -> io::Result<Box<dyn Read + Send + '_>> {
        self.context.open(entry)
    }

    fn file(&self, entry: &Entry) -> io::Result<Option<File>> {
        self.context.file(entry)
    }
}

impl Context {
    /// What BuildKit's client would send for `follow_paths` (all of it for an empty list, and when one of them leads to the
    /// root). The tree is only asked for links on the way; the listing is the one that was loaded.
    ///
    /// # Errors
    /// [`ContextError`] for what makes such a request fail: a problem in the part that the client walks, paths that are no
    /// patterns, a link that can't be read.
    pub fn view(&self, follow_paths: &[Vec<u8>]) -> Result<View<'_>, ContextError> {
        let Some(patterns) = self.include_patterns(follow_paths)? else {
            self.check()?;
            let entries = Cow::Borrowed(&self.entries[..]);
            return Ok(View { context: self, entries, places: None, patterns: None });
        };
        let matcher = Matcher::new(&patterns).map_err(|source| invalid(&patterns, source))?;
        let include = Filter::include(&matcher);
        if matcher.patterns().iter().any(|p| p.is_broken()) {
            self.rehearse(&include)?;
        }
        let match_error = |_| ContextError::Match { list: "includepatterns" };
        for problem in &self.problems {
            if reaches(&include, problem).map_err(match_error)? {
                return Err(problem.to_error());
            }
        }
        let places = self.select(&include).map_err(match_error)?;
        let mut entries: Vec<Entry> = places.iter().map(|at| self.entries[*at].clone()).collect();
        set_hard_links(&mut entries);
        let entries = Cow::Owned(entries);
        Ok(View { context: self, entries, places: Some(places), patterns: Some(patterns) })
    }

    /// Whether the whole context can be sent.
    ///
    /// # Errors
    /// The first problem in the order of the walk.
    pub fn check(&self) -> Result<(), ContextError> {
        self.problems.first().map_or(Ok(()), |problem| Err(problem.to_error()))
    }

    fn include_patterns(&self, follow_paths: &[Vec<u8>]) -> Result<Option<Vec<Vec<u8>>>, ContextError> {
        if follow_paths.is_empty() {
            return Ok(None);
        }
        // The paths travel as JSON in the source op, which replaces bytes that are no UTF-8.
        let paths: Vec<Vec<u8>> = follow_paths.iter().map(|p| runes(p).into_owned().into_bytes()).collect();
        if let Some(i) = unsendable(&paths) {
            return Err(ContextError::NotPrintable { path: runes(&paths[i]).into_owned() });
        }
        Ok(follow_links(&*self.tree, &paths)?.filter(|targets| !targets.is_empty()))
    }

    /// Where the entries stand that the include list picks, and the folders that hold them.
    fn select(&self, include: &Filter<'_>) -> Result<Vec<usize>, BadPattern> {
        let matcher = include.matcher();
        let mut picked = Vec::new();
        let mut folders: Vec<Folder> = Vec::new();
        let mut skipped: Option<&[u8]> = None;
        for (i, entry) in self.entries.iter().enumerate() {
            if skipped.is_some_and(|folder| entry.path.is_below(folder)) {
                continue;
            }
            while folders.last().is_some_and(|f| !entry.path.is_below(self.entries[f.at].path.as_bytes())) {
                folders.pop();
            }
            let path = entry.path.as_bytes();
            let parent = folders.last().map(|f| &f.info);
            let (matched, info) = match entry.stat.is_dir() {
                true => {
                    matcher.matches_with_parent(path, parent).map(|(matched, info)| (matched, Some(info)))?
                }
                false => (matcher.decide(path, parent)?.matched, None),
            };
            if info.is_some() && !matched && !include.may_reach_into(path) {
                skipped = Some(path);
                continue;
            }
            let sent = matched && !self.is_only_parent(i);
            if sent {
                picked.extend(unsent(&mut folders));
                picked.push(i);
            }
            folders.extend(info.map(|info| Folder { at: i, info, sent }));
        }
        Ok(picked)
    }

    /// Goes through the walk that a client would do, only to see whether it comes upon a pattern that can't be compiled:
    /// which entries are tested depends on entries that are not in the listing.
    fn rehearse(&self, include: &Filter<'_>) -> Result<(), ContextError> {
        let exclude = self.ignore.as_ref().map(|file| Filter::exclude(file.matcher()));
        Rehearsal { tree: &*self.tree, include, exclude }.folder(b"", None, None)
    }
}

/// A folder above the entry that is looked at.
struct Folder {
    at: usize,
    info: Info,
    sent: bool,
}

/// The folders that are not sent yet, outermost first; they count as sent from now on.
fn unsent(folders: &mut [Folder]) -> impl Iterator<Item = usize> {
    folders.iter_mut().filter_map(|f| (!std::mem::replace(&mut f.sent, true)).then_some(f.at))
}

/// Whether a walk with this include list comes upon the problem: it enters all folders above, and the folder itself if that
/// is the problem. A folder that isn't sent itself may be unreadable (`fsutil/filter.go`, "skip && errors.Is").
fn reaches(include: &Filter<'_>, problem: &Problem) -> Result<bool, BadPattern> {
    let path = problem.path.as_bytes();
    let itself = match problem.kind {
        ProblemKind::List => true,
        ProblemKind::Match { is_dir, .. } => is_dir,
        ProblemKind::Stat => false,
    };
    let slashes = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i);
    let (mut info, mut sent) = (None, true);
    for end in slashes.chain(itself.then_some(path.len())) {
        let (matched, below) = include.matcher().matches_with_parent(&path[..end], info.as_ref())?;
        if !matched && !include.may_reach_into(&path[..end]) {
            return Ok(false);
        }
        (info, sent) = (Some(below), matched);
    }
    let forgiven = problem.kind == ProblemKind::List && !sent;
    Ok(!forgiven || problem.source.kind() != io::ErrorKind::PermissionDenied)
}

pub(super) fn invalid(patterns: &[Vec<u8>], source: crate::pattern::PatternError) -> ContextError {
    let list: Vec<_> = patterns.iter().map(|p| String::from_utf8_lossy(p)).collect();
    ContextError::Include { patterns: format!("[{}]", list.join(" ")), source }
}

/// A serial walk that only matches (see [`Context::rehearse`]).
struct Rehearsal<'a> {
    tree: &'a dyn Tree,
    include: &'a Filter<'a>,
    exclude: Option<Filter<'a>>,
}

impl Rehearsal<'_> {
    fn folder(
        &self,
        folder: &[u8],
        include: Option<&Info>,
        exclude: Option<&Info>,
    ) -> Result<(), ContextError> {
        for (name, is_dir) in self.tree.names(folder).unwrap_or_default() {
            let path = if folder.is_empty() { name } else { [folder, b"/", &name].concat() };
            let Some(included) = test(self.include, "includepatterns", &path, is_dir, include)? else {
                continue;
            };
            let excluded = match &self.exclude {
                None => Some(None),
                Some(filter) => test(filter, "excludepatterns", &path, is_dir, exclude)?.map(Some),
            };
            if let Some(excluded) = excluded.filter(|_| is_dir) {
                self.folder(&path, Some(&included), excluded.as_ref())?;
            }
        }
        Ok(())
    }
}

/// What children need to know; `None` for a folder that isn't entered.
fn test(
    filter: &Filter<'_>,
    list: &'static str,
    path: &[u8],
    is_dir: bool,
    parent: Option<&Info>,
) -> Result<Option<Info>, ContextError> {
    let answer = filter.matcher().matches_with_parent(path, parent);
    let (matched, info) = answer.map_err(|_| ContextError::Match { list })?;
    let wanted = matched == (list == "includepatterns");
    let enters = wanted || !is_dir || filter.may_reach_into(path);
    Ok(enters.then_some(info))
}

impl Context {
    /// True for an ignored folder that is listed only for what is in it.
    pub(super) fn is_only_parent(&self, at: usize) -> bool {
        u32::try_from(at).is_ok_and(|at| self.only_parents.binary_search(&at).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::ContextPath;

    #[test]
    fn an_unreadable_folder_fails_only_requests_that_it_is_sent_for() {
        let reached = |include: &str, kind: io::ErrorKind| {
            let path = ContextPath::new(&b"a/b"[..]).unwrap();
            let problem = Problem { path, kind: ProblemKind::List, source: kind.into() };
            let matcher = Matcher::new(&[include]).unwrap();
            reaches(&Filter::include(&matcher), &problem).unwrap()
        };
        let denied = io::ErrorKind::PermissionDenied;
        assert!(reached("a", denied) && reached("a/b", denied) && reached("**/b", denied));
        assert!(!reached("a/b/c", denied) && reached("a/b/c", io::ErrorKind::Other));
        assert!(!reached("a/c", denied) && !reached("a/c", io::ErrorKind::Other));
    }
}
