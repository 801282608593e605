//! What all voices of `check` say alike of a finding: where it is, and by what it is known again.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::check::{CheckReport, CheckedBuild, FindingReport, LabelReport};

/// A file and its lines, for formats that want both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, from where the program ran, without `./`.
    pub file: String,
    /// First and last line, from 1; `None` for the file as a whole.
    pub lines: Option<(usize, usize)>,
}

/// Where a finding is: its first label, else the Dockerfile of its first build. `None` where that came from standard input.
pub fn of(finding: &FindingReport, report: &CheckReport) -> Option<Place> {
    let place = match finding.labels.first() {
        Some(label) => Place { file: clean(&label.file), lines: Some(lines(label)) },
        None => Place { file: clean(&build(finding, report)?.dockerfile), lines: None },
    };
    Some(place).filter(|place| place.file != "-" && !place.file.is_empty())
}

/// The first build that a finding concerns.
fn build<'a>(finding: &FindingReport, report: &'a CheckReport) -> Option<&'a CheckedBuild> {
    let named = report.builds.iter().find(|b| finding.builds.first().is_some_and(|name| *name == b.name));
    named.or(report.builds.first())
}

/// The lines of a label.
pub fn lines(label: &LabelReport) -> (usize, usize) {
    (label.line.max(1), label.end_line.max(label.line).max(1))
}

/// A name without `./` in front.
pub fn clean(file: &str) -> String {
    let mut file = file;
    while let Some(rest) = file.strip_prefix("./") {
        file = rest.trim_start_matches('/');
    }
    file.to_owned()
}

/// The identities of all findings, in their order: SHA-256 in hex.
///
/// A finding is known again by its rule, its file and the text that it is about, not by its line and not by its numbers, so that it stays
/// the same when lines are added above it. Of several that are equal in all that, each has its place in the row.
pub fn fingerprints(report: &CheckReport) -> Vec<String> {
    let mut seen: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    let print = |finding: &FindingReport| {
        let identity = identity(finding, report);
        let nth = seen.entry(identity.clone()).or_default();
        *nth += 1;
        let mut hash = Sha256::new();
        hash.update(&identity);
        hash.update(nth.to_be_bytes());
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    };
    report.findings.iter().map(print).collect()
}

/// The parts, each behind a zero byte.
fn identity(finding: &FindingReport, report: &CheckReport) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = vec![finding.rule.code.into()];
    parts.push(of(finding, report).map_or_else(Vec::new, |place| place.file.into()));
    match finding.labels.first() {
        Some(label) if !label.source.is_empty() => {
            parts.extend(label.source.iter().map(|line| line.trim().as_bytes().to_vec()));
            parts.push(word(label).into());
        }
        _ => parts.push(finding.message.clone().into()),
    }
    parts.iter().flat_map(|part| std::iter::once(&0).chain(part)).copied().collect()
}

/// The bytes of a label's first line that it is about.
fn word(label: &LabelReport) -> &str {
    let line = label.source.first().map_or("", String::as_str);
    let start = label.column.unwrap_or(1).saturating_sub(1);
    let end =
        label.end_column.filter(|_| label.line == label.end_line).map_or(line.len(), |c| c.saturating_sub(1));
    line.get(start..end.min(line.len())).unwrap_or("")
}
