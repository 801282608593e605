//! Here-documents (`parser/parser.go`: `heredocFromMatch`, `heredocsFromLine`).

use super::gotext::{is_regex_space, lossy};
use super::lexer::{LexError, Lexer};

/// The word that announces a here-document, such as `3<<-"EOF"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Announced {
    pub(super) name: String,
    pub(super) file_descriptor: u64,
    pub(super) expand: bool,
    pub(super) chomp: bool,
}

/// The lexer that BuildKit reads announcements with; its escape character is always the backslash.
fn lexer(raw: bool, raw_escapes: bool) -> Lexer {
    Lexer { raw_quotes: raw, raw_escapes, skip_unset_env: true, ..Lexer::new('\\') }
}

/// Reads one word: `^(\d*)<<(-?)\s*([^<]*)$`. `None` for a word of another form.
///
/// # Errors
/// A delimiter with unbalanced quotes.
pub(super) fn announced(word: &[u8]) -> Result<Option<Announced>, LexError> {
    let digits = word.iter().take_while(|b| b.is_ascii_digit()).count();
    let Some(rest) = word[digits..].strip_prefix(b"<<") else { return Ok(None) };
    let (rest, chomp) = rest.strip_prefix(b"-").map_or((rest, false), |rest| (rest, true));
    let blanks = rest.iter().take_while(|b| is_regex_space(**b)).count();
    let rest = lossy(&rest[blanks..]);
    if rest.is_empty() || rest.contains('<') {
        return Ok(None);
    }
    // Whether a part of the word is quoted shows in what is left of the quotes when they are kept and when not.
    let words = lexer(false, false).process_words(&rest, &())?;
    let [name] = words.as_slice() else { return Ok(None) };
    let raw = lexer(true, false).process_words(&rest, &())?;
    let expand = quotes(name) == raw.first().map_or(0, |raw| quotes(raw));
    let descriptor = if digits == 0 { Ok(0) } else { lossy(&word[..digits]).parse() };
    Ok(Some(Announced { name: name.clone(), file_descriptor: descriptor.unwrap_or(u64::MAX), expand, chomp }))
}

fn quotes(word: &str) -> usize {
    word.matches(['\'', '"']).count()
}

/// All here-documents that a line announces. A line that the lexer can't read announces none.
///
/// # Errors
/// A delimiter with unbalanced quotes.
pub(super) fn announced_in(line: &[u8]) -> Result<Vec<Announced>, LexError> {
    let words = lexer(true, true).process_words(&lossy(line), &()).unwrap_or_default();
    words.iter().filter_map(|word| announced(word.as_bytes()).transpose()).collect()
}

/// Drops the tabs at the start of each line, as `<<-` asks for (`ChompHeredocContent`).
pub fn chomp(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    for line in content.split_inclusive(|b| *b == b'\n') {
        let tabs = line.iter().take_while(|b| **b == b'\t').count();
        out.extend_from_slice(&line[tabs..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(word: &str) -> Option<(String, u64, bool, bool)> {
        let found = announced(word.as_bytes()).ok().flatten()?;
        Some((found.name, found.file_descriptor, found.expand, found.chomp))
    }

    #[test]
    fn announcements_have_descriptors_dashes_and_quotes() {
        assert_eq!(one("<<EOF"), Some(("EOF".into(), 0, true, false)));
        assert_eq!(one("3<<-\"E F\""), Some(("E F".into(), 3, false, true)));
        assert_eq!(one("<<E\\'F"), Some(("E'F".into(), 0, true, false)));
        assert_eq!(one("<<$x"), Some(("$x".into(), 0, true, false)));
        for none in ["<<", "<<<EOF", "a<<EOF", "<<a b", "<<-", "EOF", "<<\"\""] {
            assert_eq!(one(none), None, "{none}");
        }
    }

    #[test]
    fn a_line_may_announce_several() {
        let names = |line: &str| {
            announced_in(line.as_bytes()).map(|all| all.into_iter().map(|h| h.name).collect::<Vec<_>>())
        };
        assert_eq!(names("COPY <<A << B \"<<C\" /x"), Ok(vec!["A".into(), "B".into()]));
        assert_eq!(names("RUN \"unbalanced <<A"), Ok(vec![]));
    }

    #[test]
    fn chomping_drops_leading_tabs_only() {
        assert_eq!(chomp(b"\t\ta\tb\n \tc\n\t\n\t"), b"a\tb\n \tc\n\n");
    }
}
