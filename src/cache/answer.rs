//! What the walk has found out, put together: keys with their preimages, and the records of an export.

use rustc_hash::FxHashSet;

use super::content::Content;
use super::export::{Alternative, Export, ItemId};
use super::keys::{InputPart, Key, Keys, Part, Preimage, Reads, StepKeys, VertexKeys};
use super::op::{self, CacheMap, Dependency};
use super::select::union;
use super::walk::Walk;
use crate::digest::Digest;
use crate::plan::VertexId;

/// What is known about a vertex's own records.
#[derive(Debug, Default)]
struct Definition {
    /// Their digests: one, two for an image, none for a local source and for what isn't known.
    digests: Vec<Digest>,
    /// The same in the export.
    items: Vec<ItemId>,
    /// Why there is no record, in words.
    unknown: Vec<String>,
    /// Why there may be more records than these, in words.
    more: Vec<String>,
}

/// Puts the answer together.
pub(super) fn answer(walk: Walk<'_>) -> Keys {
    let mut export = Export::default();
    let mut definitions = Vec::new();
    for vertex in 0..walk.maps.len() {
        let definition = define(&walk, vertex, &definitions, &mut export);
        definitions.push(definition);
    }
    let steps: Vec<StepKeys> = walk.plan.steps.iter().map(|s| step(&walk, s.vertex, &definitions)).collect();
    let mut seen = FxHashSet::default();
    let of = |(vertex, definition): (usize, &Definition)| {
        let reasons = definition.unknown.iter().chain(&definition.more).chain(open_contents(&walk, vertex));
        reasons.cloned().collect::<Vec<_>>()
    };
    let open = definitions.iter().enumerate().flat_map(of).filter(|r| seen.insert(r.clone())).collect();
    Keys {
        steps,
        vertices: (0..walk.maps.len()).map(|v| vertex_keys(&walk, v, &definitions)).collect(),
        records: export.finish(),
        open,
        errors: walk.errors,
        sources: walk.locals.into_iter().map(super::local::LocalTree::finish).collect(),
    }
}

/// Finds a vertex's records, and adds them and those of its inputs' contents to the export.
fn define(walk: &Walk<'_>, vertex: usize, definitions: &[Definition], export: &mut Export) -> Definition {
    match &walk.maps[vertex] {
        CacheMap::Local => Definition::default(),
        CacheMap::Source { keys, open } => {
            let digests: Vec<Digest> = keys.iter().map(|k| op::record(&op::source_digest(k), 0)).collect();
            let items = digests.iter().map(|d| export.root(*d)).collect();
            let (unknown, more) =
                if keys.is_empty() { (open.clone(), Vec::new()) } else { (Vec::new(), open.clone()) };
            Definition { digests, items, unknown, more }
        }
        CacheMap::Operation { json, inputs, open } => {
            let unknown = reasons(walk, vertex, open, definitions);
            let links = links(walk, vertex, inputs, definitions, export);
            if !unknown.is_empty() {
                return Definition { unknown, ..Definition::default() };
            }
            let digest = op::record(&Digest::sha256(json), 0);
            let partial = is_partial(walk, vertex, definitions);
            let item = export.add(digest, links, partial);
            Definition { digests: vec![digest], items: vec![item], unknown, more: Vec::new() }
        }
    }
}

/// Why a vertex has no record of its own: its operation isn't known, or one of its inputs has none. Of an input one
/// reason is enough.
fn reasons(walk: &Walk<'_>, vertex: usize, open: &[String], definitions: &[Definition]) -> Vec<String> {
    let mut out = open.to_vec();
    let inputs = walk.plan.graph.vertices[vertex].inputs.iter();
    add_new(&mut out, inputs.filter_map(|i| definitions[i.0].unknown.first()));
    out
}

/// The alternatives of every input: its own records under the selector, and its content.
fn links(
    walk: &Walk<'_>,
    vertex: usize,
    dependencies: &[Dependency],
    definitions: &[Definition],
    export: &mut Export,
) -> Vec<Vec<Alternative>> {
    let inputs = walk.plan.graph.vertices[vertex].inputs.iter().zip(dependencies).zip(&walk.contents[vertex]);
    let mut out = Vec::new();
    for ((input, dependency), content) in inputs {
        let selector = dependency.selector();
        let mut links: Vec<Alternative> = definitions[input.0].items.iter().map(|i| (*i, selector)).collect();
        if let Content::Known(key) = content {
            links.push((export.root(key.digest), None));
        }
        out.push(links);
    }
    out
}

