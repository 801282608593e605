//! What the tests share: trees from text, recorded cases on disk, the program run as a child.

pub mod case;
pub mod cli;
pub mod entry;
pub mod machine;
pub mod mutation;
pub mod parallel;
pub mod records;
pub mod tree;
pub mod view;
