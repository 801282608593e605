//! [`Pattern`]: one pattern of Moby's kind, compiled when it is first needed.

use std::sync::OnceLock;

use super::regexp;
use super::text::runes;
use crate::gopath::BadPattern;

/// One pattern as the matcher holds it: trimmed, cleaned, without its `!`.
///
/// It is compiled at its first test, as Moby does, because a pattern that can't be compiled is an error only then
/// (`patternmatcher.go`, `match`).
#[derive(Debug)]
pub struct Pattern {
    text: Vec<u8>,
    negated: bool,
    index: usize,
    compiled: OnceLock<Result<Kind, BadPattern>>,
}

/// How a pattern is tested.
#[derive(Debug)]
enum Kind {
    Exact,
    /// `X**`: all that begins with `X`.
    Prefix,
    /// `**X`: all that ends with `X`; for `**/x` also `x` itself.
    Suffix,
    /// A head, a gap and a tail without anything else: `docs/**/*.md`.
    Gap(Gap),
    /// All others. Literals that the path has to hold are looked for first, because that rules out nearly every path.
    Regexp(Box<(Needs, regex::bytes::Regex)>),
}

/// Literals without which a path can't match.
#[derive(Debug, Default)]
struct Needs {
    head: Vec<u8>,
    tail: Vec<u8>,
    inner: Option<bstr::Finder<'static>>,
}

/// Literal head and tail with `**/`, `*` or both between them.
#[derive(Debug)]
struct Gap {
    head: Vec<u8>,
    deep: bool,
    star: bool,
    tail: Vec<u8>,
}

/// What Moby's translation makes of one or more characters of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Literal(char),
    /// Behind a backslash.
    Escaped(char),
    /// `*`: anything without a slash.
    Star,
    /// `**` or `**/` with something behind it: nothing, or anything that ends with a slash.
    Deep,
    /// `**` at the end: anything.
    Rest,
    /// `?`
    Any,
    /// `[`, `]`, `^`, and a backslash at the end go into the regexp as they are.
    Verbatim(char),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Exact,
    Prefix,
    Suffix,
    Regexp,
}

impl Pattern {
    pub(super) fn new(text: Vec<u8>, negated: bool, index: usize) -> Self {
        Self { text, negated, index, compiled: OnceLock::new() }
    }

    /// The cleaned pattern without `!`.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// True when a `!` stood before it.
    pub fn negated(&self) -> bool {
        self.negated
    }

    /// Its place in the list that the matcher was made from (blank patterns have a place there, too).
    pub fn index(&self) -> usize {
        self.index
    }

    /// True when it passes the check up front but can't be compiled, so that its first test is an error.
    pub fn is_broken(&self) -> bool {
        self.compiled().is_err()
    }

    /// Whether the pattern matches exactly this path (relative, `/`-separated); parents are the matcher's business.
    ///
    /// # Errors
    /// [`BadPattern`] when the pattern can't be compiled.
    pub fn matches(&self, path: &[u8]) -> Result<bool, BadPattern> {
        Ok(match self.compiled()? {
            Kind::Exact => path == self.text,
            Kind::Prefix => path.starts_with(&self.text[..self.text.len() - 2]),
            Kind::Suffix => {
                let suffix = &self.text[2..];
                ends_with(path, suffix) || suffix.strip_prefix(b"/").is_some_and(|name| path == name)
            }
            Kind::Gap(gap) => gap.matches(path),
            Kind::Regexp(both) => both.0.are_met(path) && both.1.is_match(runes(path).as_bytes()),
        })
    }

    fn compiled(&self) -> Result<&Kind, BadPattern> {
        self.compiled.get_or_init(|| compile(&self.text)).as_ref().map_err(|e| *e)
    }
}

impl Gap {
    /// `(.*/)?` doesn't take a newline (`.` in RE2), `[^/]*` does.
    fn matches(&self, path: &[u8]) -> bool {
        if path.len() < self.head.len() + self.tail.len()
            || !ends_with(path, &self.tail)
            || !starts_with(path, &self.head)
        {
            return false;
        }
        let gap = &path[self.head.len()..path.len() - self.tail.len()];
        let (folders, name) = match gap.iter().rposition(|b| *b == b'/') {
            Some(slash) => (Some(&gap[..slash]), &gap[slash + 1..]),
            None => (None, gap),
        };
        let folders_fit = folders.is_none_or(|f| self.deep && !f.contains(&b'\n'));
        folders_fit && (self.star || name.is_empty())
    }
}

