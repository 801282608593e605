//! One build, asked of the engine and of the program.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::support::cli;
use crate::support::engine::{Engine, Outcome};
use crate::support::generate::Abilities;
use crate::support::records::{self, Record};

/// Only one test uses the engine at a time: what one forgets may be what another builds upon.
pub fn alone() -> MutexGuard<'static, ()> {
    static ENGINE: Mutex<()> = Mutex::new(());
    ENGINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What came out of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The records are the same.
    Equal,
    /// Both fail, in the same way as far as it is compared.
    BothFail,
    /// The engine failed for something that `plan` can't know: see [`hidden_in_a_base`] and [`depends_on_the_world`].
    NotForeseeable,
    /// What differs, line by line.
    Different(Vec<String>),
}

/// Builds `context` with `options` and plans it.
pub fn compare(engine: &Engine, can: Abilities, options: &[String], context: &Path) -> Verdict {
    let version = ["--buildkit", can.version];
    let run =
        cli::run(cli::command().args(["plan", "--format", "json"]).args(version).args(options).arg(context));
    let doc = match run.json() {
        Ok(doc) => doc,
        Err(why) => return Verdict::Different(vec![format!("plan: {why}")]),
    };
    let errors: Vec<&str> =
        doc["errors"].as_array().into_iter().flatten().filter_map(|e| e["engine_message"].as_str()).collect();
    match engine.build(options, context) {
        Outcome::Exported(_) if !errors.is_empty() => {
            Verdict::Different(vec![format!("the engine builds it, plan says: {errors:?}")])
        }
        Outcome::Exported(want) => compare_records(&doc, &want),
        Outcome::Failed(why) if depends_on_the_world(&why) => Verdict::NotForeseeable,
        Outcome::Failed(why) if errors.is_empty() && hidden_in_a_base(&why, options) => {
            Verdict::NotForeseeable
        }
        Outcome::Failed(why) if errors.is_empty() => {
            Verdict::Different(vec![format!("plan foresees no error, the engine says: {why}")])
        }
        Outcome::Failed(why) => compare_errors(can, &errors, &why),
    }
}

/// The engine looked for an image that is nowhere here, or a program failed on its own.
fn depends_on_the_world(why: &str) -> bool {
    why.contains("failed to resolve source metadata")
        || why.contains("did not complete successfully: exit code: ")
}

/// The copy itself failed on what lies at its destination, and the stage has a base image: its layers are not unpacked
/// only to see whether a step would fail.
fn hidden_in_a_base(why: &str, options: &[String]) -> bool {
    let at_destination = ["cannot replace to directory", "cannot copy to non-directory"];
    options.iter().any(|o| o == "--build-context") && at_destination.iter().any(|text| why.contains(text))
}

fn compare_records(doc: &Value, want: &[Record]) -> Verdict {
    let got = match records::parse(&doc["records"]) {
        Ok(got) => got,
        Err(why) => return Verdict::Different(vec![why]),
    };
    let open =
        keys_of(doc, |s| s["content_key"].is_null() && s["open"].as_array().is_some_and(|o| !o.is_empty()));
    let differences = records::differences_but_for(&open, want, &got);
    if differences.is_empty() { Verdict::Equal } else { Verdict::Different(differences) }
}

/// The cache keys of the steps that `which` picks.
fn keys_of(doc: &Value, which: impl Fn(&Value) -> bool) -> BTreeSet<&str> {
    let steps = doc["steps"].as_array().into_iter().flatten();
    steps.filter(|s| which(s)).filter_map(|s| s["cache_key"].as_str()).collect()
}

fn compare_errors(can: Abilities, ours: &[&str], theirs: &str) -> Verdict {
    let theirs = normalised(theirs);
    if !can.error_texts || ours.iter().any(|o| normalised(o) == theirs) {
        return Verdict::BothFail;
    }
    Verdict::Different(vec![format!("the engine fails with {theirs:?}, plan says {ours:?}")])
}

/// Random ids and mount points in one spelling.
pub fn normalised(message: &str) -> String {
    let words = message
        .split(' ')
        .map(|word| if is_id(word) { "<ID>::<ID>:".to_owned() } else { without_mount(word) });
    words.collect::<Vec<_>>().join(" ")
}

/// `mt7yi7xtzxtlinj3oshvv7yyp::kzuqhfl2jj0ddksw5uq6fzy2d:`
fn is_id(word: &str) -> bool {
    let part = |p: &str| p.len() == 25 && p.bytes().all(|b| b.is_ascii_alphanumeric());
    word.strip_suffix(':').and_then(|w| w.split_once("::")).is_some_and(|(a, b)| part(a) && part(b))
}

/// `/state/snapshots/17/fs/a` and `/state/cachemounts/buildkit123/a` → `<MOUNT>/a`.
fn without_mount(word: &str) -> String {
    let parts: Vec<&str> = word.split('/').collect();
    let is_number = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
    let snapshot =
        parts.windows(3).position(|w| w[0] == "snapshots" && is_number(w[1]) && w[2] == "fs").map(|i| i + 3);
    let mount =
        |p: &&str| p.strip_prefix("buildkit").is_some_and(|n| is_number(n.trim_start_matches("-mount")));
    let rest = snapshot.or_else(|| parts.iter().position(mount).map(|i| i + 1));
    match rest.filter(|_| word.starts_with('/')) {
        Some(rest) => {
            std::iter::once("<MOUNT>").chain(parts[rest..].iter().copied()).collect::<Vec<_>>().join("/")
        }
        None => word.to_owned(),
    }
}

#[test]
fn errors_are_compared_without_what_chance_decides() {
    let id = "mt7yi7xtzxtlinj3oshvv7yyp";
    assert_eq!(
        normalised(&format!("of ref {id}::{id}: \"/a\": not found")),
        "of ref <ID>::<ID>: \"/a\": not found"
    );
    assert_eq!(
        normalised("directory /r/snapshots/snapshots/17/fs/a/b with file"),
        "directory <MOUNT>/a/b with file"
    );
    assert_eq!(normalised("lstat /tmp/buildkit-mount123/missing: no"), "lstat <MOUNT>/missing: no");
    assert_eq!(normalised("lstat /missing: no"), "lstat /missing: no");
}
