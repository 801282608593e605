//! Older versions of BuildKit: the keys of every recorded build under `--buildkit` are those that the version's own daemon gave.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::case::{Case, OnDisk, load_all, load_folder};
use crate::support::cli::stowaway_in;
use crate::support::tree::on_disk;
use crate::support::{machine, parallel, records};
use crate::vectors::{report, split_skipped};

/// Builds that show what differs.
const MORE: &str = "fixtures/buildkit-versions/cases";

/// What a version answered where its answer is another than the newest one's, by case.
fn answers(version: &str) -> BTreeMap<String, Value> {
    let path = format!("{}/fixtures/buildkit-versions/{version}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let answer = |line: &str| {
        let value: Value = serde_json::from_str(line).expect("a line of JSON");
        (value["name"].as_str().expect("a name").to_owned(), value)
    };
    text.lines().map(answer).collect()
}

/// Every recorded build under one version.
fn check_version(version: &str) {
    let answers = answers(version);
    let (cases, _) = split_skipped([load_all("cases"), load_folder(MORE)].concat());
    let unknown = answers.keys().find(|name| cases.iter().all(|case| case.name != **name));
    assert!(unknown.is_none() || !machine::must_not_skip(), "an answer to no build: {unknown:?}");
    let results = parallel::map(&cases, |case| check_build(case, version, answers.get(&case.name)));
    report(&cases, &results);
}

fn check_build(case: &Case, version: &str, answer: Option<&Value>) -> Vec<String> {
    let disk = OnDisk::new(case);
    let doc = match disk.ask("plan", &["--buildkit", version]).json() {
        Ok(doc) => doc,
        Err(why) => return vec![format!("plan: {why}")],
    };
    let errors = doc["errors"].as_array().map_or(0, Vec::len);
    let fails = match answer {
        Some(answer) => !answer["error"].is_null(),
        None => case.expected.error.is_some(),
    };
    if fails {
        let program = answer
            .map_or_else(|| case.expected.error.clone().unwrap_or_default(), |a| a["error"].to_string());
        let foreseeable = !program.contains("did not complete successfully");
        return if errors == 0 && foreseeable {
            vec![format!("plan foresees no error: {program}")]
        } else {
            Vec::new()
        };
    }
    let mut bad: Vec<String> = doc["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|e| format!("error: {}", e["engine_message"]))
        .collect();
    let want = answer.map_or(&case.expected.records, |a| &a["records"]);
    match (records::parse(want), records::parse(&doc["records"])) {
        (Ok(want), Ok(got)) => bad.extend(records::differences(&want, &got)),
        (Err(why), _) | (_, Err(why)) => bad.push(format!("records: {why}")),
    }
    bad
}

#[test]
fn the_newest() {
    let cases = load_folder(MORE);
    assert_eq!(cases.len(), 43);
    let results = parallel::map(&cases, |case| check_build(case, "newest", None));
    report(&cases, &results);
}

#[test]
fn v0_13_2() {
    check_version("v0.13.2");
}

#[test]
fn v0_17_3() {
    check_version("v0.17.3");
}

#[test]
fn v0_25_2() {
    check_version("v0.25.2");
}

/// What `why` says of the one COPY of a case against a cache that BuildKit v0.25 wrote.
fn verdict(disk: &OnDisk, cache: &Path, more: &[&str]) -> String {
    let baseline = format!("cache:{}", cache.display());
    let doc = disk.ask("why", &[&["--against", &baseline], more].concat()).json().expect("a document");
    doc["steps"][0]["verdict"].as_str().expect("a verdict").to_owned()
}

#[test]
fn a_cache_is_read_as_the_version_that_is_told_reads_it() {
    let mut records = answers("v0.25.2")["wild-star-txt"]["records"].as_array().expect("records").clone();
    for record in &mut records {
        let has_result = record["inputs"].as_array().is_some_and(|i| !i.is_empty());
        record["result_layers"] = if has_result { json!([1]) } else { json!([]) };
    }
    let cache = tempfile::tempdir().expect("a folder");
    crate::baselines::export(cache.path(), &records);
    let case = load_all("cases").into_iter().find(|c| c.name == "wild-star-txt").expect("a case");
    let disk = OnDisk::new(&case);
    assert_eq!(verdict(&disk, cache.path(), &["--buildkit", "0.25"]), "cached");
    assert_eq!(verdict(&disk, cache.path(), &["--buildkit", "newest"]), "rerun");
    assert_eq!(verdict(&disk, cache.path(), &[]), "unknown");
}

#[test]
fn a_snapshot_is_compared_in_its_own_version_unless_another_is_told() {
    let dir = on_disk("file Dockerfile 0644 \"FROM scratch\\nCOPY *.txt /\\n\"\nfile a.txt 0644 \"a\"\n");
    stowaway_in(dir.path(), ["snapshot", "--buildkit", "0.25", "-o", "before.snapshot", "."]).expect_code(0);
    let why = |more: &[&str]| {
        let args = [&["why", "--format", "json", "--against", "before.snapshot"], more].concat();
        stowaway_in(dir.path(), args).json().expect("a document")
    };
    for same in [&[][..], &["--buildkit", "0.25"]] {
        let doc = why(same);
        assert!(doc["steps"][0]["verdict"] == "cached" && doc["notes"].is_null(), "{doc}");
    }
    let other = why(&["--buildkit", "0.26"]);
    assert_eq!(other["steps"][0]["verdict"], "rerun");
    let note =
        "the baseline has the keys of BuildKit v0.25, this has those of v0.26: that alone lets steps rerun";
    assert_eq!(other["notes"], json!([note]), "{other}");
}

#[test]
fn a_version_that_is_not_known_is_refused() {
    let dir = on_disk("file Dockerfile 0644 \"FROM scratch\\n\"\n");
    for (version, why) in [
        ("0.12.5", "BuildKit 0.12.5 isn't known: v0.13.0 to v0.32 are"),
        ("9.0", "BuildKit 9.0 isn't known: v0.13.0 to v0.32 are"),
        ("new", "`new` is no version of BuildKit: write v0.32 or newest"),
    ] {
        let run = stowaway_in(dir.path(), ["plan", "--buildkit", version, "."]).expect_code(2);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
}

#[test]
fn another_frontend_is_the_newest_whatever_the_engine_is() {
    let text = "COPY --parents a/b /x/\\n";
    let tree = |syntax: &str| {
        on_disk(&format!(
            "dir a 0755\nfile a/b 0644 \"b\"\nfile Dockerfile 0644 \"{syntax}FROM scratch\\n{text}\"\n"
        ))
    };
    let plan = |dir: &Path| stowaway_in(dir, ["plan", "--format", "json", "--buildkit", "0.25", "."]);
    let doc = plan(tree("").path()).expect_code(1).json().expect("a document");
    assert_eq!(doc["errors"][0]["code"], "unknown-to-version");
    assert_eq!(
        doc["errors"][0]["message"],
        "COPY with --parents needs BuildKit v0.26, or a `# syntax` line; this is v0.25"
    );
    plan(tree("# syntax=docker/dockerfile:1\\n").path()).expect_code(0);
}
