//! `du`: what a context weighs, and what of it is sent, used and hidden.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::cli::{Run, stowaway_in};
use crate::support::tree;

const TREE: &str = r##"
    file  Dockerfile        0644 "FROM scratch AS one\nCOPY src /src/\nFROM scratch AS two\nCOPY --exclude=*.md src docs /x/\n"
    file  .dockerignore     0644 "node_modules\n*.log\n"
    file  src/main.py       0644 "12345678" * 100
    hard  src/same.py       =    src/main.py
    file  src/deep/a.txt    0644 "1234567890"
    link  src/current       -> main.py
    file  docs/big.md       0644 "1234567890" * 500
    file  docs/index.html   0644 "12345"
    file  data/model.bin    0644 "x" * 70000
    file  node_modules/a/index.js 0644 "abc"
    file  node_modules/b.js 0644 "abcdef"
    hard  node_modules/c.js = node_modules/b.js
    link  node_modules/l    -> b.js
    file  debug.log         0644 "12"
"##;

fn du(dir: &Path, more: &[&str]) -> Run {
    stowaway_in(dir, ["du", "--format", "json"].iter().chain(more))
}

#[track_caller]
fn document(dir: &Path, more: &[&str]) -> Value {
    du(dir, more).expect_code(0).json().unwrap()
}

/// Size of the Dockerfile and the ignore file, which are in view like everything else.
fn own(dir: &Path) -> u64 {
    ["Dockerfile", ".dockerignore"].map(|n| dir.join(n).metadata().unwrap().len()).iter().sum()
}

fn folder<'a>(doc: &'a Value, path: &str) -> &'a Value {
    let folders = doc["folders"].as_array().unwrap();
    folders.iter().find(|f| f["path"] == path).unwrap_or_else(|| panic!("no folder {path}: {doc:#}"))
}

#[test]
fn what_is_sent_used_unused_and_hidden_is_counted_apart() {
    let dir = tree::on_disk(TREE);
    let doc = document(dir.path(), &[]);
    assert_eq!(doc["schema"], "stowaway.du/1");
    assert_eq!((&doc["dockerfile"], &doc["target"]), (&json!("Dockerfile"), &json!("two")));
    let own = own(dir.path());
    // Of src/main.py and its second name the bytes count once.
    assert_eq!(doc["visible"], json!({"files": 8, "bytes": own + 800 + 10 + 5000 + 5 + 70_000}));
    assert_eq!(doc["visible"]["bytes"], doc["context"]["bytes"], "as `plan` counts");
    // The engine asks for `docs` and leaves big.md out of the copy.
    assert_eq!(doc["sent"], json!({"files": 5, "bytes": 5815}));
    assert_eq!(doc["used"], json!({"files": 4, "bytes": 815}));
    assert_eq!(doc["unused"], json!({"files": 4, "bytes": own + 75_000}));
    assert_eq!(doc["hidden"], json!({"files": 4, "bytes": 3 + 6 + 2}));
    let sent = stowaway_in(dir.path(), ["plan", "--format", "json"]).expect_code(0).json().unwrap();
    assert_eq!(doc["sent"]["bytes"], sent["sent"]["bytes"], "as `plan` counts");
}

#[test]
fn folders_and_files_come_by_weight() {
    let dir = tree::on_disk(TREE);
    let doc = document(dir.path(), &[]);
    let names = |doc: &Value, list: &str| -> Vec<String> {
        doc[list].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&doc, "folders"), ["data", "docs", "src", "node_modules"]);
    assert_eq!(folder(&doc, "docs")["unused"], json!({"files": 1, "bytes": 5000}));
    assert_eq!(folder(&doc, "src")["visible"], json!({"files": 3, "bytes": 810}));
    assert_eq!(folder(&doc, "node_modules")["hidden"], json!({"files": 3, "bytes": 9}));
    assert_eq!(folder(&doc, "node_modules")["visible"], json!({"files": 0, "bytes": 0}));
    assert_eq!(names(&doc, "files")[..3], ["data/model.bin", "docs/big.md", "src/main.py"]);
    assert_eq!((&doc["files"][0]["sent"], &doc["files"][0]["used"]), (&json!(false), &json!(false)));
    assert_eq!((&doc["files"][1]["sent"], &doc["files"][1]["used"]), (&json!(true), &json!(false)));
    let deeper = document(dir.path(), &["--depth", "2", "--top", "4"]);
    assert_eq!(names(&deeper, "folders"), ["data", "docs", "src", "src/deep"]);
    assert_eq!(deeper["folders_left_out"], 2);
    assert_eq!(document(dir.path(), &["--depth", "0"])["folders"], json!([]));
}

