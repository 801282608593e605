//! A file tree as a build step leaves it: what `COPY --from` looks into.
//!
//! Folders share what they hold: a copy of a tree costs nothing, and a change copies only the folders on the way to it.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use crate::entry::{ContextPath, FileType, Stat};

/// A whole file tree with real owners, as a snapshot would hold it.
#[derive(Debug, Clone)]
pub struct FileTree {
    root: Arc<Node>,
}

/// One file of a [`FileTree`]; a folder holds its entries.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its stat; hard links are independent nodes with equal content.
    pub stat: Stat,
    /// Where its content is.
    pub content: Content,
    entries: BTreeMap<Arc<[u8]>, Arc<Node>>,
}

/// Where the bytes of a regular file are; nothing is read before a digest needs it.
#[derive(Debug, Clone)]
pub enum Content {
    /// No bytes (everything but regular files, and empty files).
    Empty,
    /// In memory.
    Bytes(Arc<[u8]>),
    /// An entry of a local source: the name of the source and the index in its listing.
    Entry(Arc<str>, usize),
    /// A part of a file on disk (an unpacked archive or layer).
    Range {
        /// The file, usually a temporary one that goes when the last user goes.
        file: Arc<File>,
        /// Where the content begins.
        offset: u64,
        /// How long it is.
        len: u64,
    },
}

impl FileTree {
    /// An empty tree: its root has mode 0755 and belongs to 0:0.
    pub fn scratch() -> Self {
        Self { root: Arc::new(Node::folder(folder_stat(0o755))) }
    }

    /// A tree with this root.
    pub fn new(root: Node) -> Self {
        Self { root: Arc::new(root) }
    }

    /// The root folder.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The file at a clean path without leading `/`; the root for the empty path. Links are not followed.
    pub fn get(&self, path: &[u8]) -> Option<&Node> {
        parts(path).try_fold(&*self.root, |node, part| node.entry(part))
    }

    /// Every file below the root, in fsutil's order.
    pub fn files(&self) -> Vec<(ContextPath, &Node)> {
        let mut out = Vec::new();
        collect(&self.root, None, &mut out);
        out
    }

    /// How many files there are below the root.
    pub fn len(&self) -> usize {
        self.root.len()
    }

    /// True when there is nothing below the root.
    pub fn is_empty(&self) -> bool {
        self.root.entries.is_empty()
    }

    /// The file at a path for changing, as [`FileTree::get`]; folders on the way that others share are copied.
    pub fn get_mut(&mut self, path: &[u8]) -> Option<&mut Node> {
        self.get(path)?;
        parts(path).try_fold(Arc::make_mut(&mut self.root), |node, part| node.entry_mut(part))
    }
}

impl Node {
    /// A folder without entries.
    pub fn folder(stat: Stat) -> Self {
        Self::file(stat, Content::Empty)
    }

    /// Anything but a folder.
    pub fn file(stat: Stat, content: Content) -> Self {
        Self { stat, content, entries: BTreeMap::new() }
    }

    /// A folder with these entries.
    pub fn holding(stat: Stat, entries: impl IntoIterator<Item = (Arc<[u8]>, Arc<Node>)>) -> Self {
        Self { stat, content: Content::Empty, entries: entries.into_iter().collect() }
    }

    /// The entry of that name.
    pub fn entry(&self, name: &[u8]) -> Option<&Node> {
        self.entries.get(name).map(|n| &**n)
    }

    /// The entries by name, bytewise.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], &Node)> {
        self.entries.iter().map(|(name, node)| (&**name, &**node))
    }

    /// How many files there are below this folder.
    pub fn len(&self) -> usize {
        self.entries.values().map(|n| 1 + n.len()).sum()
    }

    /// True when there is nothing below this folder.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of that name for changing.
    pub fn entry_mut(&mut self, name: &[u8]) -> Option<&mut Node> {
        self.entries.get_mut(name).map(Arc::make_mut)
    }

    /// Adds an entry, or puts it in the place of the one of that name.
    pub fn insert(&mut self, name: &[u8], node: impl Into<Arc<Node>>) {
        self.entries.insert(name.into(), node.into());
    }

    /// Adds an entry whose name is shared.
    pub fn insert_shared(&mut self, name: Arc<[u8]>, node: Arc<Node>) {
        self.entries.insert(name, node);
    }

    /// Takes an entry out.
    pub fn remove(&mut self, name: &[u8]) -> Option<Arc<Node>> {
        self.entries.remove(name)
    }

    /// The entry of that name as it is shared.
    pub fn shared_entry(&self, name: &[u8]) -> Option<&Arc<Node>> {
        self.entries.get(name)
    }

    /// The entries as they are shared.
    pub fn shared(&self) -> impl Iterator<Item = (&Arc<[u8]>, &Arc<Node>)> {
        self.entries.iter()
    }
}

/// The stat of a folder that belongs to root.
pub fn folder_stat(mode: u16) -> Stat {
    Stat { file_type: FileType::Dir, mode, uid: 0, gid: 0, size: 0, mtime_ns: 0, extra: None }
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty())
}

fn collect<'a>(folder: &'a Node, path: Option<&ContextPath>, out: &mut Vec<(ContextPath, &'a Node)>) {
    for (name, node) in folder.entries() {
        let path = ContextPath::child(path, name);
        out.push((path.clone(), node));
        if !node.entries.is_empty() {
            collect(node, Some(&path), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> FileTree {
        let mut tree = FileTree::scratch();
        for path in paths {
            let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
            let folder = tree.get_mut(dir.as_bytes()).expect("parents come first");
            folder.insert(name.as_bytes(), Node::folder(folder_stat(0o755)));
        }
        tree
    }

    #[test]
    fn files_come_in_fsutils_order() {
        let tree = tree(&["a.b", "ab", "a", "a b", "a/b", "a/b/c"]);
        let paths: Vec<String> = tree.files().iter().map(|(p, _)| p.to_string()).collect();
        assert_eq!(paths, ["a", "a/b", "a/b/c", "a b", "a.b", "ab"]);
        assert!(tree.files().is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(tree.len(), 6);
    }

    #[test]
    fn a_change_leaves_the_tree_it_was_copied_from_alone() {
        let before = tree(&["a", "a/b", "c"]);
        let mut after = before.clone();
        after.get_mut(b"a/b").unwrap().stat.mode = 0o700;
        after.get_mut(b"a").unwrap().remove(b"nothing");
        assert_eq!(before.get(b"a/b").unwrap().stat.mode, 0o755);
        assert_eq!(after.get(b"a/b").unwrap().stat.mode, 0o700);
        assert!(std::ptr::eq(before.get(b"c").unwrap(), after.get(b"c").unwrap()));
        assert!(after.get_mut(b"a/x").is_none() && after.get(b"").is_some());
    }
}
