//! What makes the build fail whatever files there are (syntax, stages, flags), and what of the Dockerfile works but not as most people
//! expect.

mod table;

use super::{Facts, Failure, Findings, Group, Label, Surprise, rule};

pub use table::RULES;

/// Of these, BuildKit's own checks tell the same where they are not switched off.
const TOLD_BY_BUILDKIT: &[(&str, &str)] =
    &[("relative-workdir", "WorkdirRelativePath"), ("undefined-variable", "UndefinedVar")];

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
    let Some(rule) = rule(&surprise.code).filter(|_| !told_already(facts, surprise)) else { return };
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

/// Whether a check of BuildKit's own tells it on the same line, or whether it is about a frontend that is the same program.
fn told_already(facts: &Facts<'_>, surprise: &Surprise) -> bool {
    let told = TOLD_BY_BUILDKIT.iter().find(|(code, _)| *code == surprise.code).is_some_and(|(_, name)| {
        let here = |line: usize| surprise.line.is_none_or(|own| own == line);
        facts.lints.iter().any(|l| l.rule == *name && l.spans.iter().any(|s| here(s.line)))
    });
    let frontend = facts.parsed.and_then(|d| d.syntax.as_ref()).map_or("", |s| s.value.as_str());
    let name = frontend.strip_prefix("docker.io/").unwrap_or(frontend);
    told || surprise.code == "other-frontend" && is_own_frontend(name)
}

/// `docker/dockerfile`, whatever its tag or digest.
fn is_own_frontend(name: &str) -> bool {
    let rest =
        name.strip_prefix("docker/dockerfile-upstream").or_else(|| name.strip_prefix("docker/dockerfile"));
    rest.is_some_and(|r| r.is_empty() || r.starts_with([':', '@', ' ']))
}
