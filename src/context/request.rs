//! What a client sends for any request: `NewFilterFS` and its walk (`fsutil/filter.go`), folder by folder in order.
//!
//! [`super::Context::view`] does the same for the usual request out of a listing that is there already. This is for the others: it
//! looks only into folders that the patterns may reach, so that a request for one file doesn't walk a tree.

use std::collections::hash_map::Entry as Slot;
use std::io;
use std::ops::ControlFlow;

use rustc_hash::FxHashMap;

use super::error::ContextError;
use super::filter::Filter;
use super::follow::{follow_links, without_children};
use super::view::invalid;
use super::{Context, Stats, Tree, disk};
use crate::entry::{ContextPath, Entry};
use crate::pattern::{IgnoreFile, Info, Matcher, runes};

/// What an engine asks a local for, as lists of patterns and paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// Only what matches one of these is sent; with none of them everything.
    pub includes: Vec<Vec<u8>>,
    /// What matches these isn't sent.
    pub excludes: Vec<Vec<u8>>,
    /// Paths that become include patterns once links on their way are resolved.
    pub follow_paths: Vec<Vec<u8>>,
}

/// Exclude patterns in the form in which two lists of them can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Excludes(Vec<(bool, String)>);

impl Excludes {
    /// Those of an ignore file.
    pub fn of(ignore: Option<&IgnoreFile>) -> Self {
        ignore.map(|file| Self::compiled(file.matcher())).unwrap_or_default()
    }

    /// Whether a request's patterns are just these.
    pub fn are(&self, asked: &[Vec<u8>]) -> bool {
        Matcher::new(asked).is_ok_and(|matcher| Self::compiled(&matcher) == *self)
    }

    /// The paths and patterns of a request travel as JSON, which replaces bytes that are no UTF-8.
    fn compiled(matcher: &Matcher) -> Self {
        Self(matcher.patterns().iter().map(|p| (p.negated(), runes(p.text()).into_owned())).collect())
    }
}

impl Context {
    /// Whether this was listed with just these exclude patterns, so that a request which has them can be answered from it.
    pub fn excludes(&self, patterns: &[Vec<u8>]) -> bool {
        Excludes::of(self.ignore_file()).are(patterns)
    }
}

impl Request {
    /// Hands out what is sent of `tree`, in fsutil's order and with hard links set, until `emit` breaks off. A folder on disk is
    /// walked by several threads while that goes on; they wait when `emit` takes its time.
    ///
    /// # Errors
    /// [`ContextError`] for what makes the request fail: patterns that are none, a folder or a stat that can't be read.
    pub fn list(
        &self,
        tree: &dyn Tree,
        emit: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), ContextError> {
        let includes = self.include_patterns(tree)?;
        let include = Matcher::new(&includes).map_err(|source| invalid(&includes, source))?;
        let exclude = Matcher::new(&self.excludes)
            .map_err(|source| ContextError::Exclude { patterns: go_list(&self.excludes), source })?;
        let include = (!includes.is_empty()).then_some(&include);
        let exclude = (!self.excludes.is_empty()).then_some(&exclude);
        if let Some(root) = tree.folder() {
            return disk::list(root, include, exclude, emit);
        }
        Self::list_serially(tree, include, exclude, emit)
    }

    /// The same in one thread, through questions that a listing answers, too.
    pub(super) fn list_serially(
        tree: &dyn Tree,
        include: Option<&Matcher>,
        exclude: Option<&Matcher>,
        emit: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), ContextError> {
        let walk = Walk {
            tree,
            include: include.map(Filter::include),
            exclude: exclude.map(Filter::exclude),
            above: Vec::new(),
            stats: Stats::default(),
            first_names: FxHashMap::default(),
            emit,
        };
        walk.run()
    }

    fn include_patterns(&self, tree: &dyn Tree) -> Result<Vec<Vec<u8>>, ContextError> {
        let mut includes = self.includes.clone();
        if !self.follow_paths.is_empty()
            && let Some(targets) = follow_links(tree, &self.follow_paths)?
        {
            includes.extend(targets);
            includes = without_children(includes).unwrap_or_default();
        }
        Ok(includes)
    }
}

/// As Go prints a list of texts.
fn go_list(patterns: &[Vec<u8>]) -> String {
    let list: Vec<_> = patterns.iter().map(|p| String::from_utf8_lossy(p)).collect();
    format!("[{}]", list.join(" "))
}

/// A folder on the way to the entry that is looked at.
struct Above {
    path: Vec<u8>,
    include: Option<Info>,
    exclude: Option<Info>,
    sent: bool,
}

struct Walk<'a> {
    tree: &'a dyn Tree,
    include: Option<Filter<'a>>,
    exclude: Option<Filter<'a>>,
    above: Vec<Above>,
    stats: Stats,
    /// The first name of each inode that has several (`fsutil/hardlinks.go`).
    first_names: FxHashMap<u64, ContextPath>,
    emit: &'a mut dyn FnMut(Entry) -> ControlFlow<()>,
}

/// What the lists say of one path.
struct Looked {
    sent: bool,
    /// For a folder that is entered.
    above: Option<Above>,
}

