//! The build graph with what is known of every vertex.

use super::fields;
use super::scrub::Scrub;
use crate::cache::{Files, InputPart, Key, KeyError, Keys, Part, Selected, VertexKeys};
use crate::plan::{Op, Plan, Source, Vertex};
use crate::snapshot::{
    ContentState, InputState, Picked, PickedFiles, StageFileState, VertexKind, VertexState,
};

/// All vertices; `places` are those of their records.
pub fn states(plan: &Plan, keys: Option<&Keys>, places: Vec<Vec<usize>>, scrub: &Scrub) -> Vec<VertexState> {
    let mut places = places.into_iter();
    let state = |(v, vertex): (usize, &Vertex)| {
        let known = keys.map(|k| Known { keys: k, own: &k.vertices[v], vertex: v, scrub });
        VertexState {
            kind: kind(vertex),
            records: places.next().unwrap_or_default(),
            open: known
                .as_ref()
                .map_or(&vertex.open, |k| &k.own.open)
                .iter()
                .map(|t| scrub.text(t))
                .collect(),
            fields: fields::of(vertex, known.as_ref().map(|k| &k.own.preimage), scrub),
            inputs: match &known {
                Some(known) => known.inputs(),
                None => {
                    vertex.inputs.iter().map(|i| InputState { vertex: i.0, ..Default::default() }).collect()
                }
            },
            ignore_cache: false,
        }
    };
    plan.graph.vertices.iter().enumerate().map(state).collect()
}

fn kind(vertex: &Vertex) -> VertexKind {
    match &vertex.op {
        Op::Source(Source::Local(_)) => VertexKind::Local,
        Op::Source(Source::Image { .. }) => VertexKind::Image,
        Op::Source(Source::Http { .. }) => VertexKind::Http,
        Op::Source(Source::Git { .. }) => VertexKind::Git,
        Op::File(_) => VertexKind::File,
        Op::Exec(_) => VertexKind::Exec,
        Op::Merge => VertexKind::Merge,
    }
}

/// What is known of a vertex.
struct Known<'a> {
    keys: &'a Keys,
    own: &'a VertexKeys,
    vertex: usize,
    scrub: &'a Scrub,
}

impl Known<'_> {
    fn inputs(&self) -> Vec<InputState> {
        let parts = self.own.preimage.parts.iter().filter_map(|part| match part {
            Part::Input(input) => Some(input),
            _ => None,
        });
        let state = |(i, part): (usize, &InputPart)| InputState {
            vertex: part.vertex.0,
            selector: part.selector,
            content: self.content(i, part),
        };
        parts.enumerate().map(state).collect()
    }

    fn content(&self, input: usize, part: &InputPart) -> ContentState {
        let fails = |e: &KeyError| e.vertex.0 == self.vertex && e.input == Some(input);
        match (&part.content, &part.opaque) {
            (Some(key), _) => ContentState::Known { record: key.digest, picked: self.picked(key) },
            (None, Some(_)) if self.keys.errors.iter().any(fails) => ContentState::Failed,
            (None, Some(reason)) => ContentState::Open(self.scrub.text(reason)),
            (None, None) => ContentState::None,
        }
    }

    fn picked(&self, key: &Key) -> Vec<Picked> {
        let selected = key.preimage.parts.iter().filter_map(|part| match part {
            Part::Selected(selected) => Some(selected),
            _ => None,
        });
        selected.map(|s| Picked { digest: s.digest, files: self.files(s) }).collect()
    }

    fn files(&self, selected: &Selected) -> PickedFiles {
        match &selected.files {
            Files::Local { source, entries } => PickedFiles::Local {
                source: self.keys.sources.iter().position(|s| s.source == *source).unwrap_or_default(),
                entries: entries.to_vec(),
            },
            Files::Stage(files) => {
                let file = |f: &crate::cache::StageFile| StageFileState {
                    path: self.scrub.bytes(&f.path),
                    digest: f.digest,
                };
                PickedFiles::Stage(files.iter().map(file).collect())
            }
        }
    }
}
