//! What is wrong with a Dockerfile.

use super::ast::Span;

/// An error that BuildKit reports for a Dockerfile before it builds anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}{}: {message}", .span.line, column(.span))]
pub struct ParseError {
    /// Where.
    pub span: Span,
    /// What is wrong, in our words.
    pub message: String,
    /// What BuildKit says behind `failed to solve: `.
    pub engine_message: String,
    /// The line that `span` starts with (a long one is cut).
    pub source_line: String,
    /// What to do about it, where something can be said.
    pub hint: Option<String>,
}

fn column(span: &Span) -> String {
    if span.column == 0 { String::new() } else { format!(", column {}", span.column) }
}

/// What is wrong, before the place is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fault {
    /// BuildKit's text without its suggestion.
    pub(super) reason: String,
    /// The word that was probably meant.
    pub(super) suggestion: Option<String>,
    /// The word at fault, as it stands in the file.
    pub(super) word: Option<String>,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

impl Fault {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::default() }
    }

    pub(super) fn at(mut self, word: impl Into<String>) -> Self {
        self.word = Some(word.into());
        self
    }

    pub(super) fn meant(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// BuildKit's text.
    pub(super) fn engine_text(&self) -> String {
        let suggestion = self.suggestion.as_deref().map(super::suggest::did_you_mean).unwrap_or_default();
        format!("{}{suggestion}", self.reason)
    }

    /// The error of a file, `engine` being all that BuildKit says.
    pub(super) fn in_file(self, file: &[u8], span: Span, engine: String) -> ParseError {
        let span = Span { column: self.column(file, span).unwrap_or(span.column), ..span };
        let hint = self.hint.or_else(|| self.suggestion.map(|word| format!("did you mean {word}?")));
        ParseError {
            span,
            message: self.reason,
            engine_message: engine,
            source_line: source_line(file, span.line),
            hint,
        }
    }

    /// The column of the word at fault in the first line.
    fn column(&self, file: &[u8], span: Span) -> Option<usize> {
        let word = self.word.as_deref().filter(|word| !word.is_empty())?;
        let line = nth_line(file, span.line)?;
        let line = &line[..line.len().min(LONG)];
        line.windows(word.len()).position(|window| window == word.as_bytes()).map(|at| at + 1)
    }
}

/// Longer lines are cut when shown.
const LONG: usize = 4096;

fn nth_line(file: &[u8], number: usize) -> Option<&[u8]> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    file.split(|b| *b == b'\n').nth(number.checked_sub(1)?)
}

fn source_line(file: &[u8], number: usize) -> String {
    let line = nth_line(file, number).unwrap_or_default();
    let cut = &line[..line.len().min(LONG)];
    super::lossy(cut.strip_suffix(b"\r").unwrap_or(cut)).into_owned()
}
