//! `!` lines that bring nothing back.

use super::super::{Edit, Findings, Fix, Severity, text};
use super::{Lines, NEGATION};
use crate::pattern::Matcher;

/// Looks at each `!` line that matches something.
pub(super) fn find(lines: &mut Lines<'_>, found: &mut Findings) {
    let patterns = lines.file.matcher().patterns();
    for (i, line) in lines.file.patterns().iter().enumerate() {
        let Some(reach) = lines.reach.get(i) else { return };
        if !patterns.get(i).is_some_and(crate::pattern::Pattern::negated) || !reach.matches || reach.matters {
            continue;
        }
        let again = reach.paths.iter().find_map(|path| {
            let last = lines.file.explain(path).ok()?.decision;
            let by = last.by.filter(|by| last.matched && *by > i)?;
            Some((path.clone(), by))
        });
        let written = line.text.trim().to_owned();
        match again {
            Some((path, by)) => hidden_again(lines, (line.line, &written), &path, by, found),
            None if !hides_before(lines, i) => {
                let message =
                    format!("`{written}` brings nothing back: no line above it hides what it matches");
                let finding = found.add(&NEGATION, message);
                finding.severity = Severity::Note;
                finding.at(text::pattern(lines.folder, line.line, "nothing to bring back"));
                finding.paths.extend(reach.paths.iter().take(3).cloned());
            }
            // Another `!` line does the same.
            None => continue,
        }
        lines.told.push(line.line);
    }
}

/// The last word wins: a line below hides it again.
fn hidden_again(
    lines: &Lines<'_>,
    (line, written): (usize, &str),
    path: &[u8],
    by: usize,
    found: &mut Findings,
) {
    let Some(later) = lines.file.pattern(by) else { return };
    let file = text::ignore_name(lines.folder);
    let message = format!(
        "`{written}` has no effect: line {} (`{}`) hides `{}` again",
        later.line,
        later.text.trim(),
        text::name(path)
    );
    let finding = found.add(&NEGATION, message);
    finding.at(text::pattern(lines.folder, line, "brings it back"));
    finding.at(text::pattern(lines.folder, later.line, "hides it again: the last line wins"));
    finding.paths.push(path.to_vec());
    let edits = vec![
        Edit { line, remove: 1, insert: Vec::new() },
        Edit { line: later.line + 1, remove: 0, insert: vec![written.to_owned()] },
    ];
    let message = format!("move `{written}` below line {}", later.line);
    finding.fix(message, Fix { file: file.to_owned(), edits });
}

/// Whether the lines above a `!` line hide anything that it matches.
fn hides_before(lines: &Lines<'_>, i: usize) -> bool {
    let texts: Vec<&str> = lines.file.patterns()[..i].iter().map(|p| p.pattern.as_str()).collect();
    let Ok(before) = Matcher::new(&texts) else { return true };
    let hides = |path: &Vec<u8>| before.explain(path).is_ok_and(|e| e.decision.matched);
    lines.reach[i].paths.iter().any(hides)
}
