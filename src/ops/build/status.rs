//! An engine's `StatusResponse` → a [`Message`] (client/status.go).

use bollard_buildkit_proto::google::protobuf;
use bollard_buildkit_proto::moby::buildkit::v1 as control;
use bollard_buildkit_proto::pb;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::digest::Digest;
use crate::progress::{
    Definition, Group, Log, Message, Metadata, Position, Range, SourceInfo, Status, Vertex, Warning,
};

/// What an engine reports, in the types of [`progress`](crate::progress).
pub fn message(response: control::StatusResponse) -> Message {
    Message {
        vertexes: response.vertexes.into_iter().map(vertex).collect(),
        statuses: response.statuses.into_iter().map(status).collect(),
        logs: response.logs.into_iter().map(log).collect(),
        warnings: response.warnings.into_iter().map(warning).collect(),
    }
}

/// Something of our own among an engine's reports: a vertex that begins, and is over at once (BuildKit's `progresswriter.Wrap`). `id` is one that
/// no other has.
pub fn of_words(words: &str, id: &str, now: Timestamp) -> [Message; 2] {
    let digest = Digest::sha256(id).to_string();
    let begun = Vertex { digest, name: words.into(), started: Some(now), ..Vertex::default() };
    let ended = Vertex { completed: Some(now), ..begun.clone() };
    [begun, ended].map(|vertex| Message { vertexes: vec![vertex], ..Message::default() })
}

fn vertex(vertex: control::Vertex) -> Vertex {
    Vertex {
        digest: vertex.digest,
        inputs: vertex.inputs,
        name: vertex.name,
        started: vertex.started.and_then(moment),
        completed: vertex.completed.and_then(moment),
        cached: vertex.cached,
        error: vertex.error,
        group: vertex.progress_group.map(group),
    }
}

fn group(group: pb::ProgressGroup) -> Group {
    Group { id: group.id, name: group.name, weak: group.weak }
}

fn status(status: control::VertexStatus) -> Status {
    Status {
        id: status.id,
        vertex: status.vertex,
        name: status.name,
        total: status.total,
        current: status.current,
        timestamp: time(status.timestamp),
        started: status.started.and_then(moment),
        completed: status.completed.and_then(moment),
    }
}

fn log(log: control::VertexLog) -> Log {
    Log { vertex: log.vertex, stream: log.stream, data: log.msg, timestamp: time(log.timestamp) }
}

fn warning(warning: control::VertexWarning) -> Warning {
    Warning {
        vertex: warning.vertex,
        level: warning.level,
        short: warning.short,
        detail: warning.detail,
        url: warning.url,
        source: warning.info.map(source),
        range: warning.ranges.iter().map(range).collect(),
    }
}

fn source(info: pb::SourceInfo) -> SourceInfo {
    SourceInfo {
        filename: info.filename,
        data: info.data,
        definition: info.definition.map(definition),
        language: info.language,
    }
}

/// The parts that the definition of a single file has.
fn definition(definition: pb::Definition) -> Definition {
    let metadata = definition.metadata.into_iter().map(|(digest, about)| (digest, metadata(about)));
    Definition {
        def: definition.def,
        metadata: metadata.collect(),
        source: definition.source.map(|source| source_map(&source)),
    }
}

fn metadata(about: pb::OpMetadata) -> Metadata {
    Metadata {
        ignore_cache: about.ignore_cache,
        description: about.description.into_iter().collect(),
        caps: about.caps.into_iter().collect(),
    }
}

fn source_map(source: &pb::Source) -> Value {
    let locations: Map<String, Value> = source.locations.keys().map(|d| (d.clone(), json!({}))).collect();
    if locations.is_empty() { json!({}) } else { json!({ "locations": locations }) }
}

fn range(range: &pb::Range) -> Range {
    let position = |p: &pb::Position| Position { line: p.line, character: p.character };
    Range { start: range.start.as_ref().map(position), end: range.end.as_ref().map(position) }
}

/// `None` for a moment that no calendar has.
fn moment(time: protobuf::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}

fn time(time: Option<protobuf::Timestamp>) -> Timestamp {
    time.and_then(moment).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_our_own_are_a_vertex_that_is_over_at_once() {
        let now = Timestamp::UNIX_EPOCH;
        let [begun, ended] = of_words("[auth] a:pull token for r.io", "id", now);
        let (begun, ended) = (&begun.vertexes[0], &ended.vertexes[0]);
        assert_eq!(
            (begun.name.as_str(), begun.started, begun.completed),
            ("[auth] a:pull token for r.io", Some(now), None)
        );
        assert_eq!((&ended.digest, ended.completed), (&begun.digest, Some(now)));
        assert_ne!(of_words("x", "other", now)[0].vertexes[0].digest, begun.digest);
    }
}
