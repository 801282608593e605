//! Paths → a tree of folders, each with the weight of all that is below it.

use super::hold::{Hold, HoldState};
use crate::entry::ContextPath;

/// A folder or a file.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Its name in its folder, as it is on disk; of the top the name of the context.
    pub name: Vec<u8>,
    /// Its folder; the top's is itself.
    pub parent: usize,
    /// What is in it, in fsutil's order.
    pub children: Vec<usize>,
    /// Bytes of the files in it.
    pub bytes: u64,
    /// How many files are in it; links, pipes and devices count.
    pub files: u64,
    /// Bytes and files of what is in view.
    pub in_view: (u64, u64),
    /// What is known of it; `None` for a folder of which nothing is known but its name.
    pub state: Option<HoldState>,
}

impl Node {
    /// True for what can hold others.
    pub fn is_folder(&self) -> bool {
        self.state.is_none_or(|s| s.kind == "dir")
    }
}

/// All nodes; a folder stands before what is in it, and the first one is the top.
#[derive(Debug, Clone, Default)]
pub struct Tree(pub Vec<Node>);

impl Tree {
    /// The tree of a hold: with several contexts, each is a folder below the top.
    pub fn of(hold: &Hold) -> Self {
        let mut tree = Self(vec![Node::default()]);
        for folder in &hold.folders {
            let top = match hold.folders.len() {
                1 => 0,
                _ => tree.push(0, folder.name.as_bytes()),
            };
            let mut items: Vec<_> = folder.items.iter().collect();
            items.sort_by(|a, b| ContextPath::compare(&a.path, &b.path));
            // The folders that lead to the last item, each with the length of its path.
            let mut open: Vec<(usize, usize)> = vec![(top, 0)];
            let mut last: &[u8] = b"";
            for item in items {
                tree.open_folders(&mut open, last, &item.path);
                last = &item.path;
                let (folder, length) = open.last().copied().unwrap_or((top, 0));
                let name = &item.path[if length == 0 { 0 } else { length + 1 }..];
                let at = tree.push(folder, name);
                tree.0[at].state = Some(item.state);
                if item.state.kind == "dir" {
                    open.push((at, item.path.len()));
                } else {
                    (tree.0[at].bytes, tree.0[at].files) = (item.bytes, 1);
                    if item.state.hidden.is_none() {
                        tree.0[at].in_view = (item.bytes, 1);
                    }
                }
            }
        }
        tree.weigh();
        tree
    }

    /// Leaves the folders that `path` is not in, and enters those that nothing was said of.
    fn open_folders(&mut self, open: &mut Vec<(usize, usize)>, last: &[u8], path: &[u8]) {
        let above = |length: usize| {
            length == 0 || path.get(length) == Some(&b'/') && last.get(..length) == path.get(..length)
        };
        while open.len() > 1 && open.last().is_some_and(|(_, length)| !above(*length)) {
            open.pop();
        }
        let (mut folder, mut from) = open.last().copied().unwrap_or_default();
        from += usize::from(from > 0);
        while let Some(end) = path[from..].iter().position(|b| *b == b'/').map(|at| from + at) {
            folder = self.push(folder, &path[from..end]);
            open.push((folder, end));
            from = end + 1;
        }
    }

    fn push(&mut self, parent: usize, name: &[u8]) -> usize {
        let at = self.0.len();
        self.0.push(Node { name: name.to_vec(), parent, ..Node::default() });
        self.0[parent].children.push(at);
        at
    }

    /// Adds up: what is in a folder stands behind it.
    fn weigh(&mut self) {
        for at in (1..self.0.len()).rev() {
            let Node { bytes, files, in_view, parent, .. } = self.0[at];
            let folder = &mut self.0[parent];
            folder.bytes += bytes;
            folder.files += files;
            folder.in_view = (folder.in_view.0 + in_view.0, folder.in_view.1 + in_view.1);
        }
    }

    /// The path of a node from the top; empty for the top.
    pub fn path(&self, mut at: usize) -> Vec<u8> {
        let mut names = Vec::new();
        while at > 0 {
            names.push(&self.0[at].name[..]);
            at = self.0[at].parent;
        }
        names.reverse();
        names.join(&b"/"[..])
    }
}

#[cfg(test)]
mod tests {
    use super::super::hold::{HoldFolder, HoldItem};
    use super::*;

    fn hold(folders: &[(&str, &[(&str, u64)])]) -> Hold {
        let item = |(path, bytes): &(&str, u64)| HoldItem {
            path: path.trim_end_matches('/').as_bytes().to_vec(),
            bytes: *bytes,
            state: HoldState {
                kind: if path.ends_with('/') { "dir" } else { "file" },
                ..HoldState::default()
            },
        };
        let folder = |(name, items): &(&str, &[(&str, u64)])| HoldFolder {
            name: (*name).to_owned(),
            items: items.iter().map(item).collect(),
        };
        Hold { folders: folders.iter().map(folder).collect(), ..Hold::default() }
    }

    fn shown(tree: &Tree) -> Vec<String> {
        let one = |at: usize| {
            let node = &tree.0[at];
            format!("{} {} {}", String::from_utf8_lossy(&tree.path(at)), node.bytes, node.files)
        };
        (0..tree.0.len()).map(one).collect()
    }

    #[test]
    fn a_folder_weighs_what_is_in_it_be_it_listed_or_not() {
        let tree = Tree::of(&hold(&[(
            "context",
            &[("b/c/x", 4), ("a.b", 1), ("a/", 0), ("a/y", 2), ("b/cd", 8), ("b/c/z", 16)],
        )]));
        assert_eq!(
            shown(&tree),
            [
                " 31 5",
                "a 2 1",
                "a/y 2 1",
                "a.b 1 1",
                "b 28 3",
                "b/c 20 2",
                "b/c/x 4 1",
                "b/c/z 16 1",
                "b/cd 8 1"
            ]
        );
    }

    #[test]
    fn a_name_that_begins_with_a_folders_name_is_not_in_it() {
        let tree = Tree::of(&hold(&[("context", &[("a/", 0), ("ab/", 0), ("ab/x", 1), ("a/b/x", 1)])]));
        assert_eq!(shown(&tree), [" 2 2", "a 1 1", "a/b 1 1", "a/b/x 1 1", "ab 1 1", "ab/x 1 1"]);
    }

    #[test]
    fn several_contexts_are_folders_below_the_top() {
        let tree = Tree::of(&hold(&[("context", &[("x", 1)]), ("docs", &[("x", 2)])]));
        assert_eq!(shown(&tree), [" 3 2", "context 1 1", "context/x 1 1", "docs 2 1", "docs/x 2 1"]);
    }
}
