//! SARIF 2.1.0, which code scanning tools and editors read.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::check::{CheckReport, EditReport, FindingReport, FixReport, HelpReport, LabelReport};
use super::place::{self, Place};
use crate::check::{RULES, Rule, Severity};

/// The schema that the documents keep to.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The base of all relative addresses: the folder where the program ran.
const ROOT: &str = "%SRCROOT%";
/// The name of our fingerprint, with the version of what goes in.
const FINGERPRINT: &str = "stowawayFinding/v1";

/// Writes the findings.
pub fn write(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &log(report))?;
    out.write_all(b"\n")
}

/// The whole document: one run.
fn log(report: &CheckReport) -> Value {
    let rules: Vec<&Rule> = RULES.iter().copied().flatten().collect();
    let prints = place::fingerprints(report);
    let results: Vec<Value> = report
        .findings
        .iter()
        .zip(&prints)
        .map(|(finding, print)| result(finding, print, report, &rules))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "stowaway",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {ROOT: {"description": {"text": "The folder where stowaway ran."}}},
            "invocations": [invocation(report)],
            "results": results,
        }],
    })
}

/// Whether all builds could be checked, and why some could not.
fn invocation(report: &CheckReport) -> Value {
    let unread = report.builds.iter().filter_map(|build| Some((build, build.unread.as_ref()?)));
    let notes: Vec<Value> = unread
        .map(|(build, why)| json!({"level": "error", "message": {"text": format!("{} was not checked: {why}", build.name)}}))
        .collect();
    json!({"executionSuccessful": notes.is_empty(), "toolExecutionNotifications": notes})
}

/// A rule of the table.
fn descriptor(rule: &Rule) -> Value {
    let summary = sentence(rule.summary);
    json!({
        "id": rule.code,
        "shortDescription": {"text": summary},
        "help": {"text": rule.page, "markdown": rule.page},
        "defaultConfiguration": {"level": rule.severity.name()},
        "properties": {
            "tags": [super::rules::group_name(rule.group)],
            "problem.severity": if rule.severity == Severity::Note { "recommendation" } else { rule.severity.name() },
        },
    })
}

/// A finding.
fn result(finding: &FindingReport, print: &str, report: &CheckReport, rules: &[&Rule]) -> Value {
    let mut result = Map::new();
    let mut set = |name: &str, value: Value| drop(result.insert(name.to_owned(), value));
    set("ruleId", finding.rule.code.into());
    if let Some(index) = rules.iter().position(|rule| rule.code == finding.rule.code) {
        set("ruleIndex", index.into());
    }
    set("level", finding.severity.name().into());
    set("message", json!({"text": message(finding)}));
    set("locations", Value::Array(primary(finding, report).into_iter().collect()));
    let related: Vec<Value> =
        finding.labels.iter().enumerate().skip(1).filter_map(|(i, l)| related(i, l)).collect();
    if !related.is_empty() {
        set("relatedLocations", related.into());
    }
    let fixes: Vec<Value> = finding.help.iter().filter(|h| h.tried).filter_map(fix).collect();
    if !fixes.is_empty() {
        set("fixes", fixes.into());
    }
    set("partialFingerprints", json!({FINGERPRINT: print}));
    set("properties", properties(finding));
    Value::Object(result)
}

/// The finding and what to do, as one text: viewers show no more.
fn message(finding: &FindingReport) -> String {
    let mut text = sentence(&finding.message);
    for help in &finding.help {
        text.push_str(&format!("\n{}", sentence(&help.message)));
    }
    if let Some(engine) = finding.engine_message.as_ref().filter(|e| !e.is_empty() && **e != finding.message)
    {
        text.push_str(&format!("\nThe engine says: {engine}"));
    }
    text
}

