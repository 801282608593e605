//! One build, asked of the engine and of the program.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::cli;
use crate::support::engine::{Engine, Outcome};
use crate::support::generate::Abilities;
use crate::support::records::{self, Record};

/// What came out of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The records are the same.
    Equal,
    /// Both fail, in the same way as far as it is compared.
    BothFail,
    /// What differs, line by line.
    Different(Vec<String>),
}

/// Builds `context` with `options` and plans it.
pub fn compare(engine: &Engine, can: Abilities, options: &[String], context: &Path) -> Verdict {
    let run = cli::run(cli::command().args(["plan", "--format", "json"]).args(options).arg(context));
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
        Outcome::Exported(want) => compare_records(can, &doc, &want),
        Outcome::Failed(why) if errors.is_empty() => {
            Verdict::Different(vec![format!("plan foresees no error, the engine says: {why}")])
        }
        Outcome::Failed(why) => compare_errors(can, &errors, &why),
    }
}

fn compare_records(can: Abilities, doc: &Value, want: &[Record]) -> Verdict {
    let got = match records::parse(&doc["records"]) {
        Ok(got) => got,
        Err(why) => return Verdict::Different(vec![why]),
    };
    let open =
        keys_of(doc, |s| s["content_key"].is_null() && s["open"].as_array().is_some_and(|o| !o.is_empty()));
    let masked = if can.pattern_keys { BTreeSet::new() } else { keys_of(doc, has_pattern) };
    let (want, got) = if masked.is_empty() {
        (want.to_vec(), got)
    } else {
        (records::without_content_of(&masked, want), records::without_content_of(&masked, &got))
    };
    let differences = records::differences_but_for(&open, &want, &got);
    if differences.is_empty() { Verdict::Equal } else { Verdict::Different(differences) }
}

/// The cache keys of the steps that `which` picks.
fn keys_of(doc: &Value, which: impl Fn(&Value) -> bool) -> BTreeSet<&str> {
    let steps = doc["steps"].as_array().into_iter().flatten();
    steps.filter(|s| which(s)).filter_map(|s| s["cache_key"].as_str()).collect()
}

/// A step whose content key older engines compute in another way.
fn has_pattern(step: &Value) -> bool {
    let text = step["name"].as_str().unwrap_or("");
    text.contains("--exclude") || text.contains(['*', '?', '[', '\\'])
}

fn compare_errors(can: Abilities, ours: &[&str], theirs: &str) -> Verdict {
    let theirs = normalised(theirs);
    if !can.error_texts || ours.iter().any(|o| normalised(o) == theirs) {
        return Verdict::BothFail;
    }
    Verdict::Different(vec![format!("the engine fails with {theirs:?}, plan says {ours:?}")])
}

/// Random ids in one spelling.
fn normalised(message: &str) -> String {
    let is_id = |w: &str| {
        let w = w.trim_end_matches(':');
        w.contains("::")
            && w.split("::").all(|p| p.len() == 25 && p.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    let words = message.split(' ').map(|w| if is_id(w) { "…:" } else { w });
    words.collect::<Vec<_>>().join(" ").replace("…::…", "…").replace("<ID>::<ID>", "…")
}
