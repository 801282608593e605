//! Few lines for many files: what no step takes, grouped into folders and endings.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use rustc_hash::{FxHashMap, FxHashSet};

use super::text;
use crate::entry::Entry;

/// So many lines are proposed at most.
const LINES: usize = 16;
/// Lines are added until this share of the gain is reached, in thousandths.
const ENOUGH: u64 = 990;
/// What a file counts beside its bytes: it costs a stat, a place in the transfer, a line in a listing.
const FILE: u64 = 1024;

/// What one line would hide at once: a folder that no step looks into, or a file.
struct Unit {
    /// Its place in the listing.
    at: usize,
    gain: u64,
    is_dir: bool,
}

/// A line and what it hides.
struct Candidate {
    line: String,
    units: Vec<usize>,
    /// Of two with the same gain the more special one is taken.
    rank: u8,
}

/// Lines that hide entries which are not needed, those with the most bytes and files first. `needed` says which entries some step
/// takes, `skip` which have to stay or are dealt with; a folder goes only when all that it holds does. `done` is what an earlier run
/// has found, so that another one does not go on with the crumbs.
pub fn lines(entries: &[Entry], needed: &[bool], skip: &[bool], done: &Done) -> Vec<String> {
    let tree = Tree::of(entries, needed, skip);
    let units = tree.units();
    choose(&units, tree.candidates(&units), done)
}

/// What an earlier run has found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Done {
    /// Its lines.
    pub lines: usize,
    /// What they save.
    pub gain: u64,
}

/// How much hiding an entry saves.
pub fn gain(entry: &Entry) -> u64 {
    if entry.stat.is_dir() { FILE / 4 } else { FILE + entry.stat.size }
}

struct Tree<'a> {
    entries: &'a [Entry],
    skip: &'a [bool],
    /// Something at or below the entry is needed, or has to stay.
    blocked: Vec<bool>,
    /// What is saved at and below the entry.
    gains: Vec<u64>,
    parents: Vec<Option<usize>>,
}

impl<'a> Tree<'a> {
    fn of(entries: &'a [Entry], needed: &[bool], skip: &'a [bool]) -> Self {
        let mut parents = vec![None; entries.len()];
        let mut open: Vec<usize> = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            while open.last().is_some_and(|f| !entry.path.is_below(entries[*f].path.as_bytes())) {
                open.pop();
            }
            parents[at] = open.last().copied();
            if entry.stat.is_dir() {
                open.push(at);
            }
        }
        let mut blocked: Vec<bool> = needed.to_vec();
        let mut gains: Vec<u64> =
            entries.iter().zip(skip).map(|(e, skip)| if *skip { 0 } else { gain(e) }).collect();
        // What a folder holds stands behind it.
        for at in (0..entries.len()).rev() {
            if let Some(parent) = parents[at] {
                blocked[parent] |= blocked[at];
                gains[parent] += gains[at];
            }
        }
        Self { entries, skip, blocked, gains, parents }
    }

    /// The topmost entries that can go as a whole.
    fn units(&self) -> Vec<Unit> {
        let top = |at: &usize| {
            let inside_another = self.parents[*at].is_some_and(|p| !self.blocked[p]);
            // A folder without anything costs nothing.
            let holds = !self.entries[*at].stat.is_dir() || self.gains[*at] > gain(&self.entries[*at]);
            !self.blocked[*at] && !inside_another && !self.skip[*at] && holds
        };
        let unit = |at| Unit { at, gain: self.gains[at], is_dir: self.entries[at].stat.is_dir() };
        (0..self.entries.len()).filter(top).map(unit).collect()
    }

    /// Every line that may hide units and nothing that is needed.
    fn candidates(&self, units: &[Unit]) -> Vec<Candidate> {
        let kept = self.kept_names();
        let mut groups: BTreeMap<Group<'_>, Vec<usize>> = BTreeMap::new();
        for (index, unit) in units.iter().enumerate() {
            for group in self.groups(unit) {
                if !kept.contains(&group) {
                    groups.entry(group).or_default().push(index);
                }
            }
        }
        let single = units.iter().enumerate().map(|(index, unit)| Candidate {
            line: text::exact(self.entries[unit.at].path.as_bytes()),
            units: vec![index],
            rank: 0,
        });
        let several = groups.into_iter().filter(|(_, units)| units.len() > 1);
        let several =
            several.map(|(group, units)| Candidate { line: group.line(), units, rank: group.rank() });
        single.chain(several).collect()
    }

    /// The groups that a unit belongs to.
    fn groups(&self, unit: &Unit) -> Vec<Group<'a>> {
        let path = &self.entries[unit.at].path;
        let name = name(&self.entries[unit.at]);
        let mut out = vec![Group::Name(name)];
        if let Some(ending) = ending(name).filter(|_| !unit.is_dir) {
            let folder = &path.as_bytes()[..path.as_bytes().len() - name.len()];
            out.push(Group::Ending(Some(folder.strip_suffix(b"/").unwrap_or(folder)), ending));
            out.push(Group::Ending(None, ending));
        }
        out
    }

    /// The groups that would also hide something that has to stay.
    fn kept_names(&self) -> FxHashSet<Group<'a>> {
        let mut kept = FxHashSet::default();
        for at in (0..self.entries.len()).filter(|at| self.blocked[*at] || self.skip[*at]) {
            kept.extend(self.groups(&Unit { at, gain: 0, is_dir: false }));
        }
        kept
    }
}

