//! The rule table: every rule has a page, an example on both sides, and a fixture that shows it.
//!
//! `fixtures/rules/<code>.txt` holds cases: `=== fires ARGUMENT…` or `=== quiet ARGUMENT…` starts one, `--- PATH` a file of its context.
//! A file `tree` is in the notation of `support::tree` and for what text can't show; a file `git` says that the context is a repository
//! with all of it in one commit, and each line `TIMES PATH` in it that so many commits follow that change a file.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use stowaway::check::{RULES, Rule};

use crate::support::cli::{self, stowaway_in};
use crate::support::tree::Tree;
use crate::support::{entry, parallel};

fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().flatten()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

#[test]
fn every_rule_has_its_own_code_a_summary_and_a_page_with_examples() {
    let mut seen = BTreeSet::new();
    let mut bad = Vec::new();
    for rule in rules() {
        let mut wrong = |what: &str| bad.push(format!("{}: {what}", rule.code));
        if !seen.insert(rule.code.to_lowercase()) {
            wrong("another rule has this code");
        }
        let kebab = rule.code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let pascal = rule.code.bytes().all(|b| b.is_ascii_alphanumeric())
            && rule.code.starts_with(|c: char| c.is_ascii_uppercase());
        if !kebab && !pascal {
            wrong("the code is neither kebab case nor one of BuildKit's");
        }
        if rule.summary.is_empty() || rule.summary.ends_with('.') || rule.summary.contains('\n') {
            wrong("the summary is one sentence without a full stop");
        }
        // What fires, and the same put right, in a block of code or in words.
        let fences = rule.page.lines().filter(|l| l.trim_start().starts_with("```")).count();
        if fences % 2 == 1 {
            wrong("a block of code on its page has no end");
        }
        if (fences == 0 || !rule.page.contains("ut right")) && !EXAMPLES.contains(&rule.code) {
            wrong("its page has no example that fires, or doesn't say how to put it right");
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Rules whose page needs no two examples: what they tell has no form of its own.
const EXAMPLES: &[&str] = &[
    "bad-trigger",
    "build-fails",
    "context-replaces-stage",
    "context-shadows-stage",
    "invalid-network",
    "invalid-path",
    "invalid-run",
    "invalid-security",
    "no-stages",
    "relative-workdir",
    "step-fails",
    "undefined-variable",
];

/// Rules that no small context can make fire for every user, and why; their own tests show them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("build-fails", "is for what has no rule"),
    ("device-node", "can be made by root alone"),
    ("invalid-check-options", "is refused by the Dockerfile's reader first"),
    ("invalid-network", "is refused by the Dockerfile's reader first"),
    ("invalid-run", "is refused by the Dockerfile's reader first"),
    ("invalid-security", "is refused by the Dockerfile's reader first"),
    ("no-stages", "is refused by the Dockerfile's reader first"),
    ("root-unreadable", "hangs on who runs the tests"),
    ("unreadable", "hangs on who runs the tests"),
    ("vanished", "hangs on what else writes there"),
];

#[test]
fn every_rule_has_a_case_that_fires_and_one_that_does_not() {
    let elsewhere = |code: &str| ELSEWHERE.iter().any(|(c, _)| *c == code);
    let has = |code: &str, kind: &str| cases(code).iter().any(|case| case.kind == kind);
    let lacks = |rule: &&Rule| !has(rule.code, "fires") || !has(rule.code, "quiet");
    let missing: Vec<&str> = rules().filter(lacks).map(|r| r.code).filter(|c| !elsewhere(c)).collect();
    assert!(
        missing.is_empty(),
        "rules without a case that fires or one that is quiet in fixtures/rules: {missing:#?}"
    );
    let codes: BTreeSet<&str> = rules().map(|r| r.code).collect();
    let stray: Vec<String> = recorded().into_iter().filter(|n| !codes.contains(n.as_str())).collect();
    assert!(stray.is_empty(), "cases of rules that are not in the table: {stray:?}");
}

#[test]
fn rules_fire_where_they_should_and_are_quiet_where_they_should_be() {
    let work: Vec<(String, Case)> = recorded()
        .into_iter()
        .flat_map(|code| cases(&code).into_iter().map(move |case| (code.clone(), case)))
        .collect();
    let bad: Vec<String> =
        parallel::map(&work, |(code, case)| judge(code, case)).into_iter().flatten().collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// The codes that have cases.
fn recorded() -> Vec<String> {
    names(&folder("rules")).into_iter().filter_map(|n| n.strip_suffix(".txt").map(str::to_owned)).collect()
}

/// One case.
#[derive(Debug, Default)]
struct Case {
    /// `fires` or `quiet`.
    kind: String,
    /// Where it starts in its file.
    line: usize,
    args: Vec<String>,
    files: Vec<(String, String)>,
}

/// The cases of a rule.
fn cases(code: &str) -> Vec<Case> {
    let text = fs::read_to_string(folder("rules").join(format!("{code}.txt"))).unwrap_or_default();
    let mut cases: Vec<Case> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if let Some(head) = line.strip_prefix("=== ") {
            let mut words = head.split_whitespace().map(str::to_owned);
            let kind = words.next().expect("a kind");
            assert!(kind == "fires" || kind == "quiet", "{code}.txt:{}: {kind}", i + 1);
            cases.push(Case { kind, line: i + 1, args: words.collect(), files: Vec::new() });
        } else if let Some(path) = line.strip_prefix("--- ") {
            cases.last_mut().expect("a case").files.push((path.to_owned(), String::new()));
        } else if let Some((_, text)) = cases.last_mut().and_then(|case| case.files.last_mut()) {
            text.push_str(line);
            text.push('\n');
        } else {
            assert!(line.trim().is_empty(), "{code}.txt:{}: a line of no file", i + 1);
        }
    }
    cases
}

/// What is wrong with a case, if anything.
fn judge(code: &str, case: &Case) -> Option<String> {
    let dir = on_disk(case);
    let args = ["check", "--format", "json"].into_iter().chain(case.args.iter().map(String::as_str));
    let run = stowaway_in(dir.path(), args);
    let name = format!("fixtures/rules/{code}.txt:{}", case.line);
    let doc = match run.json() {
        Ok(doc) => doc,
        Err(why) => return Some(format!("{name}: {why}")),
    };
    let findings = doc["findings"].as_array().expect("findings");
    let found: Vec<&str> = findings.iter().filter_map(|f| f["code"].as_str()).collect();
    match (case.kind.as_str(), found.contains(&code)) {
        ("fires", false) => Some(format!("{name}: does not fire; found {found:?}")),
        ("quiet", true) => Some(format!("{name}: fires: {:#}", doc["findings"])),
        _ => None,
    }
}

/// A case's context.
fn on_disk(case: &Case) -> tempfile::TempDir {
    let dir = temporary();
    for (path, text) in &case.files {
        let file = dir.path().join(path);
        match path.as_str() {
            "tree" => Tree::parse(text).write(dir.path()),
            "git" => {}
            _ => {
                entry::make_parents(&file);
                fs::write(&file, text).expect("a file");
                entry::set_mode(&file, 0o644);
            }
        }
    }
    if let Some((_, history)) = case.files.iter().find(|(path, _)| path == "git") {
        commit(dir.path());
        history.lines().filter(|line| !line.trim().is_empty()).for_each(|line| change(dir.path(), line));
    }
    dir
}

/// Commits that change a file: `TIMES PATH`.
fn change(dir: &Path, line: &str) {
    let (times, path) = line.split_once(' ').expect("TIMES PATH");
    for n in 0..times.parse::<u32>().expect("a number") {
        fs::write(dir.join(path), format!("{n}\n")).expect("a file");
        git(dir, &["commit", "-q", "-a", "-m", "a change"]);
    }
}

fn temporary() -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("stowaway-rule-").tempdir().expect("a temporary folder");
    entry::set_mode(dir.path(), 0o755);
    dir
}

fn commit(dir: &Path) {
    for args in [&["init", "-q"][..], &["add", "-A"], &["commit", "-q", "-m", "all"]] {
        git(dir, args);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A copy of a case as people would have it: modes that don't depend on the checkout's umask, and what `tree` and `git` ask for.
fn copy(case: &Path) -> tempfile::TempDir {
    let dir = temporary();
    copy_folder(case, dir.path());
    if let Ok(tree) = fs::read_to_string(case.join("tree")) {
        Tree::parse(&tree).write(dir.path());
    }
    if case.join("git").exists() {
        commit(dir.path());
    }
    dir
}

fn copy_folder(from: &Path, to: &Path) {
    entry::set_mode(to, 0o755);
    for name in names(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            fs::create_dir(&to).expect("a folder");
            copy_folder(&from, &to);
        } else if !["tree", "args", "git"].contains(&name.as_str()) {
            fs::copy(&from, &to).expect("a file");
            entry::set_mode(&to, if to.extension() == Some(OsStr::new("sh")) { 0o755 } else { 0o644 });
        }
    }
}

fn git(dir: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    let mut command = Command::new("git");
    command.current_dir(dir).args(identity).args(args);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let output = command.output().expect("git");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn healthy_projects_have_neither_errors_nor_warnings() {
    let projects = names(&folder("healthy"));
    assert!(projects.len() >= 30, "only {} projects", projects.len());
    let bad: Vec<String> = parallel::map(&projects, |name| healthy(name)).into_iter().flatten().collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// What `check` has against a project.
fn healthy(name: &str) -> Option<String> {
    let case = folder("healthy").join(name);
    let dir = copy(&case);
    let args = fs::read_to_string(case.join("args")).unwrap_or_default();
    let run = cli::run(
        cli::command()
            .current_dir(dir.path())
            .args(["check", "--format", "json", "--threshold", "warning"])
            .args(args.lines()),
    );
    let findings = match run.json() {
        Ok(doc) => doc["findings"].as_array().cloned().unwrap_or_default(),
        Err(why) => return Some(format!("{name}: {why}")),
    };
    let loud: Vec<&Value> = findings.iter().filter(|f| f["severity"] != "note").collect();
    let told = |f: &&Value| format!("{name}: {} {}: {}", f["severity"], f["code"], f["message"]);
    if loud.is_empty() && run.code == 0 {
        None
    } else {
        Some(loud.iter().map(told).collect::<Vec<_>>().join("\n") + &format!(" (status {})", run.code))
    }
}

#[test]
fn the_list_of_rules_in_docs_is_that_of_the_table() {
    let run = stowaway_in(Path::new("."), ["check", "--list-rules", "--format", "markdown"]).expect_code(0);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, run.text()).expect("docs/rules.md");
    }
    let kept = fs::read_to_string(&path).expect("docs/rules.md");
    assert!(kept == run.text(), "docs/rules.md is not current: write it anew with UPDATE_GOLDEN=1");
}

#[test]
fn a_rule_is_explained_in_words_and_in_json() {
    let rule = rules().next().expect("a rule");
    let run = |args: &[&str], code| stowaway_in(Path::new("."), args).expect_code(code);
    let text = run(&["check", "--explain", &rule.code.to_uppercase()], 0);
    assert!(
        text.text().starts_with(&format!("{}[{}]: {}\n", rule.severity.name(), rule.code, rule.summary)),
        "{}",
        text.text()
    );
    let doc = run(&["check", "--explain", rule.code, "--format", "json"], 0).json().expect("a document");
    assert_eq!(
        (&doc["schema"], &doc["code"], &doc["page"]),
        (&"stowaway.rule/1".into(), &rule.code.into(), &rule.page.into())
    );
    let list = run(&["check", "--list-rules", "--format", "json"], 0).json().expect("a document");
    assert_eq!(list["rules"].as_array().map(Vec::len), Some(rules().count()));
    let human = run(&["check", "--list-rules"], 0);
    assert_eq!(human.text().lines().count(), rules().count() + 1);
    assert!(run(&["check", "--explain", "no-such-rule"], 2).stderr.contains("--list-rules"));
    run(&["check", "--list-rules", "--format", "sarif"], 2);
}
