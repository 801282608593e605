//! The rule table for people and programs: `stowaway.rules/1`, and a rule's page.

use std::io::{self, Write};

use serde::Serialize;

use super::human::{Column, Tone, lay_out};
use super::{Document, Look, json};
use crate::check::{Group, RULES, Rule, Severity};

/// All rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuleList;

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RulePage(pub &'static Rule);

/// A rule in JSON.
#[derive(Serialize)]
struct Row {
    code: &'static str,
    group: Group,
    severity: Severity,
    summary: &'static str,
    page: &'static str,
}

impl From<&Rule> for Row {
    fn from(rule: &Rule) -> Self {
        Self {
            code: rule.code,
            group: rule.group,
            severity: rule.severity,
            summary: rule.summary,
            page: rule.page,
        }
    }
}

/// Each group that has rules, with them in the table's order.
fn groups() -> Vec<(Group, Vec<&'static Rule>)> {
    let mut groups: Vec<(Group, Vec<&'static Rule>)> = Vec::new();
    for rule in RULES.iter().copied().flatten() {
        match groups.iter_mut().find(|(group, _)| *group == rule.group) {
            Some((_, rules)) => rules.push(rule),
            None => groups.push((rule.group, vec![rule])),
        }
    }
    groups.sort_by_key(|(group, _)| *group);
    groups
}

/// A group's name as documents have it.
pub fn group_name(group: Group) -> &'static str {
    match group {
        Group::Build => "build",
        Group::Source => "source",
        Group::Ignore => "ignore",
        Group::Context => "context",
        Group::BuildKit => "buildkit",
        Group::Cache => "cache",
        Group::Project => "project",
        Group::Ci => "ci",
    }
}

/// A group's heading.
fn heading(group: Group) -> &'static str {
    match group {
        Group::Build => "The build fails or surprises",
        Group::Source => "Sources of COPY, ADD and bind mounts",
        Group::Ignore => "Ignore files",
        Group::Context => "Files of the context",
        Group::BuildKit => "BuildKit's own checks",
        Group::Cache => "Order and cache keys",
        Group::Project => "Compose and Bake files",
        Group::Ci => "CI workflows",
    }
}

impl Document for RuleList {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        let columns =
            ["code", "severity", "what a finding means"].map(|title| Column { title, right: false });
        let rules: Vec<&Rule> = groups().into_iter().flat_map(|(_, rules)| rules).collect();
        let row = |rule: &&Rule| {
            vec![rule.code.to_owned(), rule.severity.name().to_owned(), rule.summary.to_owned()]
        };
        let rows: Vec<Vec<String>> = rules.iter().map(row).collect();
        let mut lines =
            lay_out(&columns, &rows, 2, if look.verbose { usize::MAX } else { look.width }).into_iter();
        let title = lines.next().unwrap_or_default();
        writeln!(out, "{}", look.paint(Tone::Strong, &title))?;
        lines.try_for_each(|line| writeln!(out, "{line}"))
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct List {
            rules: Vec<Row>,
        }
        let rules =
            groups().iter().flat_map(|(_, rules)| rules.iter().map(|rule| Row::from(*rule))).collect();
        json::write(out, "stowaway.rules/1", &List { rules })
    }

    fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "# Rules of `stowaway check`\n")?;
        writeln!(
            out,
            "An error: the build fails, or ships what it must not. A warning: it works, but not as people expect, or slowly. A note is worth knowing."
        )?;
        for (group, rules) in groups() {
            writeln!(
                out,
                "\n## {}\n\n| code | severity | what a finding means |\n|---|---|---|",
                heading(group)
            )?;
            for rule in &rules {
                let anchor = rule.code.to_lowercase();
                let summary = rule.summary.replace('|', "\\|");
                writeln!(out, "| [`{}`](#{anchor}) | {} | {summary} |", rule.code, rule.severity.name())?;
            }
            for rule in rules {
                writeln!(out, "\n### {}\n\n{}\n\n{}", rule.code, summary_line(rule), rule.page.trim())?;
            }
        }
        Ok(())
    }
}

/// `**error**: what a finding means.`
fn summary_line(rule: &Rule) -> String {
    format!("**{}**: {}.", rule.severity.name(), rule.summary)
}

impl Document for RulePage {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        let Self(rule) = self;
        let tone = match rule.severity {
            Severity::Error => Tone::Error,
            Severity::Warning => Tone::Warning,
            Severity::Note => Tone::Strong,
        };
        let label = look.paint(tone, &format!("{}[{}]", rule.severity.name(), rule.code));
        writeln!(out, "{label}: {}\n", rule.summary)?;
        super::human::page::write(out, rule.page, look)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.rule/1", &Row::from(self.0))
    }

    fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self(rule) = self;
        writeln!(out, "# {}\n\n{}\n\n{}", rule.code, summary_line(rule), rule.page.trim())
    }
}
