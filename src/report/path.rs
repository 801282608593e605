//! Paths in JSON: `path` when they are UTF-8, `path_b64` when they are not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A path as raw bytes. As a flattened field it appears as `"path": "…"`, or as `"path_b64": "…"` when it is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathField(pub Vec<u8>);

impl PathField {
    /// The bytes of `path`.
    pub fn new(path: impl AsRef<[u8]>) -> Self {
        Self(path.as_ref().to_vec())
    }
}

impl Serialize for PathField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        named(serializer, ["path", "path_b64"], &self.0)
    }
}

/// The target of a link: `linkname`, or `linkname_b64` when it is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkField(pub Vec<u8>);

impl Serialize for LinkField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        named(serializer, ["linkname", "linkname_b64"], &self.0)
    }
}

/// Where something lands: `destination`, or `destination_b64` when it is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationField(pub Vec<u8>);

impl Serialize for DestinationField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        named(serializer, ["destination", "destination_b64"], &self.0)
    }
}

/// A map of one field: the first name for text, the second for base64.
fn named<S: Serializer>(serializer: S, names: [&'static str; 2], bytes: &[u8]) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    match std::str::from_utf8(bytes) {
        Ok(text) => map.serialize_entry(names[0], text)?,
        Err(_) => map.serialize_entry(names[1], &STANDARD.encode(bytes))?,
    }
    map.end()
}

/// A path for people: as it is when it is plain UTF-8, else quoted with escapes, so that no control character reaches a
/// terminal.
pub fn shown(path: &[u8]) -> String {
    match std::str::from_utf8(path) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => format!("\"{}\"", path.escape_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_utf8_appears_in_base64() {
        assert_eq!(serde_json::to_string(&PathField::new("é")).unwrap(), r#"{"path":"é"}"#);
        assert_eq!(serde_json::to_string(&PathField::new(b"\xff/a")).unwrap(), r#"{"path_b64":"/y9h"}"#);
        assert_eq!(
            serde_json::to_string(&LinkField(b"\xfe".to_vec())).unwrap(),
            r#"{"linkname_b64":"/g=="}"#
        );
    }

    #[test]
    fn no_control_character_reaches_a_terminal() {
        assert_eq!(shown("grün.txt".as_bytes()), "grün.txt");
        assert_eq!(shown(b"a\x1b[2J"), r#""a\x1b[2J""#);
        assert_eq!(shown(b"\xff"), r#""\xff""#);
    }
}
