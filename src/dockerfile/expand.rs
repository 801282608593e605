//! One pass of the lexer over one word (`shellWord` of `shell/lex.go`).

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

use super::lexer::{Env, LexError, Lexer};
use super::shell_pattern;

/// Substitutions nested deeper than this are refused (BuildKit would take them): an own limit, so that no input can exhaust the stack.
pub(super) const MAX_DEPTH: usize = 200;

/// The characters of a text as Go's `text/scanner` gives them: a byte order mark at the start is dropped.
pub(super) fn scan(text: &str) -> Peekable<Chars<'_>> {
    text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable()
}

/// How Go prints a character that may be the end of the text.
pub(super) fn shown(c: Option<char>) -> char {
    c.unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// One pass over one word.
pub(super) struct Pass<'a> {
    lexer: &'a Lexer,
    env: &'a dyn Env,
    chars: Peekable<Chars<'a>>,
    /// The word being collected. Nested passes share (and clear) it: so does BuildKit, which loses what stands before `${x:-y}` there.
    word: String,
    raw_escapes: bool,
    pub(super) matched: BTreeSet<String>,
    pub(super) unmatched: BTreeSet<String>,
    depth: usize,
    too_deep: bool,
}

/// The words that one pass has found (`wordsStruct`).
#[derive(Default)]
struct Words {
    found: Vec<String>,
    in_word: bool,
}

impl Words {
    fn add(&mut self, word: &mut String, c: char) {
        if !c.is_whitespace() {
            self.add_raw(word, c);
        } else if self.in_word && !word.is_empty() {
            self.found.push(std::mem::take(word));
            self.in_word = false;
        }
    }

    fn add_raw(&mut self, word: &mut String, c: char) {
        word.push(c);
        self.in_word = true;
    }

    fn finish(mut self, word: &mut String) -> Vec<String> {
        if !word.is_empty() {
            self.found.push(std::mem::take(word));
        }
        self.found
    }
}

impl<'a> Pass<'a> {
    pub(super) fn new(lexer: &'a Lexer, text: &'a str, env: &'a dyn Env) -> Self {
        Self {
            lexer,
            env,
            chars: scan(text),
            word: String::new(),
            raw_escapes: lexer.raw_escapes,
            matched: BTreeSet::new(),
            unmatched: BTreeSet::new(),
            depth: 0,
            too_deep: false,
        }
    }

    /// The error of the whole word.
    pub(super) fn error(self, word: &str, reason: String) -> LexError {
        LexError { word: word.to_owned(), reason, matched: self.matched, unmatched: self.unmatched }
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().copied()
    }

