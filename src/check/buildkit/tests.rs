use std::collections::BTreeMap;

use super::super::{Group, Severity};
use super::*;
use crate::dockerfile::{Dockerfile, Span};
use crate::image::{Image, ImageConfig, Platform};
use crate::plan::{Images, Plan, PlanOptions};

/// Knows every image, for `linux/arm64` what is so called.
struct Plain;

impl Images for Plain {
    fn image(&self, name: &str, _: &Platform) -> Result<Option<Image>, String> {
        let architecture = if name.contains("firmware:1") { "arm64" } else { "amd64" };
        let platform =
            Platform { os: "linux".into(), architecture: architecture.into(), ..Platform::default() };
        let config = ImageConfig { platform, has_nonempty_history: true, ..ImageConfig::default() };
        Ok(Some(Image { name: name.into(), root_digest: None, config, layers: None }))
    }

    fn named(&self, name: &str, _: &Platform) -> Result<Image, String> {
        Err(name.to_owned())
    }
}

/// The rules that speak about an example, in a file with a FROM and without a word about the rest.
fn spoken(rule: &str, example: &str) -> Vec<&'static str> {
    let mut text = example.to_owned();
    if !example.contains("FROM") {
        text.insert_str(0, "FROM scratch\n");
    }
    let pattern =
        example.contains("holds: dist").then(|| crate::pattern::Matcher::new(&["dist"]).expect("a pattern"));
    let amd64 = Platform { os: "linux".into(), architecture: "amd64".into(), ..Platform::default() };
    let options = PlanOptions {
        ignore: pattern.map(std::sync::Arc::new),
        build_platform: Some(amd64),
        ..PlanOptions::default()
    };
    let file = Dockerfile::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{rule}: {e}\n{text}"));
    let linted = Plan::lint(&file, &options, &Plain).expect("images");
    linted.lints.iter().map(|l| l.rule).collect()
}

/// The two examples of a page.
fn examples(page: &str) -> [&str; 2] {
    let mut blocks = page.split("```dockerfile\n").skip(1).map(|b| b.split("```").next().unwrap_or_default());
    [blocks.next().expect("what fires"), blocks.next().expect("what is right")]
}

#[test]
fn the_example_of_each_page_fires_and_is_put_right() {
    for rule in RULES {
        let [fires, right] = examples(rule.page);
        assert!(spoken(rule.code, fires).contains(&rule.code), "{}:\n{fires}", rule.code);
        assert!(!spoken(rule.code, right).contains(&rule.code), "{}:\n{right}", rule.code);
    }
}

#[test]
fn there_are_22_rules_of_one_kind() {
    let by_code: BTreeMap<&str, &Rule> = RULES.iter().map(|r| (r.code, r)).collect();
    assert_eq!(by_code.len(), 22);
    assert!(RULES.iter().all(|r| r.group == Group::BuildKit && r.severity == Severity::Warning));
}

#[test]
fn a_remark_becomes_a_finding_on_its_lines() {
    let span = Span { line: 3, end_line: 5, column: 1 };
    let lint =
        Lint { rule: "UndefinedVar", message: "Usage of undefined variable '$X'".into(), spans: vec![span] };
    let facts = Facts { dockerfile: "app/Dockerfile", lints: vec![lint], ..Facts::default() };
    let mut found = Findings::default();
    find(&facts, &mut found);
    let [one] = found.0.as_slice() else { panic!("one finding") };
    assert_eq!((one.rule.code, one.message.as_str()), ("UndefinedVar", "Usage of undefined variable '$X'"));
    assert_eq!(
        (one.labels[0].file.as_str(), one.labels[0].line, one.labels[0].end_line),
        ("app/Dockerfile", 3, 5)
    );
    assert_eq!(
        one.engine_message.as_deref(),
        Some("UndefinedVar: Usage of undefined variable '$X' (line 3)")
    );
}
