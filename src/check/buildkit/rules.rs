//! The table of BuildKit's checks (`linter/ruleset.go`), in its order.

use super::super::{Group, Rule, Severity};

/// The rules of this group.
pub const RULES: &[Rule] = &[
    row("StageNameCasing", "a stage name has capitals", include_str!("pages/StageNameCasing.md")),
    row("FromAsCasing", "`AS` is not in the case of its `FROM`", include_str!("pages/FromAsCasing.md")),
    row(
        "NoEmptyContinuation",
        "an empty line stands inside of an instruction",
        include_str!("pages/NoEmptyContinuation.md"),
    ),
    row(
        "ConsistentInstructionCasing",
        "a keyword is not in the case of the others",
        include_str!("pages/ConsistentInstructionCasing.md"),
    ),
    row("DuplicateStageName", "two stages have one name", include_str!("pages/DuplicateStageName.md")),
    row(
        "ReservedStageName",
        "a stage is called `scratch` or `context`",
        include_str!("pages/ReservedStageName.md"),
    ),
    row(
        "JSONArgsRecommended",
        "CMD or ENTRYPOINT is in shell form, so that signals do not reach the program",
        include_str!("pages/JSONArgsRecommended.md"),
    ),
    row("MaintainerDeprecated", "MAINTAINER is obsolete", include_str!("pages/MaintainerDeprecated.md")),
    row(
        "UndefinedArgInFrom",
        "FROM uses a variable that no ARG before the first FROM declares",
        include_str!("pages/UndefinedArgInFrom.md"),
    ),
    row(
        "WorkdirRelativePath",
        "the first WORKDIR is relative, and hangs on the base image's",
        include_str!("pages/WorkdirRelativePath.md"),
    ),
    row(
        "UndefinedVar",
        "a variable that nothing sets is used, and counts as empty",
        include_str!("pages/UndefinedVar.md"),
    ),
    row(
        "MultipleInstructionsDisallowed",
        "a CMD, ENTRYPOINT or HEALTHCHECK has no effect because another one follows",
        include_str!("pages/MultipleInstructionsDisallowed.md"),
    ),
    row(
        "LegacyKeyValueFormat",
        "ENV or LABEL is written without `=`",
        include_str!("pages/LegacyKeyValueFormat.md"),
    ),
    row(
        "InvalidBaseImagePlatform",
        "the base image is for another platform than the build",
        include_str!("pages/InvalidBaseImagePlatform.md"),
    ),
    row(
        "RedundantTargetPlatform",
        "FROM asks for the target platform, which it takes anyway",
        include_str!("pages/RedundantTargetPlatform.md"),
    ),
    row(
        "SecretsUsedInArgOrEnv",
        "an ARG or ENV has the name of a secret, and its value stays in the image",
        include_str!("pages/SecretsUsedInArgOrEnv.md"),
    ),
    row(
        "InvalidDefaultArgInFrom",
        "without build arguments, FROM names no proper image",
        include_str!("pages/InvalidDefaultArgInFrom.md"),
    ),
    row(
        "FromPlatformFlagConstDisallowed",
        "FROM asks for a fixed platform",
        include_str!("pages/FromPlatformFlagConstDisallowed.md"),
    ),
    row(
        "CopyIgnoredFile",
        "what COPY or ADD takes is hidden by the ignore file",
        include_str!("pages/CopyIgnoredFile.md"),
    ),
    row(
        "InvalidDefinitionDescription",
        "the comment above an ARG or FROM does not begin with its name (off by default)",
        include_str!("pages/InvalidDefinitionDescription.md"),
    ),
    row("ExposeProtoCasing", "a protocol of EXPOSE has capitals", include_str!("pages/ExposeProtoCasing.md")),
    row(
        "ExposeInvalidFormat",
        "EXPOSE names an address or a port of the host",
        include_str!("pages/ExposeInvalidFormat.md"),
    ),
];

const fn row(code: &'static str, summary: &'static str, page: &'static str) -> Rule {
    Group::BuildKit.rule(code, Severity::Warning, summary, page)
}