    /// `processStopOn`: the text up to `stop` (which is eaten) or, without one, up to the end; expanded, and as words.
    pub(super) fn stop_on(
        &mut self,
        stop: Option<char>,
        raw_escapes: bool,
    ) -> Result<(String, Vec<String>), String> {
        if self.depth == MAX_DEPTH {
            self.too_deep = true;
            return Err(format!("substitutions nested more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        let outer = std::mem::replace(&mut self.raw_escapes, raw_escapes);
        let result = self.stop_on_inner(stop);
        self.raw_escapes = outer;
        self.depth -= 1;
        result
    }

    fn stop_on_inner(&mut self, stop: Option<char>) -> Result<(String, Vec<String>), String> {
        let (mut out, mut words) = (String::new(), Words::default());
        self.word.clear();
        while let Some(c) = self.peek() {
            if Some(c) == stop {
                self.chars.next();
                return Ok((out, words.finish(&mut self.word)));
            }
            if let Some(special) = self.special(c)? {
                out.push_str(&special);
                if c == '$' {
                    special.chars().for_each(|c| words.add(&mut self.word, c));
                } else {
                    self.word.push_str(&special);
                    words.in_word = true;
                }
            } else if !self.plain(&mut out, &mut words) {
                break;
            }
        }
        match stop {
            Some(c) => Err(format!("unexpected end of statement while looking for matching {c}")),
            None => Ok((out, words.finish(&mut self.word))),
        }
    }

    /// What a character with a meaning of its own stands for.
    fn special(&mut self, c: char) -> Result<Option<String>, String> {
        let quotes = !self.lexer.skip_process_quotes;
        match c {
            '$' => self.dollar().map(Some),
            '<' => Ok(Some(self.possible_heredoc())),
            '\'' if quotes => self.single_quote().map(Some),
            '"' if quotes => self.double_quote().map(Some),
            _ => Ok(None),
        }
    }

    /// Takes a character without a meaning, or an escaped one. False at an escape character that ends the text.
    fn plain(&mut self, out: &mut String, words: &mut Words) -> bool {
        let Some(c) = self.chars.next() else { return false };
        if c != self.lexer.escape {
            words.add(&mut self.word, c);
            out.push(c);
            return true;
        }
        if self.raw_escapes {
            words.add_raw(&mut self.word, c);
            out.push(c);
        }
        let Some(escaped) = self.chars.next() else { return false };
        words.add_raw(&mut self.word, escaped);
        out.push(escaped);
        true
    }

    fn quote_mark(&mut self, out: &mut String) {
        if let Some(c) = self.chars.next().filter(|_| self.lexer.raw_quotes) {
            out.push(c);
        }
    }

    fn single_quote(&mut self) -> Result<String, String> {
        let mut out = String::new();
        self.quote_mark(&mut out);
        while let Some(c) = self.peek() {
            if c == '\'' {
                self.quote_mark(&mut out);
                return Ok(out);
            }
            self.chars.next();
            out.push(c);
        }
        Err("unexpected end of statement while looking for matching single-quote".into())
    }

    fn double_quote(&mut self) -> Result<String, String> {
        let mut out = String::new();
        self.quote_mark(&mut out);
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.quote_mark(&mut out);
                    return Ok(out);
                }
                '$' => out.push_str(&self.dollar()?),
                c if c == self.lexer.escape => self.escape_in_quotes(c, &mut out),
                c => {
                    self.chars.next();
                    out.push(c);
                }
            }
        }
        Err("unexpected end of statement while looking for matching double-quote".into())
    }

    /// Within double quotes only `"`, `$` and the escape character can be escaped.
    fn escape_in_quotes(&mut self, escape: char, out: &mut String) {
        self.chars.next();
        if self.raw_escapes {
            out.push(escape);
        }
        match self.peek() {
            None => {}
            Some(c) if c == '"' || c == '$' || c == escape => {
                self.chars.next();
                out.push(c);
            }
            Some(_) => out.push(escape),
        }
    }

    /// `<<` with the blanks behind it is one piece, so that `<< EOF` is one word.
    fn possible_heredoc(&mut self) -> String {
        self.chars.next();
        if self.peek() != Some('<') {
            return "<".into();
        }
        self.chars.next();
        let mut out = String::from("<<");
        while let Some(c) = self.chars.next_if(|c| matches!(c, '\t' | '\r' | ' ')) {
            out.push(c);
        }
        out
    }

    fn dollar(&mut self) -> Result<String, String> {
        self.chars.next();
        if self.peek() == Some('{') {
            self.chars.next();
            return self.braces();
        }
        let name = self.name();
        if name.is_empty() {
            return Ok("$".into());
        }
        Ok(match self.lookup(&name) {
            None if self.lexer.skip_unset_env => format!("${name}"),
            value => value.unwrap_or_default(),
        })
    }

    fn braces(&mut self) -> Result<String, String> {
        match self.peek() {
            None => return Err("syntax error: missing '}'".into()),
            Some('{' | '}' | ':') => return Err("syntax error: bad substitution".into()),
            Some(_) => {}
        }
        let name = self.name();
        match self.chars.next() {
            Some('}') => Ok(match self.lookup(&name) {
                None if self.lexer.skip_unset_env => format!("${{{name}}}"),
                value => value.unwrap_or_default(),
            }),
            Some(':') => {
                let modifier = self.chars.next();
                self.modified(&name, modifier, true)
            }
            modifier @ Some('+' | '-' | '?' | '#' | '%') => self.modified(&name, modifier, false),
            Some('/') => self.replaced(&name),
            other => Err(unsupported(other, false)),
        }
    }

