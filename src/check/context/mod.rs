//! The files of the context: litter, secrets, odd modes, odd names.

use super::{Facts, Findings, Rule};

/// The rules of this group.
pub const RULES: &[Rule] = &[];

/// Looks at one build.
pub fn find(facts: &Facts<'_>, found: &mut Findings) {
    let _ = (facts, found);
}
