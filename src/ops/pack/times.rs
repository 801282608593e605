//! Modification times that don't hang on when the files were written.

use rustc_hash::FxHashMap;

use super::modes::Below;
use crate::cache::CacheError;
use crate::digest::{Digest, Request, hash_files};
use crate::entry::{Entry, FileType, Source};
use crate::error::Error;
use crate::git::Touched;
use crate::observer::Observer;

/// Which modification times the entries of a tar get. All are whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mtime {
    /// All the same, in seconds since 1970.
    Fixed(i64),
    /// When the last commit was made that touched the path. What differs from the last commit, and what git doesn't track, gets
    /// the time of that commit itself.
    Git,
    /// A time that follows from the content: another content has another time. It lies between 1980 and 2014.
    Content,
    /// Those on disk, for an engine that shall have the files as a client sends them. A layer holds whole seconds (containerd's
    /// `archive/tar.go`), so that what is below is left out.
    Listed,
}

impl Default for Mtime {
    fn default() -> Self {
        Self::Fixed(0)
    }
}

/// 1980-01-01, the first day that zip files know: old enough that no program takes the time for a future one.
const EARLIEST: i64 = 315_532_800;
/// So many seconds, 34 years, may follow from a content.
const SPAN: u32 = 1 << 30;

const SECOND: i64 = 1_000_000_000;

/// Times that follow from contents, in the order of the entries.
///
/// # Errors
/// [`Error::Cache`] for a file that can't be read.
pub fn of_contents(source: &dyn Source, observer: &dyn Observer) -> Result<Vec<i64>, Error> {
    let entries = source.entries();
    let file = |i: &usize| entries[*i].stat.file_type == FileType::File && entries[*i].hardlink.is_none();
    let files: Vec<usize> = (0..entries.len()).filter(file).collect();
    let asked = Request { blake3: true, ..Request::default() };
    let mut times: Vec<i64> = entries.iter().map(|e| of_digest(Digest::blake3(e.stat.linkname()))).collect();
    for (at, digests) in files.iter().zip(hash_files(source, &files, asked, observer)) {
        let digests = digests.map_err(|e| CacheError::Hash(vec![*e]))?;
        if let Some(digest) = digests.blake3 {
            times[*at] = of_digest(digest);
        }
    }
    Ok(times)
}

/// A time between 1980 and 2014.
fn of_digest(digest: Digest) -> i64 {
    let number = digest.bytes.iter().take(4).fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    EARLIEST + i64::from(number % SPAN)
}

/// Times that git knows, in the order of the entries.
///
/// # Errors
/// [`Error::Git`] when the history can't be read.
pub fn of_commits(entries: &[Entry], below: &Below) -> Result<Vec<i64>, Error> {
    let head = below.repository.resolve("HEAD")?;
    let touched = below.repository.last_touched(head, &below.folder)?;
    let differing = below.repository.differing(head)?;
    let known =
        Known { touched, differing: differing.iter().filter_map(|p| below.strip(p)).collect(), below };
    Ok(entries.iter().map(|e| known.time(e.path.as_bytes())).collect())
}

/// What git knows of paths below the context.
struct Known<'a> {
    touched: Touched,
    differing: rustc_hash::FxHashSet<&'a [u8]>,
    below: &'a Below,
}

impl Known<'_> {
    /// The time of a path; what is in a submodule has the time of the commit that chose the submodule's.
    fn time(&self, path: &[u8]) -> i64 {
        if self.differing.contains(path) {
            return self.touched.tip;
        }
        let mut full = match &self.below.folder[..] {
            b"" => path.to_vec(),
            folder => [folder, b"/", path].concat(),
        };
        loop {
            if let Some(time) = self.touched.paths.get(&full) {
                return *time;
            }
            match full.iter().rposition(|b| *b == b'/') {
                Some(slash) => full.truncate(slash),
                None => return self.touched.tip,
            }
        }
    }
}

