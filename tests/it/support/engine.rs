//! A live engine: builds, and hands back the cache records that it exports.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::generate::Abilities;
use super::records::{Link, Record};

/// Which engine answers.
#[derive(Debug, Clone)]
pub enum Engine {
    /// `docker buildx build`, reached as the environment says.
    Docker,
    /// A standalone `buildkitd` through this `buildctl`, reached by `BUILDKIT_HOST`.
    Buildctl(String),
}

/// What became of a build.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It went through and exported these records.
    Exported(Vec<Record>),
    /// It failed: the text after `failed to solve: `.
    Failed(String),
}

/// The engine that the environment offers: `STOWAWAY_TEST_BUILDCTL` (path of a `buildctl`) or `STOWAWAY_TEST_ENGINE`.
/// `None` is said aloud, and is a failure where `STOWAWAY_REQUIRE_ENGINE` is set.
pub fn engine(test: &str) -> Option<Engine> {
    let set = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    if let Some(buildctl) = set("STOWAWAY_TEST_BUILDCTL") {
        return Some(Engine::Buildctl(buildctl));
    }
    if set("STOWAWAY_TEST_ENGINE").is_some() {
        return Some(Engine::Docker);
    }
    assert!(
        set("STOWAWAY_REQUIRE_ENGINE").is_none(),
        "{test}: no engine, though STOWAWAY_REQUIRE_ENGINE is set"
    );
    super::say(&format!("skipped: no engine ({test}; STOWAWAY_TEST_ENGINE is not set)"));
    None
}

impl Engine {
    /// What it can be asked and compared in.
    pub fn abilities(&self) -> Abilities {
        let Self::Docker = self else { return Abilities::ALL };
        let output = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output();
        let text = String::from_utf8(output.expect("docker starts").stdout).expect("a version");
        let major: u32 =
            text.split('.').next().and_then(|n| n.trim().parse().ok()).expect("a version of Docker");
        if major < 28 { Abilities::DOCKER_26 } else { Abilities::DOCKER_28 }
    }

    /// Makes it forget what it can.
    pub fn prune(&self) {
        let output = match self {
            Self::Docker => Command::new("docker").args(["buildx", "prune", "--all", "--force"]).output(),
            Self::Buildctl(path) => Command::new(path).args(["prune", "--all"]).output(),
        };
        assert!(output.expect("the engine's client starts").status.success(), "the engine can't be pruned");
    }

    /// Builds `context` with `options` as `docker buildx build` and the program itself take them.
    pub fn build(&self, options: &[String], context: &Path) -> Outcome {
        let out = tempfile::Builder::new().prefix("stowaway-cache-").tempdir().expect("a temporary folder");
        let export = format!("type=local,dest={},mode=max", out.path().display());
        let mut command = match self {
            Self::Docker => docker(options, context, &export),
            Self::Buildctl(path) => buildctl(path, options, context, &export),
        };
        let output = command.stdin(Stdio::null()).output().expect("the engine's client starts");
        if output.status.success() {
            return Outcome::Exported(read_export(out.path()));
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.lines().rev().find_map(|l| l.split_once("failed to solve: "));
        Outcome::Failed(last.map_or_else(|| text.to_string(), |(_, why)| why.to_owned()))
    }
}

fn docker(options: &[String], context: &Path, export: &str) -> Command {
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
    command.args(["--cache-to", export]).args(options).arg(context);
    command
}

fn buildctl(path: &str, options: &[String], context: &Path, export: &str) -> Command {
    let mut command = Command::new(path);
    command.args(["build", "--progress", "plain", "--frontend", "dockerfile.v0", "--export-cache", export]);
    command.arg("--local").arg(format!("context={}", context.display()));
    let mut file = context.join("Dockerfile");
    for pair in options.chunks(2) {
        match pair {
            [name, value] if name == "-f" => file = value.into(),
            [name, value] => {
                command.args(frontend_options(name, value));
            }
            _ => panic!("an option without a value: {pair:?}"),
        }
    }
    let (dir, name) = (file.parent().expect("a folder"), file.file_name().expect("a name"));
    command.arg("--local").arg(format!("dockerfile={}", dir.display()));
    command.arg("--opt").arg(format!("filename={}", name.to_string_lossy()));
    command
}

/// One option of buildx as buildctl takes it.
fn frontend_options(name: &str, value: &str) -> Vec<String> {
    let opt = |text: String| vec!["--opt".to_owned(), text];
    match name {
        "--target" => opt(format!("target={value}")),
        "--platform" => opt(format!("platform={value}")),
        "--build-arg" => opt(format!("build-arg:{value}")),
        "--no-cache-filter" => opt(format!("no-cache={value}")),
        "--secret" => vec!["--secret".into(), value.into()],
        "--build-context" => named_context(value),
        other => panic!("no option of buildctl stands for {other}"),
    }
}

fn named_context(value: &str) -> Vec<String> {
    let (name, source) = value.split_once('=').expect("NAME=SOURCE");
    let opt = |text: String| ["--opt".to_owned(), format!("context:{name}={text}")];
    let (flag, dir, opt) = match source.strip_prefix("oci-layout://") {
        None => ("--local", source.to_owned(), opt(format!("local:{name}"))),
        Some(layout) => {
            let (dir, digest) = layout.rsplit_once('@').expect("DIR@DIGEST");
            ("--oci-layout", dir.to_owned(), opt(format!("oci-layout://{}@{digest}", store(name))))
        }
    };
    let key = if flag == "--local" { name.to_owned() } else { store(name) };
    [flag.to_owned(), format!("{key}={dir}")].into_iter().chain(opt).collect()
}

/// A layout's name within buildctl must look like a repository.
fn store(name: &str) -> String {
    name.replace([':', '.'], "-")
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
