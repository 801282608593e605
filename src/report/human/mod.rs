//! Documents as text for people: fits the width, reads well without colour.

pub(super) mod affected;
pub(super) mod bench;
mod check;
pub(super) mod churn;
pub(super) mod doctor;
pub(super) mod du;
mod explain;
pub(super) mod ignore;
mod key;
mod listing;
pub(super) mod page;
mod plan;
mod problem;
mod table;
pub(super) mod why;

pub(super) use plan::on_lines;
pub(super) use table::{Column, cut, lay_out};
pub(super) use why::paragraph;

pub(super) use crate::wording::count;
pub use crate::wording::size;

/// How a text should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// With colour (ANSI escapes).
    pub color: bool,
    /// Columns; long step names are cut to fit.
    pub width: usize,
    /// Says more: whole digests, every column.
    pub verbose: bool,
    /// Ends each path of a listing with a NUL byte and writes nothing but raw paths.
    pub nul: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { color: false, width: 100, verbose: false, nul: false }
    }
}

/// What a piece of text is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Error,
    Warning,
    Hint,
    Strong,
    Faint,
}

impl Look {
    /// `text` in the colour of `tone`, or as it is.
    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Error => "1;31",
            Tone::Warning => "1;33",
            Tone::Hint => "1;36",
            Tone::Strong => "1",
            Tone::Faint => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Breaks `text` between words into lines of at most `width` characters; a longer word has a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.extend([" ", word]);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_never_broken() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("/a/long/path x", 4), ["/a/long/path", "x"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn colour_is_only_where_it_was_asked_for() {
        assert_eq!(Look::default().paint(Tone::Error, "x"), "x");
        assert_eq!(Look { color: true, ..Look::default() }.paint(Tone::Error, "x"), "\x1b[1;31mx\x1b[0m");
    }
}
