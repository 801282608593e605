//! The table of this group.

use super::super::Severity::{self, Error, Note, Warning};
use super::super::{Group, Rule, silence};

/// The rules of this group; the first one tells what no other does.
pub const RULES: &[Rule] = &[
    row(
        "build-fails",
        Error,
        "the build fails for a reason that has no rule of its own",
        include_str!("pages/build-fails.md"),
    ),
    row(
        "dockerfile-missing",
        Error,
        "there is no Dockerfile where one is looked for",
        include_str!("pages/dockerfile-missing.md"),
    ),
    row(
        "dockerfile-syntax",
        Error,
        "the Dockerfile can't be read",
        include_str!("pages/dockerfile-syntax.md"),
    ),
    row(
        "step-fails",
        Error,
        "a step fails when it runs, for a reason that the files tell",
        include_str!("pages/step-fails.md"),
    ),
    row("no-stages", Error, "the Dockerfile has no FROM", include_str!("pages/no-stages.md")),
    row("blank-base-name", Error, "the base image's name is empty", include_str!("pages/blank-base-name.md")),
    row(
        "invalid-reference",
        Error,
        "the name of a base image is no image reference",
        include_str!("pages/invalid-reference.md"),
    ),
    row("invalid-platform", Error, "a platform is none", include_str!("pages/invalid-platform.md")),
    row(
        "unknown-stage",
        Error,
        "--from names a stage that is not there",
        include_str!("pages/unknown-stage.md"),
    ),
    row(
        "stage-defined-later",
        Error,
        "a stage takes files from a stage that stands below it",
        include_str!("pages/stage-defined-later.md"),
    ),
    row(
        "circular-dependency",
        Error,
        "a stage needs its own files",
        include_str!("pages/circular-dependency.md"),
    ),
    row(
        "target-not-found",
        Error,
        "the target is no stage of the Dockerfile",
        include_str!("pages/target-not-found.md"),
    ),
    row(
        "from-variable",
        Error,
        "--from has a variable, which is not expanded there",
        include_str!("pages/from-variable.md"),
    ),
    row(
        "bad-substitution",
        Error,
        "a variable is written in a way that can't be expanded",
        include_str!("pages/bad-substitution.md"),
    ),
    row(
        "bad-trigger",
        Error,
        "an ONBUILD trigger of the base image can't be carried out",
        include_str!("pages/bad-trigger.md"),
    ),
    row("empty-volume", Error, "VOLUME names nothing", include_str!("pages/empty-volume.md")),
    row("invalid-signal", Error, "STOPSIGNAL names no signal", include_str!("pages/invalid-signal.md")),
    row("invalid-port", Error, "EXPOSE names no port", include_str!("pages/invalid-port.md")),
    row(
        "invalid-path",
        Error,
        "a path can't be one of the stage's system",
        include_str!("pages/invalid-path.md"),
    ),
    row("invalid-chmod", Error, "--chmod is no mode", include_str!("pages/invalid-chmod.md")),
    row(
        "invalid-checksum",
        Error,
        "--checksum can't be used as it is",
        include_str!("pages/invalid-checksum.md"),
    ),
    row(
        "invalid-git-url",
        Error,
        "the URL of a repository can't be used as it is",
        include_str!("pages/invalid-git-url.md"),
    ),
    row(
        "remote-source-in-copy",
        Error,
        "COPY is given a URL",
        include_str!("pages/remote-source-in-copy.md"),
    ),
    row(
        "keep-git-dir",
        Error,
        "--keep-git-dir and the URL contradict each other",
        include_str!("pages/keep-git-dir.md"),
    ),
    row("invalid-mount", Error, "--mount can't be used as it is", include_str!("pages/invalid-mount.md")),
    row("invalid-run", Error, "RUN has no command", include_str!("pages/invalid-run.md")),
    row(
        "invalid-security",
        Error,
        "--security is neither sandbox nor insecure",
        include_str!("pages/invalid-security.md"),
    ),
    row(
        "invalid-network",
        Error,
        "--network is neither default, none nor host",
        include_str!("pages/invalid-network.md"),
    ),
    row("device", Error, "--device needs a labs frontend", include_str!("pages/device.md")),
    row(
        "invalid-build-arg",
        Error,
        "a build argument of BuildKit's own has a value that it can't have",
        include_str!("pages/invalid-build-arg.md"),
    ),
    row(
        "invalid-check-options",
        Error,
        "the options of `# check=` can't be read",
        include_str!("pages/invalid-check-options.md"),
    ),
    row(
        "lint-violation",
        Error,
        "BuildKit's own checks complain, and the Dockerfile asks for the build to fail then",
        include_str!("pages/lint-violation.md"),
    ),
    row(
        "source-date-epoch",
        Error,
        "SOURCE_DATE_EPOCH is neither a time nor a stage that has one",
        include_str!("pages/source-date-epoch.md"),
    ),
    row(
        "other-frontend",
        Note,
        "the build is handed to another frontend",
        include_str!("pages/other-frontend.md"),
    ),
    row(
        "context-replaces-stage",
        Note,
        "a named context takes the place of a stage",
        include_str!("pages/context-replaces-stage.md"),
    ),
    row(
        "context-shadows-stage",
        Note,
        "--from takes the files of a named context, not of the stage of that name",
        include_str!("pages/context-shadows-stage.md"),
    ),
    row(
        "relative-workdir",
        Warning,
        "a relative WORKDIR hangs on the base image",
        include_str!("pages/relative-workdir.md"),
    ),
    row(
        "undefined-variable",
        Warning,
        "a variable that nothing sets counts as empty",
        include_str!("pages/undefined-variable.md"),
    ),
    row(
        "link-ignored",
        Note,
        "--link has no effect together with --chmod",
        include_str!("pages/link-ignored.md"),
    ),
    silence::UNKNOWN,
];

const fn row(code: &'static str, severity: Severity, summary: &'static str, page: &'static str) -> Rule {
    Rule { code, group: Group::Build, severity, summary, page }
}
