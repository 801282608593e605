//! Which listed path may have been meant.

use super::Context;
use crate::entry::{ContextPath, Entry};
use crate::gopath::{base, clean, dir};

/// So many paths are proposed at most.
const PROPOSALS: usize = 3;

impl Context {
    /// The listed path that differs from `path` in case alone.
    pub fn same_but_for_case(&self, path: &[u8]) -> Option<&ContextPath> {
        let wanted = lower(&relative(path));
        let mut candidates = self.entries.iter().map(|e| &e.path);
        candidates.find(|p| p.as_bytes().len() == wanted.len() && lower(p.as_bytes()) == wanted)
    }

    /// Listed paths that may have been meant by `path`, the likeliest first, three at most: names in the same folder that
    /// are a few edits away, then the same name in other folders.
    pub fn near(&self, path: &[u8]) -> Vec<&ContextPath> {
        let path = relative(path);
        let (folder, name) = (dir(&path), base(&path));
        let folder = if folder == b"." { &b""[..] } else { &folder };
        let limit = (name.len() / 3).clamp(1, 3);
        let mut close: Vec<(usize, &ContextPath)> = Vec::new();
        for entry in self.children(folder) {
            let distance = distance(&lower(entry.path.name()), &lower(name), limit);
            close.extend(distance.map(|d| (d, &entry.path)));
        }
        close.sort();
        let elsewhere = self.entries.iter().map(|e| &e.path).filter(|p| p.name() == name);
        let mut near: Vec<&ContextPath> = Vec::new();
        for path in close.into_iter().map(|(_, p)| p).chain(elsewhere) {
            if near.len() < PROPOSALS && !near.contains(&path) {
                near.push(path);
            }
        }
        near
    }

    /// The listed entries right inside of `folder` (empty for the top).
    pub fn children<'a>(&'a self, folder: &[u8]) -> impl Iterator<Item = &'a Entry> + use<'a> {
        super::tree::children(&self.entries, folder)
    }
}

fn relative(path: &[u8]) -> Vec<u8> {
    let start = path.iter().position(|b| *b != b'/').unwrap_or(path.len());
    clean(&path[start..])
}

fn lower(bytes: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_ascii() => text.to_lowercase().into_bytes(),
        _ => bytes.to_ascii_lowercase(),
    }
}

/// The edit distance with swaps of neighbours, when it is at most `limit`.
fn distance(a: &[u8], b: &[u8], limit: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().filter(|d| *d <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_is_one_edit() {
        assert_eq!(distance(b"pakcage", b"package", 2), Some(1));
        assert_eq!(distance(b"app.yml", b"app.yaml", 2), Some(1));
        assert_eq!(distance(b"abc", b"xyz", 2), None);
        assert_eq!(distance(b"", b"a", 1), Some(1));
    }
}
