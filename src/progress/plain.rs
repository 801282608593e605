//! Lines for logs and CI systems (`textMux` in BuildKit's util/progress/progressui/printer.go).
//!
//! One vertex at a time has the floor. Those that are done are told first; among the others the floor changes when its holder is done,
//! when another has waited for [`MAX_DELAY`], or when the share of events of the others asks for it.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::interval::seconds;
use super::message::{Message, Status};
use super::trace::Trace;
use super::vertex::{Logs, Vertex};
use super::{Display, Limiter, failed, units};

/// How long a vertex that does as much as all others together keeps the floor, doubled for its own share.
const ANTI_FLICKER: f64 = 5.0;
/// How long a vertex waits for the floor at most.
const MAX_DELAY: SignedDuration = SignedDuration::from_secs(10);
/// A status is repeated after so long, or after so much of the whole.
const MIN_TIME: SignedDuration = SignedDuration::from_secs(5);
const MIN_PROGRESS: f64 = 0.05;
/// Where names are cut, they are cut here.
const SHORT_NAME: usize = 72;
/// The columns that BuildKit takes for granted here.
const WIDTH: usize = 80;
/// Lines of output that the end repeats of a step that failed.
const TAIL: usize = 10;

/// `--progress=plain`.
#[derive(Debug, Default)]
pub struct Plain {
    trace: Trace,
    limiter: Limiter,
    printer: Printer,
}

/// What [`Plain`] can be told.
#[derive(Debug, Clone, Default)]
pub struct PlainOptions {
    /// What is built with, `building with "default" instance using docker driver`; shown as step 0.
    pub description: String,
    /// Names are cut after 72 bytes (`PROGRESS_NO_TRUNC=0`).
    pub cut_names: bool,
}

impl Plain {
    /// A display that has shown nothing yet.
    pub fn new(options: PlainOptions) -> Self {
        Self { printer: Printer { options, ..Printer::default() }, ..Self::default() }
    }
}

impl Display for Plain {
    fn update(&mut self, message: &Message, now: Timestamp) -> Vec<u8> {
        self.trace.update(message, WIDTH, now);
        if self.limiter.allow(now) { self.tick(now) } else { Vec::new() }
    }

    fn tick(&mut self, now: Timestamp) -> Vec<u8> {
        self.printer.print(&mut self.trace, now);
        std::mem::take(&mut self.printer.out)
    }

    fn finish(&mut self, now: Timestamp) -> Vec<u8> {
        let mut out = self.tick(now);
        for at in &self.trace.shown {
            let vertex = &self.trace.vertices[*at];
            let tail = self.printer.tails.get(at).into_iter().flat_map(Tail::lines);
            failed(&mut out, vertex, vertex.logs.lines.iter().map(Vec::as_slice).chain(tail));
        }
        out
    }
}

#[derive(Debug, Default)]
struct Printer {
    options: PlainOptions,
    out: Vec<u8>,
    /// Who has the floor.
    current: Option<usize>,
    /// By a status's id, across vertices: what was last told of it.
    last: HashMap<String, (i64, Timestamp)>,
    /// Something was told before.
    begun: bool,
    numbers: usize,
    tails: HashMap<usize, Tail>,
}

/// The last lines of a vertex. Lines that come together with one that has no end yet take the place of each other, as in BuildKit.
#[derive(Debug, Default)]
struct Tail {
    ring: [Option<Vec<u8>>; TAIL],
    at: usize,
}

impl Tail {
    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let (newer, older) = self.ring.split_at(self.at);
        older.iter().chain(newer).flatten().map(Vec::as_slice)
    }
}

/// How a vertex that waits for the floor stands.
struct Claim {
    vertex: usize,
    waited: SignedDuration,
    speed: f64,
    over: bool,
}

