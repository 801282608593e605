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
pub use rules::{RULES, UNSEEN};

use super::{Edit, Finding, Findings, Fix, Label, Reference, Rule, Severity};
use crate::project::Build;

/// Looks at a project.
pub fn find(facts: &ProjectFacts<'_>, found: &mut Findings) {
    told::find(facts, found);
    paths::find(facts, found);
    options::find(facts, found);
    equal::find(facts, found);
}

impl ProjectFacts<'_> {
    /// The build as it can be looked at: without platforms and a target that there aren't, which are told of already.
    pub fn as_it_can_be(&self, build: usize) -> Option<Build> {
        let (asked, facts) = (self.project.builds.get(build)?, self.builds.get(build)?);
        let mut build = asked.clone();
        let good = |n: &usize| !facts.bad_platforms.iter().any(|(bad, _)| bad == n);
        build.platforms =
            (0..asked.platforms.len()).filter(good).map(|n| asked.platforms[n].clone()).collect();
        let known =
            |target: &str| facts.parsed.is_none_or(|f| stages::find(f, target, f.stages.len()).is_some());
        build.target = build.target.filter(|t| known(&t.value));
        Some(build)
    }

    /// Whether nothing stands in the way of looking at a build on its own: its context, its Dockerfile and its named contexts are there.
    pub fn can_be_checked(&self, build: usize) -> bool {
        let Some(facts) = self.builds.get(build) else { return false };
        facts.context != Presence::Missing
            && facts.dockerfile != Presence::Missing
            && facts.context != Presence::File
            && !facts.named.values().any(|n| *n != Presence::Folder && *n != Presence::Elsewhere)
    }
}