/// A folder whose names are gone through.
struct Open {
    names: std::vec::IntoIter<(Vec<u8>, bool)>,
    /// Whether it stands in [`Walk::above`]; the root doesn't.
    counts: bool,
}

impl Walk<'_> {
    /// A stack in place of recursion: trees may be deep.
    fn run(mut self) -> Result<(), ContextError> {
        // The root itself is never looked at, so that nobody hears of it when it can't be listed (`fsutil/fs.go`, `Walk`).
        let names = self.tree.names(b"").unwrap_or_default().into_iter();
        let mut open = vec![Open { names, counts: false }];
        while let Some(folder) = open.last_mut() {
            let Some((name, is_dir)) = folder.names.next() else {
                if folder.counts {
                    self.above.pop();
                }
                open.pop();
                continue;
            };
            let path = self.path_of(&name);
            let looked = self.look(&path, is_dir)?;
            if looked.sent && self.send(&path)?.is_break() {
                return Ok(());
            }
            if let Some(above) = looked.above {
                let names = self.names(&path, above.sent)?.into_iter();
                self.above.push(above);
                open.push(Open { names, counts: true });
            }
        }
        Ok(())
    }

    fn path_of(&self, name: &[u8]) -> Vec<u8> {
        self.above.last().map_or_else(|| name.to_vec(), |above| [&above.path[..], b"/", name].concat())
    }

    fn look(&self, path: &[u8], is_dir: bool) -> Result<Looked, ContextError> {
        let parent = self.above.last();
        let (mut sent, mut include, mut exclude) = (true, None, None);
        if let Some(filter) = &self.include {
            let parent = parent.and_then(|above| above.include.as_ref());
            let Some((matched, info)) = test(filter, "includepatterns", true, path, is_dir, parent)? else {
                return Ok(Looked { sent: false, above: None });
            };
            sent = matched;
            include = Some(info);
        }
        if let Some(filter) = &self.exclude {
            let parent = parent.and_then(|above| above.exclude.as_ref());
            let Some((matched, info)) = test(filter, "excludepatterns", false, path, is_dir, parent)? else {
                return Ok(Looked { sent: false, above: None });
            };
            sent &= !matched;
            exclude = Some(info);
        }
        let above = is_dir.then(|| Above { path: path.to_vec(), include, exclude, sent });
        Ok(Looked { sent, above })
    }

    /// The names in a folder; none for one that went away, and for one that isn't sent itself and may not be read.
    fn names(&self, path: &[u8], sent: bool) -> Result<Vec<(Vec<u8>, bool)>, ContextError> {
        match self.tree.names(path) {
            Err(error) if is_gone(&error) => Ok(Vec::new()),
            Err(error) if !sent && error.kind() == io::ErrorKind::PermissionDenied => Ok(Vec::new()),
            listed => listed.map_err(|source| failed("reading folder", path, source)),
        }
    }

    /// Sends an entry, and before it the folders above that weren't. What went away isn't sent.
    fn send(&mut self, path: &[u8]) -> Result<ControlFlow<()>, ContextError> {
        let Some(entry) = self.entry(path)? else { return Ok(ControlFlow::Continue(())) };
        for i in 0..self.above.len() {
            if !std::mem::replace(&mut self.above[i].sent, true) {
                let folder = self.above[i].path.clone();
                let Some(folder) = self.entry(&folder)? else { return Ok(ControlFlow::Continue(())) };
                if (self.emit)(folder).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok((self.emit)(entry))
    }

    fn entry(&mut self, path: &[u8]) -> Result<Option<Entry>, ContextError> {
        let stat = match self.tree.stat(path, &mut self.stats) {
            Ok(stat) => stat,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(source) => return Err(failed("reading the stat of", path, source)),
        };
        let unclean = |e: crate::entry::PathError| failed("naming", path, io::Error::other(e));
        let path = ContextPath::new(path).map_err(unclean)?;
        let inode = stat.extra.as_ref().and_then(|extra| extra.inode);
        let hardlink = inode.and_then(|(_, inode)| match self.first_names.entry(inode) {
            Slot::Occupied(first) => Some(first.get().clone()),
            Slot::Vacant(slot) => {
                slot.insert(path.clone());
                None
            }
        });
        Ok(Some(Entry { path, stat, hardlink }))
    }
}

/// Whether a list matches, and what children need to know; `None` for what isn't sent, nor anything in it.
fn test(
    filter: &Filter<'_>,
    list: &'static str,
    wanted: bool,
    path: &[u8],
    is_dir: bool,
    parent: Option<&Info>,
) -> Result<Option<(bool, Info)>, ContextError> {
    let answer = filter.matcher().matches_with_parent(path, parent);
    let (matched, info) = answer.map_err(|_| ContextError::Match { list })?;
    let goes_on = matched == wanted || (is_dir && filter.may_reach_into(path));
    Ok(goes_on.then_some((matched, info)))
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn failed(doing: &'static str, path: &[u8], source: io::Error) -> ContextError {
    ContextError::Entry { doing, path: String::from_utf8_lossy(path).into_owned(), source }
}
