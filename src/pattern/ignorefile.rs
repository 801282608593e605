//! [`IgnoreFile`]: the reader of `.dockerignore` (`moby/patternmatcher/ignorefile`), which remembers every line.

use super::error::{PatternError, PatternErrorKind, unsendable};
use super::matcher::{Explanation, Matcher};
use super::text::{runes, trim_space};
use crate::gopath::{BadPattern, clean};

/// Lines of this many bytes and more are refused (`bufio.MaxScanTokenSize`; the line's end has to fit, too).
const LINE_LIMIT: usize = 64 * 1024;

/// One pattern of an ignore file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnorePattern {
    /// The line in the file, counted from 1.
    pub line: usize,
    /// The line as it is written, without its end (and without a byte order mark); bytes that are no UTF-8 are replaced.
    pub text: String,
    /// What the reader makes of it: trimmed, cleaned, without a leading slash, with its `!`. This is what the engine gets.
    pub pattern: String,
    /// True when it re-includes.
    pub negated: bool,
}

/// A parsed ignore file.
#[derive(Debug)]
pub struct IgnoreFile {
    name: String,
    patterns: Vec<IgnorePattern>,
    matcher: Matcher,
}

impl IgnoreFile {
    /// Reads an ignore file; `name` is how errors and verdicts call it.
    ///
    /// # Errors
    /// [`PatternError`] with file and line, for what makes BuildKit fail every build that reads the context: a line over
    /// 64 KiB, then a malformed pattern or a lone `!`, then a control character that can't travel to the client.
    pub fn parse(name: impl Into<String>, bytes: &[u8]) -> Result<Self, PatternError> {
        let name = name.into();
        let patterns = read(bytes).map_err(|(error, line)| error.in_file(&name, line))?;
        let texts: Vec<&str> = patterns.iter().map(|p| p.pattern.as_str()).collect();
        let located = |mut error: PatternError| {
            let at: &IgnorePattern = &patterns[error.index];
            error.pattern.clone_from(&at.pattern);
            error.in_file(&name, at.line)
        };
        let matcher = Matcher::new(&texts).map_err(located)?;
        if let Some(index) = unsendable(&texts) {
            let kind = PatternErrorKind::NotPrintable;
            return Err(located(PatternError {
                kind,
                pattern: String::new(),
                index,
                file: None,
                line: None,
            }));
        }
        Ok(Self { name, patterns, matcher })
    }

    /// How the caller called the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its patterns with their lines.
    pub fn patterns(&self) -> &[IgnorePattern] {
        &self.patterns
    }

    /// The matcher over [`IgnoreFile::patterns`].
    pub fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    /// The matcher alone.
    pub fn into_matcher(self) -> Matcher {
        self.matcher
    }

    /// The line behind a place in [`Matcher::patterns`], as decisions name it.
    pub fn pattern(&self, by: usize) -> Option<&IgnorePattern> {
        self.patterns.get(self.matcher.patterns().get(by)?.index())
    }

    /// Whether a walk finds `path` ignored, and why.
    ///
    /// # Errors
    /// [`BadPattern`] when a pattern that has to be tested can't be compiled.
    pub fn explain(&self, path: &[u8]) -> Result<Explanation, BadPattern> {
        self.matcher.explain(path)
    }
}

type Located = (PatternError, usize);

