//! Compose and Bake files as a whole: paths that lead nowhere, stages and arguments that nothing has, what the files themselves have wrong.

mod equal;
mod facts;
mod label;
mod near;
mod options;
mod paths;
mod rules;
pub(super) mod stages;
#[cfg(test)]
mod tests;
mod told;

pub use facts::{BuildFacts, Presence, ProjectFacts};
pub use near::looks_like_dockerfile;
pub use rules::RULES;

use super::{Edit, Finding, Findings, Fix, Label, Reference, Rule, Severity};

/// Looks at a project.
pub fn find(facts: &ProjectFacts<'_>, found: &mut Findings) {
    told::find(facts, found);
    paths::find(facts, found);
    options::find(facts, found);
    equal::find(facts, found);
}

impl ProjectFacts<'_> {
    /// Whether nothing stands in the way of looking at a build on its own: its context and its Dockerfile are there.
    pub fn can_be_checked(&self, build: usize) -> bool {
        let Some(facts) = self.builds.get(build) else { return false };
        facts.context != Presence::Missing
            && facts.dockerfile != Presence::Missing
            && facts.context != Presence::File
            && facts.bad_platforms.is_empty()
            && !facts.named.values().any(|n| *n != Presence::Folder && *n != Presence::Elsewhere)
    }
}
