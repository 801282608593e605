//! Bytes as Go's `strings` and `range` see them.

use std::borrow::Cow;

/// The text that Go's `range` loop and its JSON encoder see in `bytes`: every byte that begins no valid UTF-8 sequence is
/// one U+FFFD. (`String::from_utf8_lossy` makes one of a whole truncated sequence.)
pub fn runes(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) => Cow::Owned(replace_invalid(bytes, error.valid_up_to())),
    }
}

fn replace_invalid(bytes: &[u8], valid: usize) -> String {
    let mut text = String::with_capacity(bytes.len() + 8);
    let (mut bytes, mut valid) = (bytes, valid);
    loop {
        text.push_str(std::str::from_utf8(&bytes[..valid]).unwrap_or_default());
        if valid == bytes.len() {
            return text;
        }
        text.push(char::REPLACEMENT_CHARACTER);
        bytes = &bytes[valid + 1..];
        valid = std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len);
    }
}

/// Go's `strings.TrimSpace`: Unicode white space off both ends.
pub fn trim_space(bytes: &[u8]) -> &[u8] {
    bstr::ByteSlice::trim_with(bytes, char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_invalid_byte_is_one_rune() {
        assert_eq!(runes(b"a\xe2\x82b"), "a\u{fffd}\u{fffd}b");
        assert_eq!(runes(b"\xff\xc3\xa9\xed\xa0\x80"), "\u{fffd}é\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(runes("né".as_bytes()), "né");
    }

    #[test]
    fn unicode_space_is_trimmed_and_invalid_bytes_stay() {
        assert_eq!(trim_space("\u{a0}\t a b\u{2003}\r\u{85}".as_bytes()), b"a b");
        assert_eq!(trim_space(b" \xff \x1c "), b"\xff \x1c");
        assert_eq!(trim_space(b" \n"), b"");
    }
}
