//! Every recorded change scenario: a snapshot before each round, a comparison after it. Verdicts are what the engine did, and the
//! causes name exactly the paths that were changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use stowaway::diff::{Baseline, Cause, CauseKind, Comparison, Verdict, compare};
use stowaway::image::Platform;
use stowaway::observer::Silent;
use stowaway::ops::{self, Analysis, AnalysisOptions, DockerfileInput, Read, Request};
use stowaway::snapshot::{ContentState, PickedFiles, Snapshot};

use crate::support::case::{Case, OnDisk, Round, load_all};
use crate::support::mutation::Mutation;
use crate::support::{machine, parallel};
use crate::vectors::{report, split_skipped};

/// A state of the context: what a build would be made from, and what lies on the disk.
pub struct State {
    pub snapshot: Snapshot,
    /// The engine's names of the steps.
    names: Vec<String>,
    pub disk: BTreeMap<Vec<u8>, OnDiskFile>,
}

/// What a key may depend on, read without the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDiskFile {
    pub kind: &'static str,
    pub mode: u32,
    content: Vec<u8>,
    pub xattr: Option<Vec<u8>>,
}

/// What a scenario asks for.
pub fn request(disk: &OnDisk) -> Request {
    let case = &disk.case;
    let mut request = Request {
        context: disk.context(),
        dockerfile: DockerfileInput::Path(disk.folder(&case.dockerfile.location).join(&case.dockerfile.name)),
        ..Request::default()
    };
    assert!(case.contexts.is_empty() && case.oci_layouts.is_empty() && case.frontend_opts.is_empty());
    request.plan.build_args.clone_from(&case.build_args);
    request.plan.target.clone_from(&case.target);
    request.plan.platform = Some(Platform::parse("linux/amd64").expect("a platform"));
    request
}

/// A build and what lies on the disk now.
pub fn state(disk: &OnDisk) -> State {
    let request = request(disk);
    let read = Read::of(&request, &Silent).expect("a context");
    state_of(disk, &request, &read)
}

/// A build as it was read, and what lies on the disk now.
pub fn state_of(disk: &OnDisk, request: &Request, read: &Read) -> State {
    let analysis =
        Analysis::of(read, AnalysisOptions { fingerprints: true, ..AnalysisOptions::default() }, &Silent)
            .expect("keys");
    let names = read.plan.iter().flat_map(|p| &p.steps).map(|s| s.name.clone()).collect();
    let mut files = BTreeMap::new();
    walk(&disk.context(), b"", &mut files);
    State { snapshot: ops::freeze(request, &analysis), names, disk: files }
}

fn walk(folder: &Path, prefix: &[u8], out: &mut BTreeMap<Vec<u8>, OnDiskFile>) {
    for entry in fs::read_dir(folder).expect("a folder of the context") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").as_bytes();
        let relative = if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() };
        let meta = fs::symlink_metadata(&path).expect("a stat");
        let file_type = meta.file_type();
        let (kind, content) = if file_type.is_symlink() {
            ("link", fs::read_link(&path).expect("a target").as_os_str().as_bytes().to_vec())
        } else if file_type.is_dir() {
            walk(&path, &relative, out);
            ("folder", Vec::new())
        } else if file_type.is_file() {
            ("file", fs::read(&path).expect("a content"))
        } else {
            (if file_type.is_socket() { "socket" } else { "fifo" }, Vec::new())
        };
        let mode = if kind == "link" { 0 } else { meta.mode() & 0o7777 };
        let mut buffer = vec![0; 256];
        let length = rustix::fs::lgetxattr(&path, "user.note", &mut buffer[..]).ok();
        let xattr = length.map(|n| buffer[..n].to_vec());
        out.insert(relative, OnDiskFile { kind, mode, content, xattr });
    }
}

