//! A live block on a terminal (`ttyDisplay` in BuildKit's util/progress/progressui/display.go).

use jiff::Timestamp;

use super::colors::Colors;
use super::interval::{Interval, seconds};
use super::message::Message;
use super::trace::{MIN_HEIGHT, PAD, Trace};
use super::vertex::Vertex;
use super::{Display, Limiter, failed, floor, units};

/// Lines that a step's output needs beside itself.
const FRAME: usize = 3;
/// A terminal narrower than this shows no steps.
const LEAST_NAME: isize = 12;

/// `--progress=tty`.
#[derive(Debug)]
pub struct Tty {
    trace: Trace,
    limiter: Limiter,
    options: TtyOptions,
    /// Lines of steps on the screen.
    lines: usize,
    repeated: bool,
}

/// What [`Tty`] can be told.
#[derive(Debug, Clone)]
pub struct TtyOptions {
    /// What is going on: `Building`.
    pub phase: String,
    /// What is built with, `docker:default`; shown at the right.
    pub description: String,
    /// The terminal's columns; BuildKit takes 80 where it doesn't know.
    pub width: usize,
    /// The terminal's rows; BuildKit takes 10 where it doesn't know.
    pub height: usize,
    /// Lines of output that are shown of a running step (`BUILDKIT_TTY_LOG_LINES`).
    pub log_lines: usize,
    /// Colours of what is done.
    pub colors: Colors,
}

impl Default for TtyOptions {
    fn default() -> Self {
        Self {
            phase: "Building".to_owned(),
            description: String::new(),
            width: 80,
            height: 10,
            log_lines: MIN_HEIGHT,
            colors: Colors::default(),
        }
    }
}

/// A line of the block.
struct Job {
    spans: Vec<Interval>,
    done: bool,
    name: String,
    status: String,
    failed: bool,
    canceled: bool,
    /// Of a step's own line: which one.
    vertex: Option<usize>,
    with_screen: bool,
}

impl Tty {
    /// A display that has shown nothing yet.
    pub fn new(options: TtyOptions) -> Self {
        let trace = Trace::with_screens(options.log_lines);
        Self { trace, limiter: Limiter::default(), options, lines: 0, repeated: false }
    }

    fn print(&mut self, all: bool, now: Timestamp) -> Vec<u8> {
        let mut jobs = self.jobs();
        let screen = self.choose_screens(&mut jobs);
        if !all {
            let hidden = jobs.iter().filter(|j| j.with_screen).filter_map(|j| self.used_height(j)).sum();
            jobs = wrap(jobs, self.options.height.checked_sub(2).and_then(|h| h.checked_sub(hidden)));
        }
        let mut out = String::new();
        self.rewind(&mut out);
        out.push_str("\x1b[?25l");
        out.push_str(&self.header(all, now));
        let mut lines = 0;
        for job in &jobs {
            lines += self.job(&mut out, job, screen, now);
        }
        for at in jobs.iter().filter(|j| j.with_screen).filter_map(|j| j.vertex) {
            self.trace.vertices[at].screens += 1;
        }
        self.wipe(&mut out, lines);
        out.push_str("\x1b[?25h");
        out.into_bytes()
    }

    fn used_height(&self, job: &Job) -> Option<usize> {
        Some(self.trace.vertices[job.vertex?].screen.as_ref()?.used().count())
    }

    /// Goes back to the block's first line.
    fn rewind(&mut self, out: &mut String) {
        out.push_str(&"\x1b[1A".repeat(self.lines + 1));
        if !self.repeated {
            out.push_str("\x1b[1B");
        }
        self.repeated = true;
        out.push_str("\x1b[0G");
    }

    /// Blanks what is left of a longer block.
    fn wipe(&mut self, out: &mut String, lines: usize) {
        let rest = self.lines.saturating_sub(lines);
        for _ in 0..rest {
            out.push_str(&" ".repeat(self.options.width));
            out.push('\n');
        }
        if rest > 0 {
            out.push_str(&format!("\x1b[{rest}A\x1b[0G"));
        }
        self.lines = lines;
    }

