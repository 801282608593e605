//! Lines that match nothing, and lines that change nothing.

use std::collections::BTreeSet;

use super::super::steps::entries;
use super::super::usual::is_usual;
use super::super::{Edit, Findings, Fix, text};
use super::syntax::rewrite;
use super::{CASE, DEAD, Lines, SHADOWED};
use crate::pattern::{IgnorePattern, Matcher, Pattern};

/// With more lines than this, none is looked at for other cases.
const CASES: usize = 64;
/// So many lines are shown of one finding.
const LABELS: usize = 3;

/// Looks at each line of which nothing has been told.
pub(super) fn find(lines: &Lines<'_>, found: &mut Findings) {
    let silent = |line: &IgnorePattern| lines.told.contains(&line.line);
    let all: Vec<(usize, &IgnorePattern, &Pattern)> = lines
        .file
        .patterns()
        .iter()
        .zip(lines.file.matcher().patterns())
        .enumerate()
        .map(|(i, (line, pattern))| (i, line, pattern))
        .filter(|(_, line, _)| !silent(line))
        .collect();
    let dead = |i: usize| !lines.reach[i].matches && lines.reach[i].closed_by.is_none();
    let nothing: Vec<_> = all.iter().filter(|(i, ..)| dead(*i)).copied().collect();
    let other_case = other_case(lines, &nothing);
    for (i, path) in &other_case {
        let line = nothing.iter().find(|(at, ..)| at == i).map(|(_, line, _)| line);
        line.into_iter().for_each(|line| case(lines, line, path, found));
    }
    let told = |i: &usize| other_case.iter().any(|(at, _)| at == i);
    let missed = nothing.iter().filter(|(i, line, pattern)| !told(i) && names_something(line, pattern));
    match_nothing(lines, &missed.map(|(_, line, _)| *line).collect::<Vec<_>>(), found);
    shadowed(lines, &all, found);
}

/// True for a line that means one thing that its writer knew. Wildcards and what people write in any case mean whatever may come.
fn names_something(line: &IgnorePattern, pattern: &Pattern) -> bool {
    !pattern.text().iter().any(|b| b"*?[".contains(b)) && !is_usual(line.pattern.trim_start_matches('!'))
}

/// One finding for all of them: long lists are copied from project to project.
fn match_nothing(lines: &Lines<'_>, missed: &[&IgnorePattern], found: &mut Findings) {
    let message = match missed {
        [] => return,
        [one] => format!("`{}` matches nothing that is there", one.text.trim()),
        [one, rest @ ..] => {
            let more = text::count(rest.len() as u64, "more line");
            format!("`{}` and {more} match nothing that is there", one.text.trim())
        }
    };
    let finding = found.add(&DEAD, message);
    for line in missed.iter().take(LABELS) {
        finding.at(text::pattern(lines.folder, line.line, "matches nothing"));
    }
}

/// What lines that match nothing would match in another case.
fn other_case(lines: &Lines<'_>, nothing: &[(usize, &IgnorePattern, &Pattern)]) -> Vec<(usize, Vec<u8>)> {
    let lower = |p: &Pattern| Matcher::new(&[p.text().to_ascii_lowercase()]).ok();
    // The letters of a set are no text.
    let candidates = nothing.iter().filter(|(_, _, p)| !p.negated() && !p.text().contains(&b'['));
    let mut open: Vec<(usize, Matcher)> = candidates
        .filter(|(_, _, p)| p.text() != b"**")
        .filter_map(|(i, _, p)| Some((*i, lower(p)?)))
        .collect();
    let mut out = Vec::new();
    if open.is_empty() || open.len() > CASES {
        return out;
    }
    for entry in entries(lines.folder) {
        let path = entry.path.as_bytes().to_ascii_lowercase();
        open.retain(|(i, matcher)| {
            let matches = matcher.patterns().iter().any(|p| p.matches(&path) == Ok(true));
            if matches {
                out.push((*i, entry.path.as_bytes().to_vec()));
            }
            !matches
        });
    }
    out
}