fn is_partial(walk: &Walk<'_>, vertex: usize, definitions: &[Definition]) -> bool {
    let inputs = &walk.plan.graph.vertices[vertex].inputs;
    inputs.iter().any(|i| !definitions[i.0].more.is_empty())
        || walk.contents[vertex].iter().any(|c| matches!(c, Content::Open(_) | Content::Failed))
}

fn open_contents<'w>(walk: &'w Walk<'_>, vertex: usize) -> impl Iterator<Item = &'w String> {
    walk.contents[vertex].iter().filter_map(|c| match c {
        Content::Open(reason) => Some(reason),
        _ => None,
    })
}

fn step(walk: &Walk<'_>, VertexId(vertex): VertexId, definitions: &[Definition]) -> StepKeys {
    let definition = &definitions[vertex];
    let mut open = definition.unknown.clone();
    add_new(&mut open, &definition.more);
    let inputs = &walk.plan.graph.vertices[vertex].inputs;
    add_new(&mut open, inputs.iter().flat_map(|i| &definitions[i.0].more));
    add_new(&mut open, open_contents(walk, vertex));
    let first = walk.contents[vertex].iter().find(|c| !matches!(c, Content::None));
    let content_key = match first {
        Some(Content::Known(key)) => Some(key.clone()),
        _ => None,
    };
    let key = |digest: &Digest| Key { digest: *digest, preimage: preimage(walk, vertex, definitions) };
    StepKeys { content_key, cache_key: definition.digests.first().map(key), open, reads: reads(walk, vertex) }
}

fn vertex_keys(walk: &Walk<'_>, vertex: usize, definitions: &[Definition]) -> VertexKeys {
    let open = match &walk.maps[vertex] {
        CacheMap::Local => Vec::new(),
        CacheMap::Source { open, .. } | CacheMap::Operation { open, .. } => open.clone(),
    };
    let definition = &definitions[vertex];
    VertexKeys {
        digests: definition.digests.clone(),
        unknown: definition.unknown.clone(),
        open,
        preimage: preimage(walk, vertex, definitions),
    }
}

fn preimage(walk: &Walk<'_>, vertex: usize, definitions: &[Definition]) -> Preimage {
    let mut parts = Vec::new();
    match &walk.maps[vertex] {
        CacheMap::Local => {}
        CacheMap::Source { keys, open } => {
            parts.push(Part::Source(keys.clone()));
            parts.extend(open.iter().map(|r| Part::Opaque { reason: r.clone() }));
        }
        CacheMap::Operation { json, inputs, open } => {
            parts.push(Part::Operation(json.clone()));
            parts.extend(open.iter().map(|r| Part::Opaque { reason: r.clone() }));
            let of = |(i, d): (usize, &Dependency)| Part::Input(input_part(walk, vertex, i, d, definitions));
            parts.extend(inputs.iter().enumerate().map(of));
        }
    }
    Preimage { parts }
}

fn input_part(
    walk: &Walk<'_>,
    vertex: usize,
    i: usize,
    dependency: &Dependency,
    definitions: &[Definition],
) -> InputPart {
    let input = walk.plan.graph.vertices[vertex].inputs[i];
    let (content, opaque) = match &walk.contents[vertex][i] {
        Content::Known(key) => (Some(key.clone()), None),
        Content::Open(reason) => (None, Some(reason.clone())),
        Content::Failed => (None, Some("the build fails on it".to_owned())),
        Content::None => (None, None),
    };
    InputPart {
        vertex: input,
        definitions: definitions[input.0].digests.clone(),
        selector: dependency.selector(),
        paths: dependency.paths.clone().unwrap_or_default(),
        content,
        opaque,
    }
}

fn reads(walk: &Walk<'_>, vertex: usize) -> Reads {
    let mut out = Reads::default();
    for (local, tree) in walk.locals.iter().enumerate() {
        let of_it = walk.reads[vertex].iter().filter(|(l, _)| *l == local);
        let entries = union(of_it.map(|(_, r)| r.clone()).collect());
        for (files, bytes) in entries.iter().map(|r| tree.size(r)) {
            out.files += files;
            out.bytes += bytes;
        }
        if !entries.is_empty() {
            out.entries.push((tree.name.clone(), entries));
        }
    }
    out
}

/// Adds what isn't there yet.
fn add_new<'s>(list: &mut Vec<String>, more: impl IntoIterator<Item = &'s String>) {
    for text in more {
        if !list.contains(text) {
            list.push(text.clone());
        }
    }
}
