//! Parser directives (`parser/directives.go`): `# syntax=`, `# escape=`, `# check=`, and the other forms that `syntax` may have.

use super::ast::{Directive, Span};
use super::gotext::{is_regex_space, lossy, parse_bool, quote, text, trim, trim_start};
use super::json;

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
/// # Errors
/// BuildKit's text about options that can't be read, and where they stand.
pub(super) fn detect_check(bytes: &[u8]) -> Result<Option<Directive>, (String, Span)> {
    let (rest, line) = without_shebang(bytes);
    let Some((value, span)) = detect("check", rest, line, "#") else { return Ok(None) };
    let options = value.split(|b| *b == b' ').next().unwrap_or_default();
    match validate_check(options) {
        Ok(()) => Ok(Some(Directive { value: text(value), span })),
        Err(reason) => Err((format!("failed to parse check options: {reason}"), span)),
    }
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

/// `linter.ParseLintOptions`: nothing but whether it can be read.
fn validate_check(options: &[u8]) -> Result<(), String> {
    let options = trim(options);
    if options.is_empty() {
        return Ok(());
    }
    for part in options.splitn(3, |b| *b == b';') {
        let Some(equals) = part.iter().position(|b| *b == b'=') else {
            return Err(format!("invalid check option {}", quote(part)));
        };
        let (key, value) = (trim(&part[..equals]), trim(&part[equals + 1..]));
        match key {
            b"skip" | b"experimental" => {}
            b"error" if parse_bool(&lossy(value)).is_some() => {}
            b"error" => {
                let (part, value) = (quote(part), quote(value));
                return Err(format!(
                    "failed to parse check option {part}: strconv.ParseBool: parsing {value}: invalid syntax"
                ));
            }
            other => return Err(format!("invalid check option {}", quote(other))),
        }
    }
    Ok(())
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

    #[test]
    fn check_options_are_validated() {
        assert_eq!(validate_check(b"skip=all;error=true"), Ok(()));
        assert_eq!(validate_check(b"foo"), Err("invalid check option \"foo\"".into()));
        assert_eq!(validate_check(b"foo=1"), Err("invalid check option \"foo\"".into()));
        assert_eq!(
            validate_check(b"error=x"),
            Err("failed to parse check option \"error=x\": strconv.ParseBool: parsing \"x\": invalid syntax"
                .into())
        );
    }
}
