//! Names that come from files and engines, made safe for a terminal.
//!
//! What a step prints is passed on as it is, as Docker does: logs have colours. A name, a path or an error has no business with the
//! terminal; there a control character is written out.

use std::borrow::Cow;
use std::fmt::Write as _;

/// For a line: every control character but the tab is written out.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\t')
}

/// For text of several lines.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\t' | '\n'))
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let bad = |c: char| c.is_control() && !keep(c);
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' if bad(c) => out.push_str("\\n"),
            '\r' if bad(c) => out.push_str("\\r"),
            c if bad(c) => drop(write!(out, "\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_names_are_written_out() {
        assert_eq!(
            line("[1/2] COPY a\tb\n\x1b[31mc\u{9b}2J \r d/"),
            "[1/2] COPY a\tb\\n\\x1b[31mc\\x9b2J \\r d/"
        );
        assert_eq!(lines("a\nb\x07é"), "a\nb\\x07é");
    }
}
