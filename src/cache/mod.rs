//! BuildKit's arithmetic: content digests, selectors, operation digests, cache records; every key keeps its preimage.

mod tree;

pub use tree::{Content, FileTree, Node};
