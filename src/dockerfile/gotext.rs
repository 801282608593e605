//! Go's reading of text: byte strings that are mostly UTF-8, where each byte that is not becomes one U+FFFD.
//!
//! BuildKit's parser works on Go strings; these helpers are the parts of Go's `strings`, `unicode` and `strconv` that it uses.

use std::borrow::Cow;

/// Go's `utf8.DecodeRune` on a non-empty slice: the character and its width; U+FFFD of width 1 for a byte that is no UTF-8.
pub(super) fn decode(bytes: &[u8]) -> (char, usize) {
    let Some(&first) = bytes.first() else { return (char::REPLACEMENT_CHARACTER, 1) };
    if first < 0x80 {
        return (char::from(first), 1);
    }
    let width = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return (char::REPLACEMENT_CHARACTER, 1),
    };
    match bytes.get(..width).and_then(|b| std::str::from_utf8(b).ok()).and_then(|s| s.chars().next()) {
        Some(c) => (c, width),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

/// The text as Go's rune loops see it: every byte that is no UTF-8 becomes a U+FFFD of its own
/// (Rust's own lossy conversion joins several into one).
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(bytes.len() + 8), bytes);
    while !rest.is_empty() {
        let (c, width) = decode(rest);
        out.push(c);
        rest = &rest[width..];
    }
    Cow::Owned(out)
}

/// [`lossy`] as an owned string.
pub(super) fn text(bytes: &[u8]) -> String {
    lossy(bytes).into_owned()
}

/// `unicode.IsSpace(rune(b))` for a byte taken for a Latin-1 character, as BuildKit's bytewise scanners do.
pub(super) fn is_space_byte(b: u8) -> bool {
    matches!(b, b'\t' | b'\n' | 0x0b | 0x0c | b'\r' | b' ' | 0x85 | 0xa0)
}

/// `strings.TrimLeftFunc(s, unicode.IsSpace)`.
pub(super) fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while !bytes.is_empty() {
        let (c, width) = decode(bytes);
        if !c.is_whitespace() {
            break;
        }
        bytes = &bytes[width..];
    }
    bytes
}

/// `strings.TrimSpace`.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = trim_start(bytes);
    while let Some(width) = last_space(bytes) {
        bytes = &bytes[..bytes.len() - width];
    }
    bytes
}

/// The width of the white-space character that the text ends with.
fn last_space(bytes: &[u8]) -> Option<usize> {
    (1..=bytes.len().min(3)).find(|width| {
        let (c, w) = decode(&bytes[bytes.len() - width..]);
        w == *width && c.is_whitespace()
    })
}

/// Go's regular expression class `\s`: ASCII blanks without the vertical tab.
pub(super) fn is_regex_space(b: u8) -> bool {
    matches!(b, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// BuildKit's `reWhitespace` class (`parser/parser.go`): no newline, no Unicode blanks.
fn is_word_space(b: u8) -> bool {
    matches!(b, b'\t' | 0x0b | 0x0c | b'\r' | b' ')
}

/// `reWhitespace.Split(s, 2)`: what stands before and after the first run of blanks.
pub(super) fn split_once_blank(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    let Some(start) = bytes.iter().position(|b| is_word_space(*b)) else { return (bytes, None) };
    let end = bytes[start..].iter().position(|b| !is_word_space(*b)).map_or(bytes.len(), |n| start + n);
    (&bytes[..start], Some(&bytes[end..]))
}

/// `reWhitespace.Split(s, -1)`.
pub(super) fn split_blanks(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut out, mut rest) = (Vec::new(), bytes);
    loop {
        match split_once_blank(rest) {
            (word, Some(next)) => {
                out.push(word);
                rest = next;
            }
            (word, None) => {
                out.push(word);
                return out;
            }
        }
    }
}

/// `strings.ToLower`: one character for one character (Rust would make two of U+0130).
pub(super) fn to_lower(s: &str) -> String {
    s.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

/// `strings.ToUpper`: one character for one character; what has only a longer upper case stays.
pub(super) fn to_upper(s: &str) -> String {
    s.chars().map(upper).collect()
}

fn upper(c: char) -> char {
    let mut all = c.to_uppercase();
    match (all.next(), all.next()) {
        (Some(one), None) => one,
        // The Greek letters with a title case of one character, which is their simple upper case.
        _ => match u32::from(c) {
            n @ (0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7) => char::from_u32(n + 8).unwrap_or(c),
            n @ (0x1fb3 | 0x1fc3 | 0x1ff3) => char::from_u32(n + 9).unwrap_or(c),
            _ => c,
        },
    }
}

/// `strings.EqualFold(s, "as")`: the long s is an `s`, too.
pub(super) fn is_as(word: &[u8]) -> bool {
    matches!(&*lossy(word), "as" | "aS" | "As" | "AS" | "a\u{17f}" | "A\u{17f}")
}

/// `strconv.Quote`, Go's `%q`.
pub(super) fn quote(bytes: &[u8]) -> String {
    let (mut out, mut rest) = (String::from('"'), bytes);
    while !rest.is_empty() {
        let (c, width) = decode(rest);
        if c == char::REPLACEMENT_CHARACTER && width == 1 {
            out.push_str(&format!("\\x{:02x}", rest[0]));
        } else {
            quote_char(&mut out, c);
        }
        rest = &rest[width..];
    }
    out.push('"');
    out
}

fn quote_char(out: &mut String, c: char) {
    match c {
        '"' | '\\' => out.extend(['\\', c]),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        c if c < ' ' || c == '\x7f' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if is_print(c) => out.push(c),
        c if u32::from(c) < 0x10000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
    }
}

/// `strconv.IsPrint`. Rust knows the same set but for its `Debug` output only, where a mark is shown when it follows a letter.
fn is_print(c: char) -> bool {
    c == '\'' || ['a', c].iter().collect::<String>().escape_debug().nth(1) != Some('\\')
}

/// `strconv.ParseBool`.
pub(super) fn parse_bool(s: &str) -> Option<bool> {
    match s {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_that_is_no_utf8_becomes_one_replacement() {
        assert_eq!(lossy(b"a\xe2\x82b\xff"), "a\u{fffd}\u{fffd}b\u{fffd}");
        assert_eq!(lossy("é€".as_bytes()), "é€");
        assert_eq!(lossy(b"\xed\xa0\x80"), "\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn trimming_knows_unicode_blanks_and_leaves_broken_bytes() {
        assert_eq!(trim("\u{3000}\u{85} a \u{a0}\u{2003}".as_bytes()), b"a");
        assert_eq!(trim(b" \xa0a\x85 "), b"\xa0a\x85");
    }

    #[test]
    fn quoting_is_gos() {
        assert_eq!(quote(b"a\"\\\x01\x7f\xff\t"), r#""a\"\\\x01\x7f\xff\t""#);
        assert_eq!(
            quote("é\u{301}\u{ad}\u{e000}\u{a0}'😀".as_bytes()),
            "\"é\u{301}\\u00ad\\ue000\\u00a0'😀\""
        );
    }

    #[test]
    fn case_changes_keep_the_number_of_characters() {
        assert_eq!(to_lower("WORKD\u{130}R \u{212a}"), "workdir k");
        assert_eq!(to_upper("ßa\u{1fb3}ŉ"), "ßA\u{1fbc}ŉ");
    }
}
