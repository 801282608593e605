//! `why` as annotations: one for each step that reruns for a cause of its own.

use std::io::{self, Write};

use super::super::cause;
use super::super::human::{cut, on_lines, why as human};
use super::super::why::{WhyReport, WhyStep};
use super::{Annotation, Level};
use crate::diff::{CauseKind, Verdict};

/// So many causes of a step are named.
const CAUSES: usize = 10;

/// Writes the answer.
pub fn write(out: &mut dyn Write, report: &WhyReport) -> io::Result<()> {
    let steps = report.steps.iter().filter(|s| human::stands_out(s)).map(|step| annotation(step, report));
    let hints = report.hints.iter().map(|hint| Annotation {
        level: Level::Notice,
        file: None,
        lines: None,
        title: "what would have kept a layer".to_owned(),
        message: hint.text.clone(),
    });
    let open = cause::open(&report.steps);
    let open = open.iter().map(|(reason, lines)| Annotation {
        level: Level::Notice,
        file: report.dockerfile_path.clone(),
        lines: lines.first().map(|line| (*line, *line)),
        title: format!("unknown: {}", crate::wording::count(lines.len(), "step")),
        message: format!("{}: {reason}", on_lines(lines)),
    });
    super::write(out, &steps.chain(open).chain(hints).collect::<Vec<_>>())
}

/// One step.
fn annotation(step: &WhyStep, report: &WhyReport) -> Annotation {
    let missing = step.causes.iter().any(|c| c.kind == CauseKind::Missing);
    let level = match step.verdict {
        _ if missing => Level::Error,
        Verdict::Rerun => Level::Warning,
        _ => Level::Notice,
    };
    Annotation {
        level,
        file: report.dockerfile_path.clone(),
        lines: Some((step.line, step.end_line)),
        title: format!("{}: {}", human::state(step), cut(&human::name(step), 100)),
        message: message(step, report),
    }
}

/// The causes, one a line.
fn message(step: &WhyStep, report: &WhyReport) -> String {
    let lines = cause::lines(step);
    let (first, rest) = human::split(&lines, CAUSES);
    let mut out: Vec<String> =
        first.into_iter().map(|line| format!("{}: {}", line.kind, human::words(&line.pieces))).collect();
    if !rest.is_empty() {
        out.push(cause::more(rest));
    }
    if step.may_be_stale {
        out.push(
            "a daemon that holds this context may show it cached: it does not notice what changed".to_owned(),
        );
    }
    out.push(format!("against {}", human::baseline(&report.baseline)));
    out.join("\n")
}
