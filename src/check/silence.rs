//! Comments that switch findings off: `# stowaway ignore=code[,code]` above an instruction or a line, `# stowaway global ignore=…` in the head
//! of a file, and hadolint's own for the codes that have a rule here.

use super::{Edit, Facts, Finding, Findings, Fix, Group, Label, RULES, Rule, Severity, rule};
use crate::dockerfile::{Dockerfile, suggest};

/// The rule of comments themselves.
pub const UNKNOWN: Rule = Rule {
    code: "unknown-ignored-code",
    group: Group::Build,
    severity: Severity::Note,
    summary: "a comment switches off a code that no rule has",
    page: include_str!("build/pages/unknown-ignored-code.md"),
};

/// What hadolint's rules are called here; others have no effect. A build that fails is not switched off by another tool's comment.
const HADOLINT: &[(&str, &[&str])] = &[
    ("DL3000", &["relative-workdir", "WorkdirRelativePath"]),
    ("DL3012", &["MultipleInstructionsDisallowed"]),
    ("DL3024", &["DuplicateStageName"]),
    ("DL3025", &["JSONArgsRecommended"]),
    ("DL3029", &["FromPlatformFlagConstDisallowed"]),
    ("DL3044", &["undefined-variable", "UndefinedVar"]),
    ("DL4000", &["MaintainerDeprecated"]),
    ("DL4003", &["MultipleInstructionsDisallowed"]),
    ("DL4004", &["MultipleInstructionsDisallowed"]),
];

/// The lines of a file on which some rules are switched off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The file, as labels name it.
    file: String,
    /// First and last line; `None` for the file as a whole and what has no place.
    lines: Option<(usize, usize)>,
    /// The codes.
    codes: Vec<&'static str>,
}

impl Silence {
    /// Whether a finding is switched off.
    pub fn covers(&self, finding: &Finding) -> bool {
        let here = |label: &Label| {
            label.file == self.file
                && self.lines.is_none_or(|(first, last)| label.line <= last && label.end_line >= first)
        };
        let placeless = self.lines.is_none() && finding.labels.is_empty();
        self.codes.contains(&finding.rule.code) && (placeless || finding.labels.iter().any(here))
    }
}

/// What the comments of a build's Dockerfile and ignore files switch off. Codes that no rule has are findings.
pub fn silences(facts: &Facts<'_>, found: &mut Findings) -> Vec<Silence> {
    let mut all = of_file(facts.dockerfile, facts.bytes, facts.parsed, found);
    for folder in &facts.folders {
        if let Some(name) = folder.ignore.name {
            all.extend(of_file(name, folder.ignore.bytes, None, found));
        }
    }
    all
}

/// What the comments of one file switch off: of a Dockerfile with `parsed`, else of any file with `#` comments.
pub fn of_file(file: &str, bytes: &[u8], parsed: Option<&Dockerfile>, found: &mut Findings) -> Vec<Silence> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines: Vec<String> =
        bytes.split(|b| *b == b'\n').map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    let inside = |line: usize| parsed.is_some_and(|d| in_heredoc(d, line));
    let mut silences = Vec::new();
    for (at, text) in lines.iter().enumerate().filter(|(at, _)| !inside(at + 1)) {
        let Some(comment) = Comment::read(text) else { continue };
        let head = || lines[..at].iter().all(|l| is_idle(l));
        if comment.global && !head() {
            continue;
        }
        let codes = comment.codes(file, at + 1, text, found);
        let below = || lines.iter().skip(at + 1).position(|l| !is_idle(l)).map(|more| at + 2 + more);
        match below() {
            _ if comment.global => silences.push(Silence { file: file.to_owned(), lines: None, codes }),
            Some(line) => {
                let lines = Some(parsed.map_or((line, line), |d| instruction(d, line)));
                silences.push(Silence { file: file.to_owned(), lines, codes });
            }
            None => {}
        }
    }
    silences.retain(|s| !s.codes.is_empty());
    silences
}

/// Blank, or a comment.
fn is_idle(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// The lines of the instruction that `line` belongs to.
fn instruction(file: &Dockerfile, line: usize) -> (usize, usize) {
    let own = file.stages.iter().flat_map(|s| &s.instructions).chain(&file.global_args).map(|i| i.span);
    let mut spans = file.stages.iter().map(|s| s.span).chain(own);
    spans.find(|s| s.line <= line && line <= s.end_line).map_or((line, line), |s| (s.line, s.end_line))
}

/// Whether a line is text of a here-document, which has no comments.
fn in_heredoc(file: &Dockerfile, line: usize) -> bool {
    let mut bodies = file.stages.iter().flat_map(|s| &s.instructions).flat_map(|i| &i.heredocs);
    bodies.any(|h| h.span.line <= line && line <= h.span.end_line)
}

/// A comment that switches rules off.
struct Comment<'a> {
    global: bool,
    hadolint: bool,
    list: &'a str,
}

