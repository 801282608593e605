//! Who watches a build, and tells people on standard error.

use std::io::{IsTerminal as _, Write as _};

use jiff::Timestamp;

use super::args::{BuildVerb, How};
use crate::cli::{environment, label, output};
use crate::ops::build::{About, Screen};
use crate::progress::{
    Colors, Display, Failure, Message, Plain, PlainOptions, Quiet, RawJson, Tty, TtyOptions, Warning, Words,
    warnings,
};
use crate::report::{Look, WhyReport, foretold, prediction, shown};

/// Tells people.
pub struct Told {
    how: How,
    debug: bool,
    look: Look,
    color: crate::cli::options::Color,
    display: Box<dyn Display>,
    /// Something of the build stands on the terminal that will be written over.
    drawn: bool,
    warnings: Vec<Warning>,
}

impl Told {
    /// As the flags ask for it.
    pub fn new(verb: &BuildVerb) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let how = match verb.how() {
            _ if verb.is_quiet() => How::Quiet,
            How::Auto if terminal => How::Tty,
            How::Auto => How::Plain,
            how => how,
        };
        let color = output::in_color(verb.color, &std::io::stderr());
        Self {
            how,
            debug: verb.debug,
            look: Look { color, ..Look::default() },
            color: verb.color,
            display: Box::new(Quiet),
            drawn: false,
            warnings: Vec::new(),
        }
    }

    /// Whether anything but the build's own reports is told.
    fn talks(&self) -> bool {
        matches!(self.how, How::Plain | How::Tty)
    }

    /// The build is over.
    pub fn finish(&mut self) {
        let rest = self.display.finish(Timestamp::now());
        write(&rest);
        self.drawn = false;
        if self.talks() {
            let words = if self.debug { Words::All } else { Words::Few("use --debug to expand") };
            write(warnings(&self.warnings, words, self.look.color).as_bytes());
        }
    }
}

/// Writes to standard error; nobody can be told when that fails.
fn write(bytes: &[u8]) {
    if !bytes.is_empty() {
        let _ = std::io::stderr().write_all(bytes);
    }
}

/// The terminal's columns and rows.
fn size() -> (usize, usize) {
    terminal_size::terminal_size().map_or((80, 10), |(w, h)| (usize::from(w.0), usize::from(h.0)))
}

impl Screen for Told {
    fn begins(&mut self, about: &About) {
        self.display = match self.how {
            How::Plain => Box::new(Plain::new(PlainOptions {
                description: format!(
                    "building with {:?} instance using {} driver",
                    about.builder, about.driver
                ),
                ..PlainOptions::default()
            })),
            How::Tty => {
                let (width, height) = size();
                let colors = match self.look.color {
                    true => Colors::of(
                        environment("NO_COLOR").as_deref(),
                        environment("BUILDKIT_COLORS").as_deref(),
                    ),
                    false => Colors::NONE,
                };
                let description = format!("{}:{}", about.driver, about.builder);
                Box::new(Tty::new(TtyOptions { description, width, height, colors, ..TtyOptions::default() }))
            }
            How::Rawjson => Box::new(RawJson::default()),
            How::Auto | How::None | How::Quiet => Box::new(Quiet),
        };
    }

    fn warning(&mut self, text: &str) {
        if self.how != How::Rawjson {
            write(
                format!("{} {}\n", label("warning:", "1;33", self.color), shown(text.as_bytes())).as_bytes(),
            );
        }
    }

    fn note(&mut self, text: &str) {
        if self.talks() && !self.drawn {
            write(format!("{} {}\n", label("note:", "2", self.color), shown(text.as_bytes())).as_bytes());
        }
    }

    fn foretold(&mut self, report: &WhyReport) {
        // Lines that are written over can't have others between them: what was done tells of it, too.
        if !self.talks() || self.drawn {
            return;
        }
        let mut text =
            format!("{} {}\n", label("predicted:", "1;36", self.color), foretold(report)).into_bytes();
        // A vector takes every byte.
        let _ = prediction(&mut text, report, &self.look);
        write(&text);
    }

    fn untold(&mut self, why: &str) {
        if self.talks() && !self.drawn {
            let label = label("predicted:", "1;36", self.color);
            write(format!("{label} nothing: {}\n", shown(why.as_bytes())).as_bytes());
        }
    }

    fn status(&mut self, message: &Message) {
        self.warnings.extend(message.warnings.iter().cloned());
        self.drawn |= self.how == How::Tty;
        write(&self.display.update(message, Timestamp::now()));
    }

    fn tick(&mut self) {
        if self.how == How::Tty {
            let (width, height) = size();
            self.display.resize(width, height);
        }
        write(&self.display.tick(Timestamp::now()));
    }

    fn failed(&mut self, failure: &Failure) {
        self.finish();
        self.display = Box::new(Quiet);
        self.warnings.clear();
        write(failure.text().as_bytes());
    }
}
