//! The files of the context: litter, secrets, odd modes, odd names, and what was asked for.

mod kinds;
mod limits;
mod litter;
mod markers;
mod modes;
mod names;
mod odd;
mod secret;
mod secrets;
mod spots;
mod taking;
#[cfg(test)]
mod tests;

pub use secret::{LARGEST as LARGEST_SECRET, Verdict, may_hold_secret, secret_in};

use self::taking::Taking;
use super::{Facts, Findings, Group, Rule, Severity};

const VERSION_CONTROL: Rule = Group::Context.rule(
    "context-vcs",
    Severity::Warning,
    "a step takes the repository (.git and the like), which changes with every commit",
    include_str!("pages/context-vcs.md"),
);
const DEPENDENCIES: Rule = Group::Context.rule(
    "context-deps",
    Severity::Warning,
    "a step takes packages that were installed on this machine (node_modules, virtual environments)",
    include_str!("pages/context-deps.md"),
);
const BUILD_OUTPUT: Rule = Group::Context.rule(
    "context-build-output",
    Severity::Warning,
    "a step takes what a build on this machine wrote",
    include_str!("pages/context-build-output.md"),
);
const CACHES: Rule = Group::Context.rule(
    "context-caches",
    Severity::Warning,
    "a step takes bytecode, caches of tools or coverage data",
    include_str!("pages/context-caches.md"),
);
const LEFTOVERS: Rule = Group::Context.rule(
    "context-leftovers",
    Severity::Warning,
    "a step takes logs, backups, swap files or files of a desktop",
    include_str!("pages/context-leftovers.md"),
);
const EDITOR: Rule = Group::Context.rule(
    "context-editor",
    Severity::Note,
    "a step takes settings of editors",
    include_str!("pages/context-editor.md"),
);
const ARCHIVES: Rule = Group::Context.rule(
    "context-archives",
    Severity::Note,
    "a step takes large archives that no instruction names",
    include_str!("pages/context-archives.md"),
);
const UNSENT: Rule = Group::Context.rule(
    "context-unused-litter",
    Severity::Note,
    "much litter is in view that no step takes",
    include_str!("pages/context-unused-litter.md"),
);
const WALKED: Rule = Group::Context.rule(
    "context-walked-litter",
    Severity::Note,
    "hidden litter is walked by every build, because a `!` pattern may reach into it",
    include_str!("pages/context-walked-litter.md"),
);
const SECRET_IN_IMAGE: Rule = Group::Context.rule(
    "secret-in-image",
    Severity::Error,
    "a step puts a secret into the image",
    include_str!("pages/secret-in-image.md"),
);
const SECRET_IN_BUILD: Rule = Group::Context.rule(
    "secret-in-build",
    Severity::Warning,
    "a step takes a secret that doesn't get into the image",
    include_str!("pages/secret-in-build.md"),
);
const SECRET_IN_CONTEXT: Rule = Group::Context.rule(
    "secret-in-context",
    Severity::Note,
    "a secret is in view of the build, though no step takes it",
    include_str!("pages/secret-in-context.md"),
);
const TOO_LARGE: Rule = Group::Context.rule(
    "context-too-large",
    Severity::Error,
    "the context holds more than --max-context allows",
    include_str!("pages/context-too-large.md"),
);
const REQUIRED: Rule = Group::Context.rule(
    "required-path-missing",
    Severity::Error,
    "a path that --require names is not in the context",
    include_str!("pages/required-path-missing.md"),
);
const UMASK: Rule = Group::Context.rule(
    "odd-modes",
    Severity::Note,
    "files have other modes than in a fresh checkout, which moves the keys of the steps that take them",
    include_str!("pages/odd-modes.md"),
);
const CLASH: Rule = Group::Context.rule(
    "names-clash",
    Severity::Note,
    "two names are one on systems that don't heed case or the composition of accents",
    include_str!("pages/names-clash.md"),
);
const PORTABLE: Rule = Group::Context.rule(
    "name-not-portable",
    Severity::Note,
    "a name that Windows can't have",
    include_str!("pages/name-not-portable.md"),
);
const SOCKET: Rule = Group::Context.rule(
    "socket",
    Severity::Warning,
    "a unix socket arrives as an empty regular file",
    include_str!("pages/socket.md"),
);
const UNREADABLE: Rule = Group::Context.rule(
    "unreadable",
    Severity::Warning,
    "a file that can't be opened arrives empty",
    include_str!("pages/unreadable.md"),
);
const WITHHELD: Rule = Group::Context.rule(
    "withheld",
    Severity::Warning,
    "a file that the ignore file lets be listed and not be read arrives empty",
    include_str!("pages/withheld.md"),
);
const FIFO: Rule = Group::Context.rule(
    "fifo",
    Severity::Note,
    "a named pipe is copied as one",
    include_str!("pages/fifo.md"),
);
// `device` is what `plan` calls an error about `RUN --device`.
const DEVICE: Rule = Group::Context.rule(
    "device-node",
    Severity::Note,
    "a device node is copied as one",
    include_str!("pages/device-node.md"),
);
const NOT_UTF8: Rule = Group::Context.rule(
    "name-not-utf8",
    Severity::Note,
    "a name that isn't UTF-8",
    include_str!("pages/name-not-utf8.md"),
);
const VANISHED: Rule = Group::Context.rule(
    "vanished",
    Severity::Note,
    "an entry went away while the context was walked",
    include_str!("pages/vanished.md"),
);
const ROOT_UNREADABLE: Rule = Group::Context.rule(
    "root-unreadable",
    Severity::Warning,
    "the context can't be listed, so that the engine sees an empty one",
    include_str!("pages/root-unreadable.md"),
);

/// The rules of this group.
pub const RULES: &[Rule] = &[
    VERSION_CONTROL,
    DEPENDENCIES,
    BUILD_OUTPUT,
    CACHES,
    LEFTOVERS,
    EDITOR,
    ARCHIVES,
    UNSENT,
    WALKED,
    SECRET_IN_IMAGE,
    SECRET_IN_BUILD,
    SECRET_IN_CONTEXT,
    TOO_LARGE,
    REQUIRED,
    UMASK,
    CLASH,
    PORTABLE,
    SOCKET,
    UNREADABLE,
    WITHHELD,
    FIFO,
    DEVICE,
    NOT_UTF8,
    VANISHED,
    ROOT_UNREADABLE,
];

/// Looks at one build.
pub fn find(facts: &Facts<'_>, found: &mut Findings) {
    limits::find(facts, found);
    for number in 0..facts.folders.len() {
        let taking = Taking::of(facts, number);
        secrets::find(facts, number, &taking, found);
        litter::find(facts, number, &taking, found);
        modes::find(facts, number, &taking, found);
        odd::find(facts, number, &taking, found);
        names::find(facts, number, found);
    }
}
