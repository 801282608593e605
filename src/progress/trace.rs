//! What is known about a build so far (`trace` in BuildKit's util/progress/progressui/display.go).
//!
//! Where BuildKit walks a map, whose order is chance, vertices go in the order in which they were first heard of.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::escape;
use super::interval::Interval;
use super::message::{self, Message};
use super::screen::{self, Screen};
use super::vertex::Vertex;

/// Columns that a screen leaves free.
pub const PAD: usize = 10;

/// So many vertices are told apart; no build that is meant has more.
const MOST: usize = 1 << 16;

/// The fewest lines of output that a terminal shows of a step.
pub const MIN_HEIGHT: usize = 6;

/// Everything that the displays of vertices share.
#[derive(Debug, Default)]
pub struct Trace {
    /// All vertices and groups, as they were first heard of; elsewhere they are named by their place here.
    pub vertices: Vec<Vertex>,
    by_digest: HashMap<String, usize>,
    groups: HashMap<String, Members>,
    /// Those that have begun, in that order.
    pub shown: Vec<usize>,
    /// Those with something new to show.
    pub updates: BTreeSet<usize>,
    /// When the first vertex began, by the engine's clock.
    start: Option<Timestamp>,
    /// How far our clock is ahead of the engine's.
    pub ahead: SignedDuration,
    /// Lines of output that a terminal shows of a step; `None` without a terminal.
    height: Option<Height>,
}

/// How many lines of a step's output are shown.
#[derive(Debug, Clone, Copy)]
struct Height {
    /// As the user wants it.
    wanted: usize,
    /// As there is room for.
    now: usize,
}

#[derive(Debug)]
struct Members {
    vertex: usize,
    members: BTreeMap<String, message::Vertex>,
}

/// What a look at a group found.
#[derive(Debug, Default, Clone, Copy)]
struct News {
    changed: bool,
    started: bool,
    revealed: bool,
}

impl Trace {
    /// One that draws the output of steps for a terminal, in so many lines.
    pub fn with_screens(lines: usize) -> Self {
        let wanted = lines.max(1);
        Self { height: Some(Height { wanted, now: wanted }), ..Self::default() }
    }

    /// Takes a message; a terminal is so many columns wide.
    pub fn update(&mut self, message: &Message, width: usize, now: Timestamp) {
        let mut touched = Vec::new();
        for vertex in &message.vertexes {
            if self.by_digest.len() >= MOST && !self.by_digest.contains_key(&vertex.digest) {
                continue;
            }
            self.start = self.start.or(vertex.started);
            match &vertex.group {
                Some(group) => self.join(vertex, group, &mut touched),
                None => self.take(vertex, now),
            }
        }
        for group in touched {
            self.refresh(&group, now);
        }
        for status in &message.statuses {
            let Some(at) = self.find(&status.vertex) else { continue };
            self.vertices[at].statuses.tell(status);
            self.note(at, now);
        }
        for warning in &message.warnings {
            let Some(at) = self.find(&warning.vertex) else { continue };
            self.vertices[at].warn(&warning.short);
            self.vertices[at].touch(now);
        }
        for log in &message.logs {
            let Some(at) = self.find(&log.vertex) else { continue };
            self.draw(at, &log.data, width);
            self.vertices[at].print(log);
            self.note(at, now);
        }
    }

    fn find(&self, digest: &str) -> Option<usize> {
        self.by_digest.get(digest).copied()
    }

    fn note(&mut self, at: usize, now: Timestamp) {
        self.updates.insert(at);
        self.vertices[at].touch(now);
    }

    fn add(&mut self) -> usize {
        self.vertices.push(Vertex::new(self.height.map(|height| height.now)));
        self.vertices.len() - 1
    }

    /// Takes a vertex that is in no group.
    fn take(&mut self, vertex: &message::Vertex, now: Timestamp) {
        let known = self.find(&vertex.digest);
        let at = known.unwrap_or_else(|| {
            let at = self.add();
            self.by_digest.insert(vertex.digest.clone(), at);
            at
        });
        if self.vertices[at].tell(vertex) {
            self.note(at, now);
        }
        let started = known.is_some() && self.vertices[at].is_started();
        if let Some(start) = vertex.started {
            if !started {
                self.synchronise(start, now);
                self.shown.push(at);
            }
            self.vertices[at].work(Interval { start, stop: vertex.completed });
        }
        // A vertex may be announced again by those who need it, too; that takes nothing back.
        if !started || vertex.started.is_some() {
            self.vertices[at].become_like(vertex);
        }
    }

