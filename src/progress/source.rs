//! The lines of a file that an engine points at (solver/errdefs/source.go).

use serde::Deserialize;

use super::escape;
use super::message::{Range, SourceInfo, Warning};

/// A place in a file, as errors and warnings of engines carry it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The file, with what stands in it.
    pub info: Option<SourceInfo>,
    /// Which lines.
    pub ranges: Vec<Range>,
}

impl Place {
    /// Where a warning stands.
    pub fn of(warning: &Warning) -> Self {
        Self { info: warning.source.clone(), ranges: warning.range.clone() }
    }

    /// The lines in question with some around them, those in question marked; empty where the file has no such lines.
    ///
    /// ```text
    /// Dockerfile:2
    /// --------------------
    ///    1 |     FROM scratch
    ///    2 | >>> COPY nope /
    ///    3 |
    /// --------------------
    /// ```
    pub fn text(&self) -> String {
        self.shown().unwrap_or_default()
    }

    fn shown(&self) -> Option<String> {
        let info = self.info.as_ref()?;
        let data = String::from_utf8_lossy(&info.data);
        let lines: Vec<&str> = data.split('\n').collect();
        let first = usize::try_from(self.ranges.iter().map(|r| r.lines().0).min()?).ok()?;
        let last = usize::try_from(self.ranges.iter().map(|r| r.lines().1).max()?).unwrap_or(0);
        if first < 1 || first > lines.len() {
            return None;
        }
        let (from, to) = widened(first, last.min(lines.len()), lines.len());
        let mut out = format!("{}:{first}\n--------------------\n", escape::line(&info.filename));
        for (line, number) in lines.iter().take(to).zip(1..).skip(from - 1) {
            let mark = if self.has(number) { ">>>" } else { "   " };
            let line = escape::line(line.strip_suffix('\r').unwrap_or(line));
            out.push_str(&format!(" {number:3} | {mark} {line}\n"));
        }
        out.push_str("--------------------\n");
        Some(out)
    }

    fn has(&self, line: usize) -> bool {
        let line = i32::try_from(line).unwrap_or(i32::MAX);
        self.ranges.iter().map(Range::lines).any(|(first, last)| first <= line && line <= last)
    }
}

/// Lines around: four for a single line, two for several, counted as BuildKit does.
fn widened(mut first: usize, mut last: usize, count: usize) -> (usize, usize) {
    let wanted = if first == last { 4 } else { 2 };
    let mut added = 0;
    while added < wanted {
        if first > 1 {
            first -= 1;
            added += 1;
        }
        if last != count {
            last += 1;
            added += 1;
        }
        added += 1;
    }
    (first, last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Position;

    fn place(text: &str, ranges: &[(i32, i32)]) -> Place {
        let position = |line| Some(Position { line, character: 0 });
        let info =
            SourceInfo { filename: "Dockerfile".to_owned(), data: text.into(), ..SourceInfo::default() };
        let range = |(start, end): &(i32, i32)| Range { start: position(*start), end: position(*end) };
        Place { info: Some(info), ranges: ranges.iter().map(range).collect() }
    }

    #[test]
    fn a_line_is_shown_with_its_neighbours() {
        let text = "FROM scratch\nCOPY nope /\n";
        assert_eq!(
            place(text, &[(2, 2)]).text(),
            "Dockerfile:2\n--------------------\n   1 |     FROM scratch\n   2 | >>> COPY nope /\n   3 |     \n--------------------\n"
        );
    }

    #[test]
    fn several_lines_are_all_marked() {
        let shown = place("a\r\nb\nc\nd\ne\nf\n", &[(3, 4), (3, 0)]).text();
        assert_eq!(
            shown,
            "Dockerfile:3\n--------------------\n   2 |     b\n   3 | >>> c\n   4 | >>> d\n   5 |     e\n--------------------\n"
        );
    }

    #[test]
    fn lines_that_the_file_does_not_have_are_not_shown() {
        assert_eq!(Place::default().text(), "");
        assert_eq!(place("a\nb", &[]).text(), "");
        assert_eq!(place("a\nb", &[(0, 0)]).text(), "");
        assert_eq!(place("a\nb", &[(-3, 1)]).text(), "");
        assert_eq!(place("a\nb", &[(7, 9)]).text(), "");
        assert_eq!(
            place("a\nb", &[(2, i32::MAX)]).text(),
            "Dockerfile:2\n--------------------\n   1 |     a\n   2 | >>> b\n--------------------\n"
        );
    }

    #[test]
    fn what_an_error_carries_is_read() {
        let json = r#"{"info":{"filename":"Dockerfile","data":"RlJPTSB4Cg==","language":"Dockerfile"},"ranges":[{"start":{"line":1},"end":{"line":1}}]}"#;
        let read: Place = serde_json::from_str(json).expect("a place");
        assert_eq!(read.text().lines().nth(2), Some("   1 | >>> FROM x"));
    }
}
