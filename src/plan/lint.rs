//! BuildKit's own checks while a plan is made (`dockerfile2llb`, `validations.go`): who may speak, and in which order they do.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::args::{self, BuildArgs, NOT_ENV};
use super::problem::Fail;
use super::resolve::Resolver;
use super::stage::Stage;
use super::text::quoted;
use super::words::{Looked, did_you_mean};
use super::{PlanError, paths};
use crate::dockerfile::{
    Directive, Dockerfile, Instruction, InstructionKind, Lint, LintConfig, Span, Stage as Written, Warning,
    check_directive,
};
use crate::image::{Platform, Reference};
use crate::pattern::Matcher;

/// The build argument that stands in the place of `# check=`.
const CHECK: &str = "BUILDKIT_DOCKERFILE_CHECK";

/// `getSecretsRegex`.
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    words_in_name("apikey|auth|credential|credentials|key|password|pword|passwd|secret|token")
});
static NO_SECRET: LazyLock<Regex> = LazyLock::new(|| words_in_name("public|file|version"));

fn words_in_name(words: &str) -> Regex {
    Regex::new(&format!("(?i)(?:_|^)(?:{words})(?:_|$)")).expect("a valid expression")
}

/// Collects remarks, in BuildKit's order, up to the first error.
#[derive(Debug, Default)]
pub(super) struct Linter {
    config: LintConfig,
    here: RefCell<Here>,
    told: RefCell<Vec<Lint>>,
    stopped: Cell<bool>,
}

/// The instruction at hand.
#[derive(Debug, Default)]
struct Here {
    /// What a comment above it asks for; `None` when it asks for nothing.
    config: Option<LintConfig>,
    span: Span,
}

impl Linter {
    pub fn new(config: LintConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// From here on, remarks are about this instruction.
    pub fn begin(&self, comments: &[String], span: Span) {
        let config = Some(self.config.with_comments(comments)).filter(|c| **c != self.config);
        *self.here.borrow_mut() = Here { config: config.map(std::borrow::Cow::into_owned), span };
    }

    /// A remark about the instruction at hand.
    pub fn say(&self, rule: &'static str, message: impl Into<String>) {
        let span = self.here.borrow().span;
        self.say_at(rule, message, span);
    }

    /// A remark of the instruction at hand about another place.
    pub fn say_at(&self, rule: &'static str, message: impl Into<String>, span: Span) {
        let wanted = self.here.borrow().config.as_ref().unwrap_or(&self.config).wants(rule);
        self.tell(wanted, rule, message.into(), Some(span));
    }

    /// A remark that no comment above an instruction can silence.
    pub fn say_of_file(&self, rule: &'static str, message: impl Into<String>, span: impl Into<Option<Span>>) {
        self.tell(self.config.wants(rule), rule, message.into(), span.into());
    }

    fn tell(&self, wanted: bool, rule: &'static str, message: String, span: Option<Span>) {
        if wanted && !self.stopped.get() {
            self.told.borrow_mut().push(Lint { rule, message, spans: span.into_iter().collect() });
        }
    }

    /// BuildKit has failed: what would come behind is never said.
    pub fn stop(&self) {
        self.stopped.set(true);
    }

    /// The failure that `error=true` makes of remarks (`Linter.Error`; BuildKit names the rules in random order).
    pub fn failure(&self) -> Option<Fail> {
        let told = self.told.borrow();
        if !self.config.error || told.is_empty() || self.stopped.get() {
            return None;
        }
        let mut rules: Vec<&str> = Vec::new();
        told.iter().for_each(|lint| {
            if !rules.contains(&lint.rule) {
                rules.push(lint.rule);
            }
        });
        let text = format!("lint violation found for rules: {}", rules.join(", "));
        let count = rules.len();
        let say = format!("the checks of the Dockerfile are errors here, and {count} of them complain");
        let mut fail = Fail::new("lint-violation", text).say(say);
        fail.hint = Some(format!("see {}, or leave out `error=true`", rules.join(", ")));
        Some(fail)
    }

    /// What was said.
    pub fn into_lints(self) -> Vec<Lint> {
        self.told.into_inner()
    }
}

/// Which checks are wanted: the build argument where it is given, or else the directive.
///
/// # Errors
/// Options that can't be read.
pub(super) fn config(build_args: &BuildArgs, check: Option<&Directive>) -> Result<LintConfig, Fail> {
    if let Some(given) = build_args.get(CHECK) {
        return LintConfig::parse(given)
            .map_err(|e| Fail::new("invalid-build-arg", format!("failed to parse build-arg:{CHECK}: {e}")));
    }
    let directive = check.map(|check| LintConfig::of_directive(&check.value)).transpose();
    directive.map(Option::unwrap_or_default).map_err(|e| {
        Fail::new("invalid-check-options", format!("failed to parse check options: {e}"))
            .at(check.map(|c| c.span))
    })
}

/// What BuildKit remarks of a Dockerfile that [`Dockerfile::parse_with`] can't read, before it says so.
pub fn lints_of_unreadable(bytes: &[u8], build_args: &BuildArgs) -> Vec<Lint> {
    let check = check_directive(bytes);
    let Ok(config) = config(build_args, check.as_ref()) else { return Vec::new() };
    let linter = Linter::new(config);
    linter.remarks(&Dockerfile::remarks(bytes));
    linter.into_lints()
}

impl Linter {
    fn remarks(&self, remarks: &[Warning]) {
        for remark in remarks {
            self.begin(&remark.comments, remark.span);
            self.say(remark.rule, remark.message.clone());
        }
    }
}

impl Resolver<'_> {
    /// What is said before anything is expanded: about lines, names and casing.
    pub(super) fn lint_file(&self) {
        self.linter.remarks(&self.dockerfile.warnings);
        self.lint_stage_names();
        self.lint_casing();
    }

