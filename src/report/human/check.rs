//! `check` for people: as a compiler tells it, with the lines of all files that a finding is about.

use std::collections::BTreeMap;
use std::io::{self, Write};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Message, Renderer, Snippet};

use super::super::check::{CheckCounts, CheckReport, FindingReport, HelpReport, LabelReport};
use super::super::{Document, github, gitlab, json, markdown, sarif, shown};
use super::table::{Column, lay_out};
use super::{Look, Tone, count, wrap};
use crate::check::Severity;

/// So many notes of one rule are told at most unless more is asked for.
const NOTES: usize = 3;
/// So many paths that lead nowhere are told in the table.
const REFERENCES: usize = 50;

impl Document for CheckReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        let several = self.builds.len() > 1;
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in &self.findings {
            let count = seen.entry(finding.rule.code).or_default();
            *count += usize::from(finding.severity == Severity::Note);
            if *count <= NOTES || look.verbose {
                writeln!(out, "{}\n", told(finding, several, look))?;
            }
        }
        let folded = seen.into_iter().filter(|(_, count)| *count > NOTES && !look.verbose);
        for (code, count) in folded {
            let label = look.paint(Tone::Strong, &format!("note[{code}]"));
            writeln!(out, "{label}: {} more of these, which -v tells\n", count - NOTES)?;
        }
        for line in references(self, look) {
            writeln!(out, "{line}")?;
        }
        for build in &self.builds {
            if let Some(why) = &build.unread {
                let label = look.paint(Tone::Error, "not checked:");
                writeln!(out, "{label} {}: {}\n", shown(build.name.as_bytes()), shown(why.as_bytes()))?;
            }
        }
        writeln!(out, "{}", summary(self, look))
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.check/1", self)
    }

    fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        markdown::check(out, self)
    }

    fn github(&self, out: &mut dyn Write) -> io::Result<()> {
        github::check(out, self)
    }

    fn sarif(&self, out: &mut dyn Write) -> io::Result<()> {
        sarif::write(out, self)
    }

    fn gitlab(&self, out: &mut dyn Write) -> io::Result<()> {
        gitlab::write(out, self)
    }
}

/// One finding.
fn told(finding: &FindingReport, several: bool, look: &Look) -> String {
    let renderer = if look.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(look.width);
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(shown(finding.message.as_bytes())).id(finding.rule.code);
    let snippets = finding.labels.iter().enumerate().map(|(i, label)| Element::from(snippet(label, i == 0)));
    let notes = notes(finding, several, look).into_iter().map(Element::from);
    renderer.render(&[title.elements(snippets.chain(notes))])
}

/// A place with its lines.
fn snippet(label: &LabelReport, first: bool) -> Snippet<'_, Annotation<'_>> {
    let (text, span) = marked(label);
    let kind = if first { AnnotationKind::Primary } else { AnnotationKind::Context };
    let mark = kind.span(span);
    let mark = if label.text.is_empty() { mark } else { mark.label(shown(label.text.as_bytes())) };
    Snippet::source(text).path(shown(label.file.as_bytes())).line_start(label.line).annotation(mark)
}

/// The first line of a place, and which bytes of it are meant. Characters that a terminal would obey are replaced.
fn marked(label: &LabelReport) -> (String, std::ops::Range<usize>) {
    let line = label.source.first().map_or("", String::as_str);
    let written = line.len() - line.trim_start().len()..line.trim_end().len();
    let one_line = label.line == label.end_line;
    let start = label.column.map_or(written.start, |c| c - 1);
    let end = label.end_column.filter(|_| one_line).map_or(written.end, |c| c.saturating_sub(1));
    let visible = |c: char| if c.is_control() && c != '\t' { '\u{fffd}' } else { c };
    let (mut text, mut span) = (String::new(), None);
    let mut stop = 0;
    for (at, c) in line.char_indices() {
        let here = text.len();
        text.push(visible(c));
        if at >= start && at < end.max(start + 1) {
            span.get_or_insert(here);
            stop = text.len();
        }
    }
    let start = span.unwrap_or(text.len());
    (text, start..stop.max(start))
}

/// What stands below the places.
fn notes<'a>(finding: &'a FindingReport, several: bool, look: &Look) -> Vec<Message<'a>> {
    let width = look.width.saturating_sub(16).max(30);
    let note = |name: &'static str, text: &str| {
        let text = wrap(&shown(text.as_bytes()), width).join("\n");
        Level::NOTE.with_name(Some(name)).message(text)
    };
    let mut notes = Vec::new();
    if finding.labels.is_empty() && !finding.steps.is_empty() {
        notes.push(note("step", &finding.steps.join(", ")));
    }
    let paths: Vec<String> = finding.paths.iter().map(|p| format!("`{}`", shown(&p.0))).collect();
    if paths.iter().any(|p| !finding.message.contains(p.as_str())) {
        notes.push(note("paths", &paths.join(", ")));
    }
    if several && !finding.builds.is_empty() {
        notes.push(note(
            if finding.builds.len() == 1 { "build" } else { "builds" },
            &finding.builds.join(", "),
        ));
    }
    if let Some(engine) = finding.engine_message.as_ref().filter(|e| **e != finding.message && !e.is_empty())
    {
        notes.push(note("engine", engine));
    }
    notes.extend(finding.help.iter().map(|help| advice(help, width)));
    notes
}

