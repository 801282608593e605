//! Every recorded build: what `ls` and `plan` say equals what the engine did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::case::{Case, Expected, OnDisk, load_all};
use crate::support::{machine, parallel, records, view};

/// How many builds are recorded.
const BUILDS: usize = 285;

/// What a plan may leave open.
#[derive(Debug, Clone, Copy)]
pub enum Open {
    /// Nothing: every key of the build can be known.
    Nothing,
    /// The content of what a program made while the build ran and a later stage copies.
    OutputOfPrograms,
}

impl Open {
    /// The cache keys of the steps whose content the document says that nobody can know.
    fn keys(self, doc: &Value) -> BTreeSet<&str> {
        let steps = doc["steps"].as_array().into_iter().flatten();
        let open = steps
            .filter(|s| s["content_key"].is_null() && s["open"].as_array().is_some_and(|o| !o.is_empty()));
        match self {
            Self::Nothing => BTreeSet::new(),
            Self::OutputOfPrograms => open.filter_map(|s| s["cache_key"].as_str()).collect(),
        }
    }
}

/// Runs the builds of one area and fails with everything that differs.
fn check_area(area: &str) {
    let cases: Vec<Case> = load_all("cases").into_iter().filter(|c| c.area == area).collect();
    assert!(!cases.is_empty(), "no recorded build in area {area:?}");
    let (cases, skipped) = split_skipped(cases);
    let results = parallel::map(&cases, check_build);
    report(&cases, &results);
    assert!(skipped == 0 || !machine::must_not_skip(), "{skipped} builds skipped, which CI must not do");
}

/// Takes away the cases that this machine can't hold, loudly.
pub fn split_skipped(cases: Vec<Case>) -> (Vec<Case>, usize) {
    let mut skipped = 0;
    let mut kept = Vec::new();
    for case in cases {
        match machine::lacks(&case.requires) {
            Some(what) => {
                crate::support::say(&format!("SKIPPED {}: this machine lacks {what:?}", case.name));
                skipped += 1;
            }
            None => kept.push(case),
        }
    }
    (kept, skipped)
}

/// Fails with the list of differences, if there are any.
#[track_caller]
pub fn report(cases: &[Case], results: &[Vec<String>]) {
    let mut text = String::new();
    let mut wrong = 0;
    for (case, bad) in cases.iter().zip(results).filter(|(_, bad)| !bad.is_empty()) {
        wrong += 1;
        text.push_str(&format!("{} ({}):\n", case.name, case.why));
        bad.iter().for_each(|b| text.push_str(&format!("    {b}\n")));
    }
    assert!(wrong == 0, "{wrong} of {} differ from the engine\n{text}", cases.len());
}

fn check_build(case: &Case) -> Vec<String> {
    let disk = OnDisk::new(case);
    let mut bad = check_view(&disk, &case.expected);
    bad.extend(check_plan(&disk, &case.expected, &case.expected.records, Open::Nothing));
    bad
}

/// `ls` against `visible`.
fn check_view(disk: &OnDisk, expected: &Expected) -> Vec<String> {
    let run = disk.ask("ls", &["--hash", "sha256"]);
    let Some(want) = &expected.visible else {
        let failed = run.code != 0 && !run.stderr.contains("panicked");
        return if failed {
            Vec::new()
        } else {
            vec![format!("ls: exit {}, but the engine: {:?}", run.code, expected.visible_error)]
        };
    };
    let entries = match run.json() {
        Err(why) => return vec![format!("ls: {why}")],
        Ok(doc) => match doc["entries"].as_array() {
            None => return vec!["ls: no `entries`".into()],
            Some(entries) => entries.clone(),
        },
    };
    let mut bad = view::differences(want, &entries);
    bad.iter_mut().for_each(|b| b.insert_str(0, "ls: "));
    if run.code != 0 {
        bad.push(format!("ls: exit {}", run.code));
    }
    bad
}

/// `plan` against records, step names and errors.
pub fn check_plan(disk: &OnDisk, expected: &Expected, want_records: &Value, open: Open) -> Vec<String> {
    let run = disk.ask("plan", &[]);
    let doc = match run.json() {
        Ok(doc) => doc,
        Err(why) => return vec![format!("plan: {why}")],
    };
    let mut bad = Vec::new();
    match &expected.error {
        Some(error) if foreseeable(error) => {
            bad.extend(check_error(&doc, expected, error));
            if run.code != 1 {
                bad.push(format!("plan: exit {} for a build that fails", run.code));
            }
        }
        _ => {
            if doc["errors"].as_array().is_none_or(|e| !e.is_empty()) || run.code != 0 {
                bad.push(format!("plan: exit {}, errors: {}", run.code, doc["errors"]));
            }
            bad.extend(check_steps(&doc, expected));
        }
    }
    if !want_records.is_null() {
        bad.extend(check_records(&doc, want_records, open));
    }
    bad
}

/// A program that fails on its own is the only failure that can't be known beforehand.
fn foreseeable(error: &str) -> bool {
    !last_line(error).contains("did not complete successfully: exit code: ")
}

fn last_line(error: &str) -> String {
    let line = error.trim_end().lines().last().unwrap_or("");
    let line = line.strip_prefix("error: ").unwrap_or(line);
    line.strip_prefix("failed to solve: ").unwrap_or(line).to_owned()
}

