//! The rules about CI workflows, with their pages.

use super::super::{Group, Rule, Severity};

/// The rules of this group.
pub const RULES: &[Rule] =
    &[WORKFLOW_INVALID, SCOPE_SHARED, GHA_IN_RUN, MODE_MIN, GIT_CONTEXT, NEVER_WRITTEN, NO_BUILDER, NO_CACHE];

/// A workflow that is not YAML.
pub(super) const WORKFLOW_INVALID: Rule = Group::Ci.rule(
    "ci-workflow-invalid",
    Severity::Warning,
    "a workflow is not YAML",
    include_str!("pages/ci-workflow-invalid.md"),
);

/// One scope for several builds.
pub(super) const SCOPE_SHARED: Rule = Group::Ci.rule(
    "ci-cache-scope-shared",
    Severity::Warning,
    "several builds write GitHub's cache under one scope, and overwrite each other's",
    include_str!("pages/ci-cache-scope-shared.md"),
);

/// GitHub's cache from a script.
pub(super) const GHA_IN_RUN: Rule = Group::Ci.rule(
    "ci-gha-cache-in-run",
    Severity::Warning,
    "a script uses GitHub's cache, whose address it isn't told",
    include_str!("pages/ci-gha-cache-in-run.md"),
);

/// Only the last stage is kept.
pub(super) const MODE_MIN: Rule = Group::Ci.rule(
    "ci-cache-mode-min",
    Severity::Warning,
    "the exported cache leaves out the stages that do the work",
    include_str!("pages/ci-cache-mode-min.md"),
);

/// The commit instead of the folder.
pub(super) const GIT_CONTEXT: Rule = Group::Ci.rule(
    "ci-git-context",
    Severity::Warning,
    "a build takes the commit from GitHub, not the folder that was changed before",
    include_str!("pages/ci-git-context.md"),
);

/// A cache that is always empty.
pub(super) const NEVER_WRITTEN: Rule = Group::Ci.rule(
    "ci-cache-never-written",
    Severity::Warning,
    "a build reads GitHub's cache, and no workflow writes it",
    include_str!("pages/ci-cache-never-written.md"),
);

/// The engine's own builder.
pub(super) const NO_BUILDER: Rule = Group::Ci.rule(
    "ci-cache-without-builder",
    Severity::Warning,
    "a build exports its cache, and there is no builder that can",
    include_str!("pages/ci-cache-without-builder.md"),
);

/// A cache that is never looked at.
pub(super) const NO_CACHE: Rule = Group::Ci.rule(
    "ci-cache-unused",
    Severity::Warning,
    "a build reads a cache and is told not to use any",
    include_str!("pages/ci-cache-unused.md"),
);
