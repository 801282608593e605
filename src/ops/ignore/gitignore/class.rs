//! Sets of characters: `[a-c]` as git reads it, written as Go's regexp reads it.

/// A set of characters without the slash, which no set of git's ever matches in a path (`wildmatch.c`, `WM_PATHNAME`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    text: String,
    parsed: Option<(bool, Vec<(char, char)>)>,
}

/// The named sets of ASCII.
const NAMED: &[(&str, &[(char, char)])] = &[
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("digit", &[('0', '9')]),
    ("lower", &[('a', 'z')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[(' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
    ("graph", &[('!', '~')]),
    ("print", &[(' ', '~')]),
];

/// Reads what follows a `[`, and what follows the set.
pub fn parse_class(text: &str) -> Option<(Class, &str)> {
    let body = text.strip_prefix(['!', '^']);
    let (negated, mut rest) = (body.is_some(), body.unwrap_or(text));
    let mut ranges = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(']').filter(|_| !ranges.is_empty()) {
            return Some((Class { text: String::new(), parsed: Some((negated, ranges)) }, after));
        }
        if let Some((named, after)) = rest.strip_prefix("[:").and_then(|r| r.split_once(":]")) {
            ranges.extend_from_slice(NAMED.iter().find(|(name, _)| *name == named)?.1);
            rest = after;
            continue;
        }
        let (low, after) = character(rest)?;
        rest = after;
        let high = rest.strip_prefix('-').filter(|r| !r.starts_with(']')).map(character);
        match high {
            Some(high) => {
                let (high, after) = high?;
                ranges.push((low, high));
                rest = after;
            }
            None => ranges.push((low, low)),
        }
    }
}

/// One character, perhaps behind a backslash.
fn character(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    let c = match chars.next()? {
        '\\' => chars.next()?,
        c => c,
    };
    Some((c, chars.as_str()))
}

impl Class {
    /// The set without the slash; `None` when nothing is left.
    pub fn without_slash(mut self) -> Option<Self> {
        let (negated, ranges) = self.parsed.take()?;
        let mut out = String::new();
        if negated {
            out.push_str("^/");
        }
        for (low, high) in ranges.into_iter().filter(|(low, high)| low <= high) {
            if negated || !(low..=high).contains(&'/') {
                write(&mut out, low, high);
                continue;
            }
            if low < '/' {
                write(&mut out, low, '.');
            }
            if high > '/' {
                write(&mut out, '0', high);
            }
        }
        (!out.is_empty()).then_some(Self { text: out, parsed: None })
    }

    /// The set without its brackets.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn write(out: &mut String, low: char, high: char) {
    put(out, low);
    if low != high {
        out.push('-');
        put(out, high);
    }
}

/// A slash is left without a backslash, because lines are cleaned as paths before they are read as patterns.
fn put(out: &mut String, c: char) {
    if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '/' && c != '_' {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<(String, String)> {
        let (class, rest) = parse_class(text)?;
        Some((class.without_slash()?.text().to_owned(), rest.to_owned()))
    }

    #[test]
    fn sets_are_written_for_go() {
        for (git, go) in [
            ("abc]x", "abc"),
            ("!abc]x", "^/abc"),
            ("]a]x", "\\]a"),
            ("a-]x", "a\\-"),
            ("\\]*]x", "\\]\\*"),
            ("[:digit:]_]x", "0-9_"),
            ("--0]x", "\\--\\.0"),
            ("/a]x", "a"),
        ] {
            assert_eq!(written(git), Some((go.to_owned(), "x".to_owned())), "{git}");
        }
    }

    #[test]
    fn a_set_without_an_end_or_without_anything_is_none() {
        assert!(["abc", "]", "!]", "[:nope:]]", "/]", "a\\"].iter().all(|t| written(t).is_none()));
    }
}
