//! `build --verify`: what was predicted and what the engine did, made to differ.

use std::fs;

use serde_json::Value;

use crate::build::{TREE, context};
use crate::place::{Here, Place, on_every_engine};
use crate::support::cli::{self, Run};

on_every_engine! {
    an_engine_that_forgot_is_a_difference_that_is_told
    a_step_that_reruns_as_predicted_is_none
}

const DOCKERFILE: &str = "FROM scratch\nCOPY app /app\nCOPY app/main.rs /bin/\n";

fn build(here: &Here<'_>, args: &[&str]) -> Run {
    cli::run(&mut here.command(&[args, &["-o", "type=tar,dest=/dev/null"]].concat()))
}

/// The verdict, the outcome and the difference of each step.
fn steps(run: &Run) -> Vec<[String; 3]> {
    let doc: Value = run.json().expect("a document");
    let steps = doc["steps"].as_array().expect("steps");
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    steps.iter().map(|s| [text(&s["predicted"]), text(&s["outcome"]), text(&s["difference"])]).collect()
}

fn an_engine_that_forgot_is_a_difference_that_is_told(place: &Place) {
    let here = Here::new(place, context(TREE, DOCKERFILE));
    let json = ["--format", "json", "--verify"];
    build(&here, &json).expect_code(0);
    let before = build(&here, &json).expect_code(0);
    assert_eq!(steps(&before), vec![["cached", "cached", "-"]; 2]);
    place.docker(["buildx", "prune", "--all", "--force"]).expect_code(0);
    let run = build(&here, &["--verify"]).expect_code(1);
    for part in ["predicted cached, ran", "COPY app /app", "a defect of stowaway"] {
        assert!(run.stderr.contains(part), "{part} in\n{}", run.stderr);
    }
    place.docker(["buildx", "prune", "--all", "--force"]).expect_code(0);
    let run = build(&here, &json).expect_code(1);
    assert_eq!(steps(&run), vec![["cached", "ran", "predicted-cached-ran"]; 2]);
    place.docker(["buildx", "prune", "--all", "--force"]).expect_code(0);
    // Said without `--verify` too, where it decides nothing.
    let run = build(&here, &[]).expect_code(0);
    assert!(run.stderr.contains("predicted cached, ran"), "{}", run.stderr);
}

fn a_step_that_reruns_as_predicted_is_none(place: &Place) {
    let here = Here::new(place, context(TREE, DOCKERFILE));
    let json = ["--format", "json", "--verify"];
    build(&here, &json).expect_code(0);
    fs::write(here.folder.path().join("app/main.rs"), "fn main() { todo() }").expect("a file");
    let run = build(&here, &json).expect_code(0);
    assert_eq!(steps(&run), vec![["rerun", "ran", "-"]; 2]);
    fs::write(here.folder.path().join("app/run"), "another program").expect("a file");
    let run = build(&here, &json).expect_code(0);
    let [first, second] = &steps(&run)[..] else { panic!("{:?}", steps(&run)) };
    assert_eq!(first, &["rerun", "ran", "-"]);
    assert_eq!(second[2], "-", "{second:?}");
}
