//! BuildKit's arithmetic: content digests, selectors, operation digests, cache records; every key keeps its preimage.

mod answer;
mod apply;
mod checksum;
mod cleaned;
mod content;
mod export;
mod filter;
mod foresee;
mod gosort;
mod grow;
mod header;
mod inputs;
mod json;
mod keys;
mod local;
mod nodes;
mod op;
mod quote;
#[cfg(test)]
mod recorded;
mod remembered;
mod remembering;
mod select;
mod selector;
mod stage;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

pub use apply::{
    ApplyError, ContentReader, LayerEntry, LayerError, LayerFile, apply_file_op, image_tree, merge,
    open_content, scan_layer, source_tree,
};
pub use header::{Producer, bare_digest, hashed_xattrs, unseen_root, write_header};
pub use inputs::{Inputs, Memory};
pub use keys::{
    CacheError, EntryDigests, Files, InputPart, Key, KeyError, KeyErrorKind, Keys, Link, Part, Preimage,
    Reads, Record, Selected, SourceDigests, StageFile, StepKeys, VertexKeys,
};
pub use remembered::{Remembered, RememberedLink, RememberedRecord};
pub use remembering::remember;
pub use selector::Selector;
pub use tree::{Content, FileTree, Node};

use std::cell::OnceCell;

use crate::observer::Observer;
use crate::plan::Plan;

/// Computes every key of the plan.
///
/// # Errors
/// [`CacheError`] when a file that a key needs cannot be read, or changed since it was listed.
pub fn keys(plan: &Plan, inputs: &Inputs<'_>, observer: &dyn Observer) -> Result<Keys, CacheError> {
    let vertices = plan.graph.vertices.len();
    let trees: Vec<OnceCell<FileTree>> = (0..vertices).map(|_| OnceCell::new()).collect();
    let listings: Vec<OnceCell<stage::Listing<'_>>> = (0..vertices).map(|_| OnceCell::new()).collect();
    walk::Walk::run(plan, inputs, observer, &trees, &listings).map(answer::answer)
}
