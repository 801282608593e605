//! The ignore file: what its lines do to the files that are there.

mod choice;
mod dead;
mod depth;
mod negated;
mod reach;
mod syntax;
#[cfg(test)]
mod tests;

use super::{Facts, Findings, FolderFacts, Group, Rule, Severity};
use crate::pattern::IgnoreFile;
use reach::Reach;

const INVALID: Rule = Group::Ignore.rule(
    "ignore-file",
    Severity::Error,
    "a line of the ignore file can't be read, and no build can use the context",
    include_str!("pages/ignore-file.md"),
);
const NOT_READ: Rule = Group::Ignore.rule(
    "ignore-file-not-read",
    Severity::Warning,
    "a `.dockerignore` lies where no build reads it",
    include_str!("pages/ignore-file-not-read.md"),
);
const SWITCHED_OFF: Rule = Group::Ignore.rule(
    "ignore-file-switched-off",
    Severity::Warning,
    "the Dockerfile's own ignore file is empty and switches the general one off",
    include_str!("pages/ignore-file-switched-off.md"),
);
const OVERRIDDEN: Rule = Group::Ignore.rule(
    "ignore-file-overridden",
    Severity::Note,
    "the Dockerfile has an ignore file of its own, so the general one is not read",
    include_str!("pages/ignore-file-overridden.md"),
);
const MISNAMED: Rule = Group::Ignore.rule(
    "ignore-file-misnamed",
    Severity::Warning,
    "a file has nearly the name of an ignore file, and there is no ignore file",
    include_str!("pages/ignore-file-misnamed.md"),
);
const ORPHAN: Rule = Group::Ignore.rule(
    "ignore-file-without-dockerfile",
    Severity::Note,
    "an ignore file is named after a Dockerfile that is not there",
    include_str!("pages/ignore-file-without-dockerfile.md"),
);
const DEAD: Rule = Group::Ignore.rule(
    "ignore-pattern-dead",
    Severity::Note,
    "a line of the ignore file matches nothing that is there",
    include_str!("pages/ignore-pattern-dead.md"),
);
const CASE: Rule = Group::Ignore.rule(
    "ignore-pattern-case",
    Severity::Warning,
    "a line of the ignore file matches nothing, but would in another case",
    include_str!("pages/ignore-pattern-case.md"),
);
const SHADOWED: Rule = Group::Ignore.rule(
    "ignore-pattern-shadowed",
    Severity::Note,
    "a line of the ignore file changes nothing: other lines hide all that it matches",
    include_str!("pages/ignore-pattern-shadowed.md"),
);
const ROOT_ONLY: Rule = Group::Ignore.rule(
    "ignore-pattern-root-only",
    Severity::Warning,
    "a line of the ignore file counts at the top only, and deeper files of that name are sent",
    include_str!("pages/ignore-pattern-root-only.md"),
);
const NEGATION: Rule = Group::Ignore.rule(
    "ignore-negation-ineffective",
    Severity::Warning,
    "a `!` line of the ignore file brings nothing back",
    include_str!("pages/ignore-negation-ineffective.md"),
);
const GIT_SYNTAX: Rule = Group::Ignore.rule(
    "ignore-git-syntax",
    Severity::Warning,
    "a line of the ignore file is written in gitignore's or a shell's way, which means something else here",
    include_str!("pages/ignore-git-syntax.md"),
);
const COMMENT: Rule = Group::Ignore.rule(
    "ignore-comment",
    Severity::Warning,
    "what looks like a comment in the ignore file is part of a pattern",
    include_str!("pages/ignore-comment.md"),
);
const WHITE_SPACE: Rule = Group::Ignore.rule(
    "ignore-white-space",
    Severity::Note,
    "lines of the ignore file end in white space or CR LF, or it begins with a byte order mark",
    include_str!("pages/ignore-white-space.md"),
);

/// The rules of this group.
pub const RULES: &[Rule] = &[
    INVALID,
    NOT_READ,
    SWITCHED_OFF,
    OVERRIDDEN,
    MISNAMED,
    ORPHAN,
    DEAD,
    CASE,
    SHADOWED,
    ROOT_ONLY,
    NEGATION,
    GIT_SYNTAX,
    COMMENT,
    WHITE_SPACE,
];

/// An ignore file with its folder and what its patterns reach.
struct Lines<'a> {
    folder: &'a FolderFacts<'a>,
    file: &'a IgnoreFile,
    /// One for each of the matcher's patterns.
    reach: Vec<Reach>,
    /// Lines of which a rule about their form has told already.
    told: Vec<usize>,
}

/// Looks at one build.
pub fn find(facts: &Facts<'_>, found: &mut Findings) {
    choice::find(facts, found);
    for (place, folder) in facts.folders.iter().enumerate() {
        let Some(file) = folder.context.ignore_file().filter(|f| !f.patterns().is_empty()) else { continue };
        // A pattern that can't be compiled has failed the build already.
        if file.matcher().patterns().iter().any(crate::pattern::Pattern::is_broken) {
            continue;
        }
        let mut lines = Lines { folder, file, reach: reach::all(folder, file), told: Vec::new() };
        syntax::find(&mut lines, found);
        depth::find(facts, place, &mut lines, found);
        negated::find(&mut lines, found);
        dead::find(&lines, found);
    }
}
