//! Words with variables, as the instructions expand them, and whether what comes out is known.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::env::EnvList;
use super::problem::Fail;
use crate::dockerfile::{Env, LexError, Lexer, suggest};

/// Expands words in the three ways that the frontend does.
#[derive(Debug)]
pub(super) struct Words {
    plain: Lexer,
    name: Lexer,
    body: Lexer,
}

/// A word that was expanded, or could not be, with the variables that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Looked {
    /// What comes out.
    pub result: Result<Expansion, Fail>,
    /// Variables that are set, up to an error.
    pub matched: BTreeSet<String>,
    /// Variables that are not, up to an error.
    pub unmatched: BTreeSet<String>,
}

/// A word with its variables filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expansion {
    pub text: String,
    /// False when a variable's value isn't known offline.
    pub known: bool,
    /// Variables that nothing sets.
    pub unmatched: BTreeSet<String>,
}

impl Words {
    /// For a Dockerfile with this escape character.
    pub fn new(escape: char) -> Self {
        let plain = Lexer::new(escape);
        let name = Lexer { raw_quotes: true, skip_unset_env: true, ..Lexer::new(escape) };
        // Heredocs have the backslash whatever the file's escape is (convert.go, dispatch).
        let body = Lexer { skip_process_quotes: true, ..Lexer::new('\\') };
        Self { plain, name, body }
    }

    /// A word of an instruction. `complete` is false when the base may hold variables that aren't known.
    ///
    /// # Errors
    /// A substitution that can't be read, or one that the Dockerfile wants to fail (`${x:?}`).
    pub fn expand(&self, word: &str, env: &EnvList, complete: bool) -> Result<Expansion, Fail> {
        with(&self.plain, word, env, complete).result
    }

    /// [`Words::expand`] with the variables that are named, which are of interest even where the word can't be expanded.
    pub fn look(&self, word: &str, env: &EnvList, complete: bool) -> Looked {
        with(&self.plain, word, env, complete)
    }

    /// A value of `--mount`; `doubt` is set when it isn't known offline. `unmatched` gets the variables that are not set.
    ///
    /// # Errors
    /// As [`Words::expand`].
    pub fn mount_value(
        &self,
        word: &str,
        env: &EnvList,
        complete: bool,
        doubt: &Cell<bool>,
        unmatched: &mut BTreeSet<String>,
    ) -> Result<String, LexError> {
        let env = Asked { env, complete, doubt: Cell::new(false) };
        let done = self.plain.process_word(word, &env).inspect_err(|e| unmatched.clone_from(&e.unmatched))?;
        doubt.set(doubt.get() || env.doubt.get());
        *unmatched = done.unmatched;
        Ok(done.result)
    }

    /// The body of a heredoc of COPY or ADD.
    pub fn look_at_body(&self, body: &str, env: &EnvList, complete: bool) -> Looked {
        with(&self.body, body, env, complete)
    }

    /// Several words in one (EXPOSE).
    ///
    /// # Errors
    /// As [`Words::expand`].
    pub fn split(&self, word: &str, env: &EnvList) -> Result<Vec<String>, Fail> {
        let env = Asked { env, complete: true, doubt: Cell::new(false) };
        self.plain.process_words(word, &env).map_err(bad)
    }

    /// A step's name; the command as it is when it can't be expanded (`processCmdEnv`).
    pub fn named(&self, command: &str, env: &EnvList) -> String {
        with(&self.plain, command, env, true).result.map_or_else(|_| command.to_owned(), |e| e.text)
    }

    /// A RUN's name: quotes and unset variables stay.
    pub fn run_named(&self, command: &str, env: &EnvList) -> String {
        with(&self.name, command, env, true).result.map_or_else(|_| command.to_owned(), |e| e.text)
    }
}

fn with(lexer: &Lexer, word: &str, env: &EnvList, complete: bool) -> Looked {
    let env = Asked { env, complete, doubt: Cell::new(false) };
    match lexer.process_word(word, &env) {
        Ok(done) => {
            let unmatched = done.unmatched.clone();
            let result = Ok(Expansion { text: done.result, known: !env.doubt.get(), unmatched });
            Looked { result, matched: done.matched, unmatched: done.unmatched }
        }
        Err(mut error) => {
            let matched = std::mem::take(&mut error.matched);
            let unmatched = std::mem::take(&mut error.unmatched);
            Looked { result: Err(bad(error)), matched, unmatched }
        }
    }
}

fn bad(error: LexError) -> Fail {
    Fail::new("bad-substitution", error.to_string())
}

/// Variables that remember whether anything unknown was asked for.
struct Asked<'a> {
    env: &'a EnvList,
    complete: bool,
    doubt: Cell<bool>,
}

impl Env for Asked<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let found = self.env.get(key);
        if !found.map_or(self.complete, |v| v.known) {
            self.doubt.set(true);
        }
        found.map(|v| v.value.as_str())
    }

    fn keys(&self) -> Vec<&str> {
        self.env.keys().collect()
    }
}

/// `suggest.Search`, case-sensitive.
pub(super) fn did_you_mean<'a>(word: &str, options: impl Iterator<Item = &'a str>) -> Option<String> {
    suggest(word, &options.collect::<Vec<_>>(), true)
}

/// `strings.TrimSpace`.
pub(super) fn trim_space(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace())
}
