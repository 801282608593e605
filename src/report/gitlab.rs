//! GitLab's code quality report: a subset of Code Climate's, one object for each finding.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::check::{CheckReport, FindingReport};
use super::place;
use crate::check::Severity;

/// Writes the findings.
pub fn write(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    let prints = place::fingerprints(report);
    let found = report.findings.iter().zip(&prints).map(|(finding, print)| entry(finding, print, report));
    let unread = report.builds.iter().filter_map(|build| {
        let why = build.unread.as_ref()?;
        Some(json!({
            "description": format!("{} was not checked: {why}", build.name),
            "check_name": "not-checked",
            "fingerprint": format!("not-checked:{}", build.name),
            "severity": "blocker",
            "location": {"path": place::clean(&build.dockerfile), "lines": {"begin": 1}},
        }))
    });
    let entries: Vec<Value> = found.chain(unread).collect();
    serde_json::to_writer_pretty(&mut *out, &entries)?;
    out.write_all(b"\n")
}

/// A finding. GitLab drops what has no place: one that no line is meant for stands at the first line of the Dockerfile.
fn entry(finding: &FindingReport, print: &str, report: &CheckReport) -> Value {
    let place = place::of(finding, report);
    let (first, last) = place.as_ref().and_then(|p| p.lines).unwrap_or((1, 1));
    let mut description = finding.message.clone();
    if let Some(help) = finding.help.first() {
        description.push_str(&format!(" ({})", help.message));
    }
    json!({
        "description": description,
        "check_name": finding.rule.code,
        "fingerprint": print,
        "severity": match finding.severity {
            Severity::Error => "critical",
            Severity::Warning => "minor",
            Severity::Note => "info",
        },
        "location": {
            "path": place.map_or_else(|| "Dockerfile".to_owned(), |p| p.file),
            "lines": {"begin": first, "end": last},
        },
    })
}