/// Entries that one line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Group<'a> {
    /// Those of a name, anywhere.
    Name(&'a [u8]),
    /// Those with an ending, in a folder or anywhere.
    Ending(Option<&'a [u8]>, &'a [u8]),
}

impl Group<'_> {
    fn line(&self) -> String {
        match self {
            Self::Name(name) => text::anywhere(name),
            Self::Ending(folder, ending) => text::ending(*folder, ending),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Ending(Some(_), _) => 1,
            Self::Name(_) => 2,
            Self::Ending(None, _) => 3,
        }
    }
}

fn name(entry: &Entry) -> &[u8] {
    entry.path.name()
}

/// From the last point on; a name that begins with its only point has none.
fn ending(name: &[u8]) -> Option<&[u8]> {
    let at = name.iter().rposition(|b| *b == b'.')?;
    (at > 0 && at + 1 < name.len()).then(|| &name[at..])
}

/// The greedy cover: again and again the line that saves most of what is left.
fn choose(units: &[Unit], candidates: Vec<Candidate>, done: &Done) -> Vec<String> {
    let whole = units.iter().map(|u| u.gain).sum::<u64>() + done.gain;
    let mut covered = vec![false; units.len()];
    let left = |c: &Candidate, covered: &[bool]| -> u64 {
        c.units.iter().filter(|u| !covered[**u]).map(|u| units[*u].gain).sum()
    };
    let key = |gain: u64, c: &Candidate| (gain, Reverse(c.rank));
    let mut heap: BinaryHeap<_> =
        candidates.iter().enumerate().map(|(i, c)| (key(left(c, &covered), c), Reverse(i))).collect();
    let (mut chosen, mut saved) = (Vec::new(), done.gain);
    while chosen.len() + done.lines < LINES && saved.saturating_mul(1000) < whole.saturating_mul(ENOUGH) {
        let Some((old, Reverse(i))) = heap.pop() else { break };
        let now = key(left(&candidates[i], &covered), &candidates[i]);
        if now.0 == 0 {
            continue;
        }
        if now < old {
            heap.push((now, Reverse(i)));
            continue;
        }
        saved += now.0;
        candidates[i].units.iter().for_each(|u| covered[*u] = true);
        chosen.push(i);
    }
    drop_needless(&chosen, &candidates, units.len())
}

/// Without the lines whose units later ones cover as well.
fn drop_needless(chosen: &[usize], candidates: &[Candidate], units: usize) -> Vec<String> {
    let mut times: FxHashMap<usize, usize> = FxHashMap::default();
    times.reserve(units);
    chosen.iter().flat_map(|c| &candidates[*c].units).for_each(|u| *times.entry(*u).or_default() += 1);
    let mut out = Vec::new();
    for candidate in chosen.iter().map(|c| &candidates[*c]) {
        if candidate.units.iter().all(|u| times[u] > 1) {
            candidate.units.iter().for_each(|u| *times.entry(*u).or_default() -= 1);
        } else {
            out.push(candidate.line.clone());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::MemoryTree;
    use crate::entry::{ContextPath, Source as _};

    fn of(files: &[(&str, usize)], needed: &[&str]) -> Vec<String> {
        let path = |p: &str| ContextPath::new(p.as_bytes()).unwrap();
        let tree = files.iter().fold(MemoryTree::new(), |t, (p, n)| t.file(path(p), 0o644, &vec![b'x'; *n]));
        let entries = tree.entries();
        let is = |e: &Entry| needed.iter().any(|n| e.path.as_bytes() == n.as_bytes());
        let needed: Vec<bool> = entries.iter().map(is).collect();
        lines(entries, &needed, &vec![false; entries.len()], &Done::default())
    }

    #[test]
    fn a_folder_that_nobody_looks_into_is_one_line() {
        assert_eq!(of(&[("docs/a.md", 10), ("docs/b/c.png", 9000), ("src/m", 1)], &["src/m"]), ["docs"]);
    }

    #[test]
    fn folders_of_one_name_are_one_line_unless_one_is_needed() {
        let files = [("a/tests/x", 1), ("b/tests/x", 1), ("a/m", 1), ("b/m", 1)];
        assert_eq!(of(&files, &["a/m", "b/m"]), ["**/tests"]);
        let files = [("a/tests/x", 1), ("b/tests/x", 1), ("c/tests/x", 1), ("a/m", 1), ("b/m", 1)];
        assert_eq!(of(&files, &["a/m", "b/m", "c/tests/x"]), ["a/tests", "b/tests"]);
    }

    #[test]
    fn files_with_an_ending_are_one_line_in_their_folder_or_everywhere() {
        let files = [("a/1.md", 1), ("a/2.md", 1), ("a/m.c", 1)];
        assert_eq!(of(&files, &["a/m.c"]), ["a/*.md"]);
        let files = [("a/1.md", 1), ("b/2.md", 1), ("a/m.c", 1), ("b/m.c", 1)];
        assert_eq!(of(&files, &["a/m.c", "b/m.c"]), ["**/*.md"]);
        let files = [("a/1.md", 1), ("b/2.md", 1), ("b/x.md", 1), ("a/m.c", 1)];
        assert_eq!(of(&files, &["a/m.c", "b/x.md"]), ["a/1.md", "b/2.md"]);
    }

    #[test]
    fn what_saves_most_comes_first_and_crumbs_are_left() {
        let files = [("big/a", 900_000), ("small/a", 300_000), ("m", 1), ("crumb", 1)];
        assert_eq!(of(&files, &["m"]), ["big", "small"]);
    }
}
