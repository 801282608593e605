//! Names and words from outside, made harmless: for HTML, for a script's data, and for the eye.

use std::fmt::Write as _;

/// Text for HTML, between tags and in quoted attributes.
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A name for the eye: as it is when all of it can be seen; else in quotes, with escapes for bytes that are no text, for control characters,
/// and for characters that turn the direction of writing or have no width, by which a name looks like another.
pub fn name(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(unseen) => text.to_owned(),
        _ => quoted(bytes),
    }
}

fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                c if unseen(c) => out.extend(c.escape_unicode()),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

/// Control characters, line and paragraph separators, marks of direction, characters without width, tags.
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Words that are already text, with what can't be seen escaped and line breaks kept.
pub fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if unseen(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// JSON for an element that holds a script's data: nothing in it can end the element or begin a comment.
pub fn data(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        match c {
            // They stand in strings alone, where JSON takes them in this form, too.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_a_tag_or_ends_an_attribute() {
        assert_eq!(
            text("<script>a('\"')&amp;</script>"),
            "&lt;script&gt;a(&#39;&quot;&#39;)&amp;amp;&lt;/script&gt;"
        );
    }

    #[test]
    fn what_can_not_be_seen_is_escaped() {
        assert_eq!(name("grün.txt".as_bytes()), "grün.txt");
        assert_eq!(name(b"a\x1b[2J\n"), r#""a\u{1b}[2J\n""#);
        assert_eq!(name(b"\xff\"\\"), r#""\xff\"\\""#);
        assert_eq!(name("exe\u{202e}txt.js".as_bytes()), r#""exe\u{202e}txt.js""#);
        assert_eq!(words("a\nb\u{7}"), "a\nb\\u{7}");
    }

    #[test]
    fn no_data_ends_its_element() {
        let json = serde_json::to_string(&["</script><!--&\u{2028}"]).unwrap();
        let data = data(&json);
        assert_eq!(data, r#"["\u003c/script\u003e\u003c!--\u0026\u2028"]"#);
        let back: Vec<String> = serde_json::from_str(&data).unwrap();
        assert_eq!(back, ["</script><!--&\u{2028}"]);
    }
}
