//! The rule table: findings about a build before anyone builds, each with code, severity, places and help.
//!
//! Values in, values out: [`Facts`] holds what was read of one build, each group of rules looks at it and adds to [`Findings`]. No disk, no
//! clock, no environment; whoever gathers the facts (the verb `check`) has asked all of these, and tries the fixes that findings propose.

mod build;
mod buildkit;
#[cfg(feature = "project")]
pub mod ci;
mod context;
mod facts;
mod finding;
mod ignoring;
mod order;
#[cfg(feature = "project")]
pub mod project;
mod rule;
mod silence;
mod source;
mod steps;
mod text;
#[cfg(test)]
mod trial;
mod usual;

pub use context::{LARGEST_SECRET, Verdict, may_hold_secret, secret_in};
pub use facts::{
    Asked, Churn, Facts, Failure, FolderFacts, Hidden, IgnoreFacts, Lint, Looked, OddMode, Peeked, StepFacts,
    Surprise, Taken,
};
pub use finding::{Amount, Edit, Finding, Findings, Fix, Help, Label, Reference};
pub use order::wants_churn;
pub use rule::{Group, RULES, Rule, Severity, rule};
pub use silence::{Silence, of_file as silences_of_file, silences};

/// Every finding of one build, in the order of the files' lines.
pub fn find(facts: &Facts<'_>) -> Findings {
    let mut found = Findings::default();
    let groups = [build::find, source::find, ignoring::find, context::find, buildkit::find, order::find];
    groups.iter().for_each(|find| find(facts, &mut found));
    found
}
