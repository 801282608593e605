//! `key`: one digest of all that decides a target's result, and of nothing else.
//!
//! It is a Merkle digest of the build graph, seen as BuildKit sees it: an operation is the JSON that BuildKit hashes; what it
//! takes from an input by content is that content's digest, whatever made it; what it stands on otherwise is the input's own
//! digest. An image is its layers. Beside the files, the result is the image's config.

mod folder;
mod graph;
mod image;
#[cfg(test)]
mod tests;

use self::graph::Graph;
use super::analysis::{Analysis, AnalysisOptions, Read};
use super::snapshot::{no_plan, reason};
use super::{Request, failures};
use crate::digest::Digest;
use crate::error::Error;
use crate::observer::Observer;
use crate::report::{KeyPart, KeyReport, KeyStep};

/// Computes the key of a build's target.
///
/// # Errors
/// [`Error`] for input that can't be read; [`Error::NoPlan`] for a Dockerfile of which nothing can be made; [`Error::Fails`] for
/// a build that has no result.
pub fn key(request: &Request, observer: &dyn Observer) -> Result<KeyReport, Error> {
    let read = Read::of(request, observer)?;
    let analysis = Analysis::of(&read, AnalysisOptions::default(), observer)?;
    of_analysis(&analysis, observer)
}

/// Computes the key of what was analysed, whatever state it is of.
///
/// # Errors
/// As [`key`].
pub fn of_analysis(analysis: &Analysis<'_>, observer: &dyn Observer) -> Result<KeyReport, Error> {
    let read = analysis.read;
    let errors = failures::all(analysis);
    let (plan, keys) = match (&read.plan, &analysis.keys) {
        (Some(plan), Some(keys)) if errors.is_empty() => (plan, keys),
        (None, _) => return Err(no_plan(read, errors)),
        _ => return Err(Error::Fails { reasons: errors.into_iter().map(reason).collect() }),
    };
    let graph = Graph::of(plan, keys, &analysis.sent, observer)?;
    let config = image::parts(&plan.image);
    let mut all = Parts::new("stowaway key 1");
    all.add(plan.target.map_or(&b"scratch"[..], |t| &graph.chains[t.0].bytes));
    config.iter().for_each(|part| {
        all.add(&part.name);
        all.add(part.digest.bytes);
    });
    let reached = graph.reached(plan);
    let step = |s: &crate::plan::Step| KeyStep {
        name: s.name.clone(),
        line: s.span.line,
        digest: graph.own[s.vertex.0],
        assumes: graph.assumes[s.vertex.0].clone(),
    };
    let mut assumes: Vec<String> = Vec::new();
    for text in (0..reached.len()).filter(|v| reached[*v]).flat_map(|v| &graph.assumes[v]) {
        if !assumes.contains(text) {
            assumes.push(text.clone());
        }
    }
    Ok(KeyReport {
        key: all.digest(),
        target: plan.target_name.clone(),
        steps: plan.steps.iter().filter(|s| reached[s.vertex.0]).map(step).collect(),
        image: config,
        assumes,
        explain: false,
    })
}

/// Values for a digest, each behind its length, so that nothing can pass from one to the next.
struct Parts(blake3::Hasher);

impl Parts {
    /// Parts of a kind of their own.
    fn new(kind: &str) -> Self {
        let mut parts = Self(blake3::Hasher::new());
        parts.add(kind);
        parts
    }

    fn add(&mut self, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        self.0.update(&(value.len() as u64).to_le_bytes()).update(value);
    }

    fn digest(&self) -> Digest {
        let bytes = *self.0.finalize().as_bytes();
        Digest { algorithm: crate::digest::Algorithm::Blake3, bytes }
    }
}

/// A named part with the digest of its value.
fn part(name: impl Into<String>, value: impl AsRef<[u8]>) -> KeyPart {
    KeyPart { name: name.into(), digest: Digest::blake3(value) }
}