impl Printer {
    fn line(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'\n');
    }

    /// Tells what is new.
    fn print(&mut self, trace: &mut Trace, now: Timestamp) {
        let (mut done, mut rest) = (Vec::new(), BTreeSet::new());
        for at in &trace.updates {
            let vertex = &trace.vertices[*at];
            match (vertex.hidden, vertex.is_completed()) {
                (true, _) => {}
                (false, true) => done.push(*at),
                (false, false) => drop(rest.insert(*at)),
            }
        }
        let current = self.current;
        let current_done = current.is_some_and(|at| done.contains(&at));
        self.print_done(trace, done, now);
        if rest.is_empty() {
            return self.go_on(trace, current, now);
        }
        if let Some(at) = current.filter(|at| rest.contains(at)) {
            self.vertex(trace, at, now);
        }
        rest.extend(current);
        if let Some(next) = next(trace, &rest, current, current_done, now) {
            self.vertex(trace, next, now);
        }
    }

    /// Those that are done: first the one that has the floor, then in the order in which they ended.
    fn print_done(&mut self, trace: &mut Trace, mut done: Vec<usize>, now: Timestamp) {
        let current = self.current;
        done.sort_by_key(|at| trace.vertices[*at].recent().and_then(|span| span.stop));
        done.sort_by_key(|at| Some(*at) != current);
        for at in done {
            self.vertex(trace, at, now);
        }
    }

    /// Nothing else is new: if nobody has the floor, someone who works gets it.
    fn go_on(&mut self, trace: &mut Trace, current: Option<usize>, now: Timestamp) {
        let works = |v: &Vertex| v.is_started() && !v.is_completed();
        if current.is_some_and(|at| works(&trace.vertices[at])) {
            return;
        }
        if let Some(at) = trace.vertices.iter().position(|v| works(v) && !v.hidden) {
            self.vertex(trace, at, now);
        }
    }

    /// Gives a vertex the floor and tells everything that is new about it.
    fn vertex(&mut self, trace: &mut Trace, at: usize, now: Timestamp) {
        if trace.vertices[at].index == 0 {
            self.numbers += 1;
            trace.vertices[at].index = self.numbers;
        }
        if self.current != Some(at) {
            self.introduce(trace, at);
        }
        let vertex = &mut trace.vertices[at];
        let open = self.statuses(vertex);
        for warning in vertex.warnings.iter().skip(vertex.warned) {
            self.out.extend_from_slice(format!("#{} WARN: {warning}\n", vertex.index).as_bytes());
        }
        vertex.warned = vertex.warnings.len();
        self.logs(at, vertex.index, &mut vertex.logs);
        self.current = Some(at);
        if vertex.is_completed() && !open {
            self.current = None;
            vertex.count = 0;
            self.end(vertex, now);
        }
        trace.updates.remove(&at);
    }

    /// Takes the floor from whoever has it, and names who has it now.
    fn introduce(&mut self, trace: &mut Trace, at: usize) {
        if let Some(old) = self.current.map(|old| &mut trace.vertices[old]) {
            if old.logs.partial {
                self.line("");
            }
            old.logs.offset = 0;
            old.count = 0;
            self.line(&format!("#{} ...", old.index));
        }
        let vertex = &trace.vertices[at];
        match (self.begun, self.options.description.as_str()) {
            (true, _) => self.line(""),
            (false, "") => {}
            (false, text) => self.out.extend_from_slice(format!("#0 {text}\n\n").as_bytes()),
        }
        self.begun = true;
        let name = if self.options.cut_names { cut(&vertex.name) } else { vertex.name.clone() };
        self.line(&format!("#{} {name}", vertex.index));
    }

    /// How far things are; whether something is still going on.
    fn statuses(&mut self, vertex: &mut Vertex) -> bool {
        let mut open = false;
        for status in vertex.statuses.take_news() {
            let last = self.last.get(&status.id);
            if status.completed.is_none() && last.is_some_and(|last| is_small(&status, *last)) {
                continue;
            }
            self.last.insert(status.id.clone(), (status.current, status.timestamp));
            open |= status.completed.is_none();
            self.line(&format!("#{} {}", vertex.index, progress(&status)));
        }
        open
    }

    fn logs(&mut self, at: usize, index: usize, logs: &mut Logs) {
        let last = logs.lines.len().wrapping_sub(1);
        for (i, line) in logs.lines.iter().enumerate() {
            let known = if i == 0 { logs.offset.min(line.len()) } else { 0 };
            let line = &line[known..];
            if known == 0 {
                self.out.extend_from_slice(format!("#{index} ").as_bytes());
            }
            self.out.extend_from_slice(line);
            if i != last || !logs.partial {
                self.out.push(b'\n');
            }
            let tail = self.tails.entry(at).or_default();
            tail.ring[tail.at] = Some(line.to_vec());
            if !logs.partial {
                tail.at = (tail.at + 1) % TAIL;
            }
        }
        if !logs.lines.is_empty() {
            logs.shown();
        }
    }

    /// How a vertex ended.
    fn end(&mut self, vertex: &Vertex, now: Timestamp) {
        if vertex.logs.partial {
            self.line("");
        }
        let took: f64 = vertex.spans().iter().map(|span| span.seconds(now)).sum();
        let how = match () {
            () if vertex.is_canceled() => "CANCELED".to_owned(),
            () if vertex.has_failed() => format!("ERROR: {}", vertex.error),
            () if vertex.cached => "CACHED".to_owned(),
            () => format!("DONE {took:.1}s"),
        };
        self.line(&format!("#{} {how}", vertex.index));
    }
}

