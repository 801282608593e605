//! `ignore`: what is proposed holds on random builds, and the command line does what it says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use stowaway::observer::Silent;
use stowaway::ops::{self, IgnoreOptions, Request};
use stowaway::report::{IgnoreReport, PlanReport};

use crate::support::cli::stowaway_in;
use crate::support::generate::{Abilities, Build};
use crate::support::tree;

const TREE: &str = r##"
    file  Dockerfile             0644 "FROM scratch\nCOPY src /src\nCOPY a.txt /\n"
    file  .dockerignore          0644 "# ours\n*.tmp"
    file  a.txt                  0644 "alpha\n"
    file  src/m.py               0644 "m"
    file  src/__pycache__/m.pyc  0644 "junk"
    file  docs/big.md            0644 "text " * 5000
"##;

fn request(dir: &Path) -> Request {
    Request { context: dir.to_owned(), ..Request::default() }
}

fn plan(dir: &Path) -> PlanReport {
    ops::plan(&request(dir), &Silent).expect("a plan")
}

fn ignore(dir: &Path, write: bool) -> IgnoreReport {
    let options = IgnoreOptions { write, ..IgnoreOptions::default() };
    ops::ignore(&request(dir), &options, &Silent).expect("an answer")
}

/// The steps that fail, by name; a reason without a step by its code.
fn failing(plan: &PlanReport) -> BTreeSet<String> {
    plan.errors.iter().map(|e| e.step.clone().unwrap_or_else(|| e.code.clone())).collect()
}

/// Applies what is proposed for a random build and plans it again.
fn holds(seed: u64) -> Result<usize, String> {
    let build = Build::from_seed(seed, Abilities::ALL);
    let dir = tempfile::tempdir().expect("a temporary folder");
    build.tree.write(dir.path());
    if dir.path().join("Dockerfile").exists() {
        return Ok(0);
    }
    fs::write(dir.path().join("Dockerfile"), build.dockerfile_text()).expect("writing");
    if !build.ignore.is_empty() {
        fs::write(dir.path().join(".dockerignore"), build.ignore.join("\n")).expect("writing");
    }
    let before = plan(dir.path());
    if before.errors.iter().any(|e| e.code == "ignore-file") {
        return Ok(0);
    }
    let report = ignore(dir.path(), true);
    let after = plan(dir.path());
    let told = format!("seed {seed}\n{build}\n{:?}\n{:?}", report.lines, report.changes);
    if !failing(&after).is_subset(&failing(&before)) {
        return Err(format!("fails: {:?}\n{told}", after.errors));
    }
    let changed: BTreeSet<usize> = report.changes.iter().map(|s| s.line).collect();
    for (b, a) in before.steps.iter().zip(&after.steps) {
        let same = (b.content_key, b.cache_key, &b.open) == (a.content_key, a.cache_key, &a.open);
        if !same && !changed.contains(&b.line) {
            return Err(format!("another key: {}\n{told}", b.name));
        }
    }
    if report.changes.is_empty() && before.records != after.records {
        return Err(format!("other records\n{told}"));
    }
    let litter = report.lines.iter().any(|l| l.kind == "litter");
    // Of a build that fails, keys may be unknown before and after.
    if before.errors.is_empty() && litter == report.changes.is_empty() {
        return Err(format!("keys change where litter goes, and only there\n{told}"));
    }
    // What only a hidden link led to is found by the next run.
    if (0..4).all(|_| ignore(dir.path(), true).differs) {
        return Err(format!("run after run changes the file\n{told}"));
    }
    Ok(report.lines.len())
}

#[test]
fn what_is_proposed_holds_on_random_builds() {
    let mut lines = 0;
    for seed in 0..250 {
        match holds(seed) {
            Ok(n) => lines += n,
            Err(why) => panic!("{why}"),
        }
    }
    assert!(lines > 100, "only {lines} lines were proposed: nothing is tested");
}

#[test]
fn a_dry_run_changes_nothing_and_write_keeps_the_old_file() {
    let dir = tree::on_disk(TREE);
    let file = dir.path().join(".dockerignore");
    let said = stowaway_in(dir.path(), ["ignore"]).expect_code(0);
    for part in ["docs", "**/__pycache__", "compiled Python", "COPY src /src", "--write"] {
        assert!(said.text().contains(part), "{part}: {}", said.text());
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "# ours\n*.tmp");
    let said = stowaway_in(dir.path(), ["ignore", "--write"]).expect_code(0);
    assert!(said.text().contains(".dockerignore.bak"), "{}", said.text());
    let want = "# ours\n*.tmp\n# >>> stowaway ignore\ndocs\n**/__pycache__\n# <<< stowaway ignore";
    assert_eq!(fs::read_to_string(&file).unwrap(), want);
    assert_eq!(fs::read_to_string(dir.path().join(".dockerignore.bak")).unwrap(), "# ours\n*.tmp");
    let said = stowaway_in(dir.path(), ["ignore", "--write"]).expect_code(0);
    assert!(said.text().contains("nothing to add"), "{}", said.text());
    assert!(!dir.path().join(".dockerignore.bak.1").exists());
}

