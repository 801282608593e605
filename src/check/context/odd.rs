//! Entries that arrive otherwise than they are: sockets, pipes, devices, what can't be read.

use std::collections::BTreeMap;

use super::super::text::list;
use super::super::{Amount, Facts, Findings, Label, Rule};
use super::litter::within;
use super::taking::Taking;
use super::{DEVICE, FIFO, NOT_UTF8, ROOT_UNREADABLE, SOCKET, UNREADABLE, VANISHED};
use crate::context::{ContextWarning, WarningCode};
use crate::entry::{ContextPath, Source as _};

/// Tells what surprises about one folder's entries, those of one kind together.
pub(super) fn find(facts: &Facts<'_>, number: usize, taking: &Taking, found: &mut Findings) {
    let folder = &facts.folders[number];
    let mut kinds: BTreeMap<WarningCode, Vec<&ContextWarning>> = BTreeMap::new();
    for warning in folder.context.warnings() {
        kinds.entry(warning.code).or_default().push(warning);
    }
    for (code, group) in kinds {
        let Some(rule) = rule(code) else { continue };
        let paths: Vec<Vec<u8>> = group.iter().map(|w| w.path.clone()).filter(|p| !p.is_empty()).collect();
        let message = match (&group[..], paths.len()) {
            ([one, ..], 0) => one.message.clone(),
            ([one], _) => format!("{} {}", list(&paths, 1), one.message),
            ([one, ..], n) => format!("{}: each {}", list(&paths, n), one.message),
            ([], _) => continue,
        };
        let finding = found.add(rule, format!("{}{message}", within(folder)));
        finding.amount = Some(Amount { files: paths.len() as u64, dirs: 0, bytes: 0 });
        let entries = folder.context.entries();
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

fn rule(code: WarningCode) -> Option<&'static Rule> {
    Some(match code {
        WarningCode::Socket => &SOCKET,
        WarningCode::Unreadable => &UNREADABLE,
        WarningCode::Fifo => &FIFO,
        WarningCode::Device => &DEVICE,
        WarningCode::NameNotUtf8 => &NOT_UTF8,
        WarningCode::Vanished => &VANISHED,
        WarningCode::RootUnreadable => &ROOT_UNREADABLE,
        #[allow(unreachable_patterns, reason = "the enum may grow")]
        _ => return None,
    })
}
