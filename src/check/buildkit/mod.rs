//! BuildKit's own checks, under their own names: what they remark is in [`Facts::lints`], what it means on the pages here.

mod rules;

use super::{Facts, Findings, Label, Lint, Rule};

pub use rules::RULES;

/// A finding for each remark, in BuildKit's order and with its text.
pub fn find(facts: &Facts<'_>, found: &mut Findings) {
    for lint in &facts.lints {
        let Some(rule) = rule(lint.rule) else { continue };
        let finding = found.add(rule, &lint.message);
        finding.engine_message = Some(short(lint));
        for span in lint.spans.iter().filter(|s| s.line > 0) {
            let line = Label::line(facts.dockerfile, span.line, "");
            finding.at(Label { end_line: span.end_line.max(span.line), ..line });
        }
    }
}

fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == name)
}

/// As a build prints it (`linter.LintFormatShort`).
fn short(lint: &Lint) -> String {
    let line = lint.spans.first().map(|s| s.line).filter(|line| *line > 0);
    let line = line.map_or(String::new(), |line| format!(" (line {line})"));
    format!("{}: {}{line}", lint.rule, lint.message)
}

#[cfg(test)]
mod tests;
