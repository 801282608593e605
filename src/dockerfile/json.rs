//! As much JSON as a Dockerfile needs, read as Go's `encoding/json` reads it: lone surrogates and bytes that are no UTF-8 become U+FFFD,
//! values nest 10,000 deep, and a number too large for a float makes the whole text fail.

use super::gotext::decode;

/// Why a text is no array of strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoStrings {
    /// It is no JSON array at all.
    NotJson,
    /// It is an array with something else than strings in it.
    NotStrings,
}

/// Go's `maxNestingDepth`.
const MAX_DEPTH: usize = 10_000;

/// Reads `["a", "b"]` (nothing but blanks behind it).
pub(super) fn string_array(text: &[u8]) -> Result<Vec<String>, NoStrings> {
    let mut reader = Reader { text, at: 0 };
    match reader.array() {
        Some((Some(strings), true)) => Ok(strings),
        Some((None, true)) => Err(NoStrings::NotStrings),
        _ => Err(NoStrings::NotJson),
    }
}

/// The string under `key` of the JSON object that `text` is; the last one counts.
pub(super) fn object_string(text: &[u8], key: &str) -> Option<String> {
    let mut reader = Reader { text, at: 0 };
    reader.blanks();
    reader.expect(b'{')?;
    let mut found = None;
    let mut first = true;
    loop {
        reader.blanks();
        if first && reader.expect(b'}').is_some() {
            break;
        }
        let name = reader.string()?;
        reader.blanks();
        reader.expect(b':')?;
        reader.blanks();
        let value = if reader.peek() == Some(b'"') {
            Some(reader.string()?)
        } else {
            reader.skip_value(2).map(|()| None)?
        };
        if name == key {
            found = value;
        }
        reader.blanks();
        first = false;
        if reader.expect(b',').is_none() {
            reader.expect(b'}')?;
            break;
        }
    }
    reader.blanks();
    (reader.at == text.len()).then_some(found)?
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The strings (`None` when one element is something else) and whether the text ends there; `None` for a syntax error.
    fn array(&mut self) -> Option<(Option<Vec<String>>, bool)> {
        self.expect(b'[')?;
        self.blanks();
        let mut strings = Some(Vec::new());
        if self.expect(b']').is_none() {
            loop {
                self.blanks();
                if self.peek() == Some(b'"') {
                    let string = self.string()?;
                    if let Some(all) = &mut strings {
                        all.push(string);
                    }
                } else {
                    self.skip_value(2)?;
                    strings = None;
                }
                self.blanks();
                if self.expect(b',').is_none() {
                    self.expect(b']')?;
                    break;
                }
            }
        }
        self.blanks();
        Some((strings, self.at == self.text.len()))
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Goes over one value; `depth` is the depth that an array or object here has. A loop, so that no depth of nesting takes stack.
    fn skip_value(&mut self, depth: usize) -> Option<()> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.blanks();
            match self.peek()? {
                start @ (b'[' | b'{') => {
                    self.at += 1;
                    let end = if start == b'[' { b']' } else { b'}' };
                    if depth + open.len() > MAX_DEPTH {
                        return None;
                    }
                    self.blanks();
                    if self.expect(end).is_none() {
                        open.push(end);
                        self.key_of(end)?;
                        continue;
                    }
                }
                b'"' => self.string().map(drop)?,
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => self.number()?,
            }
            if self.close(&mut open)? {
                return Some(());
            }
        }
    }

    /// After a value: closes what ends here. True when everything is closed, false when another value follows.
    fn close(&mut self, open: &mut Vec<u8>) -> Option<bool> {
        while let Some(end) = open.last().copied() {
            self.blanks();
            if self.expect(b',').is_some() {
                self.key_of(end)?;
                return Some(false);
            }
            self.expect(end)?;
            open.pop();
        }
        Some(true)
    }

    /// Within an object, the key and the colon before a value.
    fn key_of(&mut self, end: u8) -> Option<()> {
        if end == b'}' {
            self.blanks();
            self.string()?;
            self.blanks();
            self.expect(b':')?;
        }
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        let _ = self.expect(b'-');
        if self.expect(b'0').is_none() {
            self.digits()?;
        }
        if self.expect(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let number = std::str::from_utf8(&self.text[start..self.at]).ok()?;
        number.parse::<f64>().ok().filter(|n| n.is_finite()).map(drop)
    }

    fn string(&mut self) -> Option<String> {
        self.expect(b'"')?;
        let mut out = String::new();
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(out);
                }
                b'\\' => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                0..=0x1f => return None,
                _ => {
                    let (c, width) = decode(&self.text[self.at..]);
                    out.push(c);
                    self.at += width;
                }
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let kind = self.peek()?;
        self.at += 1;
        Some(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return None,
        })
    }

    /// Behind `\u`: four digits, and the second half of a surrogate pair when it is there.
    fn unicode_escape(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if let Some(c) = char::from_u32(first) {
            return Some(c);
        }
        let before = self.at;
        if first < 0xdc00 && self.word(b"\\u").is_some() {
            let second = self.four_digits()?;
            if (0xdc00..0xe000).contains(&second) {
                return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            }
        }
        self.at = before;
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let value = digits.iter().try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))?;
        self.at += 4;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(text: &str) -> Result<Vec<String>, NoStrings> {
        string_array(text.as_bytes())
    }

    #[test]
    fn arrays_of_strings_are_read_with_their_escapes() {
        assert_eq!(strings(r#"[ "a" , "\u00e9\n\ud83d\ude00" ] "#), Ok(vec!["a".into(), "é\n😀".into()]));
        assert_eq!(strings("[]"), Ok(vec![]));
        assert_eq!(strings(r#"["\ud800\u0041"]"#), Ok(vec!["\u{fffd}A".into()]));
        assert_eq!(string_array(b"[\"a\xff\"]"), Ok(vec!["a\u{fffd}".into()]));
    }

    #[test]
    fn other_elements_are_told_from_broken_json() {
        for other in ["[1]", "[null, \"a\"]", "[{\"a\": [1, -2.5e3, {}]}]", "[[[\"a\"]], true, false]"] {
            assert_eq!(strings(other), Err(NoStrings::NotStrings), "{other}");
        }
        for broken in [
            "[",
            "[\"a\"",
            "[\"a\",]",
            "[\"a\"] b",
            "['a']",
            "[01]",
            "[1e999]",
            "[\"\\x\"]",
            "[\"\t\"]",
            "[{1:2}]",
        ] {
            assert_eq!(strings(broken), Err(NoStrings::NotJson), "{broken}");
        }
    }

    #[test]
    fn deep_nesting_takes_no_stack() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert_eq!(strings(&deep(10_000)), Err(NoStrings::NotStrings));
        assert_eq!(strings(&deep(10_001)), Err(NoStrings::NotJson));
        assert_eq!(strings(&"[".repeat(1_000_000)), Err(NoStrings::NotJson));
    }

    #[test]
    fn the_last_string_of_a_key_counts() {
        assert_eq!(object_string(br#"{"a": 1, "syntax": "x", "b": {}}"#, "syntax").as_deref(), Some("x"));
        assert_eq!(object_string(br#" {"syntax": "x", "syntax": 2} "#, "syntax"), None);
        assert_eq!(object_string(br#"{"syntax": "x"} x"#, "syntax"), None);
        assert_eq!(object_string(br#"{"syntax": "x",}"#, "syntax"), None);
        assert_eq!(object_string(b"{}", "syntax"), None);
    }
}
