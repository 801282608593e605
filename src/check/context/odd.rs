//! Entries that arrive otherwise than they are: sockets, pipes, devices, what can't be read.

use std::collections::BTreeMap;

use super::super::text::list;
use super::super::{Amount, Facts, Findings, Label, Rule};
use super::litter::within;
use super::taking::Taking;
use super::{DEVICE, FIFO, NOT_UTF8, ROOT_UNREADABLE, SOCKET, UNREADABLE, VANISHED, WITHHELD};
use crate::context::{ContextWarning, WarningCode};
use crate::entry::{ContextPath, Source as _};

/// Tells what surprises about one folder's entries, those of one kind together.
pub(super) fn find(facts: &Facts<'_>, number: usize, taking: &Taking, found: &mut Findings) {
    let folder = &facts.folders[number];
    let entries = folder.context.entries();
    for (rule, message, paths) in told(folder.context.warnings()) {
        let finding = found.add(rule, format!("{}{message}", within(folder)));
        finding.amount = Some(Amount { files: paths.len() as u64, dirs: 0, bytes: 0 });
        let at =
            |path: &Vec<u8>| entries.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), path)).ok();
        let mut steps: Vec<usize> =
            paths.iter().filter_map(at).flat_map(|at| taking.steps_of(&(at..at + 1))).collect();
        steps.sort_unstable();
        steps.dedup();
        for step in steps.into_iter().map(|i| facts.steps[i].step) {
            finding.at(Label::line(facts.dockerfile, step.span.line, "takes it"));
            finding.steps.push(step.name.clone());
        }
        finding.paths = paths.into_iter().take(5).collect();
    }
}

/// A rule, its sentence and the paths that it is about.
type Told = (&'static Rule, String, Vec<Vec<u8>>);

/// What is said of each kind.
fn told(warnings: &[ContextWarning]) -> Vec<Told> {
    let mut kinds: BTreeMap<WarningCode, (&str, Vec<Vec<u8>>)> = BTreeMap::new();
    for warning in warnings {
        let (_, paths) = kinds.entry(warning.code).or_insert((&warning.message, Vec::new()));
        // What is said of the context itself has no path.
        paths.extend((!warning.path.is_empty()).then(|| warning.path.clone()));
    }
    let sentence = |message: &str, paths: &[Vec<u8>]| match paths.len() {
        0 => message.to_owned(),
        1 => format!("{} {message}", list(paths, 1)),
        n => format!("{}: each {message}", list(paths, n)),
    };
    kinds.into_iter().map(|(code, (message, paths))| (rule(code), sentence(message, &paths), paths)).collect()
}

fn rule(code: WarningCode) -> &'static Rule {
    match code {
        WarningCode::Socket => &SOCKET,
        WarningCode::Unreadable => &UNREADABLE,
        WarningCode::Withheld => &WITHHELD,
        WarningCode::Fifo => &FIFO,
        WarningCode::Device => &DEVICE,
        WarningCode::NameNotUtf8 => &NOT_UTF8,
        WarningCode::Vanished => &VANISHED,
        WarningCode::RootUnreadable => &ROOT_UNREADABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(warnings: &[(WarningCode, &str)]) -> Vec<(&'static str, String)> {
        let warning = |(code, path): &(WarningCode, &str)| ContextWarning {
            path: path.as_bytes().to_vec(),
            code: *code,
            message: "is odd".into(),
        };
        let warnings: Vec<ContextWarning> = warnings.iter().map(warning).collect();
        told(&warnings).into_iter().map(|(rule, message, _)| (rule.code, message)).collect()
    }

    #[test]
    fn entries_that_cant_be_made_in_every_place_are_told_too() {
        let one = |code| codes(&[(code, "a")]);
        assert_eq!(one(WarningCode::Unreadable), [("unreadable", "`a` is odd".to_owned())]);
        assert_eq!(one(WarningCode::Device)[0].0, "device-node");
        assert_eq!(one(WarningCode::Vanished)[0].0, "vanished");
        let root = codes(&[(WarningCode::RootUnreadable, "")]);
        assert_eq!(root, [("root-unreadable", "is odd".to_owned())]);
        assert_eq!(codes(&[]), []);
    }

    #[test]
    fn those_of_one_kind_are_told_together() {
        let two = codes(&[
            (WarningCode::Unreadable, "a"),
            (WarningCode::Device, "b"),
            (WarningCode::Unreadable, "c"),
        ]);
        assert_eq!(two.len(), 2);
        assert_eq!(two[0], ("unreadable", "`a`, `c`: each is odd".to_owned()));
    }
}