#[test]
fn json_has_what_each_line_saves() {
    let dir = tree::on_disk(TREE);
    let doc = stowaway_in(dir.path(), ["ignore", "--format", "json"]).expect_code(0).json().unwrap();
    assert_eq!((&doc["schema"], &doc["mode"]), (&"stowaway.ignore/1".into(), &"propose".into()));
    assert_eq!((&doc["ignore_file"], &doc["exists"]), (&".dockerignore".into(), &true.into()));
    let line = |i: usize| &doc["lines"][i];
    assert_eq!((&line(0)["line"], &line(0)["kind"]), (&"docs".into(), &"unneeded".into()));
    assert_eq!((&line(0)["files"], &line(0)["bytes"]), (&1.into(), &25_000.into()));
    assert_eq!(line(0)["steps"], serde_json::json!([]));
    assert_eq!((&line(1)["kind"], &line(1)["what"]), (&"litter".into(), &"compiled Python".into()));
    assert_eq!(line(1)["steps"][0]["line"], 2);
    assert_eq!(line(1)["examples"][0]["path"], "src/__pycache__/m.pyc");
    let changes: Vec<u64> =
        doc["changes"].as_array().unwrap().iter().map(|s| s["line"].as_u64().unwrap()).collect();
    assert_eq!(changes, [2, 3]);
    assert!(doc["written"].is_null() && doc["differs"] == true);
    let page = stowaway_in(dir.path(), ["ignore", "--format", "markdown"]).expect_code(0);
    assert!(page.text().contains("| `docs` | 1 | 24.4 KiB |"), "{}", page.text());
}

#[test]
fn a_file_that_breaks_a_build_is_told_by_the_status() {
    let dir = tree::on_disk(TREE);
    fs::write(dir.path().join("new"), "*.txt\n").unwrap();
    let said = stowaway_in(dir.path(), ["ignore", "--test", "new"]).expect_code(1);
    assert!(said.text().contains("fails:") && said.text().contains("a.txt"), "{}", said.text());
    fs::write(dir.path().join("new"), "docs\n").unwrap();
    let said = stowaway_in(dir.path(), ["ignore", "--test", "new"]).expect_code(0);
    assert!(
        said.text().contains("docs/") && said.text().contains("no step's key changes"),
        "{}",
        said.text()
    );
    assert!(stowaway_in(dir.path(), ["ignore", "--test", "nowhere"]).expect_code(2).stdout.is_empty());
    assert!(stowaway_in(dir.path(), ["ignore", "--test", "new", "--write"]).expect_code(2).stdout.is_empty());
}

#[test]
fn several_dockerfiles_are_looked_at_together() {
    let dir = tree::on_disk(TREE);
    fs::write(dir.path().join("two"), "FROM scratch\nCOPY docs /docs\n").unwrap();
    let said = stowaway_in(dir.path(), ["ignore", "-f", "Dockerfile", "-f", "two", "--format", "json"]);
    let doc = said.expect_code(0).json().unwrap();
    assert_eq!(doc["builds"].as_array().unwrap().len(), 2);
    let lines = doc["lines"].as_array().unwrap();
    assert!(lines.iter().all(|l| l["line"] != "docs"), "{doc}");
}

#[test]
fn gitignore_rules_of_the_folders_above_count_as_well() {
    let dir = tree::on_disk(
        "dir .git 0755\nfile .gitignore 0644 \"/app/dist\\n*.log\\n\"\nfile app/Dockerfile 0644 \"FROM scratch\\nCOPY . /\\n\"\n\
         file app/dist/x 0644 \"\"\nfile app/a.log 0644 \"\"\nfile app/main 0644 \"\"",
    );
    let said =
        stowaway_in(dir.path(), ["ignore", "app", "--from-gitignore", "--format", "json"]).expect_code(0);
    let doc = said.json().unwrap();
    let lines: Vec<&str> =
        doc["lines"].as_array().unwrap().iter().map(|l| l["line"].as_str().unwrap()).collect();
    assert_eq!((lines, &doc["exact"]), (vec!["dist", "**/*.log"], &true.into()));
    assert_eq!(doc["gitignores"][0]["path"], "../.gitignore");
    assert_eq!(doc["removed"]["files"], 2);
    fs::write(dir.path().join("app/Dockerfile"), "FROM scratch\nCOPY dist /\n").unwrap();
    let said = stowaway_in(dir.path(), ["ignore", "app", "--from-gitignore", "--write"]).expect_code(1);
    assert!(said.text().contains("fails:") && said.text().contains("nothing is written"), "{}", said.text());
    assert!(!dir.path().join("app/.dockerignore").exists());
}
