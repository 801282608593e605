//! One line of a log, as `client/graph.go` has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// A `SolveStatus`. Fields that nothing here needs are left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    pub vertexes: Option<Vec<VertexMessage>>,
    pub statuses: Option<Vec<StatusMessage>>,
    pub logs: Option<Vec<LogMessage>>,
    pub warnings: Option<Vec<serde::de::IgnoredAny>>,
}

/// What is new about a vertex.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct VertexMessage {
    pub digest: String,
    pub name: String,
    #[serde(deserialize_with = "moment")]
    pub started: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    pub completed: Option<Timestamp>,
    pub cached: bool,
    pub error: String,
    #[serde(rename = "progressGroup")]
    pub group: Option<GroupMessage>,
}

/// Vertices that are shown as one, such as those of `COPY --link`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct GroupMessage {
    pub id: String,
    pub name: String,
}

/// How far something is within a vertex.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StatusMessage {
    pub id: String,
    pub vertex: String,
    pub current: i64,
}

/// What a vertex printed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct LogMessage {
    pub vertex: String,
    #[serde(deserialize_with = "bytes")]
    pub data: Vec<u8>,
}

impl Message {
    /// Reads a line; `None` for one that is no message. A prefix, such as the time that a CI system puts before each line,
    /// is passed over.
    pub fn of(line: &[u8]) -> Option<Self> {
        let start = line.iter().position(|b| *b == b'{')?;
        let message: Self = serde_json::from_slice(&line[start..]).ok()?;
        let any = message.vertexes.is_some()
            || message.statuses.is_some()
            || message.logs.is_some()
            || message.warnings.is_some();
        any.then_some(message)
    }
}

/// RFC 3339; one that can't be read is as good as none.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// Base64, as Go writes bytes.
fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default())
}