/// `Node_Modules` where there is `node_modules`, which is sent.
fn case(lines: &Lines<'_>, line: &IgnorePattern, path: &[u8], found: &mut Findings) {
    let (written, path_text) = (line.text.trim(), text::name(path));
    let message = format!("`{written}` does not match `{path_text}`, which is sent: case counts");
    let finding = found.add(&CASE, message);
    finding.at(text::pattern(lines.folder, line.line, "matches nothing in this case"));
    finding.paths.push(path.to_vec());
    if line.pattern.eq_ignore_ascii_case(&path_text) {
        finding.fix(format!("write `{path_text}`"), rewrite(lines, line.line, vec![path_text.clone()]));
    }
}

/// Lines without which the same would be sent, whatever files come: another line hides what they name, or the folder that it lies in. Of two
/// that do the same, only one is told.
fn shadowed(lines: &Lines<'_>, all: &[(usize, &IgnorePattern, &Pattern)], found: &mut Findings) {
    let matcher = lines.file.matcher();
    let mut told: Vec<(&IgnorePattern, usize)> =
        all.iter().filter_map(|(i, line, _)| Some((*line, lines.reach[*i].closed_by?))).collect();
    let idle = |i: usize| lines.reach[i].matches && !lines.reach[i].matters;
    let mut idle: Vec<_> = all.iter().filter(|(i, _, p)| idle(*i) && !p.negated()).copied().collect();
    // The narrower one goes first, then the later one.
    idle.sort_by_key(|(i, _, p)| (p.text().contains(&b'*'), std::cmp::Reverse(*i)));
    let mut gone: BTreeSet<usize> = BTreeSet::new();
    for (i, line, pattern) in idle {
        let by = by_other(matcher, i, &gone, pattern).and_then(|by| lines.file.pattern(by));
        if let Some(by) = by {
            gone.insert(i);
            told.push((line, by.line));
        }
    }
    told.sort_by_key(|(line, _)| line.line);
    tell(lines, &told, found);
}

/// Another pattern, none of those that are `gone`, that covers a pattern by what both say.
fn by_other(matcher: &Matcher, i: usize, gone: &BTreeSet<usize>, pattern: &Pattern) -> Option<usize> {
    let text = pattern.text();
    let patterns = matcher.patterns().iter().enumerate();
    let mut others = patterns.filter(|(j, p)| *j != i && !gone.contains(j) && !p.negated());
    let literal = !text.iter().any(|b| b"*?[]\\^".contains(b));
    let ends = || text.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i).chain([text.len()]);
    let covers = |p: &Pattern| match literal {
        true => ends().any(|end| p.matches(&text[..end]) == Ok(true)),
        false => p.text() == text || p.text().strip_prefix(b"**/") == Some(text),
    };
    others.find(|(_, p)| covers(p)).map(|(j, _)| j)
}

fn tell(lines: &Lines<'_>, told: &[(&IgnorePattern, usize)], found: &mut Findings) {
    let Some((line, by)) = told.first() else { return };
    let other = lines.file.patterns().iter().find(|p| p.line == *by).map_or("", |p| p.text.trim());
    let message = match told.len() {
        1 => {
            format!("`{}` changes nothing: line {by} (`{other}`) hides all that it matches", line.text.trim())
        }
        n => {
            let more = text::count(n as u64 - 1, "more line");
            format!("`{}` and {more} change nothing: other lines hide all that they match", line.text.trim())
        }
    };
    let finding = found.add(&SHADOWED, message);
    for (line, by) in told.iter().take(LABELS) {
        finding.at(text::pattern(lines.folder, line.line, "changes nothing"));
        finding.at(text::pattern(lines.folder, *by, "hides the same"));
    }
    let remove =
        |(line, _): &(&IgnorePattern, usize)| Edit { line: line.line, remove: 1, insert: Vec::new() };
    let fix =
        Fix { file: text::ignore_name(lines.folder).to_owned(), edits: told.iter().map(remove).collect() };
    let message = match told.len() {
        1 => format!("remove line {}", line.line),
        _ => "remove these lines".to_owned(),
    };
    finding.fix(message, fix);
}
