//! What buildx was seen to ask engines for, held against what we would.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clap::Parser as _;
use serde::Deserialize;

use super::args::BuildVerb;
use crate::cli::args::{Cli, Command};
use crate::ops::build::{Capabilities, Driver, Export, Options, Solve, find_inputs, solve};

/// A recorded command and what became of it.
#[derive(Deserialize)]
struct Row {
    case: String,
    engine: String,
    args: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    frontend: String,
    #[serde(default)]
    attrs: BTreeMap<String, String>,
    #[serde(default)]
    exporters: Vec<Entry>,
    #[serde(default)]
    cache_to: Vec<Entry>,
    #[serde(default)]
    cache_from: Vec<Entry>,
    #[serde(default)]
    entitlements: Vec<String>,
    #[serde(default)]
    internal: bool,
    refused: Option<String>,
    warning: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Entry {
    r#type: String,
    attrs: BTreeMap<String, String>,
}

fn rows() -> Vec<Row> {
    let text =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/build/solve.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The folders that the commands were recorded in.
fn folders(root: &Path) {
    for (path, text) in [
        ("ctx/Dockerfile", "FROM scratch\nCOPY a.txt /\n"),
        ("ctx/a.txt", "hi\n"),
        ("ctx/sub/x.Dockerfile", "FROM scratch\n"),
        ("other/Dockerfile", "FROM scratch\n"),
        ("lower/dockerfile", "FROM scratch\n"),
    ] {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
}

fn capabilities(engine: &str) -> Capabilities {
    let (driver, containerd_store) = match engine {
        "moby" => (Driver::Docker, false),
        "c8d" => (Driver::Docker, true),
        _ => (Driver::Remote, false),
    };
    Capabilities {
        driver,
        containerd_store,
        attestations: true,
        several_exporters: true,
        gateway: (driver == Driver::Docker).then(|| "172.17.0.1".to_owned()),
        loads_oci: true,
        ..Capabilities::default()
    }
}

fn ours(row: &Row, root: &str) -> Result<Solve, String> {
    let args = row.args.iter().map(|a| a.replace("{root}", root));
    let typed = ["stowaway".to_owned(), "build".to_owned()].into_iter().chain(args);
    let Command::Build(verb) = Cli::try_parse_from(typed).map_err(|e| e.to_string())?.command else {
        panic!("build")
    };
    let verb: &BuildVerb = &verb;
    let mut flags = verb.flags();
    let environment = |name: &str| row.environment.get(name).cloned();
    if let Some(usual) = environment("DOCKER_DEFAULT_PLATFORM") {
        flags.platforms = vec![usual];
    }
    let options = Options::parse(&flags, &environment).map_err(|e| e.to_string())?;
    let inputs =
        find_inputs(&options, &mut std::io::empty(), &mut || "id".into()).map_err(|e| e.to_string())?;
    solve(&options, &inputs, &capabilities(&row.engine)).map_err(|e| e.to_string())
}

fn entries<'e>(all: impl Iterator<Item = (&'e String, &'e BTreeMap<String, String>)>) -> Vec<Entry> {
    all.map(|(kind, attrs)| Entry { r#type: kind.clone(), attrs: attrs.clone() }).collect()
}

/// In which way ours differs.
fn difference(row: &Row, root: &str) -> Option<String> {
    let placed = |map: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        map.iter().map(|(k, v)| (k.clone(), v.replace("{root}", root))).collect()
    };
    let solve = match (ours(row, root), &row.refused) {
        (Err(_), Some(_)) => return None,
        (Err(e), None) => return Some(format!("refused: {e}")),
        (Ok(_), Some(why)) => return Some(format!("should be refused: {why}")),
        (Ok(solve), None) => solve,
    };
    let recorded = |all: &[Entry]| -> Vec<Entry> {
        all.iter().map(|e| Entry { r#type: e.r#type.clone(), attrs: placed(&e.attrs) }).collect()
    };
    let exports: Vec<Entry> = entries(solve.exports.iter().map(|e: &Export| (&e.kind, &e.attrs)));
    let to = entries(solve.cache_to.iter().map(|c| (&c.kind, &c.attrs)));
    let from = entries(solve.cache_from.iter().map(|c| (&c.kind, &c.attrs)));
    let attrs = solve.frontend_attrs();
    if (&solve.frontend, &attrs) != (&row.frontend, &placed(&row.attrs)) {
        return Some(format!("attrs: {attrs:?}\n   not {:?}", placed(&row.attrs)));
    }
    if exports != recorded(&row.exporters) {
        return Some(format!("exporters: {exports:?}\n   not {:?}", row.exporters));
    }
    if (to, from) != (recorded(&row.cache_to), recorded(&row.cache_from)) {
        return Some("caches".into());
    }
    if (&solve.entitlements, solve.internal) != (&row.entitlements, row.internal) {
        return Some(format!("entitlements: {:?}, internal: {}", solve.entitlements, solve.internal));
    }
    let warned = row.warning.as_deref().is_none_or(|w| solve.warnings.iter().any(|own| w.contains(own)));
    (!warned || row.warning.is_none() != solve.warnings.is_empty())
        .then(|| format!("warns {:?}", solve.warnings))
}

#[test]
fn engines_are_asked_for_what_buildx_was_recorded_to_ask_for() {
    let root = tempfile::tempdir().unwrap();
    folders(root.path());
    let root = root.path().to_str().unwrap();
    let rows = rows();
    assert!(rows.len() > 250, "{}", rows.len());
    let differ = rows.iter().filter_map(|row| {
        difference(row, root).map(|how| format!("{} with {}: {how}\n", row.case, row.engine))
    });
    let differ: String = differ.collect();
    assert!(differ.is_empty(), "{differ}");
}

#[test]
fn what_docker_does_not_know_is_refused() {
    let error = Cli::try_parse_from(["stowaway", "build", "--squash", "."]).unwrap_err().to_string();
    assert!(error.contains("--squash"), "{error}");
    let error = Cli::try_parse_from(["stowaway", "build"]).unwrap_err().to_string();
    assert!(error.contains("PATH | URL | -"), "{error}");
}
