//! Words of findings: numbers, names, and where something stands in a file.

use super::{Facts, FolderFacts, Label};
use crate::dockerfile::Span;
pub(super) use crate::wording::{count, size, thousands};

/// A path as text; it is escaped when it is printed.
pub(super) fn name(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// `` `a`, `b` and 4 more ``
pub(super) fn list(names: &[Vec<u8>], all: usize) -> String {
    let shown: Vec<String> = names.iter().take(3).map(|n| format!("`{}`", name(n))).collect();
    match all.saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), thousands(more as u64)),
    }
}

/// A line of a file without its end; empty when there is no such line.
pub(super) fn line_of(bytes: &[u8], line: usize) -> &[u8] {
    let found = line.checked_sub(1).and_then(|i| bytes.split(|b| *b == b'\n').nth(i)).unwrap_or_default();
    found.strip_suffix(b"\r").unwrap_or(found)
}

/// Where `word` stands alone in a line, in bytes from 0.
pub(super) fn position(line: &[u8], word: &[u8]) -> Option<usize> {
    let edge = |b: Option<&u8>| b.is_none_or(|b| b.is_ascii_whitespace() || b"\"'=,[]".contains(b));
    let alone = |i: &usize| {
        edge(i.checked_sub(1).and_then(|before| line.get(before))) && edge(line.get(i + word.len()))
    };
    (!word.is_empty()).then(|| bstr::ByteSlice::find_iter(line, word).find(alone)).flatten()
}

/// The place of a word in an instruction of the Dockerfile: line from 1 and offset in it. `None` when it is not written there (a variable
/// stands for it, say).
pub(super) fn find_word(bytes: &[u8], span: Span, word: &str) -> Option<(usize, usize)> {
    (span.line..=span.end_line.max(span.line))
        .find_map(|line| Some((line, position(line_of(bytes, line), word.as_bytes())?)))
}

/// A label on a word of an instruction, or on the whole instruction where the word isn't written like that.
pub(super) fn word(facts: &Facts<'_>, span: Span, word: &str, text: impl Into<String>) -> Label {
    match find_word(facts.bytes, span, word) {
        Some((line, at)) => Label::word(facts.dockerfile, line, at + 1, word.len(), text),
        None => instruction(facts, span, text),
    }
}

/// A label on an instruction.
pub(super) fn instruction(facts: &Facts<'_>, span: Span, text: impl Into<String>) -> Label {
    Label { end_line: span.end_line.max(span.line), ..Label::line(facts.dockerfile, span.line, text) }
}

/// The name of a folder's ignore file, as findings say it.
pub(super) fn ignore_name<'f>(folder: &'f FolderFacts<'_>) -> &'f str {
    folder.ignore.name.or_else(|| folder.context.ignore_file().map(|f| f.name())).unwrap_or(".dockerignore")
}

/// A label on the pattern in a line of a folder's ignore file.
pub(super) fn pattern(folder: &FolderFacts<'_>, line: usize, text: impl Into<String>) -> Label {
    let bytes = line_of(folder.ignore.bytes, line);
    let trimmed = crate::pattern::trim_space(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let at = bstr::ByteSlice::find(bytes, trimmed).unwrap_or(0);
    Label::word(ignore_name(folder), line, at + 1, trimmed.len(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_where_it_stands_alone() {
        assert_eq!(position(b"COPY data.txt a /a", b"a"), Some(14));
        assert_eq!(position(b"COPY [\"a b\", \"/x\"]", b"a b"), Some(7));
        assert_eq!(position(b"RUN --mount=source=x,target=/y true", b"x"), Some(19));
        assert_eq!(position(b"COPY ${A} /x", b"b"), None);
        assert_eq!(position(b"COPY a b", b""), None);
    }

    #[test]
    fn a_word_of_a_continued_line_is_found_there() {
        let span = Span { line: 1, end_line: 2, column: 0 };
        assert_eq!(find_word(b"COPY a \\\n  b /x/\n", span, "b"), Some((2, 2)));
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<Vec<u8>> = ["a", "b", "c", "d"].iter().map(|n| n.as_bytes().to_vec()).collect();
        assert_eq!(list(&names, 1204), "`a`, `b`, `c` and 1,201 more");
        assert_eq!(list(&names[..1], 1), "`a`");
    }
}