impl<'a> Comment<'a> {
    /// `# stowaway ignore=…`, `# hadolint ignore=…`, each with `global` before `ignore` or not. Anything behind a `#` or a blank after the
    /// list is the reason.
    fn read(line: &'a str) -> Option<Self> {
        let rest = line.trim().strip_prefix('#')?.trim_start();
        let (hadolint, rest) = match rest.strip_prefix("stowaway") {
            Some(rest) => (false, rest),
            None => (true, rest.strip_prefix("hadolint")?),
        };
        let rest = rest.strip_prefix(char::is_whitespace)?.trim_start();
        let own = rest.strip_prefix("global").and_then(|r| r.strip_prefix(char::is_whitespace));
        let rest = own.unwrap_or(rest).trim_start().strip_prefix("ignore")?;
        let list = rest.trim_start().strip_prefix('=')?.trim();
        let list = list.split(" #").next().unwrap_or(list).trim();
        Some(Self { global: own.is_some(), hadolint, list })
    }

    /// The codes; those that no rule has are findings, but for hadolint's.
    fn codes(&self, file: &str, line: usize, text: &str, found: &mut Findings) -> Vec<&'static str> {
        let mut codes = Vec::new();
        for code in self.list.split(',').map(str::trim).filter(|c| !c.is_empty()) {
            match (self.hadolint, rule(code)) {
                (true, _) => {
                    codes.extend(HADOLINT.iter().filter(|(dl, _)| *dl == code).flat_map(|(_, own)| *own))
                }
                (false, Some(rule)) => codes.push(rule.code),
                (false, None) => unknown(file, line, text, code, found),
            }
        }
        codes
    }
}

/// A code that no rule has.
fn unknown(file: &str, line: usize, text: &str, code: &str, found: &mut Findings) {
    let finding =
        found.add(&UNKNOWN, format!("no rule has the code `{code}`: this comment switches nothing off"));
    let column = text.find(code).map_or(0, |at| at + 1);
    finding.at(Label::word(file, line, column, code.len(), ""));
    let codes: Vec<&str> = RULES.iter().copied().flatten().map(|r| r.code).collect();
    match suggest(code, &codes, false) {
        Some(near) => {
            let insert = vec![text.trim_end_matches('\r').replacen(code, &near, 1)];
            let fix = Fix { file: file.to_owned(), edits: vec![Edit { line, remove: 1, insert }] };
            finding.fix(format!("did you mean `{near}`?"), fix);
        }
        None => {
            finding.help("`stowaway check --list-rules` lists the codes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silenced(text: &str) -> (Vec<Silence>, Vec<String>) {
        let parsed = Dockerfile::parse(text.as_bytes()).unwrap();
        let mut found = Findings::default();
        let silences = of_file("D", text.as_bytes(), Some(&parsed), &mut found);
        (silences, found.0.into_iter().map(|f| f.message).collect())
    }

    fn lines(silences: &[Silence]) -> Vec<Option<(usize, usize)>> {
        silences.iter().map(|s| s.lines).collect()
    }

    #[test]
    fn a_comment_counts_for_the_whole_instruction_below_it() {
        let text = "FROM a\n# stowaway ignore=relative-workdir\n# why\n\nRUN a \\\n  && b\nRUN c\n";
        assert_eq!(lines(&silenced(text).0), [Some((5, 6))]);
    }

    #[test]
    fn a_comment_between_continued_lines_counts_for_their_instruction() {
        let text = "FROM a\nRUN a \\\n# stowaway ignore=relative-workdir # a reason\n  && b\nRUN c\n";
        assert_eq!(lines(&silenced(text).0), [Some((2, 4))]);
    }

    #[test]
    fn a_global_comment_counts_in_the_head_of_the_file_alone() {
        let text = "#stowaway   global ignore = relative-workdir , undefined-variable\nFROM a\n";
        let (silences, _) = silenced(text);
        assert_eq!((lines(&silences), silences[0].codes.len()), (vec![None], 2));
        assert_eq!(lines(&silenced("FROM a\n# stowaway global ignore=relative-workdir\n").0), []);
    }

    #[test]
    fn hadolints_codes_count_where_there_is_such_a_rule() {
        let (silences, found) = silenced("FROM a\n# hadolint ignore=DL3000,DL3008\nWORKDIR a\n");
        assert_eq!((silences[0].codes[0], found.len()), ("relative-workdir", 0));
        assert_eq!(silenced("FROM a\n# hadolint ignore=DL3008\nRUN a\n").0, []);
    }

    #[test]
    fn an_unknown_code_is_a_finding_and_text_of_a_heredoc_no_comment() {
        let (_, found) =
            silenced("FROM a\n# stowaway ignore=relative-workdirs\nRUN <<E\n# stowaway ignore=x\nE\n");
        assert_eq!(found, ["no rule has the code `relative-workdirs`: this comment switches nothing off"]);
    }

    #[test]
    fn a_finding_is_covered_by_any_of_its_places() {
        let silence = Silence { file: "D".into(), lines: Some((3, 4)), codes: vec![UNKNOWN.code] };
        let mut found = Findings::default();
        let finding = found.add(&UNKNOWN, "").at(Label::line("I", 1, "")).at(Label::line("D", 4, ""));
        assert!(silence.covers(finding));
        finding.labels.pop();
        assert!(!silence.covers(finding));
        finding.labels.clear();
        assert!(!silence.covers(finding));
        assert!(Silence { lines: None, ..silence }.covers(finding));
    }
}