/// Who gets the floor from `current`, if anyone does.
fn next(
    trace: &Trace,
    waiting: &BTreeSet<usize>,
    current: Option<usize>,
    current_done: bool,
    now: Timestamp,
) -> Option<usize> {
    let claim = |at: &usize| {
        let vertex = &trace.vertices[*at];
        let waited = now.duration_since(vertex.blocked?);
        let speed = f64::from(vertex.count) / seconds(waited);
        Some(Claim { vertex: *at, waited, speed, over: waited > MAX_DELAY && Some(*at) != current })
    };
    let claims: Vec<Claim> = waiting.iter().filter_map(claim).collect();
    let fastest = claims.iter().fold(None, |best: Option<&Claim>, claim| match best {
        Some(best) if claim.over || best.speed < claim.speed => Some(claim),
        None => Some(claim),
        best => best,
    })?;
    if current_done || current.is_none() {
        return Some(fastest.vertex);
    }
    if let Some(over) = claims.iter().find(|claim| claim.over) {
        return Some(over.vertex);
    }
    let sum: f64 = claims.iter().map(|claim| claim.speed).sum();
    let holder = claims.iter().find(|claim| Some(claim.vertex) == current)?;
    let turn = 1.0 / (1.0 - holder.speed / sum) * ANTI_FLICKER;
    (turn < seconds(holder.waited)).then_some(fastest.vertex)
}

/// Too little has happened since it was last told.
fn is_small(status: &Status, (current, timestamp): (i64, Timestamp)) -> bool {
    #[allow(clippy::cast_precision_loss, reason = "a share of 5 % is looked for")]
    let progress = match status.total {
        total if total > 0 => status.current.wrapping_sub(current) as f64 / total as f64,
        _ => 0.0,
    };
    progress < MIN_PROGRESS && status.timestamp.duration_since(timestamp) < MIN_TIME
}

/// `transferring context: 1.23kB / 4.56kB 0.3s done`
fn progress(status: &Status) -> String {
    let mut text = status.id.clone();
    if let Some(progress) = units::progress(status.current, status.total) {
        text.push(' ');
        text.push_str(&progress);
    }
    let end = status.completed.unwrap_or(status.timestamp);
    if let Some(took) = status.started.map(|start| seconds(end.duration_since(start))).filter(|t| *t > 0.01) {
        text.push_str(&format!(" {took:.1}s"));
    }
    if status.completed.is_some() {
        text.push_str(" done");
    }
    text
}

fn cut(name: &str) -> String {
    if name.len() <= SHORT_NAME {
        return name.to_owned();
    }
    format!("{}...", &name[..super::floor(name, SHORT_NAME)])
}