    /// `validateStageNames`.
    fn lint_stage_names(&self) {
        let mut names = BTreeSet::new();
        for stage in &self.dockerfile.stages {
            let Some(name) = &stage.name else { continue };
            if matches!(name.as_str(), "context" | "scratch") {
                let message =
                    format!("Stage name should not use the same name as reserved stage {}", quoted(name));
                self.linter.say_of_file("ReservedStageName", message, stage.span);
            }
            if !names.insert(name) {
                let message = format!("Duplicate stage name {}, stage names should be unique", quoted(name));
                self.linter.say_of_file("DuplicateStageName", message, stage.span);
            }
        }
    }

    /// `validateCommandCasing`: lower case where more keywords are in lower than in upper case. Keywords of mixed case don't vote, and
    /// ARGs before the first FROM neither vote nor are told.
    fn lint_casing(&self) {
        let keywords = || {
            self.dockerfile.stages.iter().flat_map(|stage| {
                let own = stage.instructions.iter().map(|i| (i.keyword.as_str(), i.span));
                std::iter::once((stage.keyword.as_str(), stage.span)).chain(own)
            })
        };
        let is_lower = |word: &str| word == word.to_lowercase();
        let is_upper = |word: &str| word == word.to_uppercase();
        let lower = keywords().filter(|(word, _)| is_lower(word)).count();
        let upper = keywords().filter(|(word, _)| is_upper(word) && !is_lower(word)).count();
        for (word, span) in keywords() {
            let (fits, casing) =
                if lower > upper { (is_lower(word), "lowercase") } else { (is_upper(word), "uppercase") };
            if !fits {
                let message =
                    format!("Command '{word}' should match the case of the command majority ({casing})");
                self.linter.say_of_file("ConsistentInstructionCasing", message, span);
            }
        }
    }