impl Needs {
    /// Reads the literals off the pieces up to the first one that may change the meaning of what follows. With a bar or a
    /// brace nothing is needed for sure.
    fn of(pieces: &[Piece]) -> Self {
        if pieces.iter().any(|p| matches!(p, Piece::Literal('{' | '|'))) {
            return Self::default();
        }
        let plain = pieces.iter().position(|p| !p.is_plain()).unwrap_or(pieces.len());
        let known = &pieces[..plain];
        let mut runs = known.split(|p| p.literal().is_none()).map(bytes_of);
        let head = runs.next().unwrap_or_default();
        let inner = runs.max_by_key(Vec::len).filter(|run| !run.is_empty());
        let tail_len = known.iter().rev().take_while(|p| p.literal().is_some()).count();
        let tail = if plain == pieces.len() { bytes_of(&known[plain - tail_len..]) } else { Vec::new() };
        Self { head, tail, inner: inner.map(|run| bstr::Finder::new(&run).into_owned()) }
    }

    fn are_met(&self, path: &[u8]) -> bool {
        starts_with(path, &self.head)
            && ends_with(path, &self.tail)
            && self.inner.as_ref().is_none_or(|inner| inner.find(path).is_some())
    }
}

/// `starts_with` that looks at one byte before it calls for a comparison: nearly every test ends there.
fn starts_with(path: &[u8], head: &[u8]) -> bool {
    match head.first() {
        None => true,
        first => path.first() == first && path.starts_with(head),
    }
}

/// The same from the end.
fn ends_with(path: &[u8], tail: &[u8]) -> bool {
    match tail.last() {
        None => true,
        last => path.last() == last && path.ends_with(tail),
    }
}

fn bytes_of(literals: &[Piece]) -> Vec<u8> {
    literals.iter().filter_map(Piece::literal).collect::<String>().into_bytes()
}

fn compile(text: &[u8]) -> Result<Kind, BadPattern> {
    let (shape, pieces) = read(&runes(text));
    match shape {
        Shape::Exact => Ok(Kind::Exact),
        Shape::Prefix => Ok(Kind::Prefix),
        Shape::Suffix => Ok(Kind::Suffix),
        Shape::Regexp => gap(&pieces).map_or_else(|| regexp_kind(&pieces), |gap| Ok(Kind::Gap(gap))),
    }
}

fn gap(pieces: &[Piece]) -> Option<Gap> {
    if !pieces.iter().all(Piece::is_plain) {
        return None;
    }
    let is_literal = |p: &&Piece| p.literal().is_some();
    let head = pieces.iter().take_while(is_literal).count();
    let tail = pieces[head..].iter().rev().take_while(is_literal).count();
    let (deep, star) = match &pieces[head..pieces.len() - tail] {
        [Piece::Star] => (false, true),
        [Piece::Deep] => (true, false),
        [Piece::Deep, Piece::Star] => (true, true),
        _ => return None,
    };
    Some(Gap { head: bytes_of(&pieces[..head]), deep, star, tail: bytes_of(&pieces[pieces.len() - tail..]) })
}

fn regexp_kind(pieces: &[Piece]) -> Result<Kind, BadPattern> {
    let mut go = String::from("^");
    pieces.iter().for_each(|piece| piece.write_go(&mut go));
    go.push('$');
    let regex = regex::bytes::RegexBuilder::new(&regexp::translate(&go)?)
        // A line of an ignore file may hold 64 KiB of wildcards; Go has no limit that they could reach.
        .size_limit(1 << 30)
        .build()
        .map_err(|_| BadPattern)?;
    Ok(Kind::Regexp(Box::new((Needs::of(pieces), regex))))
}

impl Piece {
    /// True when Go's regexp reads it as what it says, wherever it stands. Braces and bars are left out because Moby doesn't
    /// escape them (see [`regexp`]); U+FFFD is left out because it also stands for
    /// bytes that are no UTF-8, so that it can't be compared bytewise.
    fn is_plain(&self) -> bool {
        match self {
            Self::Literal(c) => !"{|}\u{fffd}".contains(*c),
            Self::Escaped(c) => c.is_ascii() && !c.is_ascii_alphanumeric(),
            Self::Verbatim(_) => false,
            Self::Star | Self::Deep | Self::Rest | Self::Any => true,
        }
    }

    fn literal(&self) -> Option<char> {
        match self {
            Self::Literal(c) | Self::Escaped(c) => Some(*c),
            _ => None,
        }
    }

    fn write_go(&self, go: &mut String) {
        match self {
            Self::Literal(c) => {
                if ".+()$".contains(*c) {
                    go.push('\\');
                }
                go.push(*c);
            }
            Self::Escaped(c) => go.extend(['\\', *c]),
            Self::Star => go.push_str("[^/]*"),
            Self::Deep => go.push_str("(.*/)?"),
            Self::Rest => go.push_str(".*"),
            Self::Any => go.push_str("[^/]"),
            Self::Verbatim(c) => go.push(*c),
        }
    }
}

