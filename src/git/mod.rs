//! Revisions through the git program: commits as a checkout in this place would write them.
//!
//! Nothing here changes a repository or fetches anything, and no revision can be taken for an option.

mod attributes;
mod command;
mod config;
mod error;
mod filter;
mod known;
mod lfs;
mod listing;
mod objects;
mod oid;
mod place;
mod repository;
mod revision;
mod staged;
mod submodule;
#[cfg(test)]
mod tests;
mod touched;
mod tree;
mod worktree;

pub use error::GitError;
pub use lfs::Pointer;
pub use listing::{ContentName, Listing};
pub use objects::BlobReader;
pub use oid::Oid;
pub use place::Permissions;
pub use repository::{Commit, LogOptions, Repository};
pub use revision::{Revision, RevisionWarning, RevisionWarningCode};
pub use touched::Touched;
pub use tree::{Change, Leaf, LeafKind};
pub use worktree::WorkTree;