    /// `validateBaseImagesWithDefaultArgs`: what FROM names when no build argument is given. BuildKit gives this up, without a word, at the
    /// first word that can't be expanded. `self.globals` holds the predefined arguments only.
    pub(super) fn lint_default_bases(&self) {
        let mut env = self.globals.clone();
        if args::add_global(&mut env, self.dockerfile, &self.words, &BuildArgs::new()).is_err() {
            return;
        }
        for stage in &self.dockerfile.stages {
            let Ok(name) = self.words.expand(&stage.base_name, &env, true) else { return };
            if Reference::parse(&name.text).is_err() {
                let message = format!(
                    "Default value for ARG {} results in empty or invalid base image name",
                    stage.base_name
                );
                self.linter.say_of_file("InvalidDefaultArgInFrom", message, stage.span);
            }
        }
    }

    /// `reportUnusedFromArgs`: variables of a FROM that no ARG above it declares.
    pub(super) fn lint_from(&self, looked: &Looked) {
        let declared: BTreeSet<&str> = self.declared_globals();
        let known = || self.globals.keys().chain(declared.iter().copied());
        for name in looked.unmatched.iter().filter(|n| !declared.contains(n.as_str())) {
            let near = did_you_mean(name, known()).map_or(String::new(), |n| format!(" (did you mean {n}?)"));
            self.linter.say("UndefinedArgInFrom", format!("FROM argument '{name}' is not declared{near}"));
        }
    }

    fn declared_globals(&self) -> BTreeSet<&str> {
        let args = self.dockerfile.global_args.iter().filter_map(|i| match &i.kind {
            InstructionKind::Arg(args) => Some(args),
            _ => None,
        });
        args.flatten().map(|arg| arg.name.as_str()).collect()
    }

    /// `reportRedundantTargetPlatform` and `reportConstPlatformDisallowed`.
    pub(super) fn lint_platform(&self, written: &Written, value: &str, looked: &Looked) {
        let result = looked.result.as_ref().map_or("", |e| e.text.as_str());
        if looked.matched.len() == 1 && looked.unmatched.is_empty() {
            let target = self.globals.value("TARGETPLATFORM").unwrap_or_default();
            if looked.matched.contains("TARGETPLATFORM") && result == target {
                let message = format!(
                    "Setting platform to predefined {value} in FROM is redundant as this is the default behavior"
                );
                self.linter.say("RedundantTargetPlatform", message);
            }
        }
        if !looked.matched.is_empty() || !looked.unmatched.is_empty() {
            return;
        }
        let Ok(platform) = Platform::parse(result) else { return };
        let name = written.name.as_deref().unwrap_or_default();
        if !name.contains(&platform.os) && !name.contains(&platform.architecture) {
            let message = format!("FROM --platform flag should not use constant value {}", quoted(result));
            self.linter.say("FromPlatformFlagConstDisallowed", message);
        }
    }

    /// `validateBaseImagePlatform`.
    pub(super) fn lint_image_platform(
        &self,
        span: Option<Span>,
        name: &str,
        expected: &Platform,
        actual: &Platform,
    ) {
        if expected.os == actual.os && expected.architecture == actual.architecture {
            return;
        }
        let shown = |p: &Platform| quoted(&p.normalized().full());
        let message = format!(
            "Base image {name} was pulled with platform {}, expected {} for current build",
            shown(actual),
            shown(expected)
        );
        self.linter.say_of_file("InvalidBaseImagePlatform", message, span);
    }

    /// `reportUnmatchedVariables`. On a base whose variables aren't known, nobody can say.
    pub(super) fn lint_undefined(&self, stage: &Stage<'_>, unmatched: &BTreeSet<String>) {
        if !stage.env_complete() {
            return;
        }
        let undefined = |n: &&String| !stage.declared.contains(*n) && !NOT_ENV.contains(&n.as_str());
        for name in unmatched.iter().filter(undefined) {
            let near = did_you_mean(name, stage.state.env.keys());
            let near = near.map_or(String::new(), |n| format!(" (did you mean ${n}?)"));
            self.linter.say("UndefinedVar", format!("Usage of undefined variable '${name}'{near}"));
        }
    }

