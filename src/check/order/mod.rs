//! The order of instructions, and what their cache keys stand on.

mod argument;
mod chmod;
mod install;
mod mounts;
#[cfg(test)]
mod tests;
mod tools;
mod volatile;

use super::{Facts, Findings, Group, Rule, Severity};
pub use volatile::wants_churn;

const INSTALL: Rule = Group::Cache.rule(
    "copy-before-install",
    Severity::Warning,
    "all sources are copied before dependencies are installed, so that every change of a source installs them anew",
    include_str!("pages/copy-before-install.md"),
);
const ARGUMENT: Rule = Group::Cache.rule(
    "volatile-arg-early",
    Severity::Warning,
    "an argument that changes with every commit is declared above RUN steps that do not use it, and enters their keys",
    include_str!("pages/volatile-arg-early.md"),
);
const CHMOD: Rule = Group::Cache.rule(
    "chmod-keeps-modes-in-key",
    Severity::Note,
    "COPY --chmod sets modes in the image, but the cache key still holds those of the files",
    include_str!("pages/chmod-keeps-modes-in-key.md"),
);
const WHOLE_MOUNT: Rule = Group::Cache.rule(
    "bind-mount-whole-context",
    Severity::Note,
    "a bind mount shows the whole context to a RUN, which runs anew with every change of any file",
    include_str!("pages/bind-mount-whole-context.md"),
);
const VOLATILE: Rule = Group::Cache.rule(
    "volatile-file-early",
    Severity::Note,
    "an early COPY takes one file that changes far more often than the others, and slow steps follow",
    include_str!("pages/volatile-file-early.md"),
);

/// The rules of this group.
pub const RULES: &[Rule] = &[INSTALL, ARGUMENT, CHMOD, WHOLE_MOUNT, VOLATILE];

/// Looks at one build.
pub fn find(facts: &Facts<'_>, found: &mut Findings) {
    install::find(facts, found);
    argument::find(facts, found);
    chmod::find(facts, found);
    mounts::find(facts, found);
    volatile::find(facts, found);
}
