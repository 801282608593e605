//! Lines that match nothing, and lines that change nothing.

use std::collections::BTreeSet;

use super::super::litter::is_usual;
use super::super::steps::entries;
use super::super::{Findings, text};
use super::syntax::rewrite;
use super::{CASE, DEAD, Lines, SHADOWED};
use crate::pattern::{IgnorePattern, Matcher, Pattern};

/// With more lines than this, none is looked at for other cases.
const CASES: usize = 64;

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
    for (i, line, _) in &nothing {
        match other_case.iter().find(|(at, _)| at == i) {
            Some((_, path)) => case(lines, line, path, found),
            None if is_usual(line.pattern.trim_start_matches('!')) => {}
            None => matches_nothing(lines, line, found),
        }
    }
    shadowed(lines, &all, found);
}

fn matches_nothing(lines: &Lines<'_>, line: &IgnorePattern, found: &mut Findings) {
    let finding = found.add(&DEAD, format!("`{}` matches nothing that is there", line.text.trim()));
    finding.at(text::pattern(lines.folder, line.line, "matches nothing"));
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

/// Lines without which the same would be sent. Of two that do the same, only one is told.
fn shadowed(lines: &Lines<'_>, all: &[(usize, &IgnorePattern, &Pattern)], found: &mut Findings) {
    let matcher = lines.file.matcher();
    for (i, line, _) in all {
        if let Some(by) = lines.reach[*i].closed_by {
            tell(lines, line, by, found);
        }
    }
    let idle =
        |i: usize| lines.reach[i].matches && !lines.reach[i].matters && !lines.reach[i].paths.is_empty();
    let mut idle: Vec<_> = all.iter().filter(|(i, _, p)| idle(*i) && !p.negated()).copied().collect();
    // The narrower one goes first, then the later one.
    idle.sort_by_key(|(i, _, p)| (p.text().contains(&b'*'), std::cmp::Reverse(*i)));
    let mut gone: BTreeSet<usize> = BTreeSet::new();
    let mut told: Vec<(usize, &IgnorePattern, usize)> = Vec::new();
    for (i, line, _) in idle {
        let still = |path: &Vec<u8>| by_other(matcher, i, &gone, path);
        let by: Option<Vec<usize>> = lines.reach[i].paths.iter().map(still).collect();
        if let Some(by) = by.and_then(|by| by.first().copied()) {
            gone.insert(i);
            told.push((i, line, by));
        }
    }
    told.sort_by_key(|(i, ..)| *i);
    for (_, line, by) in told {
        tell(lines, line, lines.file.pattern(by).map_or(0, |p| p.line), found);
    }
}

/// Another pattern, none of those that are `gone`, that matches the path or a folder above it.
fn by_other(matcher: &Matcher, i: usize, gone: &BTreeSet<usize>, path: &[u8]) -> Option<usize> {
    let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i).chain([path.len()]);
    let others = || {
        let patterns = matcher.patterns().iter().enumerate();
        patterns.filter(|(j, p)| *j != i && !gone.contains(j) && !p.negated())
    };
    ends.into_iter().find_map(|end| Some(others().find(|(_, p)| p.matches(&path[..end]) == Ok(true))?.0))
}

fn tell(lines: &Lines<'_>, line: &IgnorePattern, by: usize, found: &mut Findings) {
    let other = lines.file.patterns().iter().find(|p| p.line == by).map_or("", |p| p.text.trim());
    let message =
        format!("`{}` changes nothing: line {by} (`{other}`) hides all that it matches", line.text.trim());
    let finding = found.add(&SHADOWED, message);
    finding.at(text::pattern(lines.folder, line.line, "changes nothing"));
    finding.at(text::pattern(lines.folder, by, "hides the same"));
    finding.fix(format!("remove line {}", line.line), rewrite(lines, line.line, Vec::new()));
}
