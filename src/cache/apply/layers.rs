//! Trees over trees: image layers (containerd's `archive.Apply` on overlayfs) and MergeOp (`snapshot/diffapply_linux.go`).

use std::sync::Arc;

use crate::cache::tree::{FileTree, Node};

/// Lays trees over each other, the first at the bottom (MergeOp, which `--link` makes).
///
/// Folders unite and take owner, mode and xattrs from the upper one; everything else is replaced.
pub fn merge(inputs: &[&FileTree]) -> FileTree {
    let Some((first, rest)) = inputs.split_first() else { return FileTree::scratch() };
    let mut out = (*first).clone();
    for upper in rest {
        let mut root = out.root().clone();
        for (name, node) in upper.root().shared() {
            let merged = lay_over(root.entry(name), node);
            root.insert_shared(name.clone(), merged);
        }
        out = FileTree::new(root);
    }
    out
}

fn lay_over(lower: Option<&Node>, upper: &Arc<Node>) -> Arc<Node> {
    let Some(lower) = lower.filter(|l| l.stat.is_dir() && upper.stat.is_dir() && !l.is_empty()) else {
        return upper.clone();
    };
    let mut out = lower.clone();
    out.stat = upper.stat.clone();
    for (name, node) in upper.shared() {
        let merged = lay_over(lower.entry(name), node);
        out.insert_shared(name.clone(), merged);
    }
    Arc::new(out)
}
