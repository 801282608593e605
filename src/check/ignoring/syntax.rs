//! Lines that are written in another tool's way.

use super::super::{Edit, Findings, Fix, Label, Severity, text};
use super::{COMMENT, GIT_SYNTAX, Lines, WHITE_SPACE};
use crate::pattern::IgnorePattern;

/// Looks at the form of each line.
pub(super) fn find(lines: &mut Lines<'_>, found: &mut Findings) {
    white_space(lines, found);
    for (i, pattern) in lines.file.patterns().iter().enumerate() {
        let matches = lines.reach.get(i).is_some_and(|r| r.matches);
        let told = comment(lines, pattern, matches, found)
            || set(lines, pattern, found)
            || (!matches && braces(lines, pattern, found));
        if told {
            lines.told.push(pattern.line);
        }
    }
}

/// A change of one line.
pub(super) fn rewrite(lines: &Lines<'_>, line: usize, insert: Vec<String>) -> Fix {
    Fix { file: text::ignore_name(lines.folder).to_owned(), edits: vec![Edit { line, remove: 1, insert }] }
}

/// A comment begins with `#` in the very first column and ends with its line (`ignorefile.ReadAll`).
fn comment(lines: &Lines<'_>, pattern: &IgnorePattern, matches: bool, found: &mut Findings) -> bool {
    if matches {
        return false;
    }
    let written = pattern.text.trim();
    if written.starts_with('#') {
        let message = format!("`{written}` is a pattern: a comment begins in the first column");
        let finding = found.add(&COMMENT, message);
        finding.severity = Severity::Note;
        finding.at(text::pattern(lines.folder, pattern.line, "a pattern, not a comment"));
        finding
            .fix("remove the white space before it", rewrite(lines, pattern.line, vec![written.to_owned()]));
        return true;
    }
    let mark = written.match_indices('#').map(|(i, _)| i).find(|i| written[..*i].ends_with([' ', '\t']));
    let Some(mark) = mark else { return false };
    let (rule, remark) = (written[..mark].trim_end(), &written[mark..]);
    let message = format!("`{written}` is one pattern: a comment can't stand behind `{rule}`");
    let finding = found.add(&COMMENT, message);
    finding.at(text::pattern(lines.folder, pattern.line, "hides nothing"));
    let insert = vec![remark.to_owned(), rule.to_owned()];
    finding.fix("write the comment on a line of its own", rewrite(lines, pattern.line, insert));
    true
}

/// `[!a]`: git's and the shell's "any but a" is `[^a]` in Go.
fn set(lines: &Lines<'_>, pattern: &IgnorePattern, found: &mut Findings) -> bool {
    if !pattern.pattern.contains("[!") {
        return false;
    }
    let written = pattern.text.trim();
    let message = format!("`{written}`: `[!…]` takes `!` for one of the characters; any but these is `[^…]`");
    let finding = found.add(&GIT_SYNTAX, message);
    finding.at(text::pattern(lines.folder, pattern.line, "means another thing than in .gitignore"));
    finding.fix("write `[^`", rewrite(lines, pattern.line, vec![written.replace("[!", "[^")]));
    true
}

/// `*.{js,ts}`: braces stand for themselves.
fn braces(lines: &Lines<'_>, pattern: &IgnorePattern, found: &mut Findings) -> bool {
    let written = pattern.text.trim();
    let Some((before, rest)) = written.split_once('{') else { return false };
    let Some((inner, after)) = rest.split_once('}').filter(|(inner, _)| inner.contains(',')) else {
        return false;
    };
    let message = format!("`{written}` matches nothing: braces are no alternatives here");
    let finding = found.add(&GIT_SYNTAX, message);
    finding.at(text::pattern(lines.folder, pattern.line, "braces stand for themselves"));
    if !inner.contains('{') && !after.contains('{') {
        let insert = inner.split(',').map(|one| format!("{before}{}{after}", one.trim())).collect();
        finding.fix("write one line for each", rewrite(lines, pattern.line, insert));
    }
    true
}

fn ending(lines: u64, what: &str) -> String {
    let ends = if lines == 1 { "ends" } else { "end" };
    format!("has {} that {ends} in {what}", text::count(lines, "line"))
}

/// What can't be seen. White space at the ends and a first byte order mark are cut off, so that they do no harm.
fn white_space(lines: &Lines<'_>, found: &mut Findings) {
    let bytes = lines.folder.ignore.bytes;
    let mut parts = Vec::new();
    let (mut trailing, mut returns) = (Vec::new(), 0);
    for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
        returns += u64::from(line.ends_with(b"\r"));
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.ends_with(b" ") || line.ends_with(b"\t") {
            trailing.push(i + 1);
        }
    }
    let name = text::ignore_name(lines.folder);
    if bytes.starts_with(b"\xef\xbb\xbf") {
        parts.push("begins with a byte order mark".to_owned());
    }
    if returns > 0 {
        parts.push(ending(returns, "CR LF"));
    }
    if !trailing.is_empty() {
        parts.push(ending(trailing.len() as u64, "white space"));
    }
    if parts.is_empty() {
        return;
    }
    let message = format!("`{name}` {}: BuildKit cuts that off, other readers may not", parts.join(", "));
    let finding = found.add(&WHITE_SPACE, message);
    finding.at(Label::line(name, trailing.first().copied().unwrap_or(1), "ends in what can't be seen"));
}
