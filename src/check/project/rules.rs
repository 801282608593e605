//! The rules about projects, with their pages.

use super::super::{Group, Rule, Severity};

/// The rules of this group.
pub const RULES: &[Rule] = &[
    FILE_INVALID,
    BUILD_INVALID,
    CONTEXT_MISSING,
    DOCKERFILE_MISSING,
    NAMED_CONTEXT_MISSING,
    SECRET_FILE_MISSING,
    TARGET_UNKNOWN,
    ARGUMENT_UNKNOWN,
    ARGUMENT_WITHOUT_VALUE,
    PLATFORM_INVALID,
    VARIABLE_UNSET,
    VERSION_OBSOLETE,
    VALUE_VOLATILE,
    PART_UNREAD,
    INHERITS_ITSELF,
    PATH_ABSOLUTE,
    BUILDS_EQUAL,
    UNSEEN,
];

/// A file that can't be read as a whole, or a part of it that belongs to no build.
pub(super) const FILE_INVALID: Rule = Group::Project.rule(
    "project-file-invalid",
    Severity::Error,
    "a Compose or Bake file can't be understood",
    include_str!("pages/project-file-invalid.md"),
);

/// A build that the reader of projects rejects.
pub(super) const BUILD_INVALID: Rule = Group::Project.rule(
    "project-build-invalid",
    Severity::Error,
    "what a project says about one build can't be meant",
    include_str!("pages/project-build-invalid.md"),
);

/// A context that is not there.
pub(super) const CONTEXT_MISSING: Rule = Group::Project.rule(
    "project-context-missing",
    Severity::Error,
    "the context folder of a build is not there",
    include_str!("pages/project-context-missing.md"),
);

/// A Dockerfile that is not there.
pub(super) const DOCKERFILE_MISSING: Rule = Group::Project.rule(
    "project-dockerfile-missing",
    Severity::Error,
    "the Dockerfile of a build is not there",
    include_str!("pages/project-dockerfile-missing.md"),
);

/// A named context that is not there.
pub(super) const NAMED_CONTEXT_MISSING: Rule = Group::Project.rule(
    "project-named-context-missing",
    Severity::Error,
    "the folder of a named context is not there",
    include_str!("pages/project-named-context-missing.md"),
);

/// A secret's file that is not there.
pub(super) const SECRET_FILE_MISSING: Rule = Group::Project.rule(
    "project-secret-file-missing",
    Severity::Warning,
    "the file of a build secret is not there",
    include_str!("pages/project-secret-file-missing.md"),
);

/// A target that is no stage.
pub(super) const TARGET_UNKNOWN: Rule = Group::Project.rule(
    "project-target-unknown",
    Severity::Error,
    "a build names a stage that its Dockerfile doesn't have",
    include_str!("pages/project-target-unknown.md"),
);

/// An argument that no stage declares.
pub(super) const ARGUMENT_UNKNOWN: Rule = Group::Project.rule(
    "project-argument-unknown",
    Severity::Warning,
    "a build gives an argument that its Dockerfile doesn't declare",
    include_str!("pages/project-argument-unknown.md"),
);

/// An argument without any value.
pub(super) const ARGUMENT_WITHOUT_VALUE: Rule = Group::Project.rule(
    "project-argument-without-value",
    Severity::Note,
    "a build gives no value to an argument that has no default",
    include_str!("pages/project-argument-without-value.md"),
);

/// A platform that is none.
pub(super) const PLATFORM_INVALID: Rule = Group::Project.rule(
    "project-platform-invalid",
    Severity::Error,
    "a build names a platform that is none",
    include_str!("pages/project-platform-invalid.md"),
);

/// A variable without a value.
pub(super) const VARIABLE_UNSET: Rule = Group::Project.rule(
    "project-variable-unset",
    Severity::Warning,
    "a variable of a Compose file has no value and no default",
    include_str!("pages/project-variable-unset.md"),
);

/// `version:`.
pub(super) const VERSION_OBSOLETE: Rule = Group::Project.rule(
    "project-version-obsolete",
    Severity::Note,
    "`version` in a Compose file means nothing",
    include_str!("pages/project-version-obsolete.md"),
);

/// A value that changes by itself.
pub(super) const VALUE_VOLATILE: Rule = Group::Project.rule(
    "project-value-volatile",
    Severity::Note,
    "a value is another one at every build",
    include_str!("pages/project-value-volatile.md"),
);

/// A part that can't be understood and says nothing about what is built.
pub(super) const PART_UNREAD: Rule = Group::Project.rule(
    "project-part-unread",
    Severity::Note,
    "a part of a project that says nothing about what is built can't be understood",
    include_str!("pages/project-part-unread.md"),
);

/// A target that inherits from itself.
pub(super) const INHERITS_ITSELF: Rule = Group::Project.rule(
    "project-inherits-itself",
    Severity::Warning,
    "a Bake target inherits from itself",
    include_str!("pages/project-inherits-itself.md"),
);

/// A path that is another one elsewhere.
pub(super) const PATH_ABSOLUTE: Rule = Group::Project.rule(
    "project-path-absolute",
    Severity::Note,
    "a project names an absolute path",
    include_str!("pages/project-path-absolute.md"),
);

/// Several names for one build.
pub(super) const BUILDS_EQUAL: Rule = Group::Project.rule(
    "project-builds-equal",
    Severity::Note,
    "several builds of a project make the same image",
    include_str!("pages/project-builds-equal.md"),
);

/// A build whose sources are not here.
pub const UNSEEN: Rule = Group::Project.rule(
    "project-build-unseen",
    Severity::Note,
    "a build's context or Dockerfile is not on this machine, and is not checked",
    include_str!("pages/project-build-unseen.md"),
);
