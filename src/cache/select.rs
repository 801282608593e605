//! What a selector picks from a tree (`checksum.go`, `Checksum` and `includedPaths`): decided from the shape alone,
//! so that only the contents that enter a digest have to be read.

use std::ops::Range;

use super::Selector;
use super::filter::{Filter, MatchState};
use super::nodes::{Kind, Node, Nodes, TooManyLinks};
use super::quote::quote;
use crate::buildkit::Rule;
use crate::gopath;

/// Why a selector picks nothing that could be hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SelectError {
    /// The path as BuildKit names it.
    #[error("{}: not found", quote(.0))]
    NotFound(Vec<u8>),
    #[error(transparent)]
    TooManyLinks(#[from] TooManyLinks),
    /// A wildcard or a pattern is malformed; BuildKit's text.
    #[error("{0}")]
    Pattern(String),
}

/// What a selector picks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selection {
    /// One node: a file's digest, or a folder's with all below.
    Node(usize),
    /// Single files and folder headers.
    List(List),
}

/// Files and folder headers, listed one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    /// In the order of the digest.
    pub items: Vec<Item>,
    /// How much of each path is the selector's own and stays out of the digest.
    pub prefix: usize,
    /// A single item that has the selector's base name stands for itself.
    pub alone: bool,
    /// Before [`Rule::PathsInPatterns`]: items are called by their last component, and this is that of the path where the walk
    /// began, as the selector spells it.
    pub base: Option<Vec<u8>>,
}

/// One item of a [`List`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    /// The file, or the folder whose header is meant.
    pub node: usize,
    /// For a link that is followed: its target, with all below.
    pub target: Option<usize>,
}

/// Applies a selector to a tree.
pub(super) fn select(nodes: &Nodes<'_>, selector: &Selector) -> Result<Selection, SelectError> {
    let path = gopath::join(&[b"/", selector.path.as_bytes()]);
    if selector.is_filtered() {
        return Walk::new(nodes, selector, path)?.run().map(Selection::List);
    }
    let key = if path == b"/" { Vec::new() } else { path };
    match nodes.resolve(&key, selector.follow_links)? {
        Some(node) => Ok(Selection::Node(node)),
        None => Err(SelectError::NotFound(key)),
    }
}

impl Selection {
    /// The nodes whose own digests are needed, as ascending ranges.
    pub fn nodes(&self, nodes: &Nodes<'_>) -> Vec<Range<usize>> {
        let whole = |n: usize| n..nodes.get(n).end;
        match self {
            Self::Node(node) => vec![whole(*node)],
            Self::List(list) => {
                let ranges = list.items.iter().map(|i| i.target.map_or(i.node..i.node + 1, whole));
                union(ranges.collect())
            }
        }
    }
}

/// Sorts ranges and joins those that touch.
pub(super) fn union(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|r| r.start);
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// A folder whose header has been passed, while the walk is below it.
struct Parent {
    node: usize,
    end: usize,
    listed: bool,
    follow: bool,
    state: MatchState,
}

/// The walk of `includedPaths` over a subtree.
struct Walk<'s, 'a> {
    nodes: &'s Nodes<'a>,
    selector: &'s Selector,
    /// The selector's path; empty for the root.
    path: Vec<u8>,
    /// Where the walk begins, as the selector spells it: visited paths are renamed to that spelling.
    origin: Vec<u8>,
    /// The node where it begins; `None` when it isn't there.
    start: Option<usize>,
    filter: Filter,
    parents: Vec<Parent>,
    items: Vec<(usize, bool)>,
}

impl<'s, 'a> Walk<'s, 'a> {
    fn new(nodes: &'s Nodes<'a>, selector: &'s Selector, path: Vec<u8>) -> Result<Self, SelectError> {
        let filter = Filter::new(selector).map_err(SelectError::Pattern)?;
        let path = if path == b"/" { Vec::new() } else { path };
        let (origin, start) = if selector.wildcard {
            match split_wildcards(&path) {
                (origin, _) if origin == b"/" => (Vec::new(), Some(0)),
                (origin, more) => {
                    let start = nodes.start(&origin, more)?;
                    (origin, start)
                }
            }
        } else {
            (path.clone(), nodes.resolve(&path, false)?)
        };
        Ok(Self { nodes, selector, path, origin, start, filter, parents: Vec::new(), items: Vec::new() })
    }

