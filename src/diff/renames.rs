//! Files and folders that are there under another name: the same bytes, exactly.

use rustc_hash::FxHashMap;

use super::taken::Item;
use super::{Cause, CauseKind, same};
use crate::digest::Digest;
use crate::entry::{ContextPath, FileType};

/// Takes the pairs out of what is gone and what is new. A folder whose whole content moved is one cause.
///
/// Empty files are not paired, since all empty files are alike.
pub(super) fn take(source: &str, gone: &mut Vec<Item<'_>>, new: &mut Vec<Item<'_>>) -> Vec<Cause> {
    let mut causes = folders(source, gone, new);
    causes.extend(files(source, gone, new));
    causes
}

fn renamed(source: &str, from: &Item<'_>, to: &Item<'_>, detail: Option<String>) -> Cause {
    Cause {
        source: source.to_owned(),
        path: Some(to.bytes().to_vec()),
        before: Some(from.path().to_string()),
        detail,
        ..Cause::new(CauseKind::Renamed)
    }
}

/// Folders, from the outermost in.
fn folders(source: &str, gone: &mut Vec<Item<'_>>, new: &mut Vec<Item<'_>>) -> Vec<Cause> {
    let has_folder = |items: &[Item<'_>]| items.iter().any(|i| i.entry.stat.is_dir());
    if !has_folder(gone) || !has_folder(new) {
        return Vec::new();
    }
    let mut by_digest: FxHashMap<Digest, Vec<Tree>> = FxHashMap::default();
    for tree in trees(gone).into_iter().rev() {
        by_digest.entry(tree.digest).or_default().push(tree);
    }
    let mut causes = Vec::new();
    let (mut used_gone, mut used_new) = (vec![false; gone.len()], vec![false; new.len()]);
    for to in trees(new) {
        if used_new[to.start] {
            continue;
        }
        let Some(candidates) = by_digest.get_mut(&to.digest) else { continue };
        candidates.retain(|c| !used_gone[c.start]);
        let name = new[to.start].path().name();
        let same_name = candidates.iter().rposition(|c| gone[c.start].path().name() == name);
        let Some(at) = same_name.or_else(|| candidates.len().checked_sub(1)) else { continue };
        let from = candidates.remove(at);
        used_gone[from.start..from.end].fill(true);
        used_new[to.start..to.end].fill(true);
        let inside = to.end - to.start - 1;
        let detail = format!("with {inside} {} in it", if inside == 1 { "entry" } else { "entries" });
        causes.push(renamed(source, &gone[from.start], &new[to.start], Some(detail)));
    }
    drop_used(gone, &used_gone);
    drop_used(new, &used_new);
    causes
}

/// A folder with all below: where it starts and ends in the list, and what is in it.
struct Tree {
    start: usize,
    end: usize,
    digest: Digest,
}

/// Every folder of a list that holds at least one file with content, in order.
fn trees(items: &[Item<'_>]) -> Vec<Tree> {
    let mut ends = vec![0; items.len()];
    let mut digests: Vec<Option<Digest>> = vec![None; items.len()];
    let mut filled = vec![false; items.len()];
    for i in (0..items.len()).rev() {
        let below = items[i + 1..].iter().take_while(|n| n.path().is_below(items[i].bytes())).count();
        // Folders stand before what is in them, so those inside are done by now.
        let stat = &items[i].entry.stat;
        ends[i] = if stat.is_dir() { i + 1 + below } else { i + 1 };
        let mut hash = format!("{:?} {} {}:{}\n", stat.file_type, stat.mode, stat.uid, stat.gid).into_bytes();
        hash.extend_from_slice(stat.linkname());
        hash.extend(items[i].content.iter().flat_map(|c| c.bytes));
        filled[i] = is_paired(&items[i]);
        let mut child = i + 1;
        while child < ends[i] {
            hash.push(0);
            hash.extend_from_slice(items[child].path().name());
            hash.push(0);
            hash.extend(digests[child].iter().flat_map(|d| d.bytes));
            filled[i] |= filled[child];
            child = ends[child];
        }
        digests[i] = Some(Digest::blake3(hash));
    }
    let folders = (0..items.len()).filter(|i| items[*i].entry.stat.is_dir() && filled[*i]);
    folders.filter_map(|i| Some(Tree { start: i, end: ends[i], digest: digests[i]? })).collect()
}

/// Single files, those that kept their names first.
fn files(source: &str, gone: &mut Vec<Item<'_>>, new: &mut Vec<Item<'_>>) -> Vec<Cause> {
    let mut by_content: FxHashMap<Digest, Vec<usize>> = FxHashMap::default();
    for (i, item) in gone.iter().enumerate().rev().filter(|(_, i)| is_paired(i)) {
        by_content.entry(item.content.unwrap_or(Digest::blake3([]))).or_default().push(i);
    }
    let mut pairs = Vec::new();
    let (mut used_gone, mut used_new) = (vec![false; gone.len()], vec![false; new.len()]);
    for keeps_name in [true, false] {
        for (n, item) in new.iter().enumerate().filter(|(_, i)| is_paired(i)) {
            let Some(left) = item.content.and_then(|c| by_content.get_mut(&c)).filter(|_| !used_new[n])
            else {
                continue;
            };
            let fits = |g: &usize| !keeps_name || same_name(gone[*g].path(), item.path());
            if let Some(at) = left.iter().rposition(fits) {
                let g = left.remove(at);
                (used_gone[g], used_new[n]) = (true, true);
                pairs.push((g, n));
            }
        }
    }
    pairs.sort_unstable_by_key(|(_, n)| *n);
    let causes = pairs.into_iter().flat_map(|(g, n)| pair(source, &gone[g], &new[n])).collect();
    drop_used(gone, &used_gone);
    drop_used(new, &used_new);
    causes
}

/// A renamed file, and how its header changed besides.
fn pair(source: &str, from: &Item<'_>, to: &Item<'_>) -> Vec<Cause> {
    let mut causes = vec![renamed(source, from, to, None)];
    causes.extend(same::changes(source, from, to, false));
    causes
}

fn same_name(a: &ContextPath, b: &ContextPath) -> bool {
    a.name() == b.name()
}

fn is_paired(item: &Item<'_>) -> bool {
    item.entry.stat.file_type == FileType::File && item.entry.stat.size > 0 && item.content.is_some()
}

fn drop_used(items: &mut Vec<Item<'_>>, used: &[bool]) {
    let mut used = used.iter();
    items.retain(|_| !used.next().copied().unwrap_or(false));
}
