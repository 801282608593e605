//! `doctor` on the engine that is there.

use std::process::Command;

use serde_json::Value;

use crate::support::cli;
use crate::support::engine::engine;

#[test]
fn doctor_says_the_version_that_the_engine_says_to_its_own_client() {
    let Some(_engine) = engine("doctor") else { return };
    let output = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output();
    let version = String::from_utf8(output.expect("docker starts").stdout).expect("a version");
    // How much room or memory the machine has is not the question.
    let args = ["doctor", "--format", "json", "--min-disk", "0", "--min-memory", "0", "--timeout", "20"];
    let run = cli::run(cli::command().args(args)).expect_code(0);
    let doc: Value = run.json().expect("a document");
    let chosen = doc["engines"].as_array().expect("engines").iter().find(|e| e["kind"] == "docker");
    let engine = chosen.expect("Docker's engine");
    assert_eq!(
        (engine["version"].as_str(), &engine["buildkit"]),
        (Some(version.trim()), &true.into()),
        "{doc}"
    );
    assert!(engine["root"].is_string() && engine["memory"].as_u64() > Some(0), "{doc}");
}