/// The paths that a round changed, each with what must be said of it.
#[derive(Debug, Default)]
struct Changed {
    paths: BTreeSet<Vec<u8>>,
    /// New name → old name; of a renamed folder alone.
    renamed: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What differs on the disk; `rename` mutations count as such where the new name holds what the old one held.
fn changed(before: &State, after: &State, mutations: &[Mutation]) -> Changed {
    let mut out = Changed::default();
    let names = before.disk.keys().chain(after.disk.keys());
    out.paths.extend(names.filter(|p| before.disk.get(*p) != after.disk.get(*p)).cloned());
    for mutation in mutations {
        let Mutation::Rename { from, to } = mutation else { continue };
        let (from, to) = (from.as_bytes(), to.as_bytes());
        // Onto a file that was there, it is that file that changed.
        if before.disk.contains_key(from) && !before.disk.contains_key(to) {
            let below = |p: &[u8], folder: &[u8]| p.starts_with(&[folder, b"/"].concat());
            out.paths.retain(|p| p != from && !below(p, from) && !below(p, to));
            out.renamed.insert(to.to_vec(), from.to_vec());
        }
    }
    out
}

/// The paths that a step's vertex picked, by their local source `context`.
fn picked(snapshot: &Snapshot, vertex: usize) -> BTreeSet<Vec<u8>> {
    let mut out = BTreeSet::new();
    for input in &snapshot.vertices[vertex].inputs {
        let ContentState::Known { picked, .. } = &input.content else { continue };
        for picked in picked {
            if let PickedFiles::Local { source, entries } = &picked.files {
                let entries = entries.iter().cloned().flatten();
                let source = &snapshot.sources[*source];
                out.extend(entries.map(|e| source.entries[e].path.as_bytes().to_vec()));
            }
        }
    }
    out
}

/// The paths that must be named for a step: those that changed among what it takes, and what the ignore file shows or hides
/// since it was changed; of a link that is a source itself, the link.
fn expected_paths(
    before: &State,
    after: &State,
    round: &Round,
    now: usize,
    counterpart: usize,
) -> BTreeSet<Vec<u8>> {
    let all = changed(before, after, &round.mutations);
    let (old, new) = (&before.snapshot.steps[counterpart], &after.snapshot.steps[now]);
    let taken_before = picked(&before.snapshot, old.vertex);
    let taken_now = picked(&after.snapshot, new.vertex);
    let taken: BTreeSet<&Vec<u8>> = taken_before.union(&taken_now).collect();
    let mut out: BTreeSet<Vec<u8>> = all.paths.iter().filter(|p| taken.contains(p)).cloned().collect();
    out.extend(all.renamed.keys().filter(|p| taken.contains(p)).cloned());
    if round.mutations.iter().any(|m| matches!(m, Mutation::SetIgnore { .. })) {
        out.extend(taken_before.symmetric_difference(&taken_now).cloned());
    }
    let words: Vec<&str> = new.text.split_whitespace().collect();
    let source =
        |p: &Vec<u8>| words.iter().any(|w| w.split('/').next().map(str::as_bytes) == Some(p.as_slice()));
    let link = |p: &&Vec<u8>| before.disk.get(*p).is_some_and(|f| f.kind == "link") && source(p);
    out.extend(all.paths.iter().filter(link).cloned());
    out
}

fn named(causes: &[Cause]) -> BTreeSet<Vec<u8>> {
    let of_context = causes.iter().filter(|c| c.source == "context");
    of_context.filter_map(|c| c.path.clone()).collect()
}

/// Whether an unknown verdict says that it hangs on what a program writes, in a build that has such a program.
pub fn hangs_on_a_program(case: &Case, open: &[String]) -> bool {
    let text = case.dockerfile.text.as_deref().unwrap_or("");
    let output = |reason: &String| reason.starts_with("the output of [") && reason.contains("] RUN ");
    text.contains("\nRUN ") && text.contains("--from=") && !open.is_empty() && open.iter().all(output)
}

/// What the verdicts of a scenario came to.
#[derive(Debug, Default, Clone, Copy)]
pub struct Count {
    pub right: usize,
    pub unknown: usize,
}

fn check_scenario(case: &Case) -> (Count, Vec<String>) {
    let mut disk = OnDisk::new(case);
    let mut earlier = vec![state(&disk)];
    let (mut count, mut bad) = (Count::default(), Vec::new());
    for (i, round) in case.rounds.iter().enumerate() {
        round.mutations.iter().for_each(|m| disk.apply(m));
        let now = state(&disk);
        if round.expected.error.is_none() {
            let found = check_round(&disk.case, &earlier, &now, round, &mut count);
            bad.extend(found.into_iter().map(|b| format!("round {i} ({}): {b}", round.what)));
        }
        earlier.push(now);
    }
    (count, bad)
}

/// Compares the verdicts of a round, against the last of the states before it, with what the engine did.
pub fn check_round(
    case: &Case,
    earlier: &[State],
    now: &State,
    round: &Round,
    count: &mut Count,
) -> Vec<String> {
    let before = earlier.last().expect("the first state");
    let ours = compare(Baseline::Snapshot(&before.snapshot), &now.snapshot);
    let overlooked = round.expected.records_fresh.as_str() != Some("same");
    let has_times = before.snapshot.sources.iter().all(|s| s.has_times);
    let mut bad = Vec::new();
    for step in &round.expected.steps {
        let want = match step.state.as_str() {
            "cached" => Verdict::Cached,
            "ran" => Verdict::Rerun,
            _ => continue,
        };
        let Some(at) = now.names.iter().position(|n| *n == step.name) else {
            if step.name.starts_with('[') && !step.name.starts_with("[internal]") {
                bad.push(format!("no step {:?}", step.name));
            }
            continue;
        };
        let verdict = &ours.steps[at];
        // A daemon with more rounds behind it has also what they left.
        let left = || earlier.iter().any(|e| is_cached(e, now, at));
        match verdict.verdict {
            v if v == want => count.right += 1,
            // Without times nobody can say what a transfer overlooks.
            Verdict::Rerun if overlooked && (verdict.may_be_stale || !has_times) => count.right += 1,
            Verdict::Rerun if want == Verdict::Cached && left() => count.right += 1,
            Verdict::Unknown if hangs_on_a_program(case, &verdict.open) => count.unknown += 1,
            other => bad.push(format!("{}: the engine says {want:?}, we {other:?}", step.name)),
        }
        bad.extend(check_causes(before, now, round, &ours, at));
    }
    bad
}

fn is_cached(earlier: &State, now: &State, step: usize) -> bool {
    compare(Baseline::Snapshot(&earlier.snapshot), &now.snapshot).steps[step].verdict == Verdict::Cached
}

/// Every step that reruns has a cause, and the paths that are named are those that were changed.
fn check_causes(before: &State, now: &State, round: &Round, ours: &Comparison, at: usize) -> Vec<String> {
    let (verdict, name) = (&ours.steps[at], &now.names[at]);
    let mut bad = Vec::new();
    if verdict.verdict == Verdict::Cached {
        if !verdict.causes.is_empty() {
            bad.push(format!("{name}: cached with causes {:?}", verdict.causes));
        }
        return bad;
    }
    if verdict.verdict == Verdict::Rerun && verdict.causes.is_empty() {
        bad.push(format!("{name}: no cause"));
    }
    if let Some(cause) = verdict.causes.iter().find(|c| c.kind == CauseKind::Unknown) {
        bad.push(format!("{name}: a cause that says nothing: {cause:?}"));
    }
    let own = verdict
        .causes
        .iter()
        .any(|c| c.kind != CauseKind::Parent && (c.source.is_empty() || c.source == "context"));
    if verdict.first_cause != own {
        bad.push(format!("{name}: first cause {}, causes {:?}", verdict.first_cause, verdict.causes));
    }
    let want = verdict.counterpart.map(|c| expected_paths(before, now, round, at, c)).unwrap_or_default();
    let got = named(&verdict.causes);
    if want != got {
        let show = |s: &BTreeSet<Vec<u8>>| {
            s.iter().map(|p| String::from_utf8_lossy(p).into_owned()).collect::<Vec<_>>().join(" ")
        };
        bad.push(format!(
            "{name}: changed were [{}], named are [{}]: {:?}",
            show(&want),
            show(&got),
            verdict.causes
        ));
    }
    bad
}

#[test]
fn every_verdict_is_what_the_engine_did_and_every_cause_is_what_was_changed() {
    let (cases, skipped) = split_skipped(load_all("changes"));
    let results = parallel::map(&cases, check_scenario);
    let count = |of: fn(&Count) -> usize| results.iter().map(|(c, _)| of(c)).sum::<usize>();
    let (right, unknown) = (count(|c| c.right), count(|c| c.unknown));
    let bad: Vec<Vec<String>> = results.into_iter().map(|(_, bad)| bad).collect();
    report(&cases, &bad);
    assert!(skipped == 0 || !machine::must_not_skip(), "{skipped} scenarios skipped, which CI must not do");
    if skipped == 0 {
        assert_eq!((right, unknown), (386, 24));
    }
}
