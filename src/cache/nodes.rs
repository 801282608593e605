//! The shape of a file tree as BuildKit's content hash sees it: a flat, sorted list (`cache/contenthash/checksum.go`).
//!
//! BuildKit keeps a radix tree whose keys are paths with NUL in place of `/`; a folder has one record for its contents
//! (`dir`) and one for its header (`dir NUL`). [`ContextPath`](crate::entry::ContextPath)'s order is the order of those
//! keys, so a listing in that order is the same list, with a folder's two records in one node.

use crate::buildkit::{Rule, Version};
use crate::entry::{ContextPath, FileType, Stat};
use crate::gopath;

/// More links than this on the way to one path are an error (`path.go`, `maxSymlinkLimit`).
pub(super) const MAX_LINKS: usize = 255;

/// More than 255 symbolic links on the way to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many links")]
pub(super) struct TooManyLinks;

/// A tree; node 0 is its root.
#[derive(Debug)]
pub(super) struct Nodes<'a> {
    all: Vec<Node<'a>>,
    version: Version,
}

/// One file of a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    /// Without leading `/`; empty for the root.
    pub path: &'a [u8],
    /// What it is.
    pub kind: Kind<'a>,
    /// The first node behind it that does not lie below it.
    pub end: usize,
}

/// The kinds of files that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Dir,
    /// With its target.
    Symlink(&'a [u8]),
    Other,
}

impl<'a> Nodes<'a> {
    /// Takes the files below a root, in fsutil's order and parents before children.
    /// `version` says whose rules count.
    pub fn new(files: impl Iterator<Item = (&'a ContextPath, &'a Stat)>, version: Version) -> Self {
        let mut nodes = vec![Node { path: b"", kind: Kind::Dir, end: 0 }];
        let mut open: Vec<usize> = Vec::new();
        for (path, stat) in files {
            while let Some(i) = open.pop_if(|i| !path.is_below(nodes[*i].path)) {
                nodes[i].end = nodes.len();
            }
            let kind = match stat.file_type {
                FileType::Dir => Kind::Dir,
                FileType::Symlink => Kind::Symlink(stat.linkname()),
                _ => Kind::Other,
            };
            if kind == Kind::Dir {
                open.push(nodes.len());
            }
            nodes.push(Node { path: path.as_bytes(), kind, end: nodes.len() + 1 });
        }
        let end = nodes.len();
        for i in open.into_iter().chain([0]) {
            nodes[i].end = end;
        }
        Self { all: nodes, version }
    }

    /// Whether the version that is asked for follows a rule.
    pub fn has(&self, rule: Rule) -> bool {
        self.version.has(rule)
    }

    pub fn get(&self, node: usize) -> &Node<'a> {
        &self.all[node]
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The node of a path without leading `/`.
    pub fn find(&self, path: &[u8]) -> Option<usize> {
        if path.is_empty() {
            return Some(0);
        }
        let below = &self.all[1..];
        below.binary_search_by(|n| ContextPath::compare(n.path, path)).ok().map(|i| i + 1)
    }

    /// Finds an absolute path; links on the way are resolved within the tree, the last component only with `follow`
    /// (`getFollowLinks`).
    pub fn resolve(&self, path: &[u8], follow: bool) -> Result<Option<usize>, TooManyLinks> {
        if !self.has(Rule::LinksByComponent) {
            return self.resolve_cleaned(path, follow);
        }
        let direct = self.find(path.strip_prefix(b"/").unwrap_or(path));
        if let Some(i) = direct
            && !(follow && matches!(self.all[i].kind, Kind::Symlink(_)))
        {
            return Ok(direct);
        }
        let mut found = None;
        let mut current = Vec::new();
        let mut rest = path.to_vec();
        let mut links = 0;
        while !rest.is_empty() {
            let cut = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
            let part = &rest[..cut];
            let next = gopath::join(&[b"/", &current, part]);
            let left = rest.get(cut + 1..).unwrap_or_default().to_vec();
            found = self.find(&next[1..]);
            match found.map(|i| self.all[i].kind) {
                Some(Kind::Symlink(target)) if follow || !left.is_empty() => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(TooManyLinks);
                    }
                    rest = [target, b"/", &left].concat();
                    if target.starts_with(b"/") {
                        current.clear();
                    }
                }
                _ => {
                    current = next;
                    rest = left;
                }
            }
        }
        Ok(found)
    }

    /// Where the walk of a wildcard begins, which has `more` components behind `origin` (`wildcardPrefix`).
    pub fn start(&self, origin: &[u8], more: bool) -> Result<Option<usize>, TooManyLinks> {
        if self.has(Rule::LinksByComponent) {
            self.resolve(origin, more)
        } else {
            self.start_cleaned(origin, more)
        }
    }

    /// The node that stands behind `node` in the folder that is being listed.
    ///
    /// BuildKit steps over a folder's subtree by seeking `dir NUL 0xff`, so that a child whose name starts with byte
    /// 0xff is listed again in the enclosing folder.
    pub fn next(&self, node: usize) -> usize {
        let Node { path, end, .. } = self.all[node];
        let first = |n: &Node<'_>| n.path.get(path.len() + 1) == Some(&0xff);
        if self.all[node].kind != Kind::Dir || !first(&self.all[end - 1]) {
            return end;
        }
        node + 1 + self.all[node + 1..end].partition_point(|n| !first(n))
    }
}
