//! JSON as Go's `encoding/json` writes it: BuildKit's operation digests are digests of such text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An object under construction. Methods without `always` leave out zero values, as `omitempty` does.
#[derive(Debug)]
pub(super) struct Object(String);

impl Object {
    pub fn new() -> Self {
        Self("{".to_owned())
    }

    /// A text field.
    pub fn text(self, key: &str, value: &str) -> Self {
        if value.is_empty() { self } else { self.text_always(key, value) }
    }

    /// A text field, also when empty.
    pub fn text_always(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        string(&mut self.0, value.as_bytes());
        self
    }

    /// A number.
    pub fn int(self, key: &str, value: i64) -> Self {
        if value == 0 { self } else { self.int_always(key, value) }
    }

    /// A number, also when zero.
    pub fn int_always(mut self, key: &str, value: i64) -> Self {
        self.key(key);
        self.0.push_str(&value.to_string());
        self
    }

    /// A truth value.
    pub fn flag(mut self, key: &str, value: bool) -> Self {
        if value {
            self.key(key);
            self.0.push_str("true");
        }
        self
    }

    /// Bytes, in base64 with padding.
    pub fn bytes(mut self, key: &str, value: &[u8]) -> Self {
        if !value.is_empty() {
            self.key(key);
            self.0.push('"');
            STANDARD.encode_string(value, &mut self.0);
            self.0.push('"');
        }
        self
    }

    /// A list of texts.
    pub fn texts(self, key: &str, values: &[String]) -> Self {
        let values = values.iter().map(|v| {
            let mut out = String::new();
            string(&mut out, v.as_bytes());
            out
        });
        let list = array(values);
        self.json(key, (list != "[]").then_some(list))
    }

    /// Finished JSON; `None` leaves the field out.
    pub fn json(mut self, key: &str, value: Option<String>) -> Self {
        if let Some(value) = value {
            self.key(key);
            self.0.push_str(&value);
        }
        self
    }

    /// The text.
    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn key(&mut self, key: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        string(&mut self.0, key.as_bytes());
        self.0.push(':');
    }
}

/// A list of finished JSON.
pub(super) fn array(values: impl Iterator<Item = String>) -> String {
    let mut out = "[".to_owned();
    for value in values {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&value);
    }
    out.push(']');
    out
}

/// Bytes in base64 as a JSON string.
pub(super) fn base64(value: &[u8]) -> String {
    format!("\"{}\"", STANDARD.encode(value))
}

/// Appends a string: `<`, `>` and `&` are escaped as for HTML, every byte that is not UTF-8 becomes `\ufffd`.
pub(super) fn string(out: &mut String, value: &[u8]) {
    out.push('"');
    for chunk in value.utf8_chunks() {
        chunk.valid().chars().for_each(|c| character(out, c));
        chunk.invalid().iter().for_each(|_| out.push_str("\\ufffd"));
    }
    out.push('"');
}

fn character(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_go_escapes_them() {
        let mut out = String::new();
        string(&mut out, b"a\"\\\n\r\t\x08\x0c\x01\x7f<>&\xe2\x80\xa8\xff\xf0\x9f\x98x");
        assert_eq!(
            out,
            "\"a\\\"\\\\\\n\\r\\t\\b\\f\\u0001\x7f\\u003c\\u003e\\u0026\\u2028\\ufffd\\ufffd\\ufffd\\ufffdx\""
        );
    }

    #[test]
    fn zero_values_are_left_out_unless_always_is_said() {
        let empty = Object::new()
            .text("a", "")
            .int("b", 0)
            .flag("c", false)
            .bytes("d", b"")
            .texts("e", &[])
            .json("f", None);
        assert_eq!(empty.finish(), "{}");
        let full = Object::new()
            .text_always("a", "")
            .int_always("b", 0)
            .bytes("d", b"x")
            .texts("e", &[String::new()]);
        assert_eq!(full.finish(), r#"{"a":"","b":0,"d":"eA==","e":[""]}"#);
    }
}
