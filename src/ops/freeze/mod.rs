//! One analysis of a build, frozen: everything that a comparison needs, and no value of a build argument.

mod fields;
mod scrub;
mod steps;
#[cfg(test)]
mod tests;
mod vertices;

use std::collections::BTreeMap;
use std::path::Path;

use self::scrub::Scrub;
use super::analysis::{Analysis, Read};
use super::failures;
use super::{DockerfileInput, Request};
use crate::cache::{EntryDigests, Keys, remember};
use crate::digest::Digest;
use crate::entry::{Entry, Extra, Source as _};
use crate::image::Platform;
use crate::plan::Plan;
use crate::snapshot::{Failure, IgnoreRules, Snapshot, SourceState, Subject};

/// Freezes an analysis. The contents of files are in it where [`AnalysisOptions::fingerprints`](super::AnalysisOptions)
/// asked for them. When it was taken is for the caller to say.
///
/// Values of build arguments are kept as digests. In texts that were made from expanded words (reasons, messages, paths of
/// stages) a value is replaced by the name of its argument; names and texts of steps are those of the Dockerfile.
pub fn freeze(request: &Request, analysis: &Analysis<'_>) -> Snapshot {
    let read = analysis.read;
    let scrub = Scrub::new(&request.plan.build_args, read.plan.as_ref());
    let mut snapshot = Snapshot {
        subject: subject(request, read),
        buildkit: request.plan.buildkit.unwrap_or_default(),
        arguments: arguments(&request.plan.build_args),
        ignore_files: ignore_files(read),
        sources: sources(analysis),
        failures: failures(analysis, &scrub),
        ..Snapshot::default()
    };
    if let Some(plan) = &read.plan {
        snapshot.target = plan.target.map(|t| t.0);
        snapshot.steps = plan.steps.iter().map(|s| steps::state(s, &scrub)).collect();
        let keys = analysis.keys.as_ref();
        let (remembered, places) = keys.map(|k| remember(plan, k)).unwrap_or_default();
        snapshot.remembered = remembered;
        snapshot.vertices = vertices::states(plan, keys, places, &scrub);
        mark_uncached(&mut snapshot, plan);
    }
    snapshot
}

fn subject(request: &Request, read: &Read) -> Subject {
    let root = &request.context;
    let absolute = root.canonicalize().or_else(|_| std::path::absolute(root));
    let platform = request.plan.platform.as_ref().map_or_else(Platform::host, Platform::normalized);
    Subject {
        tool: concat!("stowaway ", env!("CARGO_PKG_VERSION")).to_owned(),
        taken: None,
        context: absolute.as_ref().unwrap_or(root).as_os_str().as_encoded_bytes().to_vec(),
        dockerfile: dockerfile(request, read),
        target: read.plan.as_ref().map_or_else(String::new, |p| p.target_name.clone()),
        platform: platform.full(),
        revision: read.revision.as_ref().map(|r| r.commit.clone()),
    }
}

/// The Dockerfile's path below the context where it lies there, whatever folder the program runs in; else as it was named.
fn dockerfile(request: &Request, read: &Read) -> String {
    let named = &read.located.dockerfile;
    let DockerfileInput::Path(_) = &request.dockerfile else { return named.clone() };
    let inside = || {
        let (file, root) = (Path::new(named).canonicalize().ok()?, request.context.canonicalize().ok()?);
        Some(file.strip_prefix(root).ok()?.to_string_lossy().into_owned())
    };
    inside().unwrap_or_else(|| named.clone())
}

fn arguments(given: &BTreeMap<String, String>) -> BTreeMap<String, Digest> {
    given.iter().map(|(name, value)| (name.clone(), Digest::blake3(value))).collect()
}

/// The ignore files of the context and of the named contexts that the target reads.
fn ignore_files(read: &Read) -> BTreeMap<String, IgnoreRules> {
    let rules = |found: &super::locate::IgnoreFile| IgnoreRules {
        name: found.name.clone(),
        bytes: found.bytes.clone(),
    };
    let named = read.named.iter().flatten().map(|local| (local.name.clone(), rules(&local.found)));
    std::iter::once(("context".to_owned(), rules(&read.located.ignore))).chain(named).collect()
}

fn sources(analysis: &Analysis<'_>) -> Vec<SourceState> {
    let digests = |name: &str| {
        let keys: Option<&Keys> = analysis.keys.as_ref();
        keys.and_then(|k| k.sources.iter().find(|s| *s.source == *name)).map(|s| &s.entries)
    };
    let blake3 = |digests: &Option<EntryDigests>| digests.and_then(|d| d.blake3);
    let state = |sent: &super::analysis::Sent<'_>| {
        let entries: Vec<Entry> = sent.view.entries().iter().cloned().map(without_inode).collect();
        let contents = match digests(&sent.key) {
            Some(digests) => digests.iter().map(blake3).collect(),
            None => vec![None; entries.len()],
        };
        SourceState {
            name: sent.key.to_string(),
            local: sent.source.name.clone(),
            entries,
            contents,
            has_times: analysis.read.local(&sent.source.name).is_none_or(|l| l.revision.is_none()),
        }
    };
    analysis.sent.iter().map(state).collect()
}

/// Inodes are of this machine; which names are one file is told by [`Entry::hardlink`].
fn without_inode(mut entry: Entry) -> Entry {
    if let Some(extra) = &mut entry.stat.extra {
        extra.inode = None;
        if **extra == Extra::default() {
            entry.stat.extra = None;
        }
    }
    entry
}

/// Why the build fails. A step is known by its name there.
fn failures(analysis: &Analysis<'_>, scrub: &Scrub) -> Vec<Failure> {
    let steps = analysis.read.plan.iter().flat_map(|p| &p.steps);
    let places: BTreeMap<&str, usize> = steps.enumerate().map(|(i, s)| (s.name.as_str(), i)).collect();
    let failure = |(report, path): (crate::report::ErrorReport, Vec<u8>)| Failure {
        step: report.step.as_deref().and_then(|name| places.get(name).copied()),
        code: report.code,
        message: scrub.text(&report.message),
        path: scrub.bytes(path.strip_prefix(b"/").unwrap_or(&path)),
    };
    failures::with_paths(analysis).into_iter().map(failure).collect()
}

/// `--no-cache` counts for the vertices of its steps.
fn mark_uncached(snapshot: &mut Snapshot, plan: &Plan) {
    for step in plan.steps.iter().filter(|s| s.ignore_cache) {
        if let Some(vertex) = snapshot.vertices.get_mut(step.vertex.0) {
            vertex.ignore_cache = true;
        }
    }
}
