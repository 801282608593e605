//! Progress of long walks on standard error: only when it takes a while.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::options;
use crate::observer::{Event, Observer};

/// How long work may take before anything is shown.
const PATIENCE: Duration = Duration::from_millis(500);

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Quiet,
    /// A line each few seconds.
    Plain,
    /// One line, written over and over.
    Tty,
}

/// Counts events, and now and then says how far it is.
#[derive(Debug)]
pub struct Progress {
    mode: Mode,
    quiet: bool,
    color: options::Color,
    /// Whether it was told that the index can't be written: once is enough for all folders of a build.
    warned: AtomicBool,
    start: Instant,
    walked: AtomicU64,
    hashed: AtomicU64,
    total: AtomicU64,
    packed: AtomicU64,
    packing: AtomicU64,
    /// When it was last shown, and whether a line stands on the terminal that must go.
    shown: Mutex<(Option<Instant>, bool)>,
}

impl Progress {
    /// Progress as the flags ask for it.
    pub fn of(args: &options::OutputArgs) -> Self {
        Self::new(args.progress, args.quiet, args.color)
    }

    fn new(how: options::Progress, quiet: bool, color: options::Color) -> Self {
        let mode = match how {
            _ if quiet => Mode::Quiet,
            options::Progress::Quiet => Mode::Quiet,
            options::Progress::Plain => Mode::Plain,
            options::Progress::Tty => Mode::Tty,
            options::Progress::Auto if std::io::stderr().is_terminal() => Mode::Tty,
            options::Progress::Auto => Mode::Quiet,
        };
        let zero = || AtomicU64::new(0);
        let shown = Mutex::new((None, false));
        Self {
            mode,
            quiet,
            color,
            warned: AtomicBool::new(false),
            start: Instant::now(),
            walked: zero(),
            hashed: zero(),
            total: zero(),
            packed: zero(),
            packing: zero(),
            shown,
        }
    }

    /// Takes the changing line away.
    pub fn finish(&self) {
        if let Ok(mut shown) = self.shown.lock()
            && shown.1
        {
            shown.1 = false;
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    /// Says that the next run will read every file again.
    fn warn(&self, why: std::io::ErrorKind) {
        if self.quiet || self.warned.swap(true, Ordering::Relaxed) {
            return;
        }
        self.finish();
        let warning = super::label("warning:", "1;33", self.color);
        let hint = super::label("hint:", "1;36", self.color);
        super::say(&format!(
            "{warning} the index can't be written: {why}; the next run will read every file again\n\
             {hint} --index DIR keeps it elsewhere, --no-index does without one\n"
        ));
    }

    /// Shows how far it is, when it is time to.
    fn show(&self) {
        let pause = match self.mode {
            Mode::Quiet => return,
            Mode::Plain => Duration::from_secs(2),
            Mode::Tty => Duration::from_millis(100),
        };
        if self.start.elapsed() < PATIENCE {
            return;
        }
        let Ok(mut shown) = self.shown.try_lock() else { return };
        if shown.0.is_some_and(|last| last.elapsed() < pause) {
            return;
        }
        let text = self.text();
        let _ = match self.mode {
            Mode::Tty => write!(std::io::stderr(), "\r{text}\x1b[K"),
            _ => writeln!(std::io::stderr(), "{text}"),
        };
        *shown = (Some(Instant::now()), self.mode == Mode::Tty);
    }

    /// How far it is.
    fn text(&self) -> String {
        let [walked, hashed, total] =
            [&self.walked, &self.hashed, &self.total].map(|n| n.load(Ordering::Relaxed));
        let mib = |bytes: u64| bytes / (1 << 20);
        let [packed, packing] = [&self.packed, &self.packing].map(|n| n.load(Ordering::Relaxed));
        if packing > 0 {
            return format!("packed {} of {} MiB", mib(packed.min(packing)), mib(packing));
        }
        if total == 0 {
            return format!("walked {walked} entries");
        }
        format!("walked {walked} entries, hashed {} of {} MiB", mib(hashed.min(total)), mib(total))
    }
}

impl Observer for Progress {
    fn event(&self, event: Event) {
        match event {
            Event::Walked(n) => drop(self.walked.fetch_add(n, Ordering::Relaxed)),
            Event::HashStarted { bytes, .. } => drop(self.total.fetch_add(bytes, Ordering::Relaxed)),
            Event::PackStarted { bytes } => self.packing.store(bytes, Ordering::Relaxed),
            Event::Packed(n) => drop(self.packed.fetch_add(n, Ordering::Relaxed)),
            Event::Hashed(n) => drop(self.hashed.fetch_add(n, Ordering::Relaxed)),
            Event::WalkDone | Event::HashDone => return,
            Event::NotRemembered(why) => return self.warn(why),
        }
        self.show();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_add_up() {
        let progress = Progress::new(options::Progress::Quiet, false, options::Color::Never);
        progress.event(Event::Walked(3));
        progress.event(Event::Walked(4));
        assert_eq!(progress.text(), "walked 7 entries");
        progress.event(Event::HashStarted { files: 1, bytes: 4 << 20 });
        progress.event(Event::Hashed(1 << 20));
        assert_eq!(progress.text(), "walked 7 entries, hashed 1 of 4 MiB");
        progress.event(Event::PackStarted { bytes: 8 << 20 });
        progress.event(Event::Packed(3 << 20));
        assert_eq!(progress.text(), "packed 3 of 8 MiB");
    }
}