    /// `[+] Building 1.2s (5/8)                docker:default`
    fn header(&self, all: bool, now: Timestamp) -> String {
        let (done, count) = self.trace.counts();
        let status = if done > 0 && done == count && all { "FINISHED" } else { "" };
        let took = seconds(now.duration_since(self.trace.began(now)));
        let left = format!("[+] {} {took:.1}s ({done}/{count}) {status}", self.options.phase);
        let width = self.options.width - usize::from(!self.options.description.is_empty());
        let mut line = align(&left, &self.options.description, width);
        line.truncate(floor(&line, self.options.width));
        line.push('\n');
        line
    }

    /// A line, and the end of the step's output below it; how many lines that are.
    fn job(&self, out: &mut String, job: &Job, screen: usize, now: Timestamp) -> usize {
        let Some(line) = self.line(job, now) else { return 0 };
        let color = match () {
            () if !job.done => None,
            () if job.canceled => self.options.colors.cancel.as_ref(),
            () if job.failed => self.options.colors.error.as_ref(),
            () => self.options.colors.run.as_ref(),
        };
        match color {
            Some(color) => out.push_str(&format!("{color}{line}\x1b[0m")),
            None => out.push_str(&line),
        }
        1 + if job.with_screen { self.screen(out, job, screen) } else { 0 }
    }

    /// ` => [2/3] RUN make                 1.2s`
    fn line(&self, job: &Job, now: Timestamp) -> Option<String> {
        const PREFIX: &str = " => ";
        let took: f64 = job.spans.iter().map(|span| span.seconds(now)).sum();
        let took = if took < 0.05 { 0.0 } else { took };
        let timer = format!(" {took:3.1}s\n");
        let taken = PREFIX.len() + timer.len() + 1;
        let mut left = self.options.width.cast_signed() - taken.cast_signed();
        let status = job.status.len().cast_signed();
        let with_status = status > 0 && left + status > 20;
        if with_status {
            left -= status + 1;
        }
        if left < LEAST_NAME {
            return None;
        }
        let name = &job.name[..floor(&job.name, left.unsigned_abs())];
        let mut line = format!("{PREFIX}{name}");
        if with_status {
            line.push(' ');
            line.push_str(&job.status);
        }
        Some(align(&line, &timer, self.options.width))
    }

    /// The end of a step's output, so many rows of it.
    fn screen(&self, out: &mut String, job: &Job, rows: usize) -> usize {
        let Some(screen) = job.vertex.and_then(|at| self.trace.vertices[at].screen.as_ref()) else {
            return 0;
        };
        let mut screen = screen.clone();
        screen.resize(rows, self.options.width.saturating_sub(PAD));
        let mut lines = 0;
        for row in screen.used() {
            out.push_str(&format!("\x1b[2m => => # {row}\n\x1b[0m"));
            lines += 1;
        }
        lines
    }

    /// A line for each step, for each thing within it, for each warning.
    fn jobs(&self) -> Vec<Job> {
        let vertices = self.trace.shown.iter().map(|at| (*at, &self.trace.vertices[*at]));
        vertices.flat_map(|(at, vertex)| self.jobs_of(at, vertex)).collect()
    }

    fn jobs_of(&self, at: usize, vertex: &Vertex) -> Vec<Job> {
        let ahead = self.trace.ahead;
        let mut jobs = vec![Job {
            spans: vertex.spans().iter().map(|span| span.later(ahead)).collect(),
            done: vertex.all_over(),
            name: name(vertex),
            status: String::new(),
            failed: vertex.has_failed(),
            canceled: vertex.is_canceled(),
            vertex: Some(at),
            with_screen: false,
        }];
        for status in vertex.statuses.iter() {
            let span = status.started.map(|start| Interval { start, stop: status.completed }.later(ahead));
            jobs.push(Job {
                spans: span.into_iter().collect(),
                done: status.completed.is_some(),
                name: format!("=> {}", status.id),
                status: units::progress(status.current, status.total).unwrap_or_default(),
                failed: false,
                canceled: false,
                vertex: None,
                with_screen: false,
            });
        }
        for warning in &vertex.warnings {
            jobs.push(Job {
                spans: vertex.recent().map(|span| span.later(ahead)).into_iter().collect(),
                done: false,
                name: format!("WARN: {warning}"),
                status: String::new(),
                failed: false,
                canceled: true,
                vertex: None,
                with_screen: false,
            });
        }
        jobs
    }

