//! The recorded change scenarios once more, against what is left when there is no snapshot: the cache that the build before exported,
//! and the commit that holds the context before.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use stowaway::git::Permissions;
use stowaway::observer::Silent;
use stowaway::ops::Read;

use crate::support::case::{Case, Expected, OnDisk, Round, load_all};
use crate::support::mutation::Mutation;
use crate::support::{machine, parallel};
use crate::vectors::{report, split_skipped};
use crate::why::{Count, State, check_round, hangs_on_a_program, request, state, state_of};

/// Asks of every scenario that this machine can hold, and fails with everything that differs.
fn check_all(check: fn(&Case) -> (Count, Vec<String>), right: usize, unknown: usize) {
    let (cases, skipped) = split_skipped(load_all("changes"));
    let results = parallel::map(&cases, check);
    let count = |of: fn(&Count) -> usize| results.iter().map(|(c, _)| of(c)).sum::<usize>();
    let all = (count(|c| c.right), count(|c| c.unknown));
    let bad: Vec<Vec<String>> = results.into_iter().map(|(_, bad)| bad).collect();
    report(&cases, &bad);
    assert!(skipped == 0 || !machine::must_not_skip(), "{skipped} scenarios skipped, which CI must not do");
    if skipped == 0 {
        assert_eq!(all, (right, unknown));
    }
}

// ---- the cache

/// Puts a blob into an OCI layout and describes it.
fn put(folder: &Path, media_type: &str, bytes: &[u8]) -> Value {
    let hex: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    fs::create_dir_all(folder.join("blobs/sha256")).expect("a folder");
    fs::write(folder.join("blobs/sha256").join(&hex), bytes).expect("a blob");
    json!({"mediaType": media_type, "digest": format!("sha256:{hex}"), "size": bytes.len()})
}

/// Writes recorded records as the `type=local` cache that they were read from. Layers are not recorded: blobs that are none stand in
/// for them, so that there are results, but no files to name.
pub fn export(folder: &Path, records: &[Value]) {
    let (mut layers, mut blobs): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    let mut result = |length: &Value| {
        for depth in 0..length.as_u64().expect("a length") {
            let at = i64::try_from(layers.len()).expect("few layers");
            let bytes = format!("not a layer: {at}");
            let mut blob = put(folder, "application/vnd.oci.image.layer.v1.tar+gzip", bytes.as_bytes());
            blob["annotations"] = json!({"containerd.io/uncompressed": format!("sha256:{at:064x}")});
            let parent = if depth == 0 { -1 } else { at - 1 };
            layers.push(json!({"blob": blob["digest"], "parent": parent}));
            blobs.push(blob);
        }
        json!({"layer": layers.len() - 1, "createdAt": "2026-01-02T03:04:05Z"})
    };
    let link = |l: &Value| json!({"link": l["record"], "selector": l["selector"].as_str().unwrap_or("")});
    let record = |r: &Value| {
        let list = |v: &Value| v.as_array().expect("a list").clone();
        let inputs: Vec<Vec<Value>> =
            list(&r["inputs"]).iter().map(|i| list(i).iter().map(link).collect()).collect();
        let results: Vec<Value> = list(&r["result_layers"]).iter().map(&mut result).collect();
        json!({"digest": r["digest"], "inputs": inputs, "layers": results})
    };
    let records: Vec<Value> = records.iter().map(record).collect();
    let config = json!({"layers": layers, "records": records}).to_string();
    let config = put(folder, "application/vnd.buildkit.cacheconfig.v0", config.as_bytes());
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": blobs});
    let manifest = put(folder, media_type, manifest.to_string().as_bytes());
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [manifest]});
    fs::write(folder.join("index.json"), index.to_string()).expect("an index");
    fs::write(folder.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}").expect("a layout");
}

/// The cache that a recorded build exported, where it exported one.
fn exported(expected: &Expected) -> Option<tempfile::TempDir> {
    let records = expected.records.as_array().filter(|r| !r.is_empty())?;
    let folder = tempfile::tempdir().expect("a folder");
    export(folder.path(), records);
    Some(folder)
}

/// The verdicts against a cache: by step name, with what it hangs on.
fn against_cache(disk: &OnDisk, cache: &Path) -> BTreeMap<String, (String, Vec<String>)> {
    let baseline = format!("cache:{}", cache.display());
    let doc = disk.ask("why", &["--against", &baseline]).expect_code(0).json().expect("a document");
    let steps = doc["steps"].as_array().expect("steps").iter();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let open = |s: &Value| s["open"].as_array().into_iter().flatten().map(text).collect();
    steps.map(|s| (text(&s["name"]), (text(&s["verdict"]), open(s)))).collect()
}

/// Whether a verdict is open because nobody can tell how the builder that wrote the cache makes keys of patterns.
fn hangs_on_the_version(open: &str) -> bool {
    open.starts_with("whether a BuildKit up to v0.25 wrote the cache")
}

fn check_caches(case: &Case) -> (Count, Vec<String>) {
    let mut disk = OnDisk::new(case);
    let mut caches = vec![exported(&case.expected)];
    let (mut count, mut bad) = (Count::default(), Vec::new());
    for (i, round) in case.rounds.iter().enumerate() {
        round.mutations.iter().for_each(|m| disk.apply(m));
        if let (Some(Some(cache)), None) = (caches.last(), &round.expected.error) {
            let ours = against_cache(&disk, cache.path());
            let earlier = caches.iter().flatten().map(tempfile::TempDir::path);
            let left = |name: &str| {
                earlier.clone().any(|c| against_cache(&disk, c).get(name).is_some_and(|v| v.0 == "cached"))
            };
            let found = check_cached_round(&disk.case, &ours, left, round, &mut count);
            bad.extend(found.into_iter().map(|b| format!("round {i} ({}): {b}", round.what)));
        }
        caches.push(exported(&round.expected));
    }
    (count, bad)
}

