//! One line of a `.gitignore` file, and the line of an ignore file that says the same.

use super::class::{Class, parse_class};
use crate::ops::ignore::text::{Piece, finish};
use crate::pattern::Matcher;

/// A rule of git's (`gitignore(5)`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// As it is written, without blanks at its end.
    pub text: String,
    /// It re-includes.
    pub negated: bool,
    /// It means folders alone.
    pub folders: bool,
    /// It holds for the folder of its file; else for every folder below as well.
    anchored: bool,
    parts: Vec<Part>,
}

/// What stands between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`: any number of folders.
    Deep,
    /// A name with wildcards.
    Name(Vec<Token>),
}

/// A part of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// Anything without a slash.
    Star,
    /// One character that is no slash.
    Any,
    /// One of a set.
    Class(Class),
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// Blank, or a comment.
    Nothing,
    /// A rule that matches nothing, and why.
    Never(&'static str),
    /// A rule.
    Rule(Rule),
}

/// Reads a line without its end (`dir.c`, `add_patterns_from_buffer`, `parse_path_pattern`).
pub fn read(line: &str) -> Read {
    let text = trimmed(line);
    if text.is_empty() || text.starts_with('#') {
        return Read::Nothing;
    }
    let (negated, body) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
    let (folders, body) = body.strip_suffix('/').map_or((false, body), |rest| (true, rest));
    if body.is_empty() || body.ends_with('/') {
        return Read::Never("it names nothing");
    }
    let parts = match split(body) {
        Ok(parts) => parts,
        Err(why) => return Read::Never(why),
    };
    let anchored = parts.len() > 1;
    let mut parts: Vec<Part> = parts.into_iter().skip_while(Vec::is_empty).map(part).collect();
    if parts.iter().any(|p| *p == Part::Name(Vec::new())) || parts.is_empty() {
        return Read::Never("it has two slashes in a row");
    }
    if !anchored && parts == [Part::Deep] {
        parts = vec![Part::Name(vec![Token::Star])];
    }
    parts.dedup_by(|a, b| *a == Part::Deep && *b == Part::Deep);
    Read::Rule(Rule { text: text.to_owned(), negated, folders, anchored, parts })
}

/// Without the blanks at the end that no backslash holds (`trim_trailing_spaces`).
fn trimmed(line: &str) -> &str {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let kept = line.trim_end_matches(' ');
    let backslashes = kept.bytes().rev().take_while(|b| *b == b'\\').count();
    if backslashes % 2 == 1 && kept.len() < line.len() { &line[..kept.len() + 1] } else { kept }
}

/// The tokens between slashes.
fn split(body: &str) -> Result<Vec<Vec<Token>>, &'static str> {
    let mut parts = vec![Vec::new()];
    let mut rest = body.chars();
    while let Some(c) = rest.next() {
        let token = match c {
            '/' => {
                parts.push(Vec::new());
                continue;
            }
            '*' => Token::Star,
            '?' => Token::Any,
            '\\' => Token::Literal(rest.next().ok_or("it ends in a backslash")?),
            '[' => {
                let (class, after) = parse_class(rest.as_str()).ok_or("its set of characters has no end")?;
                rest = after.chars();
                Token::Class(class.without_slash().ok_or("its set of characters has nothing but a slash")?)
            }
            c => Token::Literal(c),
        };
        if let Some(part) = parts.last_mut() {
            part.push(token);
        }
    }
    Ok(parts)
}

fn part(mut tokens: Vec<Token>) -> Part {
    if tokens == [Token::Star, Token::Star] {
        return Part::Deep;
    }
    // Several stars in a name are one (`gitignore(5)`: "other consecutive asterisks are considered regular asterisks").
    tokens.dedup_by(|a, b| *a == Token::Star && *b == Token::Star);
    Part::Name(tokens)
}

impl Rule {
    /// The patterns that match what the rule matches, below a folder of the context (empty for its top), without a `!`.
    pub fn below(&self, folder: &[u8]) -> Vec<String> {
        vec![self.pattern(folder, &self.parts, !self.anchored)]
    }

    /// The same for a file above the context, which lies at `way` below that file's folder.
    pub fn above(&self, way: &[&[u8]]) -> Vec<String> {
        if !self.anchored {
            return self.below(b"");
        }
        let mut rests: Vec<&[Part]> = Vec::new();
        rests_of(&self.parts, way, &mut rests);
        let mut out: Vec<String> = Vec::new();
        for pattern in rests.into_iter().map(|rest| self.pattern(b"", rest, false)) {
            if !out.contains(&pattern) {
                out.push(pattern);
            }
        }
        out
    }

