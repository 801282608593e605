//! What `why` predicts is what the engine does: builds, random changes, predictions, builds again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use serde_json::Value;

use crate::change::change;
use crate::compare::alone;
use crate::generated::{nonce, number, place};
use crate::support::engine::{Engine, State, engine};
use crate::support::generate::Build;
use crate::support::{cli, parallel};

/// Changes of one build, one after the other.
const ROUNDS: usize = 4;

/// What came of predictions.
#[derive(Debug, Default)]
struct Count {
    /// Changes after which the engine built again.
    changes: usize,
    /// Steps of which something was predicted, and how it turned out.
    right: usize,
    unknown: usize,
    /// Steps that would rerun on a clean engine, and were served stale as `may_be_stale` said.
    stale: usize,
    wrong: Vec<String>,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.changes += other.changes;
        self.right += other.right;
        self.unknown += other.unknown;
        self.stale += other.stale;
        self.wrong.extend(other.wrong);
    }

    fn tell(&self, what: &str) {
        let predicted = self.right + self.stale + self.wrong.len();
        crate::support::say(&format!(
            "why against {what}: {} changes, {predicted} steps predicted, {} right, {} of them where the engine was stale as \
             foretold, {} wrong; {} unknown, each with a reason",
            self.changes,
            self.right + self.stale,
            self.stale,
            self.wrong.len(),
            self.unknown
        ));
        assert!(self.wrong.is_empty(), "{} wrong:\n{}", self.wrong.len(), self.wrong.join("\n"));
    }
}

/// A build on disk with all that both programs are told.
struct Story {
    base: tempfile::TempDir,
    context: PathBuf,
    options: Vec<String>,
    rng: Rng,
    seed: u64,
    version: &'static str,
}

impl Story {
    fn new(engine: &Engine, seed: u64) -> Self {
        let nonce = nonce();
        let (base, context, options) = place(&Build::from_seed(seed, engine.can), &nonce);
        Self { base, context, options, rng: Rng::with_seed(seed), seed, version: engine.can.version }
    }

    /// What `why` says of every step, by its name.
    fn predict(&self, against: &str) -> Result<BTreeMap<String, Value>, String> {
        let mut command = cli::command();
        command
            .args(["why", "--format", "json", "--against", against, "--buildkit", self.version])
            .args(&self.options)
            .arg(&self.context);
        let doc = cli::run(&mut command).json().map_err(|e| format!("seed {}: why: {e}", self.seed))?;
        let steps = doc["steps"].as_array().cloned().unwrap_or_default();
        Ok(steps.into_iter().map(|s| (s["name"].as_str().unwrap_or("").to_owned(), s)).collect())
    }

    fn snapshot(&self, name: &str) -> String {
        let path = self.base.path().join(name).display().to_string();
        let mut command = cli::command();
        command
            .args(["snapshot", "-o", &path, "--buildkit", self.version])
            .args(&self.options)
            .arg(&self.context);
        cli::run(&mut command).expect_code(0);
        path
    }
}

/// Holds one prediction against what the engine did. `earlier` are predictions from snapshots of earlier rounds: the engine
/// remembers them all.
fn judge(
    predicted: &BTreeMap<String, Value>,
    earlier: &[BTreeMap<String, Value>],
    states: &BTreeMap<String, State>,
    what: &str,
) -> Count {
    let mut count = Count { changes: 1, ..Count::default() };
    for (name, state) in states.iter().filter(|(name, _)| name.starts_with('[') && !name.contains("] FROM "))
    {
        if name.starts_with("[internal]") || name.starts_with("[context ") {
            continue;
        }
        let Some(step) = predicted.get(name) else {
            count.wrong.push(format!("{what}: {name}: not predicted at all"));
            continue;
        };
        let remembered = || earlier.iter().any(|e| e.get(name).is_some_and(|s| s["verdict"] != "rerun"));
        match (step["verdict"].as_str(), state) {
            (Some("unknown"), _) if step["open"].as_array().is_some_and(|o| !o.is_empty()) => {
                count.unknown += 1
            }
            (Some("cached"), State::Cached) | (Some("rerun"), State::Ran) => count.right += 1,
            (Some("rerun"), State::Cached) if step["may_be_stale"] == true => count.stale += 1,
            (Some("rerun"), State::Cached) if remembered() => count.right += 1,
            (verdict, state) => count
                .wrong
                .push(format!("{what}: {name}: {verdict:?}, the engine: {state:?}; {}", step["causes"])),
        }
    }
    count
}