fn check_cached_round(
    case: &Case,
    ours: &BTreeMap<String, (String, Vec<String>)>,
    left: impl Fn(&str) -> bool,
    round: &Round,
    count: &mut Count,
) -> Vec<String> {
    // A daemon that overlooked a change had the step cached; a clean one, which is what we speak of, runs it.
    let overlooked = round.expected.records_fresh.as_str() != Some("same");
    let allowed = |o: &String| hangs_on_the_version(o) || hangs_on_a_program(case, std::slice::from_ref(o));
    let mut bad = Vec::new();
    for step in &round.expected.steps {
        let Some((verdict, open)) = ours.get(&step.name) else { continue };
        match (step.state.as_str(), verdict.as_str()) {
            ("cached", "cached") | ("ran", "rerun") => count.right += 1,
            ("cached", "rerun") if overlooked || left(&step.name) => count.right += 1,
            ("cached" | "ran", "unknown") if !open.is_empty() && open.iter().all(allowed) => {
                count.unknown += 1;
            }
            ("cached" | "ran", other) => {
                bad.push(format!("{}: the engine says {}, we {other} {open:?}", step.name, step.state));
            }
            _ => {}
        }
    }
    bad
}

#[test]
fn against_the_cache_that_was_exported_before_every_verdict_is_what_the_engine_did() {
    check_all(check_caches, 368, 42);
}

// ---- git

fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null"]);
    let nobody = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
    command.envs(nobody.map(|name| (name, "nobody"))).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let out = command.env("GIT_CONFIG_NOSYSTEM", "1").args(args).stdin(Stdio::null()).output().expect("git");
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

/// Commits all that lies there.
fn commit(folder: &Path) -> String {
    git(folder, &["add", "-A", "-f", "."]);
    git(folder, &["commit", "-q", "--allow-empty", "-m", "state"]);
    git(folder, &["rev-parse", "HEAD"])
}

/// Whether git can hold a context: files and links with plain modes, and folders with something in them.
fn git_holds(disk: &OnDisk, state: &State) -> bool {
    let plain = |path: &Path, allowed: &[u32]| {
        let meta = fs::symlink_metadata(path).expect("a stat");
        allowed.contains(&(meta.mode() & 0o7777)) && (meta.is_dir() || meta.nlink() == 1) && meta.uid() == 0
    };
    let filled = |path: &[u8]| {
        let prefix = [path, b"/"].concat();
        state.disk.keys().any(|other| other.starts_with(&prefix))
    };
    plain(&disk.context(), &[0o755])
        && state.disk.iter().all(|(path, file)| {
            let name = std::str::from_utf8(path).expect("a name in UTF-8");
            let modes: &[u32] = match file.kind {
                "file" => &[0o644, 0o755],
                "folder" if filled(path) => &[0o755],
                "link" => &[0o777],
                _ => &[],
            };
            let of_git = name.split('/').any(|part| part.starts_with(".git"));
            file.xattr.is_none() && !of_git && plain(&disk.context().join(name), modes)
        })
}

/// Whether a change is one of files.
fn is_of_files(mutation: &Mutation) -> bool {
    !matches!(
        mutation,
        Mutation::SetBuildArg { .. }
            | Mutation::SetTarget { .. }
            | Mutation::SetSecret { .. }
            | Mutation::SetFrontendOpt { .. }
    )
}

/// The build as a commit has it, with what lay on the disk when it was made.
fn at(disk: &OnDisk, commit: &str, then: &State) -> State {
    let request = request(disk);
    let read = Read::at_revision(&request, commit, Permissions::HERE, &Silent).expect("a revision");
    let mut state = state_of(disk, &request, &read);
    state.disk.clone_from(&then.disk);
    state
}

fn check_commits(case: &Case) -> (Count, Vec<String>) {
    let mut disk = OnDisk::new(case);
    let top = disk.context().parent().expect("the folder above").to_owned();
    git(&top, &["init", "-q", "."]);
    let first = state(&disk);
    let mut earlier: Vec<(String, State)> = Vec::new();
    let mut held = git_holds(&disk, &first);
    earlier.push((commit(&top), first));
    let (mut count, mut bad) = (Count::default(), Vec::new());
    for (i, round) in case.rounds.iter().enumerate() {
        round.mutations.iter().for_each(|m| disk.apply(m));
        let now = state(&disk);
        held = held && git_holds(&disk, &now) && round.mutations.iter().all(is_of_files);
        if !held {
            break;
        }
        if round.expected.error.is_none() {
            let before: Vec<State> = earlier.iter().map(|(commit, then)| at(&disk, commit, then)).collect();
            let found = check_round(&disk.case, &before, &now, round, &mut count);
            bad.extend(found.into_iter().map(|b| format!("round {i} ({}): {b}", round.what)));
        }
        earlier.push((commit(&top), now));
    }
    (count, bad)
}

#[test]
fn against_the_commit_before_every_verdict_is_what_the_engine_did_and_every_cause_is_what_was_changed() {
    check_all(check_commits, 264, 22);
}
