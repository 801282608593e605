//! Every recorded change scenario: after each round `plan` gives the records of a build by an engine without history.

use serde_json::Value;

use crate::support::case::{Case, Expected, OnDisk, load_all};
use crate::support::{machine, parallel};
use crate::vectors::{Open, check_plan, report, split_skipped};

/// How many change scenarios are recorded, and how many rounds they have together.
const SCENARIOS: usize = 99;
const ROUNDS: usize = 136;

fn check_area(area: &str) {
    let cases: Vec<Case> = load_all("changes").into_iter().filter(|c| c.area == area).collect();
    assert!(!cases.is_empty(), "no recorded scenario in area {area:?}");
    let (cases, skipped) = split_skipped(cases);
    let results = parallel::map(&cases, check_scenario);
    report(&cases, &results);
    assert!(skipped == 0 || !machine::must_not_skip(), "{skipped} scenarios skipped, which CI must not do");
}

fn check_scenario(case: &Case) -> Vec<String> {
    let mut disk = OnDisk::new(case);
    let mut bad = check_plan(&disk, &case.expected, &case.expected.records, may_be_open(case));
    for (i, round) in case.rounds.iter().enumerate() {
        for mutation in &round.mutations {
            disk.apply(mutation);
        }
        let found =
            check_plan(&disk, &round.expected, fresh_records(&round.expected), may_be_open(&disk.case));
        bad.extend(found.into_iter().map(|b| format!("round {i} ({}): {b}", round.what)));
    }
    bad
}

/// Where a stage runs a program and another one copies from stages, what the program made cannot be known.
fn may_be_open(case: &Case) -> Open {
    let text = case.dockerfile.text.as_deref().unwrap_or("");
    let has = |word: &str| text.lines().any(|l| l.starts_with(word));
    if has("RUN ") && text.contains("--from=") { Open::OutputOfPrograms } else { Open::Nothing }
}

/// The records of a build without history: those of the daemon with history, where these are the same.
fn fresh_records(expected: &Expected) -> &Value {
    match expected.records_fresh.as_str() {
        Some("same") => &expected.records,
        Some(other) => panic!("records_fresh: {other:?}"),
        None => &expected.records_fresh,
    }
}

#[test]
fn every_recorded_scenario_is_in_an_area_that_is_tested() {
    let source = include_str!("changes.rs");
    let cases = load_all("changes");
    assert_eq!(cases.len(), SCENARIOS);
    assert_eq!(cases.iter().map(|c| c.rounds.len()).sum::<usize>(), ROUNDS);
    for case in cases {
        assert_eq!(case.kind, "change", "{}", case.name);
        assert!(
            source.contains(&format!("check_area(\"{}\")", case.area)),
            "area {:?} has no test",
            case.area
        );
    }
}

#[test]
fn edits_move_the_keys_that_the_engine_moves() {
    check_area("chg-edits");
}

#[test]
fn changes_of_metadata_move_the_keys_that_the_engine_moves() {
    check_area("chg-metadata");
}

#[test]
fn changes_of_dockerfile_move_the_keys_that_the_engine_moves() {
    check_area("chg-dockerfile");
}

#[test]
fn changes_of_stages_move_the_keys_that_the_engine_moves() {
    check_area("chg-stages");
}

#[test]
fn changes_of_dockerignore_move_the_keys_that_the_engine_moves() {
    check_area("chg-dockerignore");
}

#[test]
fn changes_in_realistic_projects_move_the_keys_that_the_engine_moves() {
    check_area("chg-realistic");
}

#[test]
fn changes_of_args_move_the_keys_that_the_engine_moves() {
    check_area("chg-args");
}

#[test]
fn changes_of_symlinks_move_the_keys_that_the_engine_moves() {
    check_area("chg-symlinks");
}