/// The place to blame; the file as a whole where no line is meant.
fn primary(finding: &FindingReport, report: &CheckReport) -> Option<Value> {
    let Place { file, .. } = place::of(finding, report)?;
    let mut physical = json!({"artifactLocation": artifact(&file)});
    if let Some(label) = finding.labels.first() {
        physical["region"] = region(label);
    }
    let mut location = json!({"physicalLocation": physical});
    if let Some(text) = finding.labels.first().map(|l| &l.text).filter(|text| !text.is_empty()) {
        location["message"] = json!({"text": text});
    }
    Some(location)
}

/// Another place.
fn related(id: usize, label: &LabelReport) -> Option<Value> {
    if label.file == "-" || label.file.is_empty() {
        return None;
    }
    let text = if label.text.is_empty() { "see here" } else { &label.text };
    Some(json!({
        "id": id,
        "message": {"text": text},
        "physicalLocation": {"artifactLocation": artifact(&place::clean(&label.file)), "region": region(label)},
    }))
}

/// Lines and columns. Ours count bytes, these count characters: columns are told where the text is at hand to count in.
fn region(label: &LabelReport) -> Value {
    let (first, last) = place::lines(label);
    let mut region = json!({"startLine": first, "endLine": last});
    let line = |number: usize| label.source.get(number - first);
    let column = |number: usize, column: Option<usize>| {
        let before = line(number)?.get(..column?.checked_sub(1)?)?;
        Some(before.chars().count() + 1)
    };
    if let (Some(start), Some(end)) = (column(first, label.column), column(last, label.end_column)) {
        region["startColumn"] = start.into();
        region["endColumn"] = end.into();
    }
    // Only lines that are there as a whole: a snippet has to be the region's text.
    if label.column.is_none() && label.source.len() == last - first + 1 {
        region["snippet"] = json!({"text": label.source.join("\n") + "\n"});
    }
    region
}

/// A change that was tried.
fn fix(help: &HelpReport) -> Option<Value> {
    let FixReport { file, edits } = help.fix.as_ref()?;
    let replacements: Vec<Value> = edits.iter().map(replacement).collect();
    let change = json!({"artifactLocation": artifact(&place::clean(file)), "replacements": replacements});
    let usable = !edits.is_empty() && file != "-";
    usable.then(|| json!({"description": {"text": sentence(&help.message)}, "artifactChanges": [change]}))
}

/// Whole lines, from the start of the first to the start of the one behind the last.
fn replacement(edit: &EditReport) -> Value {
    let mut text = edit.insert.join("\n");
    if !edit.insert.is_empty() {
        text.push('\n');
    }
    json!({
        "deletedRegion": {"startLine": edit.line, "startColumn": 1, "endLine": edit.line + edit.remove, "endColumn": 1},
        "insertedContent": {"text": text},
    })
}

/// What has no place of its own in the format.
fn properties(finding: &FindingReport) -> Value {
    let mut properties = json!({"builds": finding.builds, "steps": finding.steps});
    properties["paths"] = finding.paths.iter().map(|p| json!(p)).collect();
    if let Some(amount) = finding.amount {
        properties["files"] = amount.files.into();
        properties["bytes"] = amount.bytes.into();
    }
    properties
}

/// The address of a file: relative to where the program ran, unless it is absolute.
fn artifact(file: &str) -> Value {
    if file.starts_with('/') {
        json!({"uri": format!("file://{}", percent(file))})
    } else {
        json!({"uri": percent(file), "uriBaseId": ROOT})
    }
}

/// A path as a URI reference (RFC 3986): all but unreserved characters and `/` as `%XX`.
fn percent(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte))
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// With a capital in front where a word can have one, and a full stop at its end.
fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let plain =
        text.split(' ').next().is_some_and(|w| !w.is_empty() && w.chars().all(|c| c.is_ascii_lowercase()));
    match text.chars().next() {
        Some(first) if plain => format!("{}{}.", first.to_ascii_uppercase(), &text[1..]),
        _ => format!("{text}."),
    }
}
