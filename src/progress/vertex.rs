//! What is known about a vertex so far, and what of it is still to be shown.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use jiff::Timestamp;

use super::escape;
use super::interval::{Interval, merge, seconds};
use super::message;
use super::screen::Screen;

/// So many things within a vertex are told apart; no build that is meant has more.
const THINGS: usize = 1 << 14;

/// How much of a vertex's output is kept while it can't be shown. BuildKit itself clips a step's at 2 MiB unless it is told otherwise.
const KEPT: usize = 16 << 20;

/// A vertex, or a group that is shown as one.
#[derive(Debug, Default)]
pub struct Vertex {
    /// As the engine says last; control characters are written out.
    pub name: String,
    pub error: String,
    pub cached: bool,
    /// A group of which no member that counts has begun.
    pub hidden: bool,
    /// Its number in plain text; 0 before it was shown.
    pub index: usize,
    pub statuses: Statuses,
    pub logs: Logs,
    pub warnings: Vec<String>,
    /// How many of the warnings were shown.
    pub warned: usize,
    /// Events since it was last shown, and since when it counts them.
    pub count: u32,
    pub blocked: Option<Timestamp>,
    /// The end of its output as a terminal shows it; only where there is one, and some output.
    pub screen: Option<Screen>,
    /// The rows that such a screen begins with; `None` without a terminal.
    pub rows: Option<usize>,
    /// Bytes that it printed, and how often its screen was shown.
    pub printed: usize,
    pub screens: usize,
    intervals: BTreeMap<Timestamp, Interval>,
    merged: Vec<Interval>,
    /// As it was when it was last found changed.
    seen: Option<message::Vertex>,
}

impl Vertex {
    /// One that nothing is known about.
    pub fn new(rows: Option<usize>) -> Self {
        Self { rows, ..Self::default() }
    }

    /// The last span in which it worked.
    pub fn recent(&self) -> Option<Interval> {
        self.merged.last().copied()
    }

    pub fn is_started(&self) -> bool {
        !self.merged.is_empty()
    }

    pub fn is_completed(&self) -> bool {
        self.recent().is_some_and(|last| last.stop.is_some())
    }

    /// It was stopped because something else failed, or because the user said so.
    pub fn is_canceled(&self) -> bool {
        self.error.ends_with("context canceled")
    }

    /// It failed by itself.
    pub fn has_failed(&self) -> bool {
        !self.error.is_empty() && !self.is_canceled()
    }

    /// The spans in which it worked, those that overlap joined.
    pub fn spans(&self) -> &[Interval] {
        &self.merged
    }

    /// Every span is over.
    pub fn all_over(&self) -> bool {
        self.intervals.values().all(|span| span.stop.is_some())
    }

    /// Notes that something happened.
    pub fn touch(&mut self, now: Timestamp) {
        if self.count == 0 {
            self.blocked = Some(now);
        }
        self.count = self.count.saturating_add(1);
    }

    /// Takes a span; whether it is news.
    pub fn work(&mut self, span: Interval) -> bool {
        if self.intervals.len() >= THINGS && !self.intervals.contains_key(&span.start) {
            return false;
        }
        let news = self.intervals.insert(span.start, span) != Some(span);
        if news {
            self.merged = merge(self.intervals.values().copied());
        }
        news
    }

    /// Takes what the engine says, and tells whether it is worth showing: every report of an end is (`triggerVertexEvent`).
    pub fn tell(&mut self, vertex: &message::Vertex) -> bool {
        if vertex.started.is_none() {
            return false;
        }
        let changed = self.seen.as_ref().is_none_or(|old| {
            vertex.name != old.name
                || vertex.started != old.started
                || vertex.completed.is_some()
                || vertex.cached != old.cached
                || vertex.error != old.error
        });
        self.seen = Some(vertex.clone());
        changed
    }

    /// Takes over what it looks like now.
    pub fn become_like(&mut self, vertex: &message::Vertex) {
        self.name = escape::line(&vertex.name).into_owned();
        self.error = escape::lines(&vertex.error).into_owned();
        self.cached = vertex.cached;
    }

    /// Takes a warning.
    pub fn warn(&mut self, short: &[u8]) {
        if self.warnings.len() < THINGS {
            self.warnings.push(escape::line(&String::from_utf8_lossy(short)).into_owned());
        }
    }

    /// Takes output; each line begins with the seconds since the vertex began.
    pub fn print(&mut self, log: &message::Log) {
        let since = self.recent().map_or(0.0, |span| seconds(log.timestamp.duration_since(span.start)));
        self.logs.take(&log.data, since);
    }
}

/// How far things within a vertex are.
#[derive(Debug, Default)]
pub struct Statuses {
    known: Vec<message::Status>,
    by_id: HashMap<String, usize>,
    /// Those that have begun, in that order.
    order: Vec<usize>,
    news: HashSet<usize>,
}