#[test]
fn the_target_decides_what_is_sent() {
    let dir = tree::on_disk(TREE);
    let doc = document(dir.path(), &["--target", "one"]);
    assert_eq!(doc["used"], json!({"files": 3, "bytes": 810}));
    assert_eq!(folder(&doc, "docs")["sent"], json!({"files": 0, "bytes": 0}));
}

#[test]
fn more_than_the_limit_is_an_exit_status_of_1() {
    let dir = tree::on_disk(TREE);
    let doc = document(dir.path(), &["--max", "5815"]);
    assert_eq!(doc["limit"], json!({"max": 5815, "bytes": 5815, "exceeded": false}));
    let run = du(dir.path(), &["--max", "5.8kB"]).expect_code(1);
    assert_eq!(run.json().unwrap()["limit"], json!({"max": 5800, "bytes": 5815, "exceeded": true}));
    let text = stowaway_in(dir.path(), ["du", "--max", "1KiB"]).expect_code(1).text().to_owned();
    assert!(
        text.contains("5.7 KiB (5,815 bytes) is sent, more than the 1.0 KiB (1,024 bytes) of --max"),
        "{text}"
    );
    for wrong in ["12XB", "-5", ""] {
        du(dir.path(), &[&format!("--max={wrong}")]).expect_code(2);
    }
}

#[test]
fn a_context_without_a_dockerfile_has_its_weight_all_the_same() {
    let dir = tree::on_disk("file a/x 0644 \"123\"\n");
    let doc = document(dir.path(), &["--max", "3"]);
    assert_eq!((&doc["sent"], &doc["used"], &doc["unused"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(doc["visible"], json!({"files": 1, "bytes": 3}));
    assert!(doc["steps_unknown"].as_str().unwrap().contains("Dockerfile"), "{doc:#}");
    du(dir.path(), &["--max", "2"]).expect_code(1);
    du(dir.path(), &["-f", "nowhere/Dockerfile"]).expect_code(2);
}

#[test]
fn a_named_context_counts_against_the_limit() {
    let dir = tree::on_disk(
        "file Dockerfile 0644 \"FROM scratch\\nCOPY --from=lib a /\\n\"\nfile other/a 0644 \"1234\"\nfile other/b 0644 \"12\"\n",
    );
    let doc = document(dir.path(), &["--build-context", "lib=other", "--max", "4"]);
    assert_eq!(doc["named_contexts"][0]["name"], "lib");
    assert_eq!(doc["named_contexts"][0]["visible"], json!({"files": 2, "bytes": 6}));
    assert_eq!(doc["named_contexts"][0]["sent"], json!({"files": 1, "bytes": 4}));
    assert_eq!((&doc["sent"]["files"], &doc["limit"]["bytes"]), (&json!(0), &json!(4)));
}

#[test]
fn people_get_the_same_numbers() {
    let dir = tree::on_disk(TREE);
    let text = stowaway_in(dir.path(), ["du", "--top", "2"]).expect_code(0).text().to_owned();
    for line in [
        "context . (ignore file .dockerignore, Dockerfile, target two)",
        "sent         5   5.7 KiB  what BuildKit asks for, for this target",
        "data/   68.4 KiB      0 B   0 B  68.4 KiB     0 B",
        "and 2 folders more: see --top",
        "data/model.bin         68.4 KiB  not sent",
        "docs/big.md             4.9 KiB  sent, unused",
    ] {
        assert!(text.contains(line), "{line:?} is missing:\n{text}");
    }
    let page = stowaway_in(dir.path(), ["du", "--format", "markdown"]).expect_code(0).text().to_owned();
    assert!(page.contains("| `data` | 68.4 KiB | 0 B | 0 B | 68.4 KiB | 0 B |"), "{page}");
}

#[test]
fn names_with_control_characters_are_escaped() {
    let dir = tree::on_disk("file Dockerfile 0644 \"FROM scratch\\n\"\nfile \"a\\x1b[2J/b\" 0644 \"123\"\n");
    let text = stowaway_in(dir.path(), ["du"]).expect_code(0).text().to_owned();
    assert!(!text.contains('\u{1b}') && text.contains("\\x1b[2J"), "{text}");
}
