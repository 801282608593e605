//! Which line of an ignore file hides which entry of a listing.

use crate::entry::Entry;
use crate::pattern::{IgnoreFile, Info};

/// For each entry, in fsutil's order, the line that has the last word over it if that hides it: counted from 1.
///
/// Going down pattern by pattern gives the same as a walk, which does not enter a hidden folder that no `!` reaches into: a pattern
/// without special characters that matches below such a folder reaches into it, and with one that has some, every folder is entered
/// (`fsutil/filter.go`).
pub fn hiding_lines(entries: &[Entry], file: &IgnoreFile) -> Vec<Option<usize>> {
    let matcher = file.matcher();
    let mut folders: Vec<(usize, Info)> = Vec::new();
    let mut out = Vec::with_capacity(entries.len());
    for (at, entry) in entries.iter().enumerate() {
        while folders.last().is_some_and(|(f, _)| !entry.path.is_below(entries[*f].path.as_bytes())) {
            folders.pop();
        }
        let path = entry.path.as_bytes();
        // What lies in a folder that isn't listed is asked about with every folder above it.
        let above = path.iter().rposition(|b| *b == b'/').map(|end| &path[..end]);
        let parent = folders.last().filter(|(f, _)| Some(entries[*f].path.as_bytes()) == above);
        let decision = match entry.stat.is_dir() {
            true => matcher.decide_with_info(path, parent.map(|(_, info)| info)).map(|(decision, info)| {
                folders.push((at, info));
                decision
            }),
            false => matcher.decide(path, parent.map(|(_, info)| info)),
        };
        let hides = decision.ok().filter(|d| d.matched);
        out.push(hides.and_then(|d| file.pattern(d.by?)).map(|p| p.line));
    }
    out
}