    /// Chooses the running steps whose output is shown: those that print most and were shown most often, while there is room. The rows that each
    /// gets.
    fn choose_screens(&mut self, jobs: &mut [Job]) -> usize {
        let rows = self.trace.fit(self.options.height);
        let busy = jobs.iter().filter(|j| !j.done).count();
        let mut free = self.options.height.cast_signed() - 2 - busy.cast_signed();
        let limit = (rows + FRAME).cast_signed();
        let weight = |job: &Job| {
            let vertex = &self.trace.vertices[job.vertex?];
            (vertex.printed > 0 && !job.done).then_some(vertex.printed + vertex.screens * 50)
        };
        let mut candidates: Vec<_> =
            jobs.iter().enumerate().filter_map(|(i, job)| Some((weight(job)?, i))).collect();
        candidates.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        for (_, i) in candidates {
            if free <= limit {
                break;
            }
            jobs[i].with_screen = true;
            free -= limit;
        }
        rows
    }
}

impl Display for Tty {
    fn update(&mut self, message: &Message, now: Timestamp) -> Vec<u8> {
        self.trace.update(message, self.options.width, now);
        if self.limiter.allow(now) { self.tick(now) } else { Vec::new() }
    }

    fn tick(&mut self, now: Timestamp) -> Vec<u8> {
        self.print(false, now)
    }

    fn finish(&mut self, now: Timestamp) -> Vec<u8> {
        let mut out = self.print(true, now);
        for at in &self.trace.shown {
            let vertex = &self.trace.vertices[*at];
            failed(&mut out, vertex, vertex.logs.lines.iter().map(Vec::as_slice));
        }
        out
    }

    fn resize(&mut self, width: usize, height: usize) {
        if width > 0 && height > 0 {
            (self.options.width, self.options.height) = (width, height);
        }
    }
}

/// `CACHED [2/3] RUN make`
fn name(vertex: &Vertex) -> String {
    let name = vertex.name.replace('\t', " ");
    let how = match () {
        () if vertex.is_canceled() => "CANCELED ",
        () if vertex.has_failed() => "ERROR ",
        () => "",
    };
    let cached = if vertex.cached { "CACHED " } else { "" };
    format!("{cached}{how}{name}")
}

/// Puts one text at the left and one at the right of a line.
fn align(left: &str, right: &str, width: usize) -> String {
    let room = (width.cast_signed() - right.len().cast_signed() - 1).unsigned_abs();
    format!("{left:room$} {right}")
}

/// The last lines that fit; unfinished ones that would be cut off take the place of finished ones (`wrapHeight`).
fn wrap(mut jobs: Vec<Job>, limit: Option<usize>) -> Vec<Job> {
    let Some(limit) = limit else { return Vec::new() };
    let Some(over) = jobs.len().checked_sub(limit).filter(|n| *n > 0) else { return jobs };
    let visible = jobs.split_off(over);
    let mut invisible: Vec<_> = jobs.into_iter().filter(|j| !j.done).collect();
    let (count, mut places) = (visible.len(), invisible.len());
    let mut kept = Vec::new();
    for job in visible {
        if !job.done || places == 0 {
            kept.push(job);
        }
        places = places.saturating_sub(1);
    }
    let mut shown = invisible.split_off(invisible.len().saturating_sub(count - kept.len()));
    shown.extend(kept);
    shown
}
