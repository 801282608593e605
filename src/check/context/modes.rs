//! Modes that a checkout elsewhere would not have: they are part of the keys, so that machines with another umask share no cache.

use std::collections::BTreeMap;

use super::super::text::{count, thousands};
use super::super::{Amount, Facts, Findings, Label};
use super::UMASK;
use super::litter::within;
use super::taking::Taking;
use crate::entry::Source as _;

/// Tells how many entries have other modes than a fresh checkout has, and which steps take them.
pub(super) fn find(facts: &Facts<'_>, number: usize, taking: &Taking, found: &mut Findings) {
    let folder = &facts.folders[number];
    let entries = folder.context.entries();
    let taken = taking.taken(entries.len());
    let moved: Vec<(usize, u16)> = facts
        .looked
        .modes
        .iter()
        .filter(|m| m.folder == number && taken.get(m.entry) == Some(&true))
        .map(|m| (m.entry, m.fresh))
        .collect();
    if moved.is_empty() {
        return;
    }
    let mut kinds: BTreeMap<(u16, u16), u64> = BTreeMap::new();
    for (at, fresh) in &moved {
        *kinds.entry((entries[*at].stat.mode, *fresh)).or_default() += 1;
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|((here, fresh), n)| format!("{} {here:04o} here, {fresh:04o} there", thousands(*n)))
        .collect();
    let dirs = moved.iter().filter(|(at, _)| entries[*at].stat.is_dir()).count() as u64;
    let files = moved.len() as u64 - dirs;
    let what = match (files, dirs) {
        (files, 0) => count(files, "file"),
        (0, dirs) => count(dirs, "folder"),
        (files, dirs) => format!("{} and {}", count(files, "file"), count(dirs, "folder")),
    };
    let verb = if moved.len() == 1 { "has another mode" } else { "have other modes" };
    let message = format!(
        "{}{what} {verb} than in a fresh checkout with umask 022 ({}): modes are part of the cache keys",
        within(folder),
        kinds.join("; ")
    );
    let finding = found.add(&UMASK, message);
    finding.amount = Some(Amount { files, dirs, bytes: 0 });
    finding.paths = moved.iter().take(5).map(|(at, _)| entries[*at].path.as_bytes().to_vec()).collect();
    let takes =
        |ranges: &[std::ops::Range<usize>]| moved.iter().any(|(at, _)| ranges.iter().any(|r| r.contains(at)));
    for (step, _) in taking.steps.iter().filter(|(_, ranges)| takes(ranges)) {
        let step = facts.steps[*step].step;
        finding.at(Label::line(facts.dockerfile, step.span.line, "its key has these modes"));
        finding.steps.push(step.name.clone());
    }
    finding.help("check out under one umask on every machine (`umask 022` before `git clone`), or set the modes before the build; `COPY --chmod` doesn't help, since the mode on disk stays part of the key");
}
