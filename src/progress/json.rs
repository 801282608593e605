//! JSON as Go writes it, so that every reader of buildx's lines reads ours.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeSeq as _};
use serde_json::ser::Formatter;

use super::Display;
use super::message::Message;

/// `--progress=rawjson`: each message as a line, the same bytes that buildx writes.
#[derive(Debug, Default)]
pub struct RawJson(());

impl Display for RawJson {
    fn update(&mut self, message: &Message, _: Timestamp) -> Vec<u8> {
        let mut line = line(message);
        line.push(b'\n');
        line
    }
}

/// A value on one line, without the line's end. Nothing here fails: the values are strings, numbers and lists, and the sink is memory.
pub fn line(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, GoFormatter);
    match value.serialize(&mut serializer) {
        Ok(()) => out,
        Err(_) => b"{}".to_vec(),
    }
}

/// Escapes what Go's encoder does beyond the necessary: characters that mean something in HTML, and the line separators of JavaScript.
struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut after = rest[at..].chars();
            let c = after.next().unwrap_or_default();
            write!(writer, "\\u{:04x}", u32::from(c))?;
            rest = after.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// A moment that may be missing; RFC 3339 with as many digits as it needs. One that can't be read is as good as none.
pub mod moment {
    use super::*;

    pub fn serialize<S: Serializer>(value: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(|t| t.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.and_then(|text| text.parse().ok()))
    }
}

/// A moment that is always there.
pub mod time {
    use super::*;

    pub fn serialize<S: Serializer>(value: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        value.to_string().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Ok(moment::deserialize(deserializer)?.unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

/// Bytes in base64; what can't be read is nothing.
pub mod base64_bytes {
    use super::*;

    pub fn serialize<S: Serializer>(value: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(value))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default())
    }
}

/// A list of bytes in base64.
pub mod base64_lists {
    use super::*;

    pub fn serialize<S: Serializer>(value: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(value.len()))?;
        for bytes in value {
            list.serialize_element(&STANDARD.encode(bytes))?;
        }
        list.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        let texts = Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(texts.iter().map(|text| STANDARD.decode(text).unwrap_or_default()).collect())
    }
}
