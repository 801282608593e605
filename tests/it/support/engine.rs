//! A live engine: builds, and hands back the cache records that it exports.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::generate::Abilities;
use super::records::{Link, Record};

/// A live engine, reached by `docker buildx` as the environment says.
#[derive(Debug, Clone)]
pub struct Engine {
    /// What it can be asked and compared in.
    pub can: Abilities,
}

/// What became of a build.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It went through and exported these records.
    Exported(Vec<Record>),
    /// It failed: the text after `failed to solve: `.
    Failed(String),
}

/// The engine that `STOWAWAY_TEST_ENGINE` says is there. `None` is said aloud, and is a failure where
/// `STOWAWAY_REQUIRE_ENGINE` is set.
pub fn engine(test: &str) -> Option<Engine> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    if set("STOWAWAY_TEST_ENGINE") {
        return Some(Engine { can: if set("BUILDX_BUILDER") { Abilities::NEWEST } else { of_docker() } });
    }
    assert!(!set("STOWAWAY_REQUIRE_ENGINE"), "{test}: no engine, though STOWAWAY_REQUIRE_ENGINE is set");
    super::say(&format!("skipped: no engine ({test}; STOWAWAY_TEST_ENGINE is not set)"));
    None
}

/// By the version of Docker.
fn of_docker() -> Abilities {
    let output = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output();
    let text = String::from_utf8(output.expect("docker starts").stdout).expect("a version");
    let major: u32 = text.split('.').next().and_then(|n| n.trim().parse().ok()).expect("a version of Docker");
    if major < 28 { Abilities::DOCKER_26 } else { Abilities::DOCKER_28 }
}

/// What an engine did with a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It took the result from its cache.
    Cached,
    /// It ran it.
    Ran,
}

impl Engine {
    /// Builds and tells what was done with each step, by its name; the engine's last words where the build fails.
    pub fn states(
        &self,
        options: &[String],
        context: &Path,
        more: &[&str],
    ) -> Result<BTreeMap<String, State>, String> {
        let mut command = Command::new("docker");
        command.args(["buildx", "build", "--progress", "rawjson", "--provenance", "false"]);
        command.args(["--output", "type=cacheonly"]).args(more).args(options).arg(context);
        states_of(&command.stdin(Stdio::null()).output().expect("the engine's client starts"))
    }

    /// Makes it forget what it can.
    pub fn prune(&self) {
        let output = Command::new("docker").args(["buildx", "prune", "--all", "--force"]).output();
        assert!(output.expect("docker starts").status.success(), "the engine can't be pruned");
    }

    /// Builds `context` with `options` as `docker buildx build` and the program itself take them.
    pub fn build(&self, options: &[String], context: &Path) -> Outcome {
        let out = tempfile::Builder::new().prefix("stowaway-cache-").tempdir().expect("a temporary folder");
        let export = format!("type=local,dest={},mode=max", out.path().display());
        let mut command = Command::new("docker");
        command.args([
            "buildx",
            "build",
            "--progress",
            "plain",
            "--provenance",
            "false",
            "--output",
            "type=cacheonly",
        ]);
        command.args(["--cache-to", &export]).args(options).arg(context);
        let output = command.stdin(Stdio::null()).output().expect("the engine's client starts");
        if output.status.success() {
            return Outcome::Exported(read_export(out.path()));
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.lines().rev().find_map(|l| l.split_once("failed to solve: "));
        Outcome::Failed(last.map_or_else(|| text.to_string(), |(_, why)| why.to_owned()))
    }
}

/// What a client's `--progress rawjson` tells of each step, by its name; the engine's last words where the build failed.
pub fn states_of(output: &Output) -> Result<BTreeMap<String, State>, String> {
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(text.lines().last().unwrap_or("").to_owned());
    }
    let mut states = BTreeMap::new();
    let lines = text.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    for vertex in lines.flat_map(|l| l["vertexes"].as_array().cloned().unwrap_or_default()) {
        let Some(name) = vertex["name"].as_str() else { continue };
        // Of a step that stands on nothing only the key was asked for when it is shown as done: that tells nothing.
        if vertex["inputs"].as_array().is_none_or(Vec::is_empty) {
            continue;
        }
        if vertex["cached"] == true {
            states.insert(name.to_owned(), State::Cached);
        } else if vertex["completed"].is_string() {
            states.entry(name.to_owned()).or_insert(State::Ran);
        }
    }
    Ok(states)
}

/// The records of a local cache export; none when nothing was exported.
fn read_export(dir: &Path) -> Vec<Record> {
    let Ok(index) = fs::read(dir.join("index.json")) else { return Vec::new() };
    let index: Value = serde_json::from_slice(&index).expect("index.json is JSON");
    let manifest = read_blob(dir, &index["manifests"][0]["digest"]);
    let list = |name: &str| manifest[name].as_array().cloned().unwrap_or_default();
    let mut parts =
        [list("manifests"), list("layers"), vec![manifest["config"].clone()]].concat().into_iter();
    let config = parts.find(|p| p["mediaType"] == "application/vnd.buildkit.cacheconfig.v0");
    records(&read_blob(dir, &config.expect("the export has a cache config")["digest"]))
}

fn read_blob(dir: &Path, digest: &Value) -> Value {
    let digest = digest.as_str().expect("a digest").trim_start_matches("sha256:");
    let data = fs::read(dir.join("blobs/sha256").join(digest)).expect("the export has the blob");
    serde_json::from_slice(&data).expect("the blob is JSON")
}

fn records(config: &Value) -> Vec<Record> {
    let records = config["records"].as_array().map_or(&[][..], Vec::as_slice);
    let digest = |i: usize| records[i]["digest"].as_str().expect("a digest").to_owned();
    let link = |l: &Value| {
        let record = usize::try_from(l["link"].as_u64().unwrap_or(0)).expect("an index");
        let selector = l["selector"].as_str().unwrap_or("").to_owned();
        Link { digest: digest(record), selector, record: Some(record) }
    };
    let input = |alternatives: &Value| alternatives.as_array().into_iter().flatten().map(link).collect();
    let inputs = |r: &Value| r["inputs"].as_array().into_iter().flatten().map(input).collect();
    records.iter().enumerate().map(|(i, r)| Record { digest: digest(i), inputs: inputs(r) }).collect()
}
