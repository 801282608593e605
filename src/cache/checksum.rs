//! BuildKit's digest of a selection (`checksum.go`, `checksum` and `Checksum`).

use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};

use super::nodes::{Kind, Nodes};
use super::select::{List, Selection, below};
use crate::digest::{Algorithm, Digest};
use crate::gopath;

/// The digests of a tree's nodes.
#[derive(Debug)]
pub(super) struct Digests {
    /// Of header and content; of a folder its header alone. `None` for a file that nobody needed.
    own: Vec<Option<Digest>>,
    /// Of a folder with all below, once somebody needed it. Most nodes are no folders.
    whole: FxHashMap<usize, Digest>,
}

impl Digests {
    /// For a tree of so many nodes, none of which is known.
    pub fn new(nodes: usize) -> Self {
        Self { own: vec![None; nodes], whole: FxHashMap::default() }
    }

    /// Sets a node's own digest.
    pub fn set(&mut self, node: usize, digest: Digest) {
        self.own[node] = Some(digest);
    }

    /// A node's own digest.
    pub fn own(&self, node: usize) -> Option<Digest> {
        self.own[node]
    }

    /// The digest of what a selector picked; all own digests of the selection must have been set.
    pub fn of(&mut self, nodes: &Nodes<'_>, selection: &Selection) -> Digest {
        match selection {
            Selection::Node(node) => self.whole(nodes, *node),
            Selection::List(list) => self.of_list(nodes, list),
        }
    }

    fn of_list(&mut self, nodes: &Nodes<'_>, list: &List) -> Digest {
        let mut hash = Sha256::new();
        let mut only = None;
        for (i, item) in list.items.iter().enumerate() {
            let digest = match item.target {
                Some(target) => self.whole(nodes, target),
                None => self.known(item.node),
            };
            let key = below(nodes.get(item.node).path, list.prefix);
            match &list.base {
                Some(base) => {
                    hash.update(&[0][..usize::from(i > 0)]);
                    hash.update(if key.is_empty() { base } else { gopath::base(&key) });
                }
                None => {
                    hash.update(&[0][..usize::from(key.is_empty())]);
                    update_key(&mut hash, &key);
                }
            }
            hash.update(digest.text());
            only = Some(digest);
        }
        match only {
            Some(digest) if list.alone => digest,
            _ => finish(hash),
        }
    }

    /// A file's digest, or a folder's with all below. Folders are done from the innermost out, each once.
    fn whole(&mut self, nodes: &Nodes<'_>, node: usize) -> Digest {
        if nodes.get(node).kind != Kind::Dir {
            return self.known(node);
        }
        if let Some(digest) = self.whole.get(&node) {
            return *digest;
        }
        for i in (node..nodes.get(node).end).rev() {
            if nodes.get(i).kind == Kind::Dir && !self.whole.contains_key(&i) {
                let digest = self.folder(nodes, i);
                self.whole.insert(i, digest);
            }
        }
        *self.whole.get(&node).expect("the loop ends with the folder itself")
    }

    /// `NUL header`, then `NUL name digest` for every child in the order of names.
    fn folder(&self, nodes: &Nodes<'_>, folder: usize) -> Digest {
        let mut hash = Sha256::new_with_prefix([0]);
        hash.update(self.known(folder).text());
        let prefix = nodes.get(folder).path.len();
        let mut child = folder + 1;
        while child < nodes.get(folder).end {
            update_key(&mut hash, &below(nodes.get(child).path, prefix));
            let whole = if nodes.get(child).kind == Kind::Dir { self.whole.get(&child) } else { None };
            hash.update(whole.copied().unwrap_or_else(|| self.known(child)).text());
            child = nodes.next(child);
        }
        finish(hash)
    }

    fn known(&self, node: usize) -> Digest {
        self.own[node].expect("the digest of every selected node was computed before")
    }
}

/// Hashes a path with NUL in place of `/`.
fn update_key(hash: &mut Sha256, path: &[u8]) {
    for (i, part) in path.split(|b| *b == b'/').enumerate() {
        if i > 0 {
            hash.update([0]);
        }
        hash.update(part);
    }
}

fn finish(hash: Sha256) -> Digest {
    Digest { algorithm: Algorithm::Sha256, bytes: hash.finalize().into() }
}
