//! The build graph as digests.

use std::collections::BTreeSet;

use super::super::analysis::Sent;
use super::{Parts, folder};
use crate::cache::{InputPart, Keys, Part};
use crate::digest::Digest;
use crate::error::Error;
use crate::observer::Observer;
use crate::plan::{Op, Plan, Source, Vertex};

/// What every vertex comes to.
pub struct Graph {
    /// By vertex: its own operation with the contents that it takes in.
    pub own: Vec<Digest>,
    /// By vertex: that, with all that it stands on.
    pub chains: Vec<Digest>,
    /// By vertex: what has to stay the same for its digest to mean anything, in words.
    pub assumes: Vec<Vec<String>>,
    /// By vertex: the inputs that count by what made them, not by their content.
    below: Vec<Vec<usize>>,
}

impl Graph {
    /// Goes through the plan, inputs before users.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn of(plan: &Plan, keys: &Keys, sent: &[Sent<'_>], observer: &dyn Observer) -> Result<Self, Error> {
        let mut graph = Self { own: Vec::new(), chains: Vec::new(), assumes: Vec::new(), below: Vec::new() };
        let known_reasons = reasons_of_images(plan);
        for (v, vertex) in plan.graph.vertices.iter().enumerate() {
            let parts = &keys.vertices[v].preimage.parts;
            let (own, assumes) = match &vertex.op {
                Op::Source(Source::Local(local)) => {
                    let needed = is_taken_whole(plan, keys, v);
                    let sent = sent.iter().find(|s| needed && s.source == *local);
                    let digest = sent.map(|s| folder::digest(s, observer)).transpose()?;
                    (digest.unwrap_or_else(|| Parts::new("local").digest()), Vec::new())
                }
                Op::Source(source) => identity(source, vertex),
                _ => operation(vertex, parts, &known_reasons),
            };
            let below: Vec<usize> =
                inputs(parts).filter(|i| i.content.is_none()).map(|i| i.vertex.0).collect();
            let mut chain = Parts::new("chain");
            chain.add(own.bytes);
            below.iter().for_each(|i| chain.add(graph.chains[*i].bytes));
            graph.chains.push(chain.digest());
            graph.own.push(own);
            graph.assumes.push(assumes);
            graph.below.push(below);
        }
        Ok(graph)
    }

    /// By vertex: whether the target stands on it. What only gives files that are known by content doesn't count.
    pub fn reached(&self, plan: &Plan) -> Vec<bool> {
        let mut reached = vec![false; self.own.len()];
        let mut open: Vec<usize> = plan.target.iter().map(|t| t.0).collect();
        while let Some(vertex) = open.pop() {
            if !std::mem::replace(&mut reached[vertex], true) {
                open.extend(&self.below[vertex]);
            }
        }
        reached
    }
}

fn inputs(parts: &[Part]) -> impl Iterator<Item = &InputPart> {
    parts.iter().filter_map(|part| match part {
        Part::Input(input) => Some(input),
        _ => None,
    })
}

/// Some step takes a local source in without a content key for it, or it is the target itself (a named context in the
/// place of the stage).
fn is_taken_whole(plan: &Plan, keys: &Keys, local: usize) -> bool {
    let by = |v: usize| {
        inputs(&keys.vertices[v].preimage.parts).any(|i| i.vertex.0 == local && i.content.is_none())
    };
    plan.target.is_some_and(|t| t.0 == local) || (local + 1..plan.graph.vertices.len()).any(by)
}

/// The words for images that aren't known. Operations on them have the same ones, and need no others.
fn reasons_of_images(plan: &Plan) -> BTreeSet<&str> {
    let images = plan.graph.vertices.iter().filter(|v| matches!(v.op, Op::Source(_)));
    images.flat_map(|v| &v.open).map(String::as_str).collect()
}

/// An operation with the contents that it takes in, and with the places that it takes from what counts by what made it.
fn operation(vertex: &Vertex, parts: &[Part], of_images: &BTreeSet<&str>) -> (Digest, Vec<String>) {
    let mut out = Parts::new("operation");
    for part in parts {
        match part {
            Part::Operation(json) => out.add(json),
            Part::Input(InputPart { content: Some(content), .. }) => {
                out.add("content");
                out.add(content.digest.bytes);
            }
            Part::Input(InputPart { selector, .. }) => {
                out.add("state");
                out.add(selector.map_or(Vec::new(), |s| s.bytes.to_vec()));
            }
            _ => {}
        }
    }
    let mut assumes = Vec::new();
    for reason in vertex.open.iter().filter(|r| !of_images.contains(r.as_str())) {
        out.add(reason);
        assumes.push(format!("what isn't known stays the same: {reason}"));
    }
    (out.digest(), assumes)
}

/// What a source is, and what has to be assumed for that.
fn identity(source: &Source, vertex: &Vertex) -> (Digest, Vec<String>) {
    let mut out = Parts::new("source");
    let mut assumes = Vec::new();
    match source {
        Source::Local(_) => {}
        Source::Image { reference, image } => {
            let platform = vertex.platform.full();
            out.add("image");
            out.add(&platform);
            let pinned = reference.split_once('@').map(|(_, digest)| digest.to_owned());
            let layers = image.as_ref().map(|i| &i.0.config.diff_ids).filter(|l| !l.is_empty());
            if let Some(layers) = layers {
                layers.iter().for_each(|l| out.add(l.bytes));
            } else if let Some(digest) = pinned {
                out.add(digest);
            } else {
                out.add(reference);
                assumes.push(format!("{reference} ({platform}) stays the same image"));
            }
        }
        Source::Http { url, checksum, filename, .. } => {
            out.add("http");
            out.add(filename);
            out.add(checksum.as_ref().unwrap_or(url));
            if checksum.is_none() {
                assumes.push(format!("the file behind {url} stays the same"));
            }
        }
        Source::Git { remote, keep_git_dir, checksum } => {
            out.add("git");
            out.add(remote);
            out.add([u8::from(*keep_git_dir)]);
            out.add(checksum.as_deref().unwrap_or_default());
            if checksum.is_none() && !names_a_commit(remote) {
                assumes.push(format!("the commit behind {remote} stays the same"));
            }
        }
    }
    (out.digest(), assumes)
}

/// `…#<40 hex digits>`, with or without a folder behind it.
fn names_a_commit(remote: &str) -> bool {
    let fragment = remote.split_once('#').map_or("", |(_, fragment)| fragment);
    let commit = fragment.split(':').next().unwrap_or_default();
    commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit())
}
