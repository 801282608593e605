//! Which stages of a Dockerfile a target uses, as far as it is written plainly.

use std::collections::BTreeSet;

use crate::dockerfile::{Dockerfile, InstructionKind, Mount, Stage};

/// The stages that `target` uses, by number; `None` when variables decide it, or there is no such stage.
pub(in super::super) fn used(file: &Dockerfile, target: Option<&str>) -> Option<BTreeSet<usize>> {
    let last = file.stages.len().checked_sub(1)?;
    let first = match target {
        Some(name) => find(file, name, file.stages.len())?,
        None => last,
    };
    let mut used = BTreeSet::new();
    let mut open = vec![first];
    while let Some(number) = open.pop() {
        if used.insert(number) {
            let stage = file.stages.get(number)?;
            open.extend(names(stage)?.iter().filter_map(|name| find(file, name, number)));
        }
    }
    Some(used)
}

/// The number of a stage by its name or its number, among the first `before`; of several of one name, the last counts.
pub(in super::super) fn find(file: &Dockerfile, name: &str, before: usize) -> Option<usize> {
    let lower = name.to_lowercase();
    let named = file.stages.iter().take(before).rposition(|s| s.name.as_deref() == Some(lower.as_str()));
    named.or_else(|| name.parse().ok().filter(|n| *n < before))
}

/// What a stage is made from and copies from; `None` when a variable says it.
fn names(stage: &Stage) -> Option<Vec<String>> {
    let mut names = vec![stage.base_name.clone()];
    for instruction in &stage.instructions {
        match &instruction.kind {
            InstructionKind::Copy(copy) => names.extend(copy.from.clone()),
            InstructionKind::Run(run) => {
                let mounts = run.mounts.iter().filter_map(|m| Mount::parse(m, None).ok());
                names.extend(mounts.map(|m| m.from).filter(|f| !f.is_empty()));
            }
            _ => {}
        }
    }
    names.iter().all(|n| !n.contains('$')).then_some(names)
}

/// The arguments that a stage declares.
pub(super) fn arguments(stage: &Stage) -> impl Iterator<Item = &crate::dockerfile::Argument> {
    stage.instructions.iter().flat_map(|i| match &i.kind {
        InstructionKind::Arg(arguments) => arguments.as_slice(),
        _ => &[],
    })
}

/// The arguments that stand before the first FROM.
pub(super) fn global(file: &Dockerfile) -> impl Iterator<Item = &crate::dockerfile::Argument> {
    file.global_args.iter().flat_map(|i| match &i.kind {
        InstructionKind::Arg(arguments) => arguments.as_slice(),
        _ => &[],
    })
}