fn read(bytes: &[u8]) -> Result<Vec<IgnorePattern>, Located> {
    let mut patterns = Vec::new();
    for (index, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line_number = index + 1;
        if line.len() >= LINE_LIMIT {
            return Err(too_long(line, patterns.len(), line_number));
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = if index == 0 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        if let Some(pattern) = normalise(line) {
            patterns.push(IgnorePattern {
                line: line_number,
                text: runes(line).into_owned(),
                negated: pattern.starts_with(b"!"),
                // Patterns travel as JSON (the attribute of the source op), which replaces bytes that are no UTF-8.
                pattern: runes(&pattern).into_owned(),
            });
        }
    }
    Ok(patterns)
}

fn too_long(line: &[u8], index: usize, line_number: usize) -> Located {
    let pattern = runes(&line[..40]).into_owned();
    let kind = PatternErrorKind::LineTooLong;
    (PatternError { kind, pattern, index, file: None, line: None }, line_number)
}

/// What a line says: `None` for comments (`#` in the very first column) and blank lines.
fn normalise(line: &[u8]) -> Option<Vec<u8>> {
    let trimmed = trim_space(line);
    if line.starts_with(b"#") || trimmed.is_empty() {
        return None;
    }
    let (bang, rest) = match trimmed.strip_prefix(b"!") {
        Some(rest) => (&b"!"[..], trim_space(rest)),
        None => (&b""[..], trimmed),
    };
    let cleaned = if rest.is_empty() { Vec::new() } else { clean(rest) };
    let relative = if cleaned.len() > 1 { cleaned.strip_prefix(b"/").unwrap_or(&cleaned) } else { &cleaned };
    Some([bang, relative].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(text: &str) -> Vec<(usize, String)> {
        read(text.as_bytes()).unwrap().into_iter().map(|p| (p.line, p.pattern)).collect()
    }

    fn error(bytes: &[u8]) -> PatternError {
        IgnoreFile::parse(".dockerignore", bytes).unwrap_err()
    }

    #[test]
    fn lines_are_trimmed_cleaned_and_made_relative() {
        let text = "\u{feff}# comment\n\n /docs/ \r\n  # no comment\n! /a/../b//c/\n.\n/\n../x\na\rb\n\u{a0}x\u{a0}\n\u{feff}y";
        let want = [
            (3, "docs"),
            (4, "# no comment"),
            (5, "!b/c"),
            (6, "."),
            (7, "/"),
            (8, "../x"),
            (9, "a\rb"),
            (10, "x"),
            (11, "\u{feff}y"),
        ];
        assert_eq!(patterns(text), want.map(|(l, p)| (l, p.to_owned())));
    }

    #[test]
    fn the_line_is_kept_as_written() {
        let file = IgnoreFile::parse(".dockerignore", b"a\n  !docs/keep/  \n").unwrap();
        let p = &file.patterns()[1];
        assert_eq!((p.text.as_str(), p.negated, p.line), ("  !docs/keep/  ", true, 2));
        assert_eq!(file.pattern(1), Some(p));
    }

    #[test]
    fn errors_name_file_and_line() {
        let e = error(b"*.log\n\n  !  \n");
        assert_eq!((e.kind, e.line), (PatternErrorKind::LoneBang, Some(3)));
        assert_eq!(e.engine_message(), "illegal exclusion pattern: \"!\"");
        let e = error(b"ok\na[\n");
        assert_eq!(e.to_string(), ".dockerignore line 2: pattern \"a[\": syntax error in pattern");
    }

    #[test]
    fn a_line_may_have_65535_bytes() {
        for (len, fits) in [(65_535, true), (65_536, false)] {
            for end in ["", "\n"] {
                let text = "x".repeat(len) + end;
                assert_eq!(IgnoreFile::parse("i", text.as_bytes()).is_ok(), fits, "{len} {end:?}");
            }
        }
        let e = IgnoreFile::parse("F.dockerignore", format!("a[\n{}\n", "x".repeat(70_000)).as_bytes())
            .unwrap_err();
        assert_eq!(e.engine_message(), "failed parsing F.dockerignore: bufio.Scanner: token too long");
        assert_eq!(e.line, Some(2));
    }

    #[test]
    fn a_control_character_cannot_travel_unless_something_is_not_ascii() {
        let e = error(b"ok\n*.log\rdocs\n");
        assert_eq!((e.kind, e.line), (PatternErrorKind::NotPrintable, Some(2)));
        assert!(e.engine_message().contains("header key \"exclude-patterns\""));
        assert!(IgnoreFile::parse("i", "*.log\rdocs\né\n".as_bytes()).is_ok());
        assert!(IgnoreFile::parse("i", b"a\x7fb").is_err());
    }

    #[test]
    fn bytes_that_are_no_utf8_become_replacement_characters() {
        let file = IgnoreFile::parse("i", b"caf\xe9\nx\xe9*\n").unwrap();
        let ignored = |path: &[u8]| file.explain(path).unwrap().decision.matched;
        assert!(!ignored(b"caf\xe9") && ignored(b"x\xe9y"));
    }
}
