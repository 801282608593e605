//! Secrets in a folder, with the steps that would ship them.

use std::collections::BTreeMap;

use super::super::text::list;
use super::super::{Amount, Facts, Finding, Findings, FolderFacts, Label, Rule, Severity};
use super::kinds::literal;
use super::litter::{hide, within};
use super::secret::Verdict;
use super::taking::{self, Taking};
use super::{SECRET_IN_BUILD, SECRET_IN_CONTEXT, SECRET_IN_IMAGE};
use crate::entry::{ContextPath, Source as _};
use crate::plan::Step;

/// Folders of keys and passwords that are made up.
const TESTS: &[&[u8]] = &[
    b"__tests__",
    b"docs",
    b"example",
    b"examples",
    b"fixtures",
    b"mocks",
    b"samples",
    b"spec",
    b"specs",
    b"test",
    b"test-data",
    b"testdata",
    b"testing",
    b"tests",
];

/// Secrets of one kind that the same steps take, those of tests apart.
type Group = (Verdict, bool, Vec<usize>);

/// Looks at the files of one folder that were looked into.
pub(super) fn find(facts: &Facts<'_>, number: usize, taking: &Taking, found: &mut Findings) {
    let entries = facts.folders[number].context.entries();
    let mut groups: BTreeMap<Group, (Vec<Vec<u8>>, u64)> = BTreeMap::new();
    for peeked in facts.looked.peeked.iter().filter(|p| p.folder == number) {
        let at = entries.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), &peeked.path));
        let Ok(at) = at else { continue };
        let group = (peeked.verdict, of_tests(&peeked.path), taking.steps_of(&(at..at + 1)));
        let (paths, bytes) = groups.entry(group).or_default();
        paths.push(peeked.path.clone());
        *bytes += entries[at].stat.size;
    }
    let layers = facts.plan.map(taking::layers).unwrap_or_default();
    for ((verdict, of_tests, steps), (paths, bytes)) in groups {
        let steps: Vec<&Step> = steps.into_iter().map(|i| facts.steps[i].step).collect();
        let ships = steps.iter().copied().find(|s| facts.plan.is_some_and(|p| taking::ships(p, &layers, s)));
        let amount = Amount { files: paths.len() as u64, dirs: 0, bytes };
        let Some((rule, message)) = sentence(facts, verdict, &paths, &steps, ships) else { continue };
        let folder = &facts.folders[number];
        let finding = found.add(rule, format!("{}{message}", within(folder)));
        if of_tests || verdict == Verdict::Settings {
            finding.severity = Severity::Note;
        }
        finding.amount = Some(amount);
        place(finding, facts, &steps, ships);
        advise(finding, folder, &paths, ships.is_some());
        finding.paths = paths.into_iter().take(5).collect();
    }
}

/// The rule and the sentence; `None` where nothing is worth saying.
fn sentence(
    facts: &Facts<'_>,
    verdict: Verdict,
    paths: &[Vec<u8>],
    steps: &[&Step],
    ships: Option<&Step>,
) -> Option<(&'static Rule, String)> {
    let (names, one) = (list(paths, paths.len()), paths.len() == 1);
    let Verdict::Secret(what) = verdict else {
        // Harmless as far as one can see: worth a word only in an image.
        let are = if one { "is" } else { "are" };
        let message =
            format!("{names} {are} settings of one machine, and {} puts them into the image", ships?.name);
        return Some((&SECRET_IN_IMAGE, message));
    };
    let (holds, it) = if one { ("holds", "it") } else { ("hold", "them") };
    let what = format!("{names} {holds} {what}");
    Some(match (ships, steps) {
        (Some(step), _) => (&SECRET_IN_IMAGE, format!("{what}, and {} puts {it} into the image", step.name)),
        (None, [step, ..]) => {
            let message = format!(
                "{what}, and {} takes {it}: not into the image, but into the build's cache",
                step.name
            );
            (&SECRET_IN_BUILD, message)
        }
        (None, []) if facts.steps.is_empty() => return None,
        (None, []) => (&SECRET_IN_CONTEXT, format!("{what}, in view of the build though no step takes {it}")),
    })
}

/// Keys and passwords that tests bring along.
fn of_tests(path: &[u8]) -> bool {
    path.split(|b| *b == b'/').rev().skip(1).any(|folder| TESTS.contains(&folder))
}

/// The lines of the steps, the one that ships it first.
fn place(finding: &mut Finding, facts: &Facts<'_>, steps: &[&Step], ships: Option<&Step>) {
    let others = steps.iter().copied().filter(|s| Some(*s) != ships);
    for step in ships.into_iter().chain(others) {
        let text = if Some(step) == ships { "puts it into the image" } else { "takes it" };
        let label = Label::line(facts.dockerfile, step.span.line, text);
        finding.at(Label { end_line: step.span.end_line.max(step.span.line), ..label });
    }
    finding.steps = steps.iter().map(|s| s.name.clone()).collect();
}

/// How to keep it out.
fn advise(finding: &mut Finding, folder: &FolderFacts<'_>, paths: &[Vec<u8>], shipped: bool) {
    if let Some(lines) = paths.iter().map(|p| literal(p)).collect::<Option<Vec<String>>>() {
        let (message, fix) = hide(folder, lines);
        finding.fix(message, fix);
    }
    if shipped {
        let way = "give it to the step that needs it with `RUN --mount=type=secret`, which leaves nothing in the image";
        finding.help(way);
    }
}
