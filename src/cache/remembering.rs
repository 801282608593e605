//! What a builder remembers that has just built a plan: the same records as those of an export, also where nothing is
//! exported, and stand-ins where a real digest isn't known.

use super::export::{Alternative, Export, ItemId};
use super::keys::{InputPart, Keys, Part, VertexKeys};
use super::op;
use super::remembered::{Remembered, RememberedLink, RememberedRecord};
use crate::digest::{Algorithm, Digest};
use crate::plan::{Op, Plan, Source, Vertex};

/// The records that a builder remembers which has just built a plan, and for each vertex of the plan's graph the places of
/// its own: one for an operation, up to two for an image, none for a local source.
///
/// * An operation's record has its real digest as soon as the operation itself is known, whatever its inputs are.
/// * Where an operation or a source isn't fully known, one record stands in for those that it has. Its digest is BLAKE3 over
///   what is known, so that two plans with the same gap have the same stand-in. Of an image that is the reference and the
///   platform.
/// * A content key is a key and nothing else, which is why it has no result. Sources have one: a builder keeps what it has
///   pulled. Operations have one, but for those that fail or that stand on one that fails. When the plan as a whole is
///   refused nothing runs, and nothing has a result.
pub fn remember(plan: &Plan, keys: &Keys) -> (Remembered, Vec<Vec<usize>>) {
    let mut export = Export::default();
    let mut items: Vec<Vec<ItemId>> = Vec::new();
    for (vertex, known) in plan.graph.vertices.iter().zip(&keys.vertices) {
        let own = records(vertex, known, keys, &items, &mut export);
        items.push(own);
    }
    let failing = failing(plan, keys);
    let (records, place) = export.finish_all();
    let record = |r: super::Record| RememberedRecord {
        digest: r.digest,
        inputs: r.inputs.iter().map(|i| i.iter().map(link).collect()).collect(),
        result: false,
        partial: r.partial,
        stand_in: r.digest.algorithm == Algorithm::Blake3,
    };
    let mut remembered = Remembered { records: records.into_iter().map(record).collect() };
    let places: Vec<Vec<usize>> =
        items.into_iter().map(|own| own.into_iter().map(|i| place[i]).collect()).collect();
    for (places, _) in places.iter().zip(failing).filter(|(_, failing)| !failing) {
        places.iter().for_each(|p| remembered.records[*p].result = true);
    }
    (remembered, places)
}

fn link(link: &super::Link) -> RememberedLink {
    RememberedLink { record: link.record, selector: link.selector }
}

/// A vertex's own records.
fn records(
    vertex: &Vertex,
    known: &VertexKeys,
    keys: &Keys,
    items: &[Vec<ItemId>],
    export: &mut Export,
) -> Vec<ItemId> {
    let mut inputs = Vec::new();
    let mut partial = false;
    let mut json = None;
    for part in &known.preimage.parts {
        match part {
            Part::Operation(text) => json = Some(text),
            Part::Input(input) => {
                partial |= input.opaque.is_some() || !keys.vertices[input.vertex.0].open.is_empty();
                inputs.push(alternatives(input, items, export));
            }
            Part::Source(_) | Part::Selected(_) | Part::Opaque { .. } => {}
        }
    }
    match json {
        Some(json) if known.open.is_empty() => {
            vec![export.add(op::record(&Digest::sha256(json), 0), inputs, partial)]
        }
        Some(json) => vec![export.add(operation(vertex, json), inputs, partial)],
        None if !known.digests.is_empty() => known.digests.iter().map(|d| export.root(*d)).collect(),
        None => source(vertex).map(|digest| export.root(digest)).into_iter().collect(),
    }
}

fn alternatives(input: &InputPart, items: &[Vec<ItemId>], export: &mut Export) -> Vec<Alternative> {
    let own = items[input.vertex.0].iter().map(|i| (*i, input.selector));
    let mut out: Vec<Alternative> = own.collect();
    if let Some(content) = &input.content {
        out.push((export.root(content.digest), None));
    }
    out
}

/// A stand-in for an operation that isn't fully known.
fn operation(vertex: &Vertex, json: &str) -> Digest {
    let paths = if vertex.paths_open { "paths" } else { "" };
    let open = vertex.open.iter().map(String::as_str);
    stand_in(["operation", json, paths].into_iter().chain(open))
}

/// A stand-in for a source; `None` for a local one, which has no record.
fn source(vertex: &Vertex) -> Option<Digest> {
    let platform = vertex.platform.full();
    let flag = |set: bool| if set { "1" } else { "" };
    let Op::Source(source) = &vertex.op else { return None };
    Some(match source {
        Source::Local(_) => return None,
        Source::Image { reference, .. } => stand_in(["image", reference, &platform].into_iter()),
        Source::Http { url, checksum, filename, git_like } => {
            let checksum = checksum.as_deref().unwrap_or_default();
            stand_in(["http", url, checksum, filename, flag(*git_like)].into_iter())
        }
        Source::Git { remote, keep_git_dir, checksum } => {
            let checksum = checksum.as_deref().unwrap_or_default();
            stand_in(["git", remote, checksum, flag(*keep_git_dir)].into_iter())
        }
    })
}

/// BLAKE3 over parts, each behind its length.
fn stand_in<'p>(parts: impl Iterator<Item = &'p str>) -> Digest {
    let mut bytes = b"stowaway stand-in\n".to_vec();
    for part in parts {
        bytes.extend_from_slice(format!("{}\n{part}\n", part.len()).as_bytes());
    }
    Digest::blake3(bytes)
}

/// By vertex: it fails, or what it stands on does.
fn failing(plan: &Plan, keys: &Keys) -> Vec<bool> {
    let vertices = &plan.graph.vertices;
    let mut out = vec![!plan.errors.is_empty(); vertices.len()];
    keys.errors.iter().for_each(|e| out[e.vertex.0] = true);
    for (v, vertex) in vertices.iter().enumerate() {
        out[v] |= vertex.inputs.iter().any(|i| out[i.0]);
    }
    out
}
