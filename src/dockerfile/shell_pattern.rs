//! The patterns of `${x#pattern}`, `${x%pattern}` and `${x/pattern/text}`: BuildKit's `convertShellPatternToRegex` and its users.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

use super::expand::{scan, shown};

static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{L}$").ok());
static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Nd}$").ok());

/// Whether a character is in Unicode's class of letters (`L`) or decimal digits (`Nd`).
pub(super) fn in_class(c: char, letter: bool) -> bool {
    let class = if letter { &LETTER } else { &DIGIT };
    class.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
}

/// The regular expression that means what the pattern means.
fn compile(pattern: &str, greedy: bool, anchored: bool) -> Result<Regex, String> {
    let invalid = |reason: String| format!("invalid pattern ({pattern}) in substitution: {reason}");
    let expression = expression(pattern, greedy, anchored).map_err(invalid)?;
    RegexBuilder::new(&expression)
        .size_limit(64 << 20)
        .build()
        .map_err(|_| invalid("error parsing regexp: expression too large".into()))
}

fn expression(pattern: &str, greedy: bool, anchored: bool) -> Result<String, String> {
    let mut out = String::from(if anchored { "^" } else { "" });
    let mut chars = scan(pattern);
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str(if greedy { ".*" } else { ".*?" }),
            '?' => out.push('.'),
            // `}` and `/` are escaped for the sake of the substitution's syntax alone.
            '\\' if matches!(chars.peek(), Some('}' | '/')) => {}
            '\\' => match chars.next() {
                Some(c @ ('*' | '?' | '\\')) => out.extend(['\\', c]),
                other => return Err(format!("invalid escape '\\{}'", shown(other))),
            },
            '[' | ']' | '{' | '}' | '.' | '+' | '(' | ')' | '|' | '^' | '$' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    Ok(out)
}

/// `${x#pattern}`, or `${x##pattern}` when `greedy`.
pub(super) fn trim_prefix(pattern: &str, value: &str, greedy: bool) -> Result<String, String> {
    let found = compile(pattern, greedy, true)?.find(value).map(|m| m.end());
    Ok(value[found.unwrap_or(0)..].to_owned())
}

/// `${x%pattern}`: the shortest match at the end is the shortest one at the start when both are read backwards.
pub(super) fn trim_suffix(pattern: &str, value: &str, greedy: bool) -> Result<String, String> {
    let backwards = |s: &str| s.chars().rev().collect::<String>();
    trim_prefix(&reversed(pattern), &backwards(value), greedy).map(|rest| backwards(&rest))
}

/// The pattern read backwards, each escape still before the character that it escapes.
fn reversed(pattern: &str) -> String {
    let mut pieces: Vec<[Option<char>; 2]> = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        pieces.push([Some(c), escaped]);
    }
    pieces.into_iter().rev().flatten().flatten().collect()
}

/// `${x/pattern/replacement}`, or with `all` `${x//pattern/replacement}`. Only the latter knows `$0` in the replacement, as Go's
/// `ReplaceAllString` does.
pub(super) fn replace(pattern: &str, value: &str, replacement: &str, all: bool) -> Result<String, String> {
    let expression = compile(pattern, true, false)?;
    let (mut out, mut done) = (String::new(), 0);
    for found in expression.find_iter(value).take(if all { usize::MAX } else { 1 }) {
        out.push_str(&value[done..found.start()]);
        if all {
            expand(&mut out, replacement, found.as_str());
        } else {
            out.push_str(replacement);
        }
        done = found.end();
    }
    out.push_str(&value[done..]);
    Ok(out)
}

/// Go's `Regexp.Expand` for an expression without groups: `$0` is the match, other names are nothing, `$$` is `$`.
fn expand(out: &mut String, template: &str, found: &str) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = group_name(after) {
            if name == "0" {
                out.push_str(found);
            }
            rest = after;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
}

/// `name` or `{name}` at the start of the text, and what follows.
fn group_name(text: &str) -> Option<(&str, &str)> {
    let (inner, brace) = text.strip_prefix('{').map_or((text, false), |rest| (rest, true));
    let is_name = |c: char| {
        c == '_' || c.is_ascii_alphanumeric() || (!c.is_ascii() && (in_class(c, true) || in_class(c, false)))
    };
    let end = inner.find(|c| !is_name(c)).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    let rest = if brace { rest.strip_prefix('}')? } else { rest };
    (!name.is_empty()).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_suffixes_are_shortest_or_longest() {
        assert_eq!(trim_prefix("*/", "a/b/c", false).as_deref(), Ok("b/c"));
        assert_eq!(trim_prefix("*/", "a/b/c", true).as_deref(), Ok("c"));
        assert_eq!(trim_suffix("/*", "a/b/c", false).as_deref(), Ok("a/b"));
        assert_eq!(trim_suffix("/*", "a/b/c", true).as_deref(), Ok("a"));
        assert_eq!(trim_suffix("\\*c", "ab*c", true).as_deref(), Ok("ab"));
    }

    #[test]
    fn broken_escapes_are_told() {
        assert_eq!(
            trim_prefix("\\a", "x", false),
            Err("invalid pattern (\\a) in substitution: invalid escape '\\a'".into())
        );
        assert_eq!(
            replace("\\", "x", "", false),
            Err("invalid pattern (\\) in substitution: invalid escape '\\\u{fffd}'".into())
        );
    }

    #[test]
    fn replacing_all_knows_the_match_and_replacing_one_does_not() {
        assert_eq!(replace("b", "abcb", "<$0$1$$>", true).as_deref(), Ok("a<b$>c<b$>"));
        assert_eq!(replace("b", "abcb", "<$0>", false).as_deref(), Ok("a<$0>cb"));
        assert_eq!(replace("", "ab", "-", true).as_deref(), Ok("-a-b-"));
        assert_eq!(replace("*", "ab", "-", true).as_deref(), Ok("-"));
        assert_eq!(replace("a", "a", "${0}${x", true).as_deref(), Ok("a${x"));
    }
}
