//! `check` as annotations: one for each finding.

use std::io::{self, Write};

use super::super::check::{CheckReport, FindingReport, LabelReport};
use super::super::place;
use super::{Annotation, Level};
use crate::check::Severity;

/// Writes the findings.
pub fn write(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    let unread = report.builds.iter().filter_map(|build| {
        let why = build.unread.as_ref()?;
        let file = Some(place::clean(&build.dockerfile)).filter(|file| file != "-");
        let title = "not checked".to_owned();
        Some(Annotation {
            level: Level::Error,
            file,
            lines: None,
            title,
            message: format!("{}: {why}", build.name),
        })
    });
    let found = report.findings.iter().map(|finding| annotation(finding, report));
    super::write(out, &unread.chain(found).collect::<Vec<_>>())
}

/// A finding.
fn annotation(finding: &FindingReport, report: &CheckReport) -> Annotation {
    let place = place::of(finding, report);
    Annotation {
        level: match finding.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Note => Level::Notice,
        },
        lines: place.as_ref().and_then(|p| p.lines),
        file: place.map(|p| p.file),
        title: finding.rule.code.to_owned(),
        message: message(finding),
    }
}

/// What is wrong, where else to look, what to do: one line each.
fn message(finding: &FindingReport) -> String {
    let mut lines = vec![finding.message.clone()];
    lines.extend(finding.labels.iter().skip(1).map(elsewhere));
    lines.extend(finding.help.iter().map(|help| format!("help: {}", help.message)));
    let engine = finding.engine_message.iter().filter(|e| !e.is_empty() && **e != finding.message);
    lines.extend(engine.map(|e| format!("the engine says: {e}")));
    lines.join("\n")
}

/// `.dockerignore:3: hides it: *.md`.
fn elsewhere(label: &LabelReport) -> String {
    let parts = [label.text.as_str(), label.source.first().map_or("", |s| s.trim())];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{}:{}: {}", place::clean(&label.file), label.line, parts.join(": "))
}