    fn run(mut self) -> Result<List, SelectError> {
        let prefix = self.start.map_or(0, |s| self.nodes.get(s).path.len());
        if let Some(start) = self.start {
            self.visit(start, prefix)?;
        }
        self.check_required(prefix)?;
        let items = self.followed(prefix)?;
        let alone = match items.as_slice() {
            [only] => gopath::base(&self.spelled(only.node, prefix)) == gopath::base(self.root_path()),
            _ => false,
        };
        let by_base = !self.nodes.has(Rule::PathsInPatterns);
        let base = by_base.then(|| gopath::base(&self.origin).to_vec());
        Ok(List { items, prefix, alone, base })
    }

    fn root_path(&self) -> &[u8] {
        if self.path.is_empty() { b"/" } else { &self.path }
    }

    fn visit(&mut self, start: usize, prefix: usize) -> Result<(), SelectError> {
        let mut matched: Option<(usize, usize)> = None; // the last matched node's end, and its spelled length
        for i in start..self.nodes.get(start).end {
            while self.parents.pop_if(|p| i >= p.end).is_some() {}
            let name = self.spelled(i, prefix);
            // The root's own header takes no part: the one path that "ends with a separator".
            if i == 0 && name.is_empty() && self.path.is_empty() {
                continue;
            }
            let base = if self.selector.wildcard && !self.path.is_empty() {
                match matched {
                    Some((end, length)) if i < end => length,
                    _ if !self.matches(&name)? => continue,
                    _ => {
                        matched = Some((self.nodes.get(i).end, name.len()));
                        name.len()
                    }
                }
            } else {
                self.path.len()
            };
            let candidate = name.get(base + 1..).unwrap_or_default();
            self.consider(i, candidate)?;
        }
        Ok(())
    }

    fn matches(&self, name: &[u8]) -> Result<bool, SelectError> {
        gopath::matches(&self.path, name).map_err(|e| SelectError::Pattern(e.to_string()))
    }

    /// Lists a node if the patterns take it, and before it the folders above it that aren't listed yet.
    fn consider(&mut self, node: usize, candidate: &[u8]) -> Result<(), SelectError> {
        let parent = self.parents.last();
        let named = parent.is_none() || !self.nodes.has(Rule::NamedLinksOnly);
        let follow = named && self.selector.follow_links;
        let (included, state) =
            self.filter.test(candidate, parent.map(|p| &p.state)).map_err(SelectError::Pattern)?;
        if included {
            for parent in self.parents.iter_mut().filter(|p| !p.listed) {
                parent.listed = true;
                self.items.push((parent.node, parent.follow));
            }
            self.items.push((node, follow));
        }
        let Node { kind, end, .. } = *self.nodes.get(node);
        if kind == Kind::Dir {
            self.parents.push(Parent { node, end, listed: included, follow, state });
        }
        Ok(())
    }

    /// A required path must be the beginning of some listed path.
    fn check_required(&self, prefix: usize) -> Result<(), SelectError> {
        for required in &self.selector.required {
            let met =
                self.items.iter().any(|(n, _)| self.spelled(*n, prefix).starts_with(required.as_bytes()));
            if !met {
                return Err(SelectError::NotFound(required.clone().into_bytes()));
            }
        }
        Ok(())
    }

    /// Looks up the targets of the links that count as what they point at.
    fn followed(&self, prefix: usize) -> Result<Vec<Item>, SelectError> {
        let mut out = Vec::with_capacity(self.items.len());
        for (node, follow) in &self.items {
            let mut target = None;
            if *follow && matches!(self.nodes.get(*node).kind, Kind::Symlink(_)) {
                let name = self.spelled(*node, prefix);
                target = self.nodes.resolve(&name, true)?;
                if target.is_none() {
                    return Err(SelectError::NotFound(name));
                }
            }
            out.push(Item { node: *node, target });
        }
        Ok(out)
    }

    /// The absolute path of a node in the selector's spelling; empty for the root.
    fn spelled(&self, node: usize, prefix: usize) -> Vec<u8> {
        [&self.origin, &*below(self.nodes.get(node).path, prefix)].concat()
    }
}

/// What is left of a path when `prefix` bytes of it are taken away: empty, or beginning with `/`.
pub(super) fn below(path: &[u8], prefix: usize) -> std::borrow::Cow<'_, [u8]> {
    if prefix > 0 || path.is_empty() { path[prefix..].into() } else { [b"/", path].concat().into() }
}

/// The components before the first with a wildcard, joined; and whether any follow (`splitWildcards`).
fn split_wildcards(path: &[u8]) -> (Vec<u8>, bool) {
    let mut end = 0;
    for part in path.split_inclusive(|b| *b == b'/') {
        if gopath::has_wildcard(part) {
            break;
        }
        end += part.len();
    }
    (gopath::join(&[b"/", &path[..end]]), end < path.len())
}
