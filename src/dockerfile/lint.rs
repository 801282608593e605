//! BuildKit's own checks of a Dockerfile (`frontend/dockerfile/linter`): what one of them says, and which ones are asked for.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::ast::Span;
use super::directives::check_in_comment;
use super::gotext::{lossy, parse_bool, quote, text, trim};

/// A remark of one of BuildKit's own checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// The rule's name in BuildKit, such as `StageNameCasing`.
    pub rule: &'static str,
    /// BuildKit's text.
    pub message: String,
    /// Where; empty for the file as a whole. BuildKit names every line of an instruction, this is one span over them.
    pub spans: Vec<Span>,
}

/// Rules that are silent unless they are asked for by name (`Experimental` in `linter/ruleset.go`).
const EXPERIMENTAL: [&str; 1] = ["InvalidDefinitionDescription"];

/// Which checks are wanted: `# check=`, a comment above an instruction, or the build argument `BUILDKIT_DOCKERFILE_CHECK`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LintConfig {
    /// `skip=all`: none but the experimental ones that are asked for.
    pub skip_all: bool,
    /// `skip=`: these are silent. Experimental rules can't be skipped.
    pub skip: BTreeSet<String>,
    /// `experimental=all`.
    pub experimental_all: bool,
    /// `experimental=`: these speak, too.
    pub experimental: BTreeSet<String>,
    /// `error=true`: a build fails in the end when a rule has spoken.
    pub error: bool,
}

impl LintConfig {
    /// Reads `skip=…;error=true;experimental=…` (`linter.ParseLintOptions`). Names of rules that there are not are no error.
    ///
    /// # Errors
    /// BuildKit's text about an option that there is not, or a bad boolean.
    pub fn parse(options: &str) -> Result<Self, String> {
        Self::read(options.as_bytes())
    }

    /// Reads the value of a `# check=` directive: its options are what stands before the first space.
    ///
    /// # Errors
    /// As [`LintConfig::parse`].
    pub fn of_directive(value: &str) -> Result<Self, String> {
        Self::parse(value.split(' ').next().unwrap_or_default())
    }

    /// [`LintConfig::parse`] on bytes, of which errors show those that are no UTF-8.
    pub(super) fn read(options: &[u8]) -> Result<Self, String> {
        let mut config = Self::default();
        let options = trim(options);
        if options.is_empty() {
            return Ok(config);
        }
        for part in options.splitn(3, |b| *b == b';') {
            config.add(part)?;
        }
        Ok(config)
    }

    /// One option; a list takes the place of an earlier one, `all` stays.
    fn add(&mut self, part: &[u8]) -> Result<(), String> {
        let Some(equals) = part.iter().position(|b| *b == b'=') else {
            return Err(format!("invalid check option {}", quote(part)));
        };
        let (key, value) = (trim(&part[..equals]), trim(&part[equals + 1..]));
        match key {
            b"skip" if value == b"all" => self.skip_all = true,
            b"skip" => self.skip = names(value),
            b"experimental" if value == b"all" => self.experimental_all = true,
            b"experimental" => self.experimental = names(value),
            b"error" => {
                self.error = parse_bool(&lossy(value)).ok_or_else(|| {
                    let (part, value) = (quote(part), quote(value));
                    format!(
                        "failed to parse check option {part}: strconv.ParseBool: parsing {value}: invalid syntax"
                    )
                })?;
            }
            other => return Err(format!("invalid check option {}", quote(other))),
        }
        Ok(())
    }

    /// Whether a rule may speak (`Linter.Run`).
    pub fn wants(&self, rule: &str) -> bool {
        if EXPERIMENTAL.contains(&rule) {
            self.experimental_all || self.experimental.contains(rule)
        } else {
            !self.skip_all && !self.skip.contains(rule)
        }
    }

    /// With what the first `# check=` among the comments above an instruction adds. Its `error=` counts for nothing, and one that can't be
    /// read is passed over (`WithMergedConfigFromComments`).
    pub fn with_comments(&self, comments: &[String]) -> Cow<'_, Self> {
        let options = comments.iter().find_map(|comment| check_in_comment(comment.as_bytes()));
        let Some(Ok(more)) = options.map(|o| Self::read(o.split(|b| *b == b' ').next().unwrap_or_default()))
        else {
            return Cow::Borrowed(self);
        };
        let mut merged = self.clone();
        merged.skip_all |= more.skip_all;
        merged.experimental_all |= more.experimental_all;
        merged.skip.extend(more.skip);
        merged.experimental.extend(more.experimental);
        Cow::Owned(merged)
    }
}

fn names(list: &[u8]) -> BTreeSet<String> {
    list.split(|b| *b == b',').map(|name| text(trim(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn options_are_read_in_any_order_and_with_blanks() {
        let config = LintConfig::parse(" error=T; skip = A ,B;experimental=all ").expect("options");
        let want = LintConfig {
            skip: set(&["A", "B"]),
            experimental_all: true,
            error: true,
            ..LintConfig::default()
        };
        assert_eq!(config, want);
        assert_eq!(LintConfig::of_directive("skip=A, B"), LintConfig::parse("skip=A,"));
    }

    #[test]
    fn only_two_semicolons_separate() {
        let config = LintConfig::parse("skip=A;error=1;experimental=X;skip=all").expect("options");
        assert_eq!(config.experimental, set(&["X;skip=all"]));
        assert!(!config.skip_all);
    }

    #[test]
    fn bad_options_are_named() {
        assert_eq!(LintConfig::parse("foo"), Err("invalid check option \"foo\"".into()));
        assert_eq!(LintConfig::parse("foo=1"), Err("invalid check option \"foo\"".into()));
        assert_eq!(
            LintConfig::parse("error=x"),
            Err("failed to parse check option \"error=x\": strconv.ParseBool: parsing \"x\": invalid syntax"
                .into())
        );
    }

    #[test]
    fn an_experimental_rule_speaks_when_asked_for_even_when_all_are_skipped() {
        let rule = "InvalidDefinitionDescription";
        assert!(!LintConfig::default().wants(rule));
        assert!(LintConfig::parse("skip=all;experimental=all").expect("options").wants(rule));
        assert!(LintConfig::parse(&format!("skip={rule};experimental={rule}")).expect("options").wants(rule));
        assert!(!LintConfig::parse("skip=all").expect("options").wants("UndefinedVar"));
    }

    #[test]
    fn the_first_check_comment_adds_and_its_error_counts_for_nothing() {
        let file = LintConfig::parse("skip=A").expect("options");
        let comments = |all: &[&str]| all.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        let merged = file.with_comments(&comments(&["a word", "Check = skip=B;error=true", "check=skip=C"]));
        assert_eq!(merged.into_owned(), LintConfig { skip: set(&["A", "B"]), ..LintConfig::default() });
        assert_eq!(file.with_comments(&comments(&["check=nonsense", "check=skip=C"])).into_owned(), file);
    }
}