impl Statuses {
    /// Takes what the engine says.
    pub fn tell(&mut self, status: &message::Status) {
        if self.known.len() >= THINGS && !self.by_id.contains_key(&status.id) {
            return;
        }
        let at = *self.by_id.entry(status.id.clone()).or_insert(self.known.len());
        let mut status = status.clone();
        status.id = escape::line(&status.id).into_owned();
        let begun = self.known.get(at).is_some_and(|old| old.started.is_some());
        if status.started.is_some() && !begun {
            self.order.push(at);
        }
        match self.known.get_mut(at) {
            Some(old) => *old = status,
            None => self.known.push(status),
        }
        self.news.insert(at);
    }

    /// Those that have begun.
    pub fn iter(&self) -> impl Iterator<Item = &message::Status> {
        self.order.iter().map(|at| &self.known[*at])
    }

    /// Those that have begun and changed since this was last asked.
    pub fn take_news(&mut self) -> Vec<message::Status> {
        let changed = self.order.iter().filter(|at| self.news.contains(at));
        let news = changed.map(|at| self.known[*at].clone()).collect();
        self.news.clear();
        news
    }
}

/// Lines of output that are not shown yet, or that are kept for the end.
#[derive(Debug, Default)]
pub struct Logs {
    pub lines: VecDeque<Vec<u8>>,
    /// The last line has no end yet.
    pub partial: bool,
    /// How much of the first line was shown.
    pub offset: usize,
    kept: usize,
}

impl Logs {
    fn take(&mut self, data: &[u8], since: f64) {
        let digits = match since {
            s if s < 10.0 => 3,
            s if s < 100.0 => 2,
            _ => 1,
        };
        let mut rest = data;
        let mut first = true;
        while !rest.is_empty() {
            let end = rest.iter().position(|b| *b == b'\n');
            let line = &rest[..end.unwrap_or(rest.len())];
            self.kept += line.len();
            match self.lines.back_mut().filter(|_| first && self.partial) {
                Some(begun) => begun.extend_from_slice(line),
                None => self.lines.push_back([format!("{since:.digits$} ").as_bytes(), line].concat()),
            }
            rest = end.map_or(&[], |end| &rest[end + 1..]);
            first = false;
        }
        self.partial = data.last() != Some(&b'\n');
        self.clip();
    }

    /// Forgets the oldest lines of output that nobody shows.
    fn clip(&mut self) {
        while self.kept > KEPT && self.lines.len() > 1 {
            let gone = self.lines.pop_front().map_or(0, |line| line.len());
            self.kept = self.kept.saturating_sub(gone.max(1));
            self.offset = 0;
        }
    }

    /// Everything was shown: only a line without an end stays, to be gone on with.
    pub fn shown(&mut self) {
        let open = self.lines.pop_back().filter(|_| self.partial);
        self.lines.clear();
        self.offset = open.as_ref().map_or(0, Vec::len);
        self.kept = self.offset;
        self.lines.extend(open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(logs: &Logs) -> Vec<String> {
        logs.lines.iter().map(|l| String::from_utf8_lossy(l).into_owned()).collect()
    }

    #[test]
    fn a_line_that_comes_in_parts_is_one_line_with_the_time_of_its_beginning() {
        let mut logs = Logs::default();
        logs.take(b"one\ntw", 0.5);
        assert!(logs.partial);
        logs.take(b"o\n", 12.0);
        logs.take(b"three\n", 123.0);
        assert_eq!(lines(&logs), ["0.500 one", "0.500 two", "123.0 three"]);
        assert!(!logs.partial);
    }

    #[test]
    fn what_was_shown_is_forgotten_but_for_an_open_line() {
        let mut logs = Logs::default();
        logs.take(b"one\ntw", 0.0);
        logs.shown();
        assert_eq!((lines(&logs), logs.offset), (vec!["0.000 tw".to_owned()], 8));
        logs.take(b"o\n", 1.0);
        logs.shown();
        assert_eq!((lines(&logs), logs.offset), (vec![], 0));
    }

    #[test]
    fn an_engine_that_never_stops_is_not_remembered_for_ever() {
        let mut vertex = Vertex::new(None);
        for i in 0..THINGS + 100 {
            vertex.statuses.tell(&message::Status {
                id: i.to_string(),
                started: Some(Timestamp::UNIX_EPOCH),
                ..Default::default()
            });
            vertex.warn(b"again");
        }
        assert_eq!((vertex.statuses.iter().count(), vertex.warnings.len()), (THINGS, THINGS));
    }

    #[test]
    fn output_that_nobody_shows_does_not_pile_up() {
        let mut logs = Logs::default();
        let line = [vec![b'x'; 1 << 16], vec![b'\n']].concat();
        for _ in 0..1000 {
            logs.take(&line, 0.0);
        }
        assert!(logs.lines.iter().map(Vec::len).sum::<usize>() <= KEPT + (1 << 20));
    }
}
