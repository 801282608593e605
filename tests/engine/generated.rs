//! A generated family of Dockerfiles and trees.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::compare::{Verdict, alone, compare};
use crate::support::engine::{Engine, engine};
use crate::support::generate::{Abilities, Build, NONCE};
use crate::support::shrink::shrink;
use crate::support::tree::{Kind, Tree};
use crate::support::{entry, layout, parallel};

/// Builds at once: a machine with two processors is not faster with more.
const AT_ONCE: usize = 2;
/// How often a build may be asked again while a difference is made small.
const SHRINK_LIMIT: usize = 150;

/// A text that no build before had.
pub fn nonce() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    format!("n{time:x}x{:x}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Puts a build on disk under a fresh name and asks both.
fn ask(engine: &Engine, can: Abilities, build: &Build) -> Verdict {
    let (_base, context, options) = place(build, &nonce());
    compare(engine, can, &options, &context)
}

/// Puts a build on disk under a fresh name: the folder of all, the context in it, and the options that name its bases.
pub fn place(build: &Build, nonce: &str) -> (tempfile::TempDir, PathBuf, Vec<String>) {
    let prefix = format!("{nonce}-");
    let base = tempfile::Builder::new().prefix(&prefix).tempdir().expect("a temporary folder");
    // The engine's client names what it transfers after the folder, and the engine keeps it under that name.
    let context = base.path().join(nonce);
    fs::create_dir(&context).expect("making the context");
    entry::set_mode(&context, 0o755);
    with_nonce(&build.tree, nonce).write(&context);
    let dockerfile = build.dockerfile_text().replace(NONCE, nonce);
    fs::write(context.join("Dockerfile"), &dockerfile).expect("writing the Dockerfile");
    if !build.ignore.is_empty() {
        fs::write(context.join(".dockerignore"), build.ignore.join("\n") + "\n")
            .expect("writing the ignore file");
    }
    let options = layout::stand_ins(base.path(), &dockerfile, nonce);
    (base, context, options)
}

fn with_nonce(tree: &Tree, nonce: &str) -> Tree {
    let mut tree = tree.clone();
    for line in &mut tree.lines {
        let Kind::File { unit, .. } = &mut line.kind else { continue };
        if let Ok(text) = std::str::from_utf8(unit) {
            *unit = text.replace(NONCE, nonce).into_bytes();
        }
    }
    tree
}

/// A difference that shows again with everything fresh.
fn differs(engine: &Engine, can: Abilities, build: &Build) -> bool {
    (0..2).all(|_| matches!(ask(engine, can, build), Verdict::Different(_)))
}

/// A number from the environment.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |v| v.parse().unwrap_or_else(|e| panic!("{name}: {e}")))
}

#[test]
fn generated_builds_export_the_records_that_plan_gives() {
    let Some(engine) = engine("generated builds") else { return };
    let _alone = alone();
    let can = engine.can;
    let (wanted, first) = (number("STOWAWAY_TEST_BUILDS", 200), number("STOWAWAY_TEST_SEED", 1));
    let (mut equal, mut both_fail) = (0, 0);
    let mut different: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let mut seed = first;
    while equal < wanted && different.len() < 5 {
        let seeds: Vec<u64> = (seed..seed + 20).collect();
        seed += 20;
        assert!(seed - first < 10 * wanted + 100, "{equal} builds went through of {}", seed - first);
        let verdicts = parallel::map_with(AT_ONCE, &seeds, |s| ask(&engine, can, &Build::from_seed(*s, can)));
        for (seed, verdict) in seeds.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Equal => equal += 1,
                Verdict::BothFail | Verdict::NotForeseeable => both_fail += 1,
                Verdict::Different(lines) => drop(different.insert(seed, lines)),
            }
        }
    }
    crate::support::say(&format!(
        "generated builds: {equal} equal, {both_fail} fail on both sides, {} differ",
        different.len()
    ));
    let report: Vec<String> =
        different.iter().filter_map(|(seed, lines)| smallest(&engine, can, *seed, lines)).collect();
    assert!(report.is_empty(), "{} builds differ; each made small:\n{}", report.len(), report.join("\n"));
}

/// The difference that a seed showed, made small; `None` when it does not show again.
fn smallest(engine: &Engine, can: Abilities, seed: u64, lines: &[String]) -> Option<String> {
    let build = Build::from_seed(seed, can);
    if !differs(engine, can, &build) {
        let lines = lines.join("\n");
        crate::support::say(&format!("seed {seed}: a difference did not show again:\n{lines}\n{build}"));
        return None;
    }
    let small = shrink(build, SHRINK_LIMIT, |b| differs(engine, can, b));
    let Verdict::Different(lines) = ask(engine, can, &small) else { return None };
    Some(format!("=== seed {seed}\n{small}--- differs\n{}\n", lines.join("\n")))
}
