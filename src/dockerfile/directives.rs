//! Parser directives (`parser/directives.go`): `# syntax=`, `# escape=`, `# check=`, and the other forms that `syntax` may have.

use super::ast::{Directive, Span};
use super::gotext::{is_regex_space, text, trim_start};
use super::json;
use super::lint::LintConfig;

const NAMES: [&str; 3] = ["syntax", "escape", "check"];

/// The longest line that Go's scanner gives, with its newline (`bufio.MaxScanTokenSize`).
pub(super) const MAX_LINE: usize = 64 * 1024;

/// Reads directives line by line until the first line that is none.
pub(super) struct DirectiveParser {
    comment: &'static str,
    seen: Vec<String>,
    done: bool,
}

impl DirectiveParser {
    pub(super) fn new(comment: &'static str) -> Self {
        Self { comment, seen: Vec::new(), done: false }
    }

    /// The directive on this line, in lower case, with its value.
    ///
    /// # Errors
    /// BuildKit's text about a directive that was there before.
    pub(super) fn line<'a>(&mut self, line: &'a [u8]) -> Result<Option<(String, &'a [u8])>, String> {
        if self.done {
            return Ok(None);
        }
        let found =
            line.strip_prefix(self.comment.as_bytes()).and_then(|rest| name_and_value(trim_start(rest)));
        let Some((name, value)) = found.filter(|(name, _)| NAMES.contains(&name.as_str())) else {
            self.done = true;
            return Ok(None);
        };
        if self.seen.contains(&name) {
            return Err(format!("only one {name} parser directive can be used"));
        }
        self.seen.push(name.clone());
        Ok(Some((name, value)))
    }
}

/// `^([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$`
fn name_and_value(line: &[u8]) -> Option<(String, &[u8])> {
    let end = line.iter().position(|b| !b.is_ascii_alphanumeric())?;
    let (name, rest) = line.split_at(end);
    if !name.first()?.is_ascii_alphabetic() {
        return None;
    }
    let blanks = |s: &[u8]| s.iter().take_while(|b| is_regex_space(**b)).count();
    let rest = rest[blanks(rest)..].strip_prefix(b"=")?;
    // The value has one character at least: of blanks alone, the last one is the value.
    let value = &rest[blanks(rest).min(rest.len().checked_sub(1)?)..];
    let end = value.iter().rposition(|b| !is_regex_space(*b)).map_or(1, |last| last + 1);
    Some((text(name).to_ascii_lowercase(), &value[..end]))
}

/// The frontend image that the file asks for: `# syntax=` in the first lines, else `// syntax=` there, else a JSON object with a `syntax`
/// string. A `#!` line in front is passed over. The whole build is then forwarded to that image (`DetectSyntax`).
pub fn detect_syntax(bytes: &[u8]) -> Option<Directive> {
    let (rest, line) = without_shebang(bytes);
    let found = detect("syntax", rest, line, "#").or_else(|| detect("syntax", rest, line, "//"));
    found.map(|(value, span)| Directive { value: text(value), span }).or_else(|| {
        let value = json::object_string(rest, "syntax")?;
        Some(Directive { value, span: Span { line: line + 1, end_line: line + 1, column: 0 } })
    })
}

/// The `# check=` directive (`ParseDirective`). Its options are what stands before the first space.
///
/// With `given`, the build argument `BUILDKIT_DOCKERFILE_CHECK` stands in its place, and nobody looks whether it can be read.
///
/// # Errors
/// BuildKit's text about options that can't be read, and where they stand.
pub(super) fn detect_check(bytes: &[u8], given: bool) -> Result<Option<Directive>, (String, Span)> {
    let (rest, line) = without_shebang(bytes);
    let Some((value, span)) = detect("check", rest, line, "#") else { return Ok(None) };
    let options = value.split(|b| *b == b' ').next().unwrap_or_default();
    match LintConfig::read(options) {
        Err(reason) if !given => Err((format!("failed to parse check options: {reason}"), span)),
        _ => Ok(Some(Directive { value: text(value), span })),
    }
}

/// The `# check=` directive, whether its options can be read or not.
pub fn check_directive(bytes: &[u8]) -> Option<Directive> {
    detect_check(bytes, true).ok().flatten()
}

/// The text behind byte order mark and `#!` line, and how many lines that took.
fn without_shebang(bytes: &[u8]) -> (&[u8], usize) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if !bytes.starts_with(b"#!") {
        return (bytes, 0);
    }
    (bytes.iter().position(|b| *b == b'\n').map_or(&[], |end| &bytes[end + 1..]), 1)
}

/// Unlike the parser itself, this takes no blanks in front of a directive.
fn detect<'a>(
    wanted: &str,
    mut rest: &'a [u8],
    mut number: usize,
    comment: &'static str,
) -> Option<(&'a [u8], Span)> {
    let mut parser = DirectiveParser::new(comment);
    while let Some((line, next)) = next_line(rest) {
        rest = next;
        number += 1;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (name, value) = parser.line(line).ok()??;
        if name == wanted {
            return Some((value, Span { line: number, end_line: number, column: 1 }));
        }
    }
    None
}

/// The next line with its newline, and the rest, as Go's scanner gives it: `None` at the end, and before a line that is too long.
pub(super) fn next_line(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let window = &rest[..rest.len().min(MAX_LINE)];
    match window.iter().position(|b| *b == b'\n') {
        Some(end) => Some(rest.split_at(end + 1)),
        None if rest.is_empty() || rest.len() >= MAX_LINE => None,
        None => Some((rest, &[])),
    }
}

/// The options of a comment (without its `#`) that is a `check` directive.
pub(super) fn check_in_comment(comment: &[u8]) -> Option<&[u8]> {
    name_and_value(trim_start(comment)).filter(|(name, _)| name == "check").map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syntax(text: &str) -> Option<(String, usize)> {
        detect_syntax(text.as_bytes()).map(|d| (d.value, d.span.line))
    }

    #[test]
    fn syntax_has_three_forms() {
        assert_eq!(syntax("# syntax = a/b:1  \nFROM x"), Some(("a/b:1".into(), 1)));
        assert_eq!(syntax("\u{feff}#!/usr/bin/x\n#escape=\\\n#SYNTAX=a --x\n"), Some(("a --x".into(), 3)));
        assert_eq!(syntax("// syntax=a\n"), Some(("a".into(), 1)));
        assert_eq!(syntax("{\"syntax\": \"a\"}"), Some(("a".into(), 1)));
        assert_eq!(syntax(" # syntax=a\n"), None);
        assert_eq!(syntax("# a comment\n# syntax=a\n"), None);
        assert_eq!(syntax("# other=b\n# syntax=a\n"), None);
    }

    #[test]
    fn of_a_value_of_blanks_the_last_one_is_left() {
        assert_eq!(name_and_value(b"escape=   "), Some(("escape".into(), &b" "[..])));
        assert_eq!(name_and_value(b"escape="), None);
        assert_eq!(name_and_value(b"Escape\t= `\t"), Some(("escape".into(), &b"`"[..])));
    }
}