fn check_records(doc: &Value, want: &Value, open: Open) -> Vec<String> {
    let pair = records::parse(want).and_then(|w| Ok((w, records::parse(&doc["records"])?)));
    let (want, got) = match pair {
        Ok(pair) => pair,
        Err(why) => return vec![format!("records: {why}")],
    };
    let mut bad = records::differences_but_for(&open.keys(doc), &want, &got);
    bad.iter_mut().for_each(|b| b.insert_str(0, "records: "));
    if bad.is_empty() && !want.is_empty() {
        bad.extend(check_keys(doc, &want));
    }
    bad
}

/// The keys that steps show are those of records.
fn check_keys(doc: &Value, records: &[records::Record]) -> Vec<String> {
    let all: BTreeSet<&str> = records.iter().map(|r| r.digest.as_str()).collect();
    let leaves: BTreeSet<&str> =
        records.iter().filter(|r| r.inputs.is_empty()).map(|r| r.digest.as_str()).collect();
    let mut bad = Vec::new();
    for step in doc["steps"].as_array().into_iter().flatten() {
        for (field, set) in [("cache_key", &all), ("content_key", &leaves)] {
            match step.get(field).map(Value::as_str) {
                None => bad.push(format!("{}: no {field}", step["name"])),
                Some(Some(key)) if !set.contains(key) => {
                    bad.push(format!("{}: no record is {field} {key}", step["name"]))
                }
                Some(_) => {}
            }
        }
    }
    bad
}

/// The same steps by name, none missing, none too many.
fn check_steps(doc: &Value, expected: &Expected) -> Vec<String> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for step in &expected.steps {
        *counts.entry(&step.name).or_default() += 1;
    }
    for step in doc["steps"].as_array().into_iter().flatten() {
        *counts.entry(step["name"].as_str().unwrap_or("a step without a name")).or_default() -= 1;
    }
    let side = |n: i64| if n > 0 { "missing" } else { "too many" };
    counts.iter().filter(|(_, n)| **n != 0).map(|(name, n)| format!("steps: {}: {name}", side(*n))).collect()
}

/// The first error is the engine's, on the engine's line.
fn check_error(doc: &Value, expected: &Expected, error: &str) -> Vec<String> {
    let Some(first) = doc["errors"].get(0) else {
        return vec![format!("plan foresees no error: {}", last_line(error))];
    };
    let all = std::iter::once(error).chain(expected.error_alternatives.iter().map(String::as_str));
    let texts: Vec<String> = all.map(|e| normalised(&last_line(e))).collect();
    let got = normalised(first["engine_message"].as_str().unwrap_or(""));
    let mut bad = Vec::new();
    if !texts.contains(&got) {
        bad.push(format!("error: engine {:?}, ours {got:?}", texts[0]));
    }
    if let Some(line) = excerpt_line(error).filter(|line| first["line"].as_u64() != Some(*line)) {
        bad.push(format!("error: engine shows line {line}, ours {}", first["line"]));
    }
    if let Some(step) =
        expected.steps.iter().find(|s| s.state == "failed").filter(|s| first["step"] != s.name)
    {
        bad.push(format!("error: the engine's step {:?} fails, ours {}", step.name, first["step"]));
    }
    bad
}

/// The first line that the engine's excerpt of the Dockerfile marks.
fn excerpt_line(error: &str) -> Option<u64> {
    let marked = error.lines().find(|l| l.contains("| >>>"))?;
    Some(marked.split('|').next()?.trim().parse().expect("a line number before the bar"))
}

/// Random ids, mount points and folders in one spelling.
fn normalised(message: &str) -> String {
    message.replace("<ID>::<ID>", "…").replace("<MOUNT>", "…").replace("<CASE>", "…")
}

#[test]
fn every_recorded_build_is_in_an_area_that_is_tested() {
    let source = include_str!("vectors.rs");
    let cases = load_all("cases");
    assert_eq!(cases.len(), BUILDS);
    for case in cases {
        assert_eq!(case.kind, "build", "{}", case.name);
        assert!(
            source.contains(&format!("check_area(\"{}\")", case.area)),
            "area {:?} has no test",
            case.area
        );
    }
}

#[test]
fn ignore_files_are_as_recorded() {
    check_area("dockerignore");
}

#[test]
fn flags_of_copy_are_as_recorded() {
    check_area("flags");
}

#[test]
fn stages_are_as_recorded() {
    check_area("stages");
}

#[test]
fn sources_are_as_recorded() {
    check_area("sources");
}

#[test]
fn errors_are_as_recorded() {
    check_area("errors");
}

#[test]
fn runs_are_as_recorded() {
    check_area("run");
}

#[test]
fn symlinks_are_as_recorded() {
    check_area("symlinks");
}

#[test]
fn names_are_as_recorded() {
    check_area("names");
}

#[test]
fn syntax_are_as_recorded() {
    check_area("syntax");
}

#[test]
fn modes_are_as_recorded() {
    check_area("modes");
}

#[test]
fn wildcards_are_as_recorded() {
    check_area("wildcards");
}

#[test]
fn adds_are_as_recorded() {
    check_area("add");
}

#[test]
fn special_files_are_as_recorded() {
    check_area("special");
}

#[test]
fn heredocs_are_as_recorded() {
    check_area("heredoc");
}

#[test]
fn orders_of_files_are_as_recorded() {
    check_area("order");
}

#[test]
fn base_images_are_as_recorded() {
    check_area("base-image");
}
