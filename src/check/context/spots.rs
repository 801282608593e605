//! Where a folder has litter: one pass over its entries.

use std::ops::Range;

use super::kinds::{self, Litter};
use super::markers::{Markers, split};
use super::taking::is_named;
use crate::context::Ignored;
use crate::entry::{Entry, FileType};

/// A folder of litter with all that is in it, or a single file.
#[derive(Debug)]
pub(super) struct Spot {
    /// What it is.
    pub litter: Litter,
    /// Its place in the listing, and that of what is in it.
    pub range: Range<usize>,
    /// It is a folder.
    pub folder: bool,
}

/// The litter of a listing, in its order; what `named` names is none.
pub(super) fn spots(entries: &[Entry], markers: &Markers<'_>, named: &[Vec<u8>]) -> Vec<Spot> {
    let mut spots: Vec<Spot> = Vec::new();
    let mut at = 0;
    while let Some(entry) = entries.get(at) {
        let spot = litter(entry, markers).and_then(|litter| spot(litter, entries, at, named));
        at = spot.as_ref().map_or(at + 1, |s| s.range.end);
        spots.extend(spot);
    }
    spots
}

/// What an entry is by its name.
fn litter(entry: &Entry, markers: &Markers<'_>) -> Option<Litter> {
    let path = entry.path.as_bytes();
    match entry.stat.file_type {
        FileType::Dir => kinds::folder(path, split(path).1, markers),
        FileType::File => kinds::file(split(path).1),
        _ => None,
    }
}

/// The entries that an entry of litter stands for; `None` when an instruction asks for it by name.
fn spot(litter: Litter, entries: &[Entry], at: usize, named: &[Vec<u8>]) -> Option<Spot> {
    let entry = &entries[at];
    let path = entry.path.as_bytes();
    if is_named(named, path) {
        return None;
    }
    let folder = entry.stat.is_dir();
    let below = if folder { entries[at + 1..].partition_point(|e| e.path.is_below(path)) } else { 0 };
    Some(Spot { litter, range: at..at + 1 + below, folder })
}

/// Hidden litter that a build looks at all the same: for each ignore line that would hide the kind, how many folders and files.
pub(super) fn walked(hidden: &[Ignored]) -> Vec<(Litter, u64, u64)> {
    let mut found: Vec<(Litter, u64, u64)> = Vec::new();
    let mut current: Option<(usize, &Ignored)> = None;
    let none = Markers::default();
    for one in hidden.iter().filter(|i| !i.closed) {
        if let Some((at, _)) = current.filter(|(_, folder)| one.path.is_below(folder.path.as_bytes())) {
            found[at].2 += u64::from(one.file_type == FileType::File);
            continue;
        }
        let path = one.path.as_bytes();
        let litter = match one.file_type {
            FileType::Dir => kinds::folder(path, split(path).1, &none),
            _ => None,
        };
        let Some(litter) = litter else { continue };
        let at = found.iter().position(|(l, ..)| *l == litter).unwrap_or_else(|| {
            found.push((litter, 0, 0));
            found.len() - 1
        });
        found[at].1 += 1;
        current = Some((at, one));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::MemoryTree;
    use crate::entry::{ContextPath, Source as _};

    #[test]
    fn a_folder_stands_for_all_that_is_in_it() {
        let path = |p: &str| ContextPath::new(p.as_bytes()).unwrap();
        let files =
            ["a/__pycache__/x.pyc", "a/__pycache__/y.pyc", "a/b.py", "a/z.pyc", "node_modules/p/a.log", "zz"];
        let tree = files.iter().fold(MemoryTree::new(), |t, f| t.file(path(f), 0o644, b"x"));
        let found = spots(tree.entries(), &Markers::default(), &[]);
        let seen: Vec<(&str, usize, bool)> =
            found.iter().map(|s| (&*s.litter.line, s.range.len(), s.folder)).collect();
        assert_eq!(seen, [("**/__pycache__", 3, true), ("**/*.pyc", 1, false), ("**/node_modules", 3, true)]);
        let named = [b"node_modules/p".to_vec()];
        let lines: Vec<String> =
            spots(tree.entries(), &Markers::default(), &named).into_iter().map(|s| s.litter.line).collect();
        assert_eq!(lines, ["**/__pycache__", "**/*.pyc", "**/*.log"]);
    }
}