/// Sets the times of entries: `times` in their order for what is no folder, and for a folder the newest below it (its own if it
/// is empty). Names of one file all have the time of the first.
pub fn set(entries: &mut [Entry], mut times: Vec<i64>) {
    let mut first: FxHashMap<Vec<u8>, i64> = FxHashMap::default();
    for (entry, time) in entries.iter().zip(&mut times) {
        if let Some(original) = &entry.hardlink {
            *time = first.get(original.as_bytes()).copied().unwrap_or(*time);
        } else if entry.stat.extra.as_ref().is_some_and(|e| e.inode.is_some()) {
            first.insert(entry.path.as_bytes().to_vec(), *time);
        }
    }
    newest_below(entries, &mut times);
    for (entry, time) in entries.iter_mut().zip(times) {
        entry.stat.mtime_ns = time.saturating_mul(SECOND);
    }
}

/// Leaves out the fraction of a second.
pub fn whole_seconds(entry: &mut Entry) {
    entry.stat.mtime_ns = entry.stat.mtime_ns.div_euclid(SECOND).saturating_mul(SECOND);
}

/// Gives each folder the newest time of what is in it.
fn newest_below(entries: &[Entry], times: &mut [i64]) {
    // Folders that are open, each with the newest time that was met in it.
    let mut open: Vec<(usize, Option<i64>)> = Vec::new();
    let close = |open: &mut Vec<(usize, Option<i64>)>, times: &mut [i64]| {
        let Some((at, newest)) = open.pop() else { return };
        times[at] = newest.unwrap_or(times[at]);
        if let Some(parent) = open.last_mut() {
            parent.1 = parent.1.max(Some(times[at]));
        }
    };
    for (i, entry) in entries.iter().enumerate() {
        while open.last().is_some_and(|(at, _)| !entry.path.is_below(entries[*at].path.as_bytes())) {
            close(&mut open, times);
        }
        if entry.stat.is_dir() {
            open.push((i, None));
        } else if let Some(parent) = open.last_mut() {
            parent.1 = parent.1.max(Some(times[i]));
        }
    }
    while !open.is_empty() {
        close(&mut open, times);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{ContextPath, Extra, Stat};

    fn listing(paths: &[&str]) -> Vec<Entry> {
        let entry = |path: &&str| {
            let file_type = if path.ends_with('/') { FileType::Dir } else { FileType::File };
            let stat = Stat { file_type, mode: 0o644, uid: 0, gid: 0, size: 0, mtime_ns: 7, extra: None };
            let path = ContextPath::new(path.trim_end_matches('/').as_bytes()).unwrap();
            Entry { path, stat, hardlink: None }
        };
        paths.iter().map(entry).collect()
    }

    fn seconds(entries: &[Entry]) -> Vec<i64> {
        entries.iter().map(|e| e.stat.mtime_ns / SECOND).collect()
    }

    #[test]
    fn a_folder_is_as_new_as_the_newest_in_it() {
        let mut entries = listing(&["a/", "a/b/", "a/b/x", "a/b/y", "a/z", "e/", "f"]);
        set(&mut entries, vec![1, 1, 30, 20, 10, 5, 99]);
        assert_eq!(seconds(&entries), [30, 30, 30, 20, 10, 5, 99]);
    }

    #[test]
    fn all_names_of_a_file_have_one_time() {
        let mut entries = listing(&["a", "b"]);
        entries[0].stat.extra = Some(Box::new(Extra { inode: Some((1, 2)), ..Extra::default() }));
        entries[1].hardlink = Some(entries[0].path.clone());
        set(&mut entries, vec![3, 4]);
        assert_eq!(seconds(&entries), [3, 3]);
    }

    #[test]
    fn a_time_of_a_content_is_long_ago_and_moves_with_it() {
        let times = ["", "a", "b"].map(|text| of_digest(Digest::blake3(text)));
        assert!(times.iter().all(|t| (EARLIEST..1_400_000_000).contains(t)), "{times:?}");
        assert!(times[0] != times[1] && times[1] != times[2]);
    }
}