    fn pattern(&self, folder: &[u8], parts: &[Part], anywhere: bool) -> String {
        let folder = crate::pattern::runes(folder);
        let literal =
            |c: char| if c.is_control() || c == '\u{fffd}' { Piece::Syntax("?") } else { Piece::Literal(c) };
        let mut pieces: Vec<Piece<'_>> = folder.chars().map(literal).collect();
        if !pieces.is_empty() {
            pieces.push(Piece::Literal('/'));
        }
        if anywhere {
            pieces.push(Piece::Syntax("**/"));
        }
        for (i, part) in parts.iter().enumerate() {
            let last = i + 1 == parts.len();
            match part {
                Part::Deep => pieces.push(Piece::Syntax(if last { "**" } else { "**/" })),
                Part::Name(tokens) => {
                    pieces.extend(tokens.iter().map(Token::piece));
                    pieces.extend((!last).then_some(Piece::Literal('/')));
                }
            }
        }
        finish(&pieces)
    }
}

impl Token {
    fn piece(&self) -> Piece<'_> {
        match self {
            Self::Literal(c) if c.is_control() => Piece::Syntax("?"),
            Self::Literal(c) => Piece::Literal(*c),
            Self::Star => Piece::Syntax("*"),
            Self::Any => Piece::Syntax("?"),
            Self::Class(class) => Piece::Class(class.text()),
        }
    }
}

/// What is left of a rule's parts when some of them have matched the folders of `way`.
fn rests_of<'p>(parts: &'p [Part], way: &[&[u8]], out: &mut Vec<&'p [Part]>) {
    let (Some(first), false) = (parts.first(), way.is_empty()) else {
        out.extend((!parts.is_empty()).then_some(parts));
        return;
    };
    match first {
        Part::Deep => {
            rests_of(&parts[1..], way, out);
            rests_of(parts, &way[1..], out);
        }
        Part::Name(tokens) => {
            let pieces: Vec<Piece<'_>> = tokens.iter().map(Token::piece).collect();
            let matches =
                Matcher::new(&[finish(&pieces)]).is_ok_and(|m| m.matches_or_parent(way[0]).unwrap_or(false));
            if matches {
                rests_of(&parts[1..], &way[1..], out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(line: &str) -> Rule {
        match read(line) {
            Read::Rule(rule) => rule,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn rules_are_written_as_moby_reads_them() {
        for (git, moby) in [
            ("build", "**/build"),
            ("/build", "build"),
            ("build/", "**/build"),
            ("a/b", "a/b"),
            ("**/a/b", "**/a/b"),
            ("a/**/b", "a/**/b"),
            ("a/**", "a/**"),
            ("*.py[cod]", "**/*.py[cod]"),
            ("x[!a]", "**/x[^/a]"),
            ("x[+-9]", "**/x[\\+-\\.0-9]"),
            ("a**b", "**/a*b"),
            ("\\#x", "**/#x"),
            ("\\!x", "**/!x"),
            ("/\\#x", "\\#x"),
            ("a\\*", "**/a\\*"),
            ("a\\ ", "**/a[ ]"),
            ("a  ", "**/a"),
            ("x{1}*", "**/x\\{1\\}*"),
            ("**", "**/*"),
        ] {
            assert_eq!(rule(git).below(b""), [moby], "{git}");
        }
        assert_eq!(rule("/x").below(b"sub dir"), ["sub dir/x"]);
        assert_eq!(rule("x").below(b"s*"), ["s\\*/**/x"]);
    }

    #[test]
    fn what_matches_nothing_is_told() {
        for line in ["/", "!", "a//b", "x[a", "x\\", "a//"] {
            assert!(matches!(read(line), Read::Never(_)), "{line}");
        }
        assert_eq!((read("# x"), read("   "), read("")), (Read::Nothing, Read::Nothing, Read::Nothing));
    }

    #[test]
    fn a_file_above_the_context_is_cut_to_what_lies_below() {
        let way: &[&[u8]] = &[b"app", b"web"];
        assert_eq!(rule("/app/web/dist").above(way), ["dist"]);
        assert_eq!(rule("app/*/dist").above(way), ["dist"]);
        assert_eq!(rule("**/dist/x").above(way), ["**/dist/x"]);
        assert!(rule("/other/dist").above(way).is_empty());
        assert_eq!(rule("dist").above(way), ["**/dist"]);
        assert_eq!(rule("**/web/dist").above(way), ["dist", "**/web/dist"]);
    }
}
