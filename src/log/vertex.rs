//! What became of a vertex.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::progress::{self, Status};

/// So much of what a vertex printed is kept: its end.
const TAIL: usize = 4096;
/// So many runs of a vertex, and things that it transfers, are told apart; more are not counted.
const PARTS: usize = 4096;

/// A vertex, or a group of vertices that is shown as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vertex {
    /// Its digest, or the group's id.
    pub digest: String,
    /// Its name as the builder shows it.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it ran; it may have started several times.
    pub duration: Duration,
    /// Bytes that it transferred or pulled.
    pub bytes: u64,
    /// What the builder said when it failed.
    pub error: Option<String>,
    /// The end of what it printed, of one that failed.
    pub tail: Vec<u8>,
}

impl Vertex {
    /// The end of what it printed as text, without the escapes that colour it and without lines that were written over.
    pub fn printed(&self) -> String {
        let text = String::from_utf8_lossy(&self.tail);
        let kept = |line: &str| {
            let line = line.trim_end_matches('\r');
            without_escapes(line.rsplit('\r').next().unwrap_or(line))
        };
        text.lines().map(kept).collect::<Vec<_>>().join("\n")
    }
}

/// Leaves out terminal sequences, `ESC [ … letter`.
fn without_escapes(line: &str) -> String {
    let mut pieces = line.split("\x1b[");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|c: char| ('@'..='~').contains(&c)).map_or(piece.len(), |at| at + 1);
        out.push_str(&piece[end..]);
    }
    out
}

/// What became of a vertex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Its result was taken from the cache.
    Cached,
    /// It was never begun.
    Waiting,
    /// It ran.
    Ran,
    /// It was stopped, because another one failed or the log ends before it did.
    Canceled,
    /// It failed.
    Failed,
}

/// What is known of a vertex so far.
#[derive(Debug, Default)]
pub struct State {
    pub name: String,
    pub group: Option<(String, String)>,
    cached: bool,
    error: String,
    /// When it began → when it was done.
    runs: BTreeMap<Timestamp, Option<Timestamp>>,
    /// What it transfers → how much of it.
    transfers: BTreeMap<String, u64>,
    tail: Vec<u8>,
}

impl State {
    /// Takes what is new.
    pub fn update(&mut self, message: &progress::Vertex) {
        if !message.name.is_empty() {
            self.name.clone_from(&message.name);
        }
        if let Some(group) = &message.group {
            self.group = Some((group.id.clone(), group.name.clone()));
        }
        if !message.error.is_empty() {
            self.error.clone_from(&message.error);
        }
        // A later message without a start repeats what a vertex is, not what became of it (progressui/display.go).
        let Some(started) = message.started else { return };
        self.cached = message.cached;
        if self.runs.len() < PARTS || self.runs.contains_key(&started) {
            let run = self.runs.entry(started).or_default();
            *run = message.completed.or(*run);
        }
        if message.completed.is_some() && self.error.is_empty() {
            self.tail = Vec::new();
        }
    }

    /// Takes how far something is: a folder of the client's, or a layer that is pulled.
    pub fn status(&mut self, status: &Status) {
        let counts = status.id.starts_with("transferring") || status.id.starts_with("sha256:");
        if counts && (self.transfers.len() < PARTS || self.transfers.contains_key(&status.id)) {
            self.transfers.insert(status.id.clone(), u64::try_from(status.current).unwrap_or(0));
        }
    }

    /// Takes what it printed.
    pub fn print(&mut self, data: &[u8]) {
        self.tail.extend_from_slice(&data[data.len().saturating_sub(TAIL)..]);
        let over = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..over);
    }

    /// What became of it.
    fn outcome(&self) -> Outcome {
        // What was stopped says so in words only: `context canceled: context canceled`.
        let stopped = self.error.contains("context canceled");
        let done = self.runs.values().all(Option::is_some);
        match () {
            () if !self.error.is_empty() && !stopped => Outcome::Failed,
            () if stopped => Outcome::Canceled,
            () if self.cached => Outcome::Cached,
            () if self.runs.is_empty() => Outcome::Waiting,
            () if done => Outcome::Ran,
            () => Outcome::Canceled,
        }
    }
}

/// The vertex that these are; several are a group.
pub fn finish(digest: String, name: String, states: &[State]) -> Vertex {
    let outcome = states.iter().map(State::outcome).max().unwrap_or(Outcome::Waiting);
    let failed = states.iter().find(|s| s.outcome() == outcome && !s.error.is_empty());
    let runs = states.iter().flat_map(|s| &s.runs);
    let mut spans: Vec<(Timestamp, Timestamp)> =
        runs.filter_map(|(from, to)| Some((*from, (*to)?))).collect();
    let transfers = states.iter().flat_map(|s| s.transfers.values());
    Vertex {
        digest,
        name,
        outcome,
        duration: union(&mut spans),
        bytes: transfers.fold(0, |sum, n| sum.saturating_add(*n)),
        error: failed.map(|s| s.error.clone()),
        tail: failed.filter(|_| outcome == Outcome::Failed).map(|s| s.tail.clone()).unwrap_or_default(),
    }
}

/// The time that at least one of `spans` covers.
pub fn union(spans: &mut [(Timestamp, Timestamp)]) -> Duration {
    spans.sort_unstable();
    let mut sum = Duration::ZERO;
    let mut until: Option<Timestamp> = None;
    for (from, to) in spans {
        let from = until.map_or(*from, |until| until.max(*from));
        if *to > from {
            sum += Duration::try_from(to.duration_since(from)).unwrap_or_default();
        }
        until = Some(until.map_or(*to, |until| until.max(*to)));
    }
    sum
}