    /// `${name:-word}` and its like; `colon`: an empty value counts as unset.
    fn modified(&mut self, name: &str, modifier: Option<char>, colon: bool) -> Result<String, String> {
        let raw_escapes = matches!(modifier, Some('#' | '%'));
        if colon && raw_escapes {
            return Err(unsupported(modifier, colon));
        }
        let (word, _) = self.stop_on(Some('}'), raw_escapes).map_err(|e| self.or_missing(e, "'}'"))?;
        let value = self.lookup(name);
        if value.is_none() && self.lexer.skip_unset_env {
            let colon = if colon { ":" } else { "" };
            return Ok(format!("${{{name}{colon}{}{word}}}", shown(modifier)));
        }
        let usable = value.as_deref().is_some_and(|v| !colon || !v.is_empty());
        match modifier {
            Some('-') => Ok(if usable { value.unwrap_or_default() } else { word }),
            Some('+') => Ok(if usable { word } else { String::new() }),
            Some('?') => match value {
                Some(value) if usable => Ok(value),
                value => Err(required(name, word, value.is_some())),
            },
            Some(end @ ('%' | '#')) => trimmed(&word, &value.unwrap_or_default(), end),
            other => Err(unsupported(other, colon)),
        }
    }

    /// `${name/pattern/replacement}` and `${name//pattern/replacement}`.
    fn replaced(&mut self, name: &str) -> Result<String, String> {
        let all = self.chars.next_if_eq(&'/').is_some();
        let (pattern, _) = self.stop_on(Some('/'), true).map_err(|e| self.or_missing(e, "'/' in ${}"))?;
        let (replacement, _) = self.stop_on(Some('}'), true).map_err(|e| self.or_missing(e, "'}'"))?;
        match self.lookup(name) {
            None if self.lexer.skip_unset_env => Ok(format!("${{{name}/{pattern}/{replacement}}}")),
            value => shell_pattern::replace(&pattern, &value.unwrap_or_default(), &replacement, all),
        }
    }

    /// At the end of the text, an error within a substitution is told as the missing end of the substitution.
    fn or_missing(&mut self, error: String, what: &str) -> String {
        if self.peek().is_none() && !self.too_deep { format!("syntax error: missing {what}") } else { error }
    }

    /// A variable's name; of one that starts with a digit, only digits; or one special parameter.
    fn name(&mut self) -> String {
        let Some(first) = self.peek() else { return String::new() };
        if is_digit(first) {
            return self.take_while(is_digit);
        }
        if matches!(first, '@' | '*' | '#' | '?' | '-' | '$' | '!') {
            self.chars.next();
            return first.to_string();
        }
        self.take_while(|c| c == '_' || is_letter(c) || is_digit(c))
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut out = String::new();
        while let Some(c) = self.chars.next_if(|c| wanted(*c)) {
            out.push(c);
        }
        out
    }

    fn lookup(&mut self, name: &str) -> Option<String> {
        let value = self.env.get(name).map(str::to_owned);
        let seen = if value.is_some() { &mut self.matched } else { &mut self.unmatched };
        if !seen.contains(name) {
            seen.insert(name.to_owned());
        }
        value
    }
}

fn unsupported(modifier: Option<char>, colon: bool) -> String {
    let colon = if colon { ":" } else { "" };
    format!("unsupported modifier ({colon}{}) in substitution", shown(modifier))
}

fn required(name: &str, word: String, set: bool) -> String {
    match (word.is_empty(), set) {
        (false, _) => format!("{name}: {word}"),
        (true, true) => format!("{name}: is not allowed to be empty"),
        (true, false) => format!("{name}: is not allowed to be unset"),
    }
}

/// `#` and `%` take away the shortest match, doubled the longest.
fn trimmed(word: &str, value: &str, end: char) -> Result<String, String> {
    let (pattern, greedy) = word.strip_prefix(end).map_or((word, false), |rest| (rest, true));
    if end == '#' {
        shell_pattern::trim_prefix(pattern, value, greedy)
    } else {
        shell_pattern::trim_suffix(pattern, value, greedy)
    }
}

/// `unicode.IsLetter`.
fn is_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { shell_pattern::in_class(c, true) }
}

/// `unicode.IsDigit`.
fn is_digit(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { shell_pattern::in_class(c, false) }
}
