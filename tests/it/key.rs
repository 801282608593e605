//! `key`: alone on a line, or with what went in.

use crate::support::cli::stowaway_in;
use crate::support::tree;

const TREE: &str = r##"
    file  Dockerfile  0644 "FROM scratch AS app\nARG K\nCOPY a.txt /x/\nRUN use $K\nLABEL l=1\n"
    file  a.txt       0644 "alpha\n"
    file  unused      0644 ""
"##;

#[test]
fn it_stands_alone_on_a_line_and_is_the_same_everywhere() {
    let one = tree::on_disk(TREE);
    let key = stowaway_in(one.path(), ["key"]).expect_code(0);
    let text = key.text();
    let hex = text.strip_prefix("blake3:").and_then(|t| t.strip_suffix('\n')).expect("a key on a line");
    assert!(hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    assert_eq!(key.stderr, "");
    let two = tree::on_disk(TREE);
    std::fs::write(two.path().join("unused"), "changed").unwrap();
    let elsewhere =
        stowaway_in(std::path::Path::new("/"), ["key", two.path().to_str().unwrap()]).expect_code(0);
    assert_eq!(elsewhere.text(), text);
    let with_argument = stowaway_in(two.path(), ["key", "--build-arg", "K=sEcReT"]).expect_code(0);
    assert_ne!(with_argument.text(), text);
    let secret = stowaway_in(two.path(), ["key", "--secret", "id=a,src=/nonexistent", "--ssh", "default"])
        .expect_code(0);
    assert_eq!(secret.text(), text);
}

#[test]
fn with_explain_each_step_has_its_digest() {
    let dir = tree::on_disk(TREE);
    let key = stowaway_in(dir.path(), ["key"]).expect_code(0);
    let doc =
        stowaway_in(dir.path(), ["key", "--explain", "--format", "json"]).expect_code(0).json().unwrap();
    assert_eq!(doc["schema"], "stowaway.key/1");
    assert_eq!(doc["key"].as_str().unwrap(), key.text().trim_end());
    assert_eq!((&doc["target"], &doc["assumes"]), (&"app".into(), &serde_json::json!([])));
    let steps = doc["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 2);
    assert_eq!((&steps[0]["name"], &steps[0]["line"]), (&"[1/2] COPY a.txt /x/".into(), &3.into()));
    assert!(steps.iter().all(|s| s["digest"].as_str().unwrap().starts_with("blake3:")));
    let parts: Vec<&str> =
        doc["image"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(parts, ["platform", "ENV PATH", "WORKDIR", "LABEL l"]);
    let human = stowaway_in(dir.path(), ["key", "--explain"]).expect_code(0);
    assert!(human.text().starts_with(key.text()), "{}", human.text());
    assert!(
        human.text().contains("[1/2] COPY a.txt /x/") && human.text().contains("LABEL l"),
        "{}",
        human.text()
    );
}

#[test]
fn what_is_assumed_is_told_and_strict_refuses_it() {
    let dir = tree::on_disk("file Dockerfile 0644 \"FROM alpine:3.19\\nRUN x\\n\"");
    let key = stowaway_in(dir.path(), ["key", "--platform", "linux/amd64"]).expect_code(0);
    let assumed = "the key assumes that docker.io/library/alpine:3.19 (linux/amd64) stays the same image";
    assert!(key.stderr.contains(assumed), "{}", key.stderr);
    assert!(stowaway_in(dir.path(), ["key", "-q"]).expect_code(0).stderr.is_empty());
    let strict = stowaway_in(dir.path(), ["key", "--strict"]).expect_code(2);
    assert!(strict.stdout.is_empty() && strict.stderr.contains("--base"), "{}", strict.stderr);
    let human = stowaway_in(dir.path(), ["key", "--explain"]).expect_code(0);
    assert!(human.text().contains("assumes that docker.io/library/alpine:3.19"), "{}", human.text());
}

#[test]
fn a_build_that_would_fail_has_none() {
    let dir = tree::on_disk("file Dockerfile 0644 \"FROM scratch\\nCOPY nope /\\n\"");
    let said = stowaway_in(dir.path(), ["key"]).expect_code(1);
    assert!(said.stdout.is_empty());
    assert!(
        said.stderr.contains("the build would fail: line 2: COPY source `nope` does not exist"),
        "{}",
        said.stderr
    );
}
