//! CI workflows: cache settings that do nothing.

use super::Rule;

/// The rules of this group.
pub const RULES: &[Rule] = &[];
