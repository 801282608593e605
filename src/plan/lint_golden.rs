//! Recorded answers of BuildKit's own checks (`fixtures/lint`): Dockerfiles with what a build and `docker build --check` say about them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::golden::{Given, options};
use super::*;
use crate::dockerfile::{Dockerfile, ParseOptions};
use crate::pattern::IgnoreFile;

/// A remark: rule, text, lines.
type Said = (String, String, Vec<u64>);

/// What is said, and the error behind it (empty for none).
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    said: Vec<Said>,
    error: String,
}

impl Answer {
    /// What BuildKit leaves to the order of Go's maps and of goroutines is sorted: variables of one word, images of several stages, the
    /// rules in an error.
    fn new(mut said: Vec<Said>, error: &str) -> Self {
        let at_once = |a: &Said, b: &Said| match a.0.as_str() {
            "UndefinedVar" | "UndefinedArgInFrom" => a.0 == b.0 && a.2 == b.2,
            "InvalidBaseImagePlatform" => a.0 == b.0,
            _ => false,
        };
        said.chunk_by_mut(at_once).for_each(<[Said]>::sort);
        let error = match error.strip_prefix("lint violation found for rules: ") {
            Some(rules) => {
                let mut rules: Vec<&str> = rules.split(", ").collect();
                rules.sort_unstable();
                format!("lint: {}", rules.join(" "))
            }
            None => error.to_owned(),
        };
        Self { said, error }
    }

    fn recorded(answer: &Value) -> Self {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let lines = |v: &Value| v.as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        let said = answer["lints"].as_array().into_iter().flatten();
        let said = said.map(|l| (text(&l["rule"]), text(&l["text"]), lines(&l["lines"]))).collect();
        Self::new(said, &text(&answer["error"]))
    }

    fn ours(lints: &[Lint], error: Option<&str>) -> Self {
        let lines = |s: &Span| (s.line..=s.end_line).map(|l| l as u64).collect::<Vec<_>>();
        let said = lints
            .iter()
            .map(|l| (l.rule.to_owned(), l.message.clone(), l.spans.iter().flat_map(lines).collect()));
        Self::new(said.collect(), error.unwrap_or_default())
    }
}

fn answer(case: &Value) -> Answer {
    let bytes = case["dockerfile"].as_str().expect("a Dockerfile").as_bytes();
    let mut options = options(case);
    options.ignore = case["ignore"].as_str().map(|text| {
        let file = IgnoreFile::parse(".dockerignore", text.as_bytes()).expect("an ignore file");
        Arc::new(file.into_matcher())
    });
    let parse = ParseOptions { checks_given: options.build_args.contains_key("BUILDKIT_DOCKERFILE_CHECK") };
    let file = match Dockerfile::parse_with(bytes, parse) {
        Ok(file) => file,
        Err(error) => {
            let lints = lints_of_unreadable(bytes, &options.build_args);
            return Answer::ours(&lints, Some(&error.engine_message));
        }
    };
    let images = Given(&case["images"]);
    let (lints, errors) = if case["mode"] == "check" {
        let linted = Plan::lint(&file, &options, &images).expect("images");
        (linted.lints, linted.errors)
    } else {
        let plan = Plan::resolve(&file, &options, &images).expect("images");
        (plan.lints, plan.errors)
    };
    Answer::ours(&lints, errors.first().map(|e| e.engine_message.as_str()))
}

fn records() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/lint");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("fixtures").map(|f| f.expect("a file").path()).collect();
    files.sort();
    let mut out = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a fixture");
        out.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")));
    }
    out
}

#[test]
fn what_the_checks_say_is_buildkits() {
    let mut spoken: BTreeMap<String, usize> = BTreeMap::new();
    let (mut wrong, mut seen) = (String::new(), 0);
    for record in records() {
        let case = &record["case"];
        let want: Vec<Answer> =
            record["answers"].as_array().expect("answers").iter().map(Answer::recorded).collect();
        let got = answer(case);
        if !want.contains(&got) {
            let shown = json!({ "dockerfile": case["dockerfile"], "mode": case["mode"], "args": case["build_args"],
                "target": case["target"], "platform": case["platform"], "contexts": case["contexts"], "ignore": case["ignore"] });
            wrong.push_str(&format!(
                "{}\n{shown}\n  got {got:?}\n want {:?}\n\n",
                case["dockerfile"].as_str().unwrap_or(""),
                want
            ));
        }
        for rule in want[0].said.iter().map(|s| &s.0) {
            *spoken.entry(rule.clone()).or_default() += 1;
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{} wrong\n{wrong}", wrong.matches("  got ").count());
    assert!(seen >= 100, "only {seen} cases");
    assert_eq!(spoken.len(), 22, "a rule without a case: {:?}", spoken.keys());
}