    /// `validateNoSecretKey`.
    pub(super) fn lint_secret(&self, instruction: &str, key: &str) {
        if SECRET.is_match(key) && !NO_SECRET.is_match(key) {
            let message = format!(
                "Do not use ARG or ENV instructions for sensitive data ({instruction} {})",
                quoted(key)
            );
            self.linter.say("SecretsUsedInArgOrEnv", message);
        }
    }

    /// `ENV a b` and `LABEL a b`.
    pub(super) fn lint_legacy(&self, keyword: &str) {
        let message = format!(
            "\"{keyword} key=value\" should be used instead of legacy \"{keyword} key value\" format"
        );
        self.linter.say("LegacyKeyValueFormat", message);
    }

    /// `validateUsedOnce`: it is the earlier one that is told, since it is the one without effect. Remembers this one.
    pub(super) fn lint_used_once(&self, used: &mut Option<Span>, instruction: &Instruction) {
        if let Some(before) = used.replace(instruction.span) {
            let message = format!(
                "Multiple {} instructions should not be used in the same stage because only the last one will be used",
                instruction.keyword
            );
            self.linter.say_at("MultipleInstructionsDisallowed", message, before);
        }
    }

    /// CMD and ENTRYPOINT in shell form where no SHELL is set. (That of an unknown image is taken for none, as most images have none.)
    pub(super) fn lint_shell_form(&self, stage: &Stage<'_>, keyword: &str) {
        if stage.config.shell.is_empty() {
            let message = format!(
                "JSON arguments recommended for {keyword} to prevent unintended behavior related to OS signals"
            );
            self.linter.say("JSONArgsRecommended", message);
        }
    }

    /// The first WORKDIR of a stage and of those that it stands on.
    pub(super) fn lint_relative(&self, path: &str) {
        let message = format!(
            "Relative workdir {} can have unexpected results if the base image changes",
            quoted(path)
        );
        self.linter.say("WorkdirRelativePath", message);
    }

    /// `validateCopySourcePath`: silent when there is any `!` pattern.
    pub(super) fn lint_source(&self, is_add: bool, source: &str) {
        let Some(matcher) = self.options.ignore.as_deref().filter(|m| !m.has_exclusions()) else { return };
        let source = paths::clean(source);
        if matches!(source.as_str(), "." | "/") && !hides_root(matcher) {
            return;
        }
        if hides(matcher, source.as_bytes()) {
            let verb = if is_add { "Add" } else { "Copy" };
            let message =
                format!("Attempting to {verb} file {} that is excluded by .dockerignore", quoted(&source));
            self.linter.say("CopyIgnoredFile", message);
        }
    }
}

/// `copySourceRootIgnored`.
fn hides_root(matcher: &Matcher) -> bool {
    matcher.patterns().iter().any(|p| matches!(p.text(), b"*" | b"**" | b"**/*"))
}

/// `MatchesOrParentMatches` of a list without `!`. BuildKit leaves the slash in front of a source where it is, and then asks for the empty
/// name above it, too. A pattern that can't be compiled ends the search.
fn hides(matcher: &Matcher, path: &[u8]) -> bool {
    let slashes = || path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
    for pattern in matcher.patterns() {
        let Ok(found) = pattern.matches(path) else { return false };
        if found || slashes().any(|at| pattern.matches(&path[..at]) == Ok(true)) {
            return true;
        }
    }
    false
}

/// What BuildKit's own checks say about every stage: the answer of `docker build --check`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linted {
    /// The remarks, in BuildKit's order, up to the first error.
    pub lints: Vec<Lint>,
    /// What would make a build fail that needs every stage; BuildKit tells the first.
    pub errors: Vec<PlanError>,
}
