//! The part of a context that the target's steps read.

use rustc_hash::FxHashMap;

use crate::entry::{ContextPath, Entry, FileType, Source as _};
use crate::error::Error;
use crate::observer::Observer;
use crate::ops::analysis::{Analysis, AnalysisOptions, CONTEXT, Read, Taken};
use crate::ops::{failures, snapshot};

/// The entries of the context that some step of the target reads: what it takes, the folders above, and every link that the
/// engine would ask for, since a path may lead through it.
///
/// # Errors
/// [`Error::NoPlan`] for a Dockerfile of which nothing can be made, [`Error::Fails`] for a build that asks for what isn't there,
/// because what it reads can't be told then.
pub fn entries(read: &Read, observer: &dyn Observer) -> Result<Vec<Entry>, Error> {
    let unread = AnalysisOptions { unread: true, ..AnalysisOptions::default() };
    let analysis = Analysis::of(read, unread, observer)?;
    let errors = failures::all(&analysis);
    let Some(plan) = &read.plan else { return Err(snapshot::no_plan(read, errors)) };
    if !errors.is_empty() {
        return Err(Error::Fails { reasons: errors.into_iter().map(snapshot::reason).collect() });
    }
    let mut picked: Vec<Entry> = Vec::new();
    for sent in analysis.sent.iter().filter(|s| s.source.name == CONTEXT) {
        let all = sent.view.entries();
        let mut keep: Vec<bool> = all.iter().map(|e| e.stat.file_type == FileType::Symlink).collect();
        let steps = (0..plan.steps.len()).flat_map(|step| analysis.taken(step));
        for Taken { ranges, .. } in steps.filter(|taken| taken.sent.key == sent.key) {
            ranges.iter().cloned().flatten().for_each(|i| keep[i] = true);
        }
        keep_parents(all, &mut keep);
        picked.extend(all.iter().zip(keep).filter(|(_, keep)| *keep).map(|(entry, _)| entry.clone()));
    }
    picked.sort_by(|a, b| a.path.cmp(&b.path));
    picked.dedup_by(|a, b| a.path == b.path);
    relink(&mut picked);
    Ok(picked)
}

/// Keeps the folders above what is kept.
fn keep_parents(entries: &[Entry], keep: &mut [bool]) {
    let mut open: Vec<usize> = Vec::new();
    for i in 0..entries.len() {
        while open.last().is_some_and(|at| !entries[i].path.is_below(entries[*at].path.as_bytes())) {
            open.pop();
        }
        if keep[i] {
            open.iter().for_each(|at| keep[*at] = true);
        }
        if entries[i].stat.is_dir() {
            open.push(i);
        }
    }
}

/// Where the first name of a file was left out, the next one takes its place.
pub fn relink(entries: &mut [Entry]) {
    let mut first: FxHashMap<ContextPath, ContextPath> = FxHashMap::default();
    for entry in entries {
        match &entry.hardlink {
            Some(original) => match first.get(original) {
                Some(now) => entry.hardlink = Some(now.clone()),
                None => {
                    first.insert(original.clone(), entry.path.clone());
                    entry.hardlink = None;
                }
            },
            None if entry.stat.extra.as_ref().is_some_and(|e| e.inode.is_some()) => {
                first.insert(entry.path.clone(), entry.path.clone());
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Extra, Stat};

    fn entry(path: &str, hardlink: Option<&str>) -> Entry {
        let path_of = |text: &str| ContextPath::new(text.trim_end_matches('/').as_bytes()).unwrap();
        let file_type = if path.ends_with('/') { FileType::Dir } else { FileType::File };
        let extra = Some(Box::new(Extra { inode: Some((1, 1)), ..Extra::default() }));
        let stat = Stat { file_type, mode: 0o644, uid: 0, gid: 0, size: 1, mtime_ns: 0, extra };
        Entry { path: path_of(path), stat, hardlink: hardlink.map(path_of) }
    }

    #[test]
    fn the_next_name_of_a_file_takes_the_place_of_one_that_is_left_out() {
        let mut entries = [entry("b", Some("a")), entry("c", Some("a")), entry("d", None)];
        relink(&mut entries);
        let links: Vec<Option<&[u8]>> =
            entries.iter().map(|e| e.hardlink.as_ref().map(ContextPath::as_bytes)).collect();
        assert_eq!(links, [None, Some(&b"b"[..]), None]);
    }

    #[test]
    fn folders_above_what_is_kept_are_kept() {
        let entries: Vec<Entry> =
            ["a/", "a/b/", "a/b/x", "a/y", "c/", "c/z"].iter().map(|p| entry(p, None)).collect();
        let mut keep = vec![false, false, true, false, false, false];
        keep_parents(&entries, &mut keep);
        assert_eq!(keep, [true, true, true, false, false, false]);
    }
}
