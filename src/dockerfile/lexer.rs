//! Variables and quotes: BuildKit's `shell.Lex` (`frontend/dockerfile/shell/lex.go`).

use std::collections::{BTreeMap, BTreeSet};

use super::expand::Pass;
use super::gotext::quote;

/// Knows the values of variables.
pub trait Env {
    /// The value of a variable; `None` when it is not set.
    fn get(&self, key: &str) -> Option<&str>;
    /// The names of all variables.
    fn keys(&self) -> Vec<&str>;
}

/// No variable is set.
impl Env for () {
    fn get(&self, _: &str) -> Option<&str> {
        None
    }

    fn keys(&self) -> Vec<&str> {
        Vec::new()
    }
}

impl Env for BTreeMap<String, String> {
    fn get(&self, key: &str) -> Option<&str> {
        BTreeMap::get(self, key).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.keys().map(String::as_str).collect()
    }
}

/// A word that cannot be expanded. Its text is BuildKit's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to process {}: {reason}", quote(.word.as_bytes()))]
pub struct LexError {
    /// The word.
    pub word: String,
    /// What is wrong with it.
    pub reason: String,
    /// The variables that it names before that and that are set.
    pub matched: BTreeSet<String>,
    /// The variables that it names before that and that are not set.
    pub unmatched: BTreeSet<String>,
}

/// An expanded word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expanded {
    /// The word with variables replaced and quotes removed.
    pub result: String,
    /// The variables that it names and that are set.
    pub matched: BTreeSet<String>,
    /// The variables that it names and that are not set.
    pub unmatched: BTreeSet<String>,
}

/// Expands variables and removes quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)]
pub struct Lexer {
    /// The character that takes the meaning from the next one.
    pub escape: char,
    /// Quotes stay in the result.
    pub raw_quotes: bool,
    /// Escape characters stay in the result.
    pub raw_escapes: bool,
    /// Quotes have no meaning.
    pub skip_process_quotes: bool,
    /// Variables that are not set stay as written.
    pub skip_unset_env: bool,
}

impl Lexer {
    /// A lexer without special wishes; `escape` is the Dockerfile's [`escape`](super::Dockerfile::escape).
    pub fn new(escape: char) -> Self {
        Self {
            escape,
            raw_quotes: false,
            raw_escapes: false,
            skip_process_quotes: false,
            skip_unset_env: false,
        }
    }

    /// Expands one word (blanks have no meaning): BuildKit's `ProcessWordWithMatches`.
    ///
    /// # Errors
    /// Unbalanced quotes and braces, unknown modifiers, broken patterns, and `${x:?}` without a value.
    pub fn process_word(&self, word: &str, env: &dyn Env) -> Result<Expanded, LexError> {
        let mut pass = Pass::new(self, word, env);
        match pass.stop_on(None, self.raw_escapes) {
            Ok((result, _)) => Ok(Expanded { result, matched: pass.matched, unmatched: pass.unmatched }),
            Err(reason) => Err(pass.error(word, reason)),
        }
    }

    /// Expands a text and splits it at blanks that are not quoted: BuildKit's `ProcessWords`.
    ///
    /// # Errors
    /// As [`Lexer::process_word`].
    pub fn process_words(&self, text: &str, env: &dyn Env) -> Result<Vec<String>, LexError> {
        let mut pass = Pass::new(self, text, env);
        match pass.stop_on(None, self.raw_escapes) {
            Ok((_, words)) => Ok(words),
            Err(reason) => Err(pass.error(text, reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::expand::MAX_DEPTH;
    use super::*;

    #[test]
    fn nesting_has_a_limit_and_takes_little_stack() {
        let nested = |depth: usize| format!("{}x{}", "${a:-".repeat(depth), "}".repeat(depth));
        let lexer = Lexer::new('\\');
        assert_eq!(lexer.process_word(&nested(MAX_DEPTH - 1), &()).map(|e| e.result), Ok("x".into()));
        for word in [nested(MAX_DEPTH), nested(1_000_000), "${a:-".repeat(1_000_000)] {
            let reason = lexer.process_word(&word, &()).map_err(|e| e.reason);
            assert_eq!(reason, Err("substitutions nested more than 200 deep".into()));
        }
    }

    #[test]
    fn variables_are_reported_by_whether_they_are_set() {
        let env = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
        let expanded = Lexer::new('\\').process_word("$a-${b:-$c}-${a:-$d}", &env).expect("a good word");
        assert_eq!(expanded.result, "1--1");
        assert_eq!(expanded.matched, BTreeSet::from(["a".to_owned()]));
        assert_eq!(expanded.unmatched, BTreeSet::from(["b".to_owned(), "c".to_owned(), "d".to_owned()]));
        assert_eq!(Env::keys(&env), ["a"]);
    }

    #[test]
    fn errors_name_the_word() {
        let error = Lexer::new('\\').process_word("\"a", &()).expect_err("an open quote");
        assert_eq!(
            error.to_string(),
            r#"failed to process "\"a": unexpected end of statement while looking for matching double-quote"#
        );
    }
}
