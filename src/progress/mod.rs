//! A build's progress as people know it from Docker: what an engine reports about vertices, told on a terminal, in plain lines, as JSON lines or
//! not at all.
//!
//! Events in, bytes out: no display reads a clock, asks a terminal or prints. The judge of what they say is BuildKit's
//! util/progress/progressui; recorded builds with its answers are in fixtures/progress. What differs on purpose: control characters in names, paths
//! and errors are written out (what a step prints is passed on as it is, since logs have colours); a terminal shows a warning when it comes, and
//! its first line before the engine has said anything; bytes that are no UTF-8 don't swallow what follows them.

mod closing;
mod colors;
mod escape;
#[cfg(test)]
mod golden;
mod interval;
mod json;
mod message;
mod plain;
mod screen;
mod source;
mod trace;
mod tty;
mod units;
mod vertex;

use jiff::{SignedDuration, Timestamp};

pub use closing::{Failure, Words, warnings};
pub use colors::Colors;
pub use json::RawJson;
pub use message::{
    Definition, Group, Log, Message, Metadata, Position, Range, SourceInfo, Status, Vertex, Warning,
};
pub use plain::{Plain, PlainOptions};
pub use source::Place;
pub use tty::{Tty, TtyOptions};

/// When nothing has come for so long, a display wants its [`Display::tick`].
pub const TICK: SignedDuration = SignedDuration::from_millis(150);

/// Messages between which less time lies are shown together.
const PAUSE: SignedDuration = SignedDuration::from_millis(100);

/// Shows a build. Every function returns the bytes to write now; `now` never runs backwards.
pub trait Display: Send {
    /// Takes what an engine reports.
    fn update(&mut self, message: &Message, now: Timestamp) -> Vec<u8>;

    /// Nothing has come for [`TICK`].
    fn tick(&mut self, _now: Timestamp) -> Vec<u8> {
        Vec::new()
    }

    /// The build is over, or given up; what is left on the screen stays there, and steps that failed are told once more with the end of
    /// their output.
    fn finish(&mut self, _now: Timestamp) -> Vec<u8> {
        Vec::new()
    }

    /// The terminal has so many columns and rows now.
    fn resize(&mut self, _width: usize, _height: usize) {}
}

/// `--progress=quiet`: nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Display for Quiet {
    fn update(&mut self, _: &Message, _: Timestamp) -> Vec<u8> {
        Vec::new()
    }
}

/// Lets something happen once in [`PAUSE`].
#[derive(Debug, Default)]
struct Limiter(Option<Timestamp>);

impl Limiter {
    fn allow(&mut self, now: Timestamp) -> bool {
        let allowed = self.0.is_none_or(|last| now.duration_since(last) >= PAUSE);
        if allowed {
            self.0 = Some(now);
        }
        allowed
    }
}

/// Tells of a step that failed, with the end of its output (`printErrorLogs`).
fn failed<'a>(out: &mut Vec<u8>, vertex: &vertex::Vertex, lines: impl Iterator<Item = &'a [u8]>) {
    if !vertex.has_failed() {
        return;
    }
    out.extend_from_slice(format!("------\n > {}:\n", vertex.name).as_bytes());
    for line in lines {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.extend_from_slice(b"------\n");
}

/// The greatest place up to `at` where `text` can be cut.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
