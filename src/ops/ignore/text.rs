//! Names as lines of an ignore file that match nothing else, as far as that can be written.

/// The line that matches a path. What can't be written down (a line's end, control characters, bytes that are no UTF-8) is a `?`,
/// which also matches any other character there.
pub fn exact(path: &[u8]) -> String {
    finish(&pieces(path))
}

/// The line that matches a name at any depth.
pub fn anywhere(name: &[u8]) -> String {
    let name = pieces(name);
    finish(&[&[Piece::Syntax("**/")], &name[..]].concat())
}

/// The line that matches every name with this ending in a folder, or with `None` at any depth.
pub fn ending(folder: Option<&[u8]>, ending: &[u8]) -> String {
    let mut all = match folder {
        None => vec![Piece::Syntax("**/")],
        Some(b"") => Vec::new(),
        Some(folder) => [&pieces(folder)[..], &[Piece::Literal('/')]].concat(),
    };
    all.push(Piece::Syntax("*"));
    all.extend(pieces(ending));
    finish(&all)
}

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'s> {
    /// A character that stands for itself.
    Literal(char),
    /// What has a meaning of its own.
    Syntax(&'s str),
    /// A set of characters, written without its brackets as Go's regexp wants it.
    Class(&'s str),
}

fn pieces(path: &[u8]) -> Vec<Piece<'static>> {
    let text = crate::pattern::runes(path);
    let piece = |c: char| match c {
        char::REPLACEMENT_CHARACTER => Piece::Syntax("?"),
        c if c.is_control() => Piece::Syntax("?"),
        c => Piece::Literal(c),
    };
    text.chars().map(piece).collect()
}

/// Writes a pattern down. Moby compares one without any syntax as text; else it makes a regexp of it, in which it leaves `{`, `|`,
/// `}` and `^` as they are (`patternmatcher.go`, `compile`).
pub fn finish(pieces: &[Piece<'_>]) -> String {
    let leading = usize::from(pieces.first() == Some(&Piece::Syntax("**/")));
    let special = |p: &Piece<'_>| match p {
        Piece::Literal(c) => "*?[]\\^".contains(*c),
        Piece::Syntax(_) | Piece::Class(_) => true,
    };
    let edge = |p: Option<&Piece<'_>>| matches!(p, Some(Piece::Literal(c)) if c.is_whitespace());
    let begins_odd = matches!(pieces.first(), Some(Piece::Literal('!' | '#' | '\u{feff}')));
    let edges = edge(pieces.first()) || edge(pieces.last());
    let regexp = pieces[leading..].iter().any(special) || begins_odd || edges;
    let mut out = String::new();
    for (i, piece) in pieces.iter().enumerate() {
        let at_edge = i == 0 || i + 1 == pieces.len();
        match piece {
            Piece::Literal(c) if regexp && at_edge && c.is_whitespace() => out.extend(['[', *c, ']']),
            Piece::Literal('\u{feff}') if i == 0 => out.push('?'),
            Piece::Literal(c @ ('!' | '#')) if i == 0 => out.extend(['\\', *c]),
            Piece::Literal(c) if regexp && "*?[]\\^{|}".contains(*c) => out.extend(['\\', *c]),
            Piece::Literal(c) => out.push(*c),
            Piece::Syntax(text) => out.push_str(text),
            Piece::Class(text) => out.extend(["[", text, "]"]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::IgnoreFile;

    fn hides(line: &str, path: &[u8]) -> bool {
        let file = IgnoreFile::parse("i", format!("{line}\n").as_bytes()).unwrap();
        file.explain(path).unwrap().decision.matched
    }

    #[test]
    fn odd_names_are_matched_and_their_neighbours_are_not() {
        for (name, other) in [
            ("a*b", "axb"),
            ("a?", "ax"),
            ("[x]", "x"),
            ("a\\b", "ab"),
            ("a^b*", "a^bc"),
            ("{a|b}*", "a*"),
            ("!a", "a"),
            ("#a", "a"),
            (" a ", "a"),
            ("a\u{a0}", "a"),
            ("x+(y)$.*", "xx+(y)$."),
            ("\u{feff}a", "a"),
            ("-a", "a"),
            ("a,b", "a"),
        ] {
            for (line, path) in
                [(exact(name.as_bytes()), name.to_owned()), (anywhere(name.as_bytes()), format!("d/{name}"))]
            {
                assert!(hides(&line, path.as_bytes()), "{line:?} on {path:?}");
                assert!(!hides(&line, path.replace(name, other).as_bytes()), "{line:?} on {other:?}");
            }
        }
    }

    #[test]
    fn what_can_not_be_written_is_any_character() {
        assert_eq!(exact(b"a\nb\xff"), "a?b?");
        assert!(hides("a?b?", b"a\nb\xff"));
    }

    #[test]
    fn endings_are_bound_to_a_folder_or_not() {
        assert_eq!(ending(None, b".md"), "**/*.md");
        assert_eq!(ending(Some(b""), b".md"), "*.md");
        assert_eq!(ending(Some(b"a[b]"), b".c"), "a\\[b\\]/*.c");
        assert!(hides("a\\[b\\]/*.c", b"a[b]/x.c") && !hides("a\\[b\\]/*.c", b"ab/x.c"));
    }
}
