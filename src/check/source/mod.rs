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

const fn rule(code: &'static str, severity: Severity, summary: &'static str, page: &'static str) -> Rule {
    Rule { code, group: Group::Source, severity, summary, page }
}

const MISSING: Rule = rule(
    "copy-source-missing",
    Severity::Error,
    "A source of COPY, ADD or a bind mount is not in the context: it does not exist, is misspelt, or an ignore line hides it",
    include_str!("pages/copy-source-missing.md"),
);
const LINKS: Rule = rule(
    "copy-source-links",
    Severity::Error,
    "A source is a loop of symbolic links",
    include_str!("pages/copy-source-links.md"),
);
const BAD_PATTERN: Rule = rule(
    "bad-pattern",
    Severity::Error,
    "A source is a wildcard that can't be read",
    include_str!("pages/bad-pattern.md"),
);
const OUTSIDE: Rule = rule(
    "outside-context",
    Severity::Warning,
    "A source with `..` does not lead out of the context: it is looked up inside",
    include_str!("pages/outside-context.md"),
);
const ABSOLUTE: Rule = rule(
    "absolute-source",
    Severity::Note,
    "A source that begins with `/` is looked up in the context, not on this machine",
    include_str!("pages/absolute-source.md"),
);
const DOUBLE_STAR: Rule = rule(
    "double-star",
    Severity::Warning,
    "`**` in a source is one level only, unless --parents is given",
    include_str!("pages/double-star.md"),
);
const FLATTENS: Rule = rule(
    "wildcard-flattens",
    Severity::Warning,
    "A wildcard matches folders, whose contents are copied without the folders",
    include_str!("pages/wildcard-flattens.md"),
);
const EXCLUDE: Rule = rule(
    "exclude-not-for-sources",
    Severity::Warning,
    "--exclude does not leave out what a source names or matches itself",
    include_str!("pages/exclude-not-for-sources.md"),
);
const NO_MATCH: Rule = rule(
    "wildcard-without-match",
    Severity::Warning,
    "A wildcard matches nothing that is sent: nothing is copied, and that is no error",
    include_str!("pages/wildcard-without-match.md"),
);
const EMPTIED: Rule = rule(
    "copy-source-emptied",
    Severity::Warning,
    "A folder is copied of which the ignore file hides every file",
    include_str!("pages/copy-source-emptied.md"),
);
const PARTLY: Rule = rule(
    "copy-source-partly-hidden",
    Severity::Note,
    "The ignore file hides files of a folder that is copied by name",
    include_str!("pages/copy-source-partly-hidden.md"),
);
const LINK_HIDDEN: Rule = rule(
    "link-target-hidden",
    Severity::Warning,
    "A symbolic link is copied whose target the ignore file hides",
    include_str!("pages/link-target-hidden.md"),
);
const LINK_OUTSIDE: Rule = rule(
    "link-target-outside",
    Severity::Note,
    "A symbolic link is copied that leads out of the context",
    include_str!("pages/link-target-outside.md"),
);
const FOLDER_AS_FILE: Rule = rule(
    "folder-as-file",
    Severity::Warning,
    "A folder is copied to a destination with the name of a file",
    include_str!("pages/folder-as-file.md"),
);
const MERGED: Rule = rule(
    "folder-contents-merged",
    Severity::Note,
    "Several folders are copied by one instruction: their contents are merged",
    include_str!("pages/folder-contents-merged.md"),
);
const ONE_NAME: Rule = rule(
    "sources-overwrite",
    Severity::Note,
    "Several files are copied to a destination that may not be a folder: the last one is left",
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
