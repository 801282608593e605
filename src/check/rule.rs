//! What is checked.

use serde::Serialize;

use super::{build, buildkit, context, ignoring, order, source};
#[cfg(feature = "project")]
use super::{ci, project};

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its stable code: kebab case, such as `copy-source-missing`; BuildKit's own checks keep BuildKit's names, such as `StageNameCasing`.
    pub code: &'static str,
    /// What it looks at.
    pub group: Group,
    /// How bad a finding is, unless the configuration says otherwise.
    pub severity: Severity,
    /// One sentence without a full stop: what a finding means.
    pub summary: &'static str,
    /// The rest of its page as Markdown: why it matters, an example that fires, the same put right.
    pub page: &'static str,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// What makes the build fail before it runs anything: syntax, stages, flags.
    Build,
    /// The sources of COPY, ADD and bind mounts.
    Source,
    /// The ignore file.
    Ignore,
    /// The files of the context.
    Context,
    /// BuildKit's own checks.
    BuildKit,
    /// The order of instructions, and what their cache keys stand on.
    Cache,
    /// Compose and Bake files.
    Project,
    /// CI workflows.
    Ci,
}

impl Group {
    /// A rule of this group.
    pub(super) const fn rule(
        self,
        code: &'static str,
        severity: Severity,
        summary: &'static str,
        page: &'static str,
    ) -> Rule {
        Rule { code, group: self, severity, summary, page }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; never makes the exit status 1 by default.
    Note,
    /// Works, but not as people expect, or slowly.
    Warning,
    /// The build fails, or ships what it must not.
    Error,
}

impl Severity {
    /// `note`, `warning`, `error`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Every rule, in groups.
pub const RULES: &[&[Rule]] = &[
    build::RULES,
    source::RULES,
    ignoring::RULES,
    context::RULES,
    buildkit::RULES,
    order::RULES,
    #[cfg(feature = "project")]
    project::RULES,
    #[cfg(feature = "project")]
    ci::RULES,
];

/// The rule of a code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES.iter().copied().flatten().find(|r| r.code == code)
}