/// What to do.
fn advice(help: &HelpReport, width: usize) -> Message<'_> {
    Level::HELP.message(wrap(&shown(help.message.as_bytes()), width).join("\n"))
}

/// The paths of projects that lead nowhere, as a table with a blank line behind it; nothing for a single one.
fn references(report: &CheckReport, look: &Look) -> Vec<String> {
    let all: Vec<_> = report.findings.iter().filter_map(|f| f.reference.as_ref()).collect();
    if all.len() < 2 {
        return Vec::new();
    }
    let columns = ["build", "referenced as", "resolved to", "found at", "fix"]
        .map(|title| Column { title, right: false });
    let cell = |text: &str| shown(text.as_bytes());
    let row = |r: &&crate::check::Reference| {
        let found = if r.found.is_empty() { "nowhere".to_owned() } else { cell(&r.found.join(", ")) };
        let fix = r.fix.as_deref().map_or_else(|| "-".to_owned(), cell);
        vec![cell(&r.build), cell(&r.written), cell(&r.resolved), found, fix]
    };
    let rows: Vec<Vec<String>> = all.iter().take(REFERENCES).map(row).collect();
    let mut lines = lay_out(&columns, &rows, 3, look.width);
    if all.len() > REFERENCES {
        lines.push(format!("and {} more", all.len() - REFERENCES));
    }
    lines.push(String::new());
    lines
}

/// The last line.
fn summary(report: &CheckReport, look: &Look) -> String {
    let CheckCounts { errors, warnings, notes, suppressed } = report.counts;
    let builds = match report.builds.as_slice() {
        [build] => shown(build.name.as_bytes()),
        builds => count(builds.len() as u64, "build"),
    };
    let kinds =
        [(errors, "error", Tone::Error), (warnings, "warning", Tone::Warning), (notes, "note", Tone::Strong)];
    let found: Vec<String> =
        kinds.iter().filter(|k| k.0 > 0).map(|(n, one, tone)| look.paint(*tone, &count(*n, one))).collect();
    let found = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
    let quiet = if suppressed > 0 { format!(" ({suppressed} suppressed)") } else { String::new() };
    format!("{builds}: {found}{quiet}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Findings, RULES, rule};

    fn report(code: &str, severity: Severity, times: usize) -> CheckReport {
        let mut found = Findings::default();
        for i in 0..times {
            found.add(rule(code).unwrap_or(&RULES[0][0]), format!("number {i}")).severity = severity;
        }
        let findings = found.0.into_iter().map(|f| FindingReport::new(f, Vec::new(), |_, _, _| Vec::new()));
        let (findings, builds, counts) = (findings.collect(), Vec::new(), CheckCounts::default());
        CheckReport { builds, findings, counts, threshold: Severity::Error }
    }

    fn text(report: &CheckReport, verbose: bool) -> String {
        let mut out = Vec::new();
        report.human(&mut out, &Look { verbose, ..Look::default() }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn of_many_notes_of_a_kind_a_few_are_told() {
        let notes = report("link-ignored", Severity::Note, 5);
        assert!(text(&notes, false).contains("number 2") && !text(&notes, false).contains("number 3"));
        assert!(text(&notes, false).contains("note[link-ignored]: 2 more of these, which -v tells"));
        assert!(text(&notes, true).contains("number 4") && !text(&notes, true).contains("more of these"));
        let errors = report("link-ignored", Severity::Error, 5);
        assert!(text(&errors, false).contains("number 4"), "errors are all told");
    }

    #[test]
    fn a_mark_stands_below_the_bytes_that_are_meant_whatever_they_are() {
        let label = |source: &str, column, end_column| LabelReport {
            file: "f".into(),
            line: 1,
            end_line: 1,
            column,
            end_column,
            text: String::new(),
            source: vec![source.into()],
        };
        assert_eq!(marked(&label("  a b ", None, None)), ("  a b ".into(), 2..5));
        assert_eq!(marked(&label("COPY é /", Some(6), Some(8))).1, 5..7);
        assert_eq!(marked(&label("a\u{1b}b", Some(3), Some(4))), ("a\u{fffd}b".into(), 4..5));
        assert_eq!(marked(&label("ab", Some(9), Some(12))), ("ab".into(), 2..2));
        assert_eq!(marked(&label("", None, None)), (String::new(), 0..0));
    }
}
