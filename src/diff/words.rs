//! Which words of an instruction changed.

use super::lcs;

/// A piece of text that was replaced by another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    /// What stood there; `None` when something was only put in.
    pub before: Option<String>,
    /// What stands there now; `None` when something was only taken away.
    pub after: Option<String>,
}

/// The words that differ, in order. White space counts, since it is part of what a shell gets; where nothing else differs the
/// words around it are shown with it.
pub(super) fn diff(before: &str, after: &str) -> Vec<Hunk> {
    let (a, b) = (tokens(before), tokens(after));
    let mut hunks = joined(&a, &lcs::gaps(&a, &b));
    for (from, to) in &mut hunks {
        let (only_a, only_b) = (blank(&a[from.clone()]), blank(&b[to.clone()]));
        if only_a && only_b {
            *from = from.start.saturating_sub(1)..(from.end + 1).min(a.len());
            *to = to.start.saturating_sub(1)..(to.end + 1).min(b.len());
        }
    }
    hunks.into_iter().map(|(from, to)| Hunk { before: text(&a[from]), after: text(&b[to]) }).collect()
}

type Spans = (std::ops::Range<usize>, std::ops::Range<usize>);

/// Joins gaps between which there is only one piece of white space.
fn joined(a: &[&str], gaps: &[Spans]) -> Vec<Spans> {
    let mut out: Vec<Spans> = Vec::new();
    for (from, to) in gaps {
        match out.last_mut() {
            Some(last) if blank(&a[last.0.end..from.start]) && from.start <= last.0.end + 1 => {
                last.0.end = from.end;
                last.1.end = to.end;
            }
            _ => out.push((from.clone(), to.clone())),
        }
    }
    out
}

fn blank(tokens: &[&str]) -> bool {
    tokens.iter().all(|t| t.trim().is_empty())
}

fn text(tokens: &[&str]) -> Option<String> {
    let text = tokens.concat();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Words and the white space between them.
fn tokens(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut space = None;
    for (at, c) in text.char_indices() {
        if space.is_some_and(|s| s != c.is_whitespace()) {
            out.push(&text[start..at]);
            start = at;
        }
        space = Some(c.is_whitespace());
    }
    if start < text.len() {
        out.push(&text[start..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunks(before: &str, after: &str) -> Vec<(String, String)> {
        let text = |t: Option<String>| t.unwrap_or_else(|| "-".into());
        diff(before, after).into_iter().map(|h| (text(h.before), text(h.after))).collect()
    }

    fn pair(a: &str, b: &str) -> (String, String) {
        (a.into(), b.into())
    }

    #[test]
    fn words_that_changed_are_named_alone() {
        assert_eq!(hunks("COPY a.txt /a/", "COPY a.txt /aa/"), [pair("/a/", "/aa/")]);
        assert_eq!(hunks("COPY a /a", "COPY --link a /a"), [pair("-", "--link")]);
        assert_eq!(hunks("RUN make -j all", "RUN make all"), [pair("-j", "-")]);
        assert_eq!(hunks("COPY a b", "ADD a c"), [pair("COPY", "ADD"), pair("b", "c")]);
    }

    #[test]
    fn neighbours_are_one_piece() {
        assert_eq!(hunks("RUN a b c d", "RUN x y c d"), [pair("a b", "x y")]);
    }

    #[test]
    fn white_space_is_shown_between_its_words() {
        assert_eq!(hunks("RUN echo a > /x", "RUN echo  a > /x"), [pair("echo a", "echo  a")]);
        assert_eq!(hunks("RUN a", "RUN a"), []);
    }
}
