//! The scanners that split an instruction's line (`parser/split_command.go`, `parser/line_parsers.go`).

use super::gotext::{decode, is_space_byte, split_once_blank, trim};

/// An instruction's line in parts.
pub(super) struct Split<'a> {
    pub(super) command: &'a [u8],
    pub(super) flags: Vec<String>,
    pub(super) rest: &'a [u8],
}

/// `splitCommand`: keyword, flags, and the trimmed rest.
pub(super) fn split_command(line: &[u8], escape: u8) -> Split<'_> {
    let (command, rest) = split_once_blank(trim(line));
    let (flags, rest) = take_flags(rest.unwrap_or_default(), escape);
    Split { command, flags, rest: trim(rest) }
}

/// `extractBuilderFlags`: the words at the start that begin with `--`, and the rest.
///
/// It goes byte by byte and takes each for a Latin-1 character, so a non-ASCII letter in a flag becomes two or more, and the bytes 0x85
/// and 0xa0 within a letter are blanks.
fn take_flags(line: &[u8], escape: u8) -> (Vec<String>, &[u8]) {
    let (mut flags, mut at) = (Vec::new(), 0);
    loop {
        while line.get(at).is_some_and(|b| is_space_byte(*b)) {
            at += 1;
        }
        if !line[at..].starts_with(b"--") {
            return (flags, &line[at..]);
        }
        let (word, end) = flag_word(line, at, escape);
        at = end;
        if word == "--" {
            return (flags, &line[at..]);
        }
        flags.push(word);
    }
}

/// One word from `at`, quotes and escapes taken out, and where it ends.
fn flag_word(line: &[u8], mut at: usize, escape: u8) -> (String, usize) {
    let (mut word, mut quote) = (String::new(), None);
    while let Some(&b) = line.get(at) {
        match quote {
            None if is_space_byte(b) => break,
            None if b == b'\'' || b == b'"' => quote = Some(b),
            Some(q) if b == q => quote = None,
            // An escape character at the end of the line is dropped.
            _ if b == escape => {
                at += 1;
                word.extend(line.get(at).map(|b| char::from(*b)));
            }
            _ => word.push(char::from(b)),
        }
        at += 1;
    }
    (word, at.min(line.len()))
}

/// `parseWords`: words split at blanks outside of quotes; quotes and escapes stay.
pub(super) fn quoted_words(rest: &[u8], escape: u8) -> Vec<String> {
    let escape = char::from(escape);
    let (mut words, mut word, mut blank_ok, mut quote) = (Vec::new(), String::new(), false, None);
    let mut chars = Runes(rest).peekable();
    while let Some(c) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            if blank_ok || !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            blank_ok = false;
            continue;
        }
        // Within single quotes, the escape character has no meaning.
        let escapes = c == escape && quote != Some('\'');
        match quote {
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                blank_ok = true;
            }
            Some(q) if c == q => quote = None,
            _ => {}
        }
        if escapes {
            // At the end of the line it is dropped.
            let Some(next) = chars.next() else { break };
            word.extend([c, next]);
        } else {
            word.push(c);
        }
    }
    if blank_ok || !word.is_empty() {
        words.push(word);
    }
    words
}

/// The runes of a byte string.
struct Runes<'a>(&'a [u8]);

impl Iterator for Runes<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        if self.0.is_empty() {
            return None;
        }
        let (c, width) = decode(self.0);
        self.0 = &self.0[width..];
        Some(c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> (Vec<String>, String) {
        let split = split_command(line.as_bytes(), b'\\');
        (split.flags, String::from_utf8_lossy(split.rest).into_owned())
    }

    #[test]
    fn flags_lose_quotes_and_escapes() {
        assert_eq!(
            split(r#"COPY --a=b\ c --d="e f" --g\* -h i"#),
            (vec!["--a=b c".into(), "--d=e f".into(), "--g*".into()], "-h i".into())
        );
        assert_eq!(split("RUN --a -- --b c"), (vec!["--a".into()], "--b c".into()));
        assert_eq!(split("RUN --"), (vec![], String::new()));
    }

    #[test]
    fn flags_are_read_byte_by_byte() {
        assert_eq!(split("COPY --exclude=é a b"), (vec!["--exclude=Ã©".into()], "a b".into()));
        // The second byte of à is a no-break space in Latin-1.
        assert_eq!(split("COPY --exclude=àb c"), (vec!["--exclude=Ã".into()], "b c".into()));
    }

    #[test]
    fn words_keep_their_quotes() {
        let words = |s: &str| quoted_words(s.as_bytes(), b'\\');
        assert_eq!(words(r#"a="b c" d\ e 'f\' g"#), [r#"a="b c""#, r"d\ e", r"'f\'", "g"]);
        assert_eq!(words("''\u{3000}b\\"), ["''", "b"]);
    }
}