/// Changes after which an engine that has built what the snapshot holds is asked again.
fn against_snapshots(engine: &Engine, seed: u64) -> Count {
    let mut story = Story::new(engine, seed);
    let mut count = Count::default();
    if engine.states(&story.options, &story.context, &[]).is_err() {
        return count;
    }
    let mut snapshots = vec![story.snapshot("0.snap")];
    for round in 1..=ROUNDS {
        let done = change(&mut story.rng, &story.context, &nonce());
        let what = format!("seed {seed}, round {round}: {done}");
        let predictions: Result<Vec<_>, _> = snapshots.iter().map(|s| story.predict(s)).collect();
        let predictions = match predictions {
            Ok(predictions) => predictions,
            Err(why) => {
                count.wrong.push(format!("{what}: {why}"));
                return count;
            }
        };
        // What a failing build shows of its other steps is chance.
        let Ok(states) = engine.states(&story.options, &story.context, &[]) else { return count };
        let (last, earlier) = predictions.split_last().expect("one for each snapshot");
        count.add(judge(last, earlier, &states, &what));
        if done.unnoticed {
            return count;
        }
        snapshots.push(story.snapshot(&format!("{round}.snap")));
    }
    count
}

/// Changes after which an engine that knows nothing is given the cache that was exported before.
fn against_caches(engine: &Engine, seed: u64) -> Count {
    let mut story = Story::new(engine, seed);
    let mut count = Count::default();
    for round in 1..=2 {
        let cache = story.base.path().join(format!("cache-{round}"));
        let export = format!("type=local,dest={},mode=max", cache.display());
        if engine.states(&story.options, &story.context, &["--cache-to", &export]).is_err() {
            return count;
        }
        // Nothing is written where there is nothing to remember.
        if !Path::new(&cache).join("index.json").exists() {
            return count;
        }
        let done = change(&mut story.rng, &story.context, &nonce());
        let what = format!("seed {seed}, round {round}: {done}");
        let predicted = match story.predict(&format!("cache:{}", cache.display())) {
            Ok(predicted) => predicted,
            Err(why) => {
                count.wrong.push(format!("{what}: {why}"));
                return count;
            }
        };
        engine.prune();
        let import = format!("type=local,src={}", cache.display());
        let Ok(states) = engine.states(&story.options, &story.context, &["--cache-from", &import]) else {
            return count;
        };
        count.add(judge(&predicted, &[], &states, &what));
        engine.prune();
        let _ = fs::remove_dir_all(&cache);
    }
    count
}

#[test]
fn changes_rerun_the_steps_that_why_foretells_from_a_snapshot() {
    let Some(engine) = engine("predictions from snapshots") else { return };
    let _alone = alone();
    let (wanted, mut seed) = (number("STOWAWAY_TEST_CHANGES", 100), number("STOWAWAY_TEST_SEED", 1));
    let mut count = Count::default();
    while (count.changes as u64) < wanted && count.wrong.len() < 10 {
        let seeds: Vec<u64> = (seed..seed + 8).collect();
        seed += 8;
        for one in parallel::map_with(2, &seeds, |s| against_snapshots(&engine, *s)) {
            count.add(one);
        }
    }
    count.tell("snapshots");
}

#[test]
fn changes_rerun_the_steps_that_why_foretells_from_a_cache_export() {
    let Some(engine) = engine("predictions from cache exports") else { return };
    let _alone = alone();
    let (wanted, mut seed) =
        (number("STOWAWAY_TEST_CHANGES", 100) / 3, number("STOWAWAY_TEST_SEED", 1) + 5000);
    let mut count = Count::default();
    while (count.changes as u64) < wanted && count.wrong.len() < 10 {
        count.add(against_caches(&engine, seed));
        seed += 1;
    }
    count.tell("cache exports");
}
