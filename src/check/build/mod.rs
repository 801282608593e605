//! What makes the build fail whatever files there are (syntax, stages, flags), and what of the Dockerfile works but not as most people
//! expect.

use super::{Facts, Failure, Findings, Group, Label, Rule, Severity, Surprise, rule};

/// The rules of this group.
pub const RULES: &[Rule] = &[Rule {
    code: "build-fails",
    group: Group::Build,
    severity: Severity::Error,
    summary: "the build fails for a reason that has no rule of its own",
    page: "The engine's own words say what is wrong.\n",
}];

/// Looks at one build. A failure or surprise that a rule of another group tells is left to it; one that nobody tells is told here, so that
/// nothing is passed over.
pub fn find(facts: &Facts<'_>, found: &mut Findings) {
    let ours = |code: &str| rule(code).is_none_or(|r| r.group == Group::Build);
    facts.failures.iter().filter(|f| ours(&f.code)).for_each(|f| fails(facts, f, found));
    facts.surprises.iter().filter(|s| ours(&s.code)).for_each(|s| surprises(facts, s, found));
}

/// A failure in `plan`'s words.
fn fails(facts: &Facts<'_>, failure: &Failure, found: &mut Findings) {
    let rule = rule(&failure.code).unwrap_or(&RULES[0]);
    let finding = found.add(rule, &failure.message);
    finding.engine_message = Some(failure.engine_message.clone()).filter(|m| !m.is_empty());
    finding.steps.extend(failure.step.clone());
    let file = failure.file.as_deref().unwrap_or(facts.dockerfile);
    if let Some(line) = failure.line {
        finding.at(place(facts, file, line, failure.column));
    }
    if let Some((file, line, _)) = &failure.cause {
        finding.at(Label::line(file, *line, "hides it"));
    }
    if let Some(hint) = &failure.hint {
        finding.help(hint.clone());
    }
}

/// A surprise in `plan`'s words. One that has no rule is nobody's.
fn surprises(facts: &Facts<'_>, surprise: &Surprise, found: &mut Findings) {
    let Some(rule) = rule(&surprise.code) else { return };
    let finding = found.add(rule, &surprise.message);
    if let Some(line) = surprise.line {
        finding.at(place(facts, facts.dockerfile, line, None));
    }
}

/// A place: the word at the column where the Dockerfile tells, else the line.
fn place(facts: &Facts<'_>, file: &str, line: usize, column: Option<usize>) -> Label {
    let text = facts.bytes.split(|b| *b == b'\n').nth(line.saturating_sub(1)).unwrap_or_default();
    let word = column.filter(|_| file == facts.dockerfile).and_then(|c| text.get(c - 1..));
    let length = word.map(|w| w.iter().position(u8::is_ascii_whitespace).unwrap_or(w.len()));
    match (column, length) {
        (Some(column), Some(length)) if length > 0 => Label::word(file, line, column, length, ""),
        _ => Label::line(file, line, ""),
    }
}
