//! Lines → vertices.

use std::collections::HashMap;
use std::io::{self, BufRead, Read as _};
use std::time::Duration;

use jiff::Timestamp;

use super::vertex::{State, Vertex, finish};
use crate::progress::Message;

/// A longer line is no message. BuildKit's own are below the 16 MiB that gRPC lets through.
const LINE: u64 = 24 << 20;

/// A log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildLog {
    /// What the builder did, in the order in which the log first speaks of it.
    pub vertices: Vec<Vertex>,
    /// From the first start to the last end.
    pub duration: Duration,
    /// Lines that are messages.
    pub messages: u64,
    /// Other lines that are not empty: the client's own, or those of another format.
    pub others: u64,
}

/// Reads a log to its end.
///
/// # Errors
/// What `input` says. A line that can't be understood is counted, not an error: clients write their own between the messages.
pub fn read(mut input: impl BufRead) -> io::Result<BuildLog> {
    let mut builder = Recorder::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut input).take(LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(builder.finish());
        }
        if line.len() as u64 == LINE && line.last() != Some(&b'\n') {
            input.skip_until(b'\n')?;
            builder.log.others += 1;
        } else {
            builder.line(&line);
        }
    }
}

/// A log that is taken piece by piece, while the builder is still at it.
#[derive(Debug, Default)]
pub struct Recorder {
    log: BuildLog,
    places: HashMap<String, usize>,
    states: Vec<(String, State)>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Recorder {
    /// Takes a line.
    pub fn line(&mut self, line: &[u8]) {
        match Message::of_line(line) {
            Some(message) => self.take(&message),
            None => self.log.others += u64::from(!line.trim_ascii().is_empty()),
        }
    }

    /// Takes what an engine reports.
    pub fn take(&mut self, message: &Message) {
        self.log.messages += 1;
        for vertex in message.vertexes.iter().filter(|v| !v.digest.is_empty()) {
            self.span(vertex.started, vertex.completed);
            let place = self.place(&vertex.digest);
            self.states[place].1.update(vertex);
        }
        // What is said of a vertex that was never named can't be told to anybody.
        for status in &message.statuses {
            if let Some(place) = self.places.get(&status.vertex) {
                self.states[*place].1.status(status);
            }
        }
        for log in &message.logs {
            if let Some(place) = self.places.get(&log.vertex) {
                self.states[*place].1.print(&log.data);
            }
        }
    }

    /// Widens the time that the build took.
    fn span(&mut self, started: Option<Timestamp>, completed: Option<Timestamp>) {
        self.first = self.first.into_iter().chain(started).min();
        self.last = self.last.max(completed).max(started);
    }

    /// The place of a vertex.
    fn place(&mut self, digest: &str) -> usize {
        if let Some(place) = self.places.get(digest) {
            return *place;
        }
        self.states.push((digest.to_owned(), State::default()));
        self.places.insert(digest.to_owned(), self.states.len() - 1);
        self.states.len() - 1
    }

    /// What became of everything, groups as one vertex.
    pub fn finish(mut self) -> BuildLog {
        let mut groups: HashMap<String, usize> = HashMap::new();
        let mut gathered: Vec<(String, String, Vec<State>)> = Vec::new();
        for (digest, state) in self.states {
            let (id, name) = state.group.clone().unwrap_or_else(|| (digest, state.name.clone()));
            let place = *groups.entry(id.clone()).or_insert(gathered.len());
            if place == gathered.len() {
                gathered.push((id, name, Vec::new()));
            }
            gathered[place].2.push(state);
        }
        self.log.vertices =
            gathered.into_iter().map(|(id, name, states)| finish(id, name, &states)).collect();
        if let (Some(first), Some(last)) = (self.first, self.last) {
            self.log.duration = Duration::try_from(last.duration_since(first)).unwrap_or_default();
        }
        self.log
    }
}
