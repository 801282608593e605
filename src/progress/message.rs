//! What an engine tells about a build: a `SolveStatus` (client/graph.go), as it stands in a line of `--progress=rawjson`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::json::{base64_bytes, base64_lists, moment, time};

/// One report of an engine: what is new about the build since the report before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Vertices that began, ended or changed.
    #[serde(deserialize_with = "null", skip_serializing_if = "Vec::is_empty")]
    pub vertexes: Vec<Vertex>,
    /// How far things within vertices are.
    #[serde(deserialize_with = "null", skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<Status>,
    /// What vertices printed.
    #[serde(deserialize_with = "null", skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<Log>,
    /// What the frontend found doubtful.
    #[serde(deserialize_with = "null", skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// A vertex of the build's graph as it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vertex {
    /// Names it in the whole build.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// The vertices that it is made from.
    #[serde(deserialize_with = "null", skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// Names it for people: `[2/4] COPY . .`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// When it began; `None` when it waits.
    #[serde(with = "moment", skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(with = "moment", skip_serializing_if = "Option::is_none")]
    pub completed: Option<Timestamp>,
    /// Its result was there already.
    #[serde(skip_serializing_if = "is_default")]
    pub cached: bool,
    /// Why it failed; empty where it didn't.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// The group that it is shown as a part of.
    #[serde(rename = "progressGroup", skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
}

/// Vertices that are shown as one, such as those of `COPY --link`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// The same for all its members.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// What people see.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// This member alone doesn't make the group worth showing.
    #[serde(skip_serializing_if = "is_default")]
    pub weak: bool,
}

/// How far something within a vertex is: a transfer, a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Names it within the vertex, and for people: `transferring context:`.
    pub id: String,
    /// The vertex's digest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vertex: String,
    /// What it is done to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Bytes or things altogether; 0 where that isn't known.
    #[serde(skip_serializing_if = "is_default")]
    pub total: i64,
    /// Bytes or things so far.
    pub current: i64,
    /// When this was so.
    #[serde(with = "time")]
    pub timestamp: Timestamp,
    /// When it began.
    #[serde(with = "moment", skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(with = "moment", skip_serializing_if = "Option::is_none")]
    pub completed: Option<Timestamp>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            id: String::new(),
            vertex: String::new(),
            name: String::new(),
            total: 0,
            current: 0,
            timestamp: Timestamp::UNIX_EPOCH,
            started: None,
            completed: None,
        }
    }
}

/// What a vertex printed; lines may be cut anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Log {
    /// The vertex's digest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vertex: String,
    /// 1: standard output, 2: standard error.
    #[serde(skip_serializing_if = "is_default")]
    pub stream: i64,
    /// The bytes.
    #[serde(with = "base64_bytes")]
    pub data: Vec<u8>,
    /// When they came.
    #[serde(with = "time")]
    pub timestamp: Timestamp,
}

impl Default for Log {
    fn default() -> Self {
        Self { vertex: String::new(), stream: 0, data: Vec::new(), timestamp: Timestamp::UNIX_EPOCH }
    }
}

/// What the frontend found doubtful about a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Warning {
    /// The vertex's digest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vertex: String,
    /// How serious; BuildKit's own are 1.
    #[serde(skip_serializing_if = "is_default")]
    pub level: i64,
    /// One line.
    #[serde(with = "base64_bytes", skip_serializing_if = "Vec::is_empty")]
    pub short: Vec<u8>,
    /// More lines.
    #[serde(with = "base64_lists", skip_serializing_if = "Vec::is_empty")]
    pub detail: Vec<Vec<u8>>,
    /// Where the rule is explained.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The file that it is about.
    #[serde(rename = "sourceInfo", skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceInfo>,
    /// Which lines of that file.
    #[serde(deserialize_with = "null", skip_serializing_if = "Vec::is_empty")]
    pub range: Vec<Range>,
}

/// A file that a step was written in (`pb.SourceInfo`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceInfo {
    /// Its name, as the engine was told of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filename: String,
    /// What stands in it.
    #[serde(with = "base64_bytes", skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<u8>,
    /// How the engine got it: a `pb.Definition`, carried along unread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition: Option<Definition>,
    /// `Dockerfile`
    #[serde(skip_serializing_if = "String::is_empty")]
    pub language: String,
}

/// A `pb.Definition` as far as one of a single file goes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Definition {
    /// The operations, each an encoded `pb.Op`.
    #[serde(with = "base64_lists", skip_serializing_if = "Vec::is_empty")]
    pub def: Vec<Vec<u8>>,
    /// By an operation's digest what is known about it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Metadata>,
    /// Where the operations stand in which file, as `pb.Source` looks in Go's JSON.
    #[serde(rename = "Source", skip_serializing_if = "Option::is_none")]
    pub source: Option<serde_json::Value>,
}

/// What is known about an operation that reads a single file (`pb.OpMetadata`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Its result is never taken from the cache.
    #[serde(skip_serializing_if = "is_default")]
    pub ignore_cache: bool,
    /// Names for people.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub description: BTreeMap<String, String>,
    /// What an engine has to know to carry it out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub caps: BTreeMap<String, bool>,
}

/// Lines of a file (`pb.Range`), both ends included, counted from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Range {
    /// Where it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Position>,
    /// Where it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Position>,
}

/// A place in a file (`pb.Position`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// From 1.
    #[serde(skip_serializing_if = "is_default")]
    pub line: i32,
    /// From 0.
    #[serde(skip_serializing_if = "is_default")]
    pub character: i32,
}

impl Range {
    /// First and last line. A last one before the first is the first one, as BuildKit reads them (solver/errdefs/source.go).
    pub fn lines(&self) -> (i32, i32) {
        let line = |position: Option<Position>| position.unwrap_or_default().line;
        (line(self.start), line(self.end).max(line(self.start)))
    }
}

impl Message {
    /// Reads a line of a log; `None` for one that is no message. A prefix, such as the time that a CI system puts before each line,
    /// is passed over.
    pub fn of_line(line: &[u8]) -> Option<Self> {
        let start = line.iter().position(|b| *b == b'{')?;
        let message: Self = serde_json::from_slice(&line[start..]).ok()?;
        (!message.is_empty()).then_some(message)
    }

    /// Nothing is new.
    pub fn is_empty(&self) -> bool {
        self.vertexes.is_empty()
            && self.statuses.is_empty()
            && self.logs.is_empty()
            && self.warnings.is_empty()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Go writes an absent list as `null` at times.
fn null<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}
