//! Places of a project → places of findings.

use super::{Edit, Fix, Label, ProjectFacts};
use crate::project::Place;

impl ProjectFacts<'_> {
    /// The line that a place is in.
    fn line(&self, place: &Place) -> Option<&str> {
        self.texts.get(&*place.file)?.lines().nth(place.line.checked_sub(1)?)
    }

    /// A place, with the word that stands there, or later in the line. The file as a whole has no label: nothing in it is meant.
    pub(super) fn label(&self, place: &Place, word: &str, text: impl Into<String>) -> Option<Label> {
        if place.line == 0 {
            return None;
        }
        let line = Label::line(&place.file, place.line, text);
        let Some(source) = self.line(place) else { return Some(line) };
        let Some(column) = find_word(source, place.column, word) else { return Some(line) };
        let text = line.text;
        Some(Label::word(&place.file, place.line, column + 1, word.len(), text))
    }

    /// A place where nothing is known of the words: the first word there.
    pub(super) fn label_at(&self, place: &Place, text: impl Into<String>) -> Option<Label> {
        let source = self.line(place).unwrap_or_default();
        let rest = source.get(byte_column(source, place.column)..).unwrap_or_default();
        let end = rest.find([' ', '\t', ':', ',']).unwrap_or(rest.len());
        let word = rest[..end].to_owned();
        let mut label = self.label(place, &word, text)?;
        if label.column == 0 && place.column > 0 {
            // Behind the end of a line or of the file nothing stands.
            label.column = byte_column(source, place.column).max(place.column - 1) + 1;
            label.end_column = label.column;
        }
        Some(label)
    }

    /// The change that puts `new` where `old` stands; `None` when `old` isn't written in that line as such (a variable, an alias).
    pub(super) fn replace(&self, place: &Place, old: &str, new: &str) -> Option<Fix> {
        let source = self.line(place)?;
        let column = find_word(source, place.column, old)?;
        // What would need quotes, or has a meaning of its own, is left to people.
        if old.is_empty() || new.contains(['"', '\'', '\\', '#', '$', '\n', ':', '{', '}']) {
            return None;
        }
        let line = format!("{}{new}{}", &source[..column], &source[column + old.len()..]);
        let edit = Edit { line: place.line, remove: 1, insert: vec![line] };
        Some(Fix { file: place.file.to_string(), edits: vec![edit] })
    }
}

/// The byte that a column in characters stands for.
fn byte_column(line: &str, column: usize) -> usize {
    line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at)
}

/// The byte at which `word` stands on its own: at the column or behind it, else its only place in the line.
fn find_word(line: &str, column: usize, word: &str) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    let own = |at: &usize| {
        let before = line[..*at].chars().next_back();
        let after = line[*at + word.len()..].chars().next();
        let is_edge = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "\"',:=[]{}#".contains(c));
        is_edge(before) && is_edge(after)
    };
    let from = byte_column(line, column);
    let behind = line.get(from..)?.match_indices(word).map(|(at, _)| at + from).find(own);
    behind.or_else(|| line.match_indices(word).map(|(at, _)| at).find(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_at_its_column_behind_it_and_only_whole() {
        for (line, column, word, at) in [
            ("      dockerfile: docker/a", 19, "docker/a", Some(18)),
            ("  dockerfile = \"docker/a\"", 3, "docker/a", Some(16)),
            ("  dockerfile: docker", 15, "docker", Some(14)),
            ("ä: 'b'", 4, "b", Some(5)),
            ("  dockerfile: docker/a.b", 15, "docker/a", None),
            ("", 1, "x", None),
            ("x", 9, "x", Some(0)),
        ] {
            assert_eq!(find_word(line, column, word), at, "{word} in {line}");
        }
    }
}
