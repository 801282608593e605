//! Sizes as people type them.

pub use crate::ops::parse_size as parse;
