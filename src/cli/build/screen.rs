//! Who watches a build, and tells people on standard error.

use std::io::IsTerminal as _;

use bollard_buildkit_proto::moby::buildkit::v1::StatusResponse;

use super::args::{BuildVerb, How};
use crate::cli::{label, output, say};
use crate::ops::build::Screen;
use crate::report::{Look, WhyReport, foretold, prediction, shown};

/// Tells people.
pub struct Told {
    quiet: bool,
    look: Look,
    color: crate::cli::options::Color,
}

impl Told {
    /// As the flags ask for it.
    pub fn new(verb: &BuildVerb) -> Self {
        let color = output::in_color(verb.color, &std::io::stderr());
        let quiet = verb.is_quiet() || matches!(verb.how(), How::None | How::Rawjson);
        let _ = std::io::stderr().is_terminal();
        Self { quiet, look: Look { color, ..Look::default() }, color: verb.color }
    }

    /// The build is over.
    pub fn finish(&mut self) {}
}

impl Screen for Told {
    fn warning(&mut self, text: &str) {
        say(&format!("{} {}\n", label("warning:", "1;33", self.color), shown(text.as_bytes())));
    }

    fn foretold(&mut self, report: &WhyReport) {
        if self.quiet {
            return;
        }
        let mut text = format!("{} {}\n", label("predicted:", "1;36", self.color), foretold(report)).into_bytes();
        // A vector takes every byte.
        let _ = prediction(&mut text, report, &self.look);
        say(&String::from_utf8_lossy(&text));
    }

    fn untold(&mut self, why: &str) {
        if !self.quiet {
            let label = label("predicted:", "1;36", self.color);
            say(&format!("{label} nothing, {}\n", shown(why.as_bytes())));
        }
    }

    fn status(&mut self, status: &StatusResponse) {
        for vertex in status.vertexes.iter().filter(|v| v.completed.is_some() && !self.quiet) {
            let cached = if vertex.cached { "CACHED " } else { "" };
            say(&format!("{cached}{}\n", shown(vertex.name.as_bytes())));
        }
    }

    fn tick(&mut self) {}
}
