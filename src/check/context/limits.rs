//! What was asked for: how much the context may hold, and what has to be in it.

use std::collections::BTreeMap;

use super::super::text::{count, name, size, thousands};
use super::super::{Amount, Facts, Findings, FolderFacts, Label};
use super::litter::hide;
use super::{REQUIRED, TOO_LARGE};
use crate::context::PathState;
use crate::entry::{Entry, FileType, Source as _};
use crate::gopath;

/// So many of the largest are named.
const LARGEST: usize = 5;

/// Compares the build context with what was asked for.
pub(super) fn find(facts: &Facts<'_>, found: &mut Findings) {
    let Some(folder) = facts.folders.iter().find(|f| f.name == "context") else { return };
    if let Some(most) = facts.asked.max_context {
        too_large(folder, most, found);
    }
    for path in &facts.asked.require {
        required(folder, path, found);
    }
}

/// The context holds more than it may.
fn too_large(folder: &FolderFacts<'_>, most: u64, found: &mut Findings) {
    let counts = folder.context.counts();
    if counts.bytes <= most {
        return;
    }
    let largest = largest(folder.context.entries());
    let named: Vec<String> =
        largest.iter().map(|(path, bytes)| format!("`{}` {}", name(path), size(*bytes))).collect();
    // How much it holds is told in the help: a finding is known by its message, and a fix that takes away less than needed changes that.
    let message = format!("the context holds more than the {} that --max-context allows", size(most));
    let finding = found.add(&TOO_LARGE, message);
    finding.amount = Some(Amount { files: counts.files, dirs: counts.dirs, bytes: counts.bytes });
    finding.paths = largest.into_iter().map(|(path, _)| path.to_vec()).collect();
    finding.help(format!(
        "it holds {} ({} bytes) in {}, above all {}",
        size(counts.bytes),
        thousands(counts.bytes),
        count(counts.files, "file"),
        named.join(", ")
    ));
    finding
        .help("`stowaway du` tells which of it no step takes, `stowaway ignore` proposes lines that hide it");
}

/// The heaviest folders and files at the top.
fn largest(entries: &[Entry]) -> Vec<(&[u8], u64)> {
    let mut tops: BTreeMap<&[u8], u64> = BTreeMap::new();
    for entry in entries.iter().filter(|e| e.stat.file_type == FileType::File && e.hardlink.is_none()) {
        let path = entry.path.as_bytes();
        let top = path.iter().position(|b| *b == b'/').unwrap_or(path.len());
        *tops.entry(&path[..top]).or_default() += entry.stat.size;
    }
    let mut tops: Vec<(&[u8], u64)> = tops.into_iter().collect();
    tops.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    tops.truncate(LARGEST);
    tops
}

/// A path has to be in the context.
fn required(folder: &FolderFacts<'_>, path: &[u8], found: &mut Findings) {
    let clean = gopath::clean(path);
    if gopath::has_wildcard(&clean) && folder.context.get(&clean).is_none() {
        let matches = |e: &Entry| gopath::matches(&clean, e.path.as_bytes()) == Ok(true);
        if !folder.context.entries().iter().any(matches) {
            found.add(
                &REQUIRED,
                format!("`{}` is required, and nothing in the context matches it", name(path)),
            );
        }
        return;
    }
    let Ok(verdict) = folder.context.explain(path) else { return };
    let why = match verdict.state {
        PathState::Sent | PathState::SentAsParent => return,
        PathState::Ignored => "hidden",
        PathState::Unreadable => "there, but can't be read",
        PathState::Outside => "outside of the context",
        PathState::ThroughLink { .. } => "behind a link: ask for the real path",
        _ => "not there",
    };
    let cause = verdict.cause.filter(|_| why == "hidden");
    let by = cause.as_ref().map_or_else(String::new, |c| {
        format!(" by line {} of {}, `{}`", c.line, c.ignore_file, c.text.trim())
    });
    let finding = found.add(&REQUIRED, format!("`{}` is required, and is {why}{by}", name(path)));
    finding.paths = vec![verdict.path.clone()];
    let Some(cause) = cause else { return };
    finding.at(Label::line(folder.ignore.name.unwrap_or(&cause.ignore_file), cause.line, "hides it"));
    if let Some(line) = super::kinds::literal(&verdict.path) {
        let (message, fix) = hide(folder, vec![format!("!{line}")]);
        finding.fix(message, fix);
    }
}
