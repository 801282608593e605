//! The sources of COPY, ADD and bind mounts.

mod destinations;
mod failing;
mod incomplete;
mod links;
mod outside;
#[cfg(test)]
mod tests;
mod wildcards;

use super::{Facts, Findings, Group, Rule, Severity};

const MISSING: Rule = Group::Source.rule(
    "copy-source-missing",
    Severity::Error,
    "a source of COPY, ADD or a bind mount is not in the context: it does not exist, is misspelt, or an ignore line hides it",
    include_str!("pages/copy-source-missing.md"),
);
const LINKS: Rule = Group::Source.rule(
    "copy-source-links",
    Severity::Error,
    "a source is a loop of symbolic links",
    include_str!("pages/copy-source-links.md"),
);
const BAD_PATTERN: Rule = Group::Source.rule(
    "bad-pattern",
    Severity::Error,
    "a source is a wildcard that can't be read",
    include_str!("pages/bad-pattern.md"),
);
const OUTSIDE: Rule = Group::Source.rule(
    "outside-context",
    Severity::Warning,
    "a source with `..` does not lead out of the context: it is looked up inside",
    include_str!("pages/outside-context.md"),
);
const ABSOLUTE: Rule = Group::Source.rule(
    "absolute-source",
    Severity::Note,
    "a source that begins with `/` is looked up in the context, not on this machine",
    include_str!("pages/absolute-source.md"),
);
const DOUBLE_STAR: Rule = Group::Source.rule(
    "double-star",
    Severity::Warning,
    "`**` in a source is one level only, unless --parents is given",
    include_str!("pages/double-star.md"),
);
const FLATTENS: Rule = Group::Source.rule(
    "wildcard-flattens",
    Severity::Warning,
    "a wildcard matches folders, whose contents are copied without the folders",
    include_str!("pages/wildcard-flattens.md"),
);
const EXCLUDE: Rule = Group::Source.rule(
    "exclude-not-for-sources",
    Severity::Warning,
    "--exclude does not leave out what a source names or matches itself",
    include_str!("pages/exclude-not-for-sources.md"),
);
const NO_MATCH: Rule = Group::Source.rule(
    "wildcard-without-match",
    Severity::Warning,
    "a wildcard matches nothing that is sent: nothing is copied, and that is no error",
    include_str!("pages/wildcard-without-match.md"),
);
const EMPTIED: Rule = Group::Source.rule(
    "copy-source-emptied",
    Severity::Warning,
    "a folder is copied of which the ignore file hides every file",
    include_str!("pages/copy-source-emptied.md"),
);
const PARTLY: Rule = Group::Source.rule(
    "copy-source-partly-hidden",
    Severity::Note,
    "the ignore file hides files of a folder that is copied by name",
    include_str!("pages/copy-source-partly-hidden.md"),
);
const LINK_HIDDEN: Rule = Group::Source.rule(
    "link-target-hidden",
    Severity::Warning,
    "a symbolic link is copied whose target the ignore file hides",
    include_str!("pages/link-target-hidden.md"),
);
const LINK_OUTSIDE: Rule = Group::Source.rule(
    "link-target-outside",
    Severity::Note,
    "a symbolic link is copied that leads out of the context",
    include_str!("pages/link-target-outside.md"),
);
const FOLDER_AS_FILE: Rule = Group::Source.rule(
    "folder-as-file",
    Severity::Warning,
    "a folder is copied to a destination with the name of a file",
    include_str!("pages/folder-as-file.md"),
);
const MERGED: Rule = Group::Source.rule(
    "folder-contents-merged",
    Severity::Note,
    "several folders are copied by one instruction: their contents are merged",
    include_str!("pages/folder-contents-merged.md"),
);
const ONE_NAME: Rule = Group::Source.rule(
    "sources-overwrite",
    Severity::Note,
    "several files are copied to a destination that may not be a folder: the last one is left",
    include_str!("pages/sources-overwrite.md"),
);

/// The rules of this group.
pub const RULES: &[Rule] = &[
    MISSING,
    LINKS,
    BAD_PATTERN,
    OUTSIDE,
    ABSOLUTE,
    DOUBLE_STAR,
    FLATTENS,
    EXCLUDE,
    NO_MATCH,
    EMPTIED,
    PARTLY,
    LINK_HIDDEN,
    LINK_OUTSIDE,
    FOLDER_AS_FILE,
    MERGED,
    ONE_NAME,
];

/// Looks at one build.
pub fn find(facts: &Facts<'_>, found: &mut Findings) {
    failing::find(facts, found);
    let uses = super::steps::uses(facts);
    outside::find(facts, &uses, found);
    wildcards::find(facts, &uses, found);
    incomplete::find(facts, &uses, found);
    links::find(facts, found);
    destinations::find(facts, &uses, found);
}
