//! What stands below a build: warnings, and why it failed.

use super::escape;
use super::message::Warning;
use super::source::Place;

/// Why a build failed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Failure {
    /// What the engine says, with what went before it: `failed to build: failed to solve: …`.
    pub message: String,
    /// The lines that it is about.
    pub places: Vec<Place>,
    /// The digest of the vertex that failed.
    pub vertex: Option<String>,
    /// What can be done about it, each on a line of its own after `hint: `.
    pub hints: Vec<String>,
}

impl Failure {
    /// The lines of the Dockerfile, the error, the hints.
    pub fn text(&self) -> String {
        let mut out: String = self.places.iter().map(Place::text).collect();
        out.push_str(&format!("ERROR: {}\n", escape::lines(&self.message)));
        for hint in &self.hints {
            out.push_str(&format!("hint: {}\n", escape::lines(hint)));
        }
        out
    }
}

/// How much is said of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words<'a> {
    /// One line each; the text says how to get more: `use -v to expand`.
    Few(&'a str),
    /// Everything that the frontend says.
    All,
}

/// The warnings of a build, each once; empty where there are none (`printWarnings` of buildx).
///
/// ```text
///
///  1 warning found (use -v to expand):
///  - FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 5)
/// ```
pub fn warnings(warnings: &[Warning], words: Words<'_>, color: bool) -> String {
    let warnings = distinct(warnings);
    if warnings.is_empty() {
        return String::new();
    }
    let plural = if warnings.len() == 1 { "" } else { "s" };
    let more = match words {
        Words::Few(how) => format!(" ({how})"),
        Words::All => String::new(),
    };
    let (yellow, reset) = if color { ("\x1b[33m", "\x1b[0m") } else { ("", "") };
    let mut out = format!("\n {yellow}{} warning{plural} found{more}:\n{reset}", warnings.len());
    for warning in warnings {
        out.push_str(&format!(" - {}\n", escape::line(&String::from_utf8_lossy(&warning.short))));
        if words == Words::All {
            out.push_str(&details(warning));
        }
    }
    out
}

fn details(warning: &Warning) -> String {
    let mut out = String::new();
    for line in &warning.detail {
        out.push_str(&format!("{}\n", escape::lines(&String::from_utf8_lossy(line))));
    }
    if !warning.url.is_empty() {
        out.push_str(&format!("More info: {}\n", escape::line(&warning.url)));
    }
    out.push_str(&Place::of(warning).text());
    out.push('\n');
    out
}

/// Warnings of several builds of one file, such as those for several platforms, say the same.
fn distinct(warnings: &[Warning]) -> Vec<&Warning> {
    let same = |a: &Warning, b: &Warning| {
        let data = |w: &Warning| w.source.as_ref().map(|s| (s.filename.clone(), s.data.clone()));
        (&a.short, &a.detail, &a.url, &a.range, a.level) == (&b.short, &b.detail, &b.url, &b.range, b.level)
            && data(a) == data(b)
    };
    let mut out: Vec<&Warning> = Vec::new();
    for warning in warnings {
        if !out.iter().any(|seen| same(seen, warning)) {
            out.push(warning);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Position, Range, SourceInfo};

    fn warning(short: &str) -> Warning {
        let line = Some(Position { line: 1, character: 0 });
        Warning {
            vertex: short.to_owned(),
            level: 1,
            short: short.into(),
            detail: vec![b"more words".to_vec()],
            url: "https://docs.docker.com/go/x".to_owned(),
            source: Some(SourceInfo {
                filename: "Dockerfile".to_owned(),
                data: b"FROM x as y".to_vec(),
                ..SourceInfo::default()
            }),
            range: vec![Range { start: line, end: line }],
        }
    }

    #[test]
    fn warnings_are_told_once() {
        assert_eq!(warnings(&[], Words::All, true), "");
        let twice = [warning("a"), Warning { vertex: "other".to_owned(), ..warning("a") }];
        assert_eq!(
            warnings(&twice, Words::Few("use docker --debug to expand"), true),
            "\n \x1b[33m1 warning found (use docker --debug to expand):\n\x1b[0m - a\n"
        );
        assert_eq!(
            warnings(&[warning("a\x1b[2J"), warning("b")], Words::All, false),
            "\n 2 warnings found:\n - a\\x1b[2J\nmore words\nMore info: https://docs.docker.com/go/x\nDockerfile:1\n--------------------\n   \
             1 | >>> FROM x as y\n--------------------\n\n - b\nmore words\nMore info: https://docs.docker.com/go/x\nDockerfile:1\n\
             --------------------\n   1 | >>> FROM x as y\n--------------------\n\n"
        );
    }

    #[test]
    fn an_error_comes_after_its_lines_and_before_what_can_be_done() {
        let failure = Failure {
            message: "failed to build: failed to solve: no\x07".to_owned(),
            places: vec![Place::of(&warning("a"))],
            vertex: None,
            hints: vec!["look".to_owned()],
        };
        assert_eq!(
            failure.text(),
            "Dockerfile:1\n--------------------\n   1 | >>> FROM x as y\n--------------------\n\
             ERROR: failed to build: failed to solve: no\\x07\nhint: look\n"
        );
    }
}