    fn synchronise(&mut self, start: Timestamp, now: Timestamp) {
        if self.ahead.is_zero() {
            self.ahead = now.duration_since(start);
        }
    }

    /// Takes a vertex that is shown as a part of a group.
    fn join(&mut self, vertex: &message::Vertex, group: &message::Group, touched: &mut Vec<String>) {
        let at = match self.groups.get(&group.id) {
            Some(known) => known.vertex,
            None => self.found(group),
        };
        if !touched.contains(&group.id) {
            touched.push(group.id.clone());
        }
        if let Some(known) = self.groups.get_mut(&group.id) {
            known.members.insert(vertex.digest.clone(), vertex.clone());
        }
        self.by_digest.insert(vertex.digest.clone(), at);
    }

    fn found(&mut self, group: &message::Group) -> usize {
        let at = self.add();
        self.vertices[at].name = escape::line(&group.name).into_owned();
        self.vertices[at].hidden = true;
        self.groups.insert(group.id.clone(), Members { vertex: at, members: BTreeMap::new() });
        self.by_digest.insert(group.id.clone(), at);
        at
    }

    /// Looks what a group is now that members of it have changed.
    fn refresh(&mut self, group: &str, now: Timestamp) {
        let Some(Members { vertex: at, members }) = self.groups.get(group) else { return };
        let at = *at;
        let news = gather(&mut self.vertices[at], members.values());
        if news.started
            && let Some(first) = self.vertices[at].spans().first().copied()
        {
            self.synchronise(first.start, now);
        }
        if self.vertices[at].hidden {
            return;
        }
        if news.revealed {
            self.shown.push(at);
        }
        if news.changed {
            self.note(at, now);
        }
    }

    /// Lets a step's screen show what it printed.
    fn draw(&mut self, at: usize, data: &[u8], width: usize) {
        let Some(height) = &mut self.height else { return };
        let vertex = &mut self.vertices[at];
        let Some(rows) = vertex.rows else { return };
        let screen = vertex.screen.get_or_insert_with(|| Screen::new(rows, width.saturating_sub(PAD)));
        let room = screen.height().saturating_sub(MIN_HEIGHT + 1);
        height.now = height.wanted.min(room).max(MIN_HEIGHT);
        screen.resize(height.now, width.saturating_sub(PAD));
        vertex.printed += data.len();
        screen.write(data);
    }

    /// When the build began, by our clock.
    pub fn began(&self, now: Timestamp) -> Timestamp {
        self.start.map_or(now, |start| start.checked_add(self.ahead).unwrap_or(start))
    }

    /// How many vertices are done, and how many there are. A group counts once for itself and once for each member, as in BuildKit.
    pub fn counts(&self) -> (usize, usize) {
        let counted = self.by_digest.values().map(|at| &self.vertices[*at]).filter(|v| !v.hidden);
        counted.fold((0, 0), |(done, all), v| (done + usize::from(v.is_completed()), all + 1))
    }

    /// The room for a step's output, given the terminal's height.
    pub fn fit(&mut self, height: usize) -> usize {
        let room = height.saturating_sub(MIN_HEIGHT + 1);
        let Some(own) = &mut self.height else { return screen::LEAST };
        own.now = own.wanted.min(room).max(MIN_HEIGHT);
        own.now
    }
}

/// A group works while any member does, is cached when all are, and fails with the first that does (`vertexGroup.refresh`).
fn gather<'a>(group: &mut Vertex, members: impl Iterator<Item = &'a message::Vertex>) -> News {
    let (was_started, was_hidden) = (group.is_started(), group.hidden);
    let mut news = News::default();
    let mut cached = true;
    let mut error = group.error.clone();
    for member in members {
        if let Some(start) = member.started {
            news.changed |= group.work(Interval { start, stop: member.completed });
            news.started |= !was_started;
            group.hidden &= member.group.as_ref().is_some_and(|g| g.weak);
        }
        cached &= member.cached;
        if error.is_empty() {
            error = escape::lines(&member.error).into_owned();
        } else {
            group.hidden = false;
        }
    }
    news.revealed = was_hidden && !group.hidden;
    news.changed |= news.revealed || group.cached != cached || group.error != error;
    group.cached = cached;
    group.error = error;
    news
}