/// Reads a pattern as Moby's `compile` does. A byte order mark at its start is skipped, as Go's `text/scanner` does.
fn read(text: &str) -> (Shape, Vec<Piece>) {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable();
    let (mut shape, mut pieces) = (Shape::Exact, Vec::new());
    let mut first = true;
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => {
                rest.next_if_eq(&'/');
                match (rest.peek(), shape) {
                    (None, Shape::Exact) => shape = Shape::Prefix,
                    (None, _) => {
                        pieces.push(Piece::Rest);
                        shape = Shape::Regexp;
                    }
                    _ => {
                        pieces.push(Piece::Deep);
                        shape = Shape::Regexp;
                    }
                }
                if first {
                    shape = Shape::Suffix;
                }
            }
            // These three make no regexp of the pattern by themselves.
            '\\' if rest.peek().is_none() => pieces.push(Piece::Verbatim('\\')),
            '^' => pieces.push(Piece::Verbatim('^')),
            c if !"*?[]\\".contains(c) => pieces.push(Piece::Literal(c)),
            c => {
                pieces.push(special(c, rest.next_if(|_| c == '\\')));
                shape = Shape::Regexp;
            }
        }
        first = false;
    }
    (shape, pieces)
}

fn special(c: char, escaped: Option<char>) -> Piece {
    match (c, escaped) {
        ('*', _) => Piece::Star,
        ('?', _) => Piece::Any,
        (_, Some(c)) => Piece::Escaped(c),
        (c, None) => Piece::Verbatim(c),
    }
}

#[cfg(test)]
mod slow;

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern.into(), false, 0).matches(path.as_bytes()).unwrap()
    }

    #[test]
    fn every_shape_matches_as_moby_says() {
        for (pattern, path, no) in [
            ("a/b", "a/b", "a/b/c"),
            ("dir/**", "dir/x/y", "dir"),
            ("ab**", "abc/d", "a"),
            ("**/foo", "foo", "xfoo"),
            ("**/foo", "a/b/foo", "foo/x"),
            ("**foo", "a/xfoo", "foo/x"),
            ("*.md", "a.md", "d/a.md"),
            ("**/*.md", "d/e/a.md", "a.mdx"),
            ("docs/**/*.md", "docs/a.md", "docs.md"),
            ("docs/**/*.md", "docs/x/a.md", "doc/a.md"),
            ("a/*/c", "a/b/c", "a/b/d/c"),
            ("a/*", "a/", "a"),
            ("a?c", "abc", "a/c"),
            ("[a-c]x", "bx", "dx"),
            ("[!a]x", "!x", "bx"),
            ("[^a]x", "bx", "ax"),
            ("a\\*", "a*", "ab"),
            ("x.+(y)$*", "x.+(y)$1", "xx+(y)$"),
            ("a|b", "a|b", "a"),
            ("a|*b", "ax", "xa"),
            ("*.{js,ts}", "x.{js,ts}", "x.js"),
            ("a^b", "a^b", "ab"),
            ("**/a/**", "a/b", "a"),
            ("**/x**/y", "q/x/y", "q/z/y"),
        ] {
            assert!(matches(pattern, path), "{pattern} on {path}");
            assert!(!matches(pattern, no), "{pattern} on {no}");
        }
        assert!(matches("**", "x/y") && matches("**", ""));
    }

    #[test]
    fn the_gap_of_a_doublestar_has_no_newline_but_that_of_a_star_may() {
        assert!(!matches("a/**/*.c", "a/\n/x.c") && matches("a/**/*.c", "a/x\n.c"));
        assert!(matches("*.c", "\n.c"));
    }

    #[test]
    fn head_and_tail_may_not_overlap() {
        assert!(!matches("aba*aba", "aba") && !matches("ab*b", "ab") && matches("ab*b", "abb"));
    }

    #[test]
    fn literals_before_a_class_are_needed_unless_there_are_alternatives() {
        assert!(matches("**/*.py[cod]", "a/b.pyc") && !matches("**/*.py[cod]", "a/b.pyx"));
        assert!(matches("ab[c]|x*", "abc") && matches("ab[c]|x*", "zzx") && matches("abc{0}*", "ab"));
        assert!(matches("**/pre*x*", "a/b/pre1x2") && !matches("**/pre*x*", "a/pre/x"));
    }

    #[test]
    fn bytes_that_are_no_utf8_count_as_replacement_characters() {
        let pattern = Pattern::new("caf\u{fffd}*".into(), false, 0);
        assert_eq!(pattern.matches(b"caf\xe9.txt"), Ok(true));
        assert_eq!(Pattern::new("a?b".into(), false, 0).matches(b"a\xffb"), Ok(true));
        assert_eq!(Pattern::new("a?b".into(), false, 0).matches(b"a\xe2\x82b"), Ok(false));
    }

    #[test]
    fn a_pattern_that_cannot_be_compiled_fails_at_its_test() {
        let pattern = Pattern::new("a*[z-a]".into(), false, 0);
        assert!(pattern.is_broken());
        assert_eq!(pattern.matches(b"x"), Err(BadPattern));
    }
}
