//! Go's `%q`.

/// Quotes bytes as Go's `strconv.Quote` does.
pub(super) fn quote(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in text.utf8_chunks() {
        chunk.valid().chars().for_each(|c| character(&mut out, c));
        chunk.invalid().iter().for_each(|b| out.push_str(&format!("\\x{b:02x}")));
    }
    out.push('"');
    out
}

fn character(out: &mut String, c: char) {
    match c {
        '"' | '\\' => out.extend(['\\', c]),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\u{b}' => out.push_str("\\v"),
        '\u{c}' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        '\0'..' ' | '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        _ if is_printable(c) => out.push(c),
        '\0'..='\u{ffff}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        _ => out.push_str(&format!("\\U{:08x}", u32::from(c))),
    }
}

/// Letters, marks, numbers, punctuation, symbols. The standard library knows, but escapes a mark at the beginning.
fn is_printable(c: char) -> bool {
    let mut text = String::from("a");
    text.push(c);
    c == '\'' || text.escape_debug().eq(text.chars())
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn marks_stay_and_what_cannot_be_seen_is_escaped() {
        for (text, want) in [
            (&b"/a b"[..], r#""/a b""#),
            ("/cafe\u{301}é中'".as_bytes(), "\"/cafe\u{301}é中'\""),
            (b"\"\\\n\x01\x7f\xff", r#""\"\\\n\x01\x7f\xff""#),
            ("\u{ad}\u{a0}\u{e0001}".as_bytes(), r#""\u00ad\u00a0\U000e0001""#),
        ] {
            assert_eq!(quote(text), want);
        }
    }
}
