//! [`PatternError`]: which pattern was refused, where it stands, and what BuildKit says of it.

use std::fmt;

/// A pattern, or a line of an ignore file, that BuildKit refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// What is wrong.
    pub kind: PatternErrorKind,
    /// The pattern or the start of the line, lossily.
    pub pattern: String,
    /// Which pattern of the list it is, counted from 0; for a line that is too long, how many patterns stand before it.
    pub index: usize,
    /// The ignore file, when the pattern stands in one.
    pub file: Option<String>,
    /// Its line in that file, counted from 1.
    pub line: Option<usize>,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternErrorKind {
    /// It is `!` alone.
    LoneBang,
    /// Go's `filepath.Match` rejects it.
    Syntax,
    /// The line has 64 KiB or more (`bufio.Scanner`'s limit).
    LineTooLong,
    /// It has a control character, which no gRPC header can carry (and no pattern of the list is outside of ASCII, which
    /// would have had all of them encoded).
    NotPrintable,
}

impl PatternError {
    /// What BuildKit prints after `failed to solve: ` when the pattern is one of the main context's ignore file.
    pub fn engine_message(&self) -> String {
        match self.kind {
            PatternErrorKind::LoneBang => "illegal exclusion pattern: \"!\"".into(),
            PatternErrorKind::Syntax => "syntax error in pattern".into(),
            PatternErrorKind::LineTooLong => format!(
                "failed parsing {}: bufio.Scanner: token too long",
                self.file.as_deref().unwrap_or(".dockerignore")
            ),
            PatternErrorKind::NotPrintable => not_printable("exclude-patterns"),
        }
    }

    pub(super) fn in_file(mut self, file: &str, line: usize) -> Self {
        self.file = Some(file.to_owned());
        self.line = Some(line);
        self
    }
}

/// BuildKit's text for a value that gRPC refuses to put into the header `key`.
pub(crate) fn not_printable(key: &str) -> String {
    format!(
        "Internal: rpc error: code = Internal desc = rpc error: code = Internal desc = header key \"{key}\" contains value \
         with non-printable ASCII characters"
    )
}

/// True when BuildKit can't send `values` as one gRPC header (`session/filesync`: if one of them is outside of ASCII all
/// are encoded, else control characters are refused). Gives the index of the value.
pub(crate) fn unsendable<T: AsRef<[u8]>>(values: &[T]) -> Option<usize> {
    if values.iter().any(|v| !v.as_ref().is_ascii()) {
        return None;
    }
    values.iter().position(|v| v.as_ref().iter().any(|b| !(0x20..=0x7e).contains(b)))
}

impl fmt::Display for PatternErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoneBang => "a `!` without a pattern",
            Self::Syntax => "syntax error in pattern",
            Self::LineTooLong => "the line is longer than 65535 bytes",
            Self::NotPrintable => "a control character can't be sent to the engine",
        })
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}")?;
            if let Some(line) = self.line {
                write!(f, " line {line}")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "pattern {:?}: {}", self.pattern, self.kind)
    }
}

impl std::error::Error for PatternError {}
