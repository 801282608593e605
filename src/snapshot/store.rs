//! The snapshots that are kept from run to run: a folder for every build, and in it the last few, numbered.
//!
//! A build is known by its context's absolute path, its Dockerfile, target and platform. Files appear at once or not at all,
//! and two programs that keep a snapshot at the same time get two numbers.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::file::{FileError, read};
use super::{Snapshot, Subject};
use crate::digest::Digest;

/// How many snapshots of a build are kept.
const KEPT: usize = 5;
/// Of how many builds snapshots are kept.
const BUILDS: usize = 200;
/// How a snapshot's file ends.
const ENDING: &str = ".snapshot";

/// A folder that keeps snapshots.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// A snapshot that was kept just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its file.
    pub path: PathBuf,
    /// The file's bytes.
    pub bytes: u64,
}

/// The last snapshot of a build.
#[derive(Debug)]
pub struct Last {
    /// Its file.
    pub path: PathBuf,
    /// What it holds.
    pub snapshot: Snapshot,
    /// Newer ones that can't be read.
    pub unreadable: Vec<FileError>,
}

impl Store {
    /// The store in a folder, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Keeps a snapshot, and lets go of those of this build that are too many, and of builds that are too many.
    ///
    /// # Errors
    /// What the system says, with the name of the file.
    pub fn keep(&self, snapshot: &Snapshot) -> Result<Kept, FileError> {
        let folder = self.folder_of(&snapshot.subject);
        let bytes = snapshot.to_bytes();
        let path = write(&folder, &bytes).map_err(|e| FileError::writing(&folder, e))?;
        // What can't be removed is in nobody's way; the next run tries again.
        if let Ok(mut numbers) = numbers(&folder) {
            let many = numbers.len().saturating_sub(KEPT);
            numbers.drain(..many).for_each(|n| drop(fs::remove_file(file_of(&folder, n))));
        }
        self.forget_builds();
        Ok(Kept { path, bytes: bytes.len() as u64 })
    }

    /// The last snapshot of a build that can be read; `None` when there is none.
    ///
    /// # Errors
    /// What the system says of the folder; and what is wrong with the last snapshot when none of them can be read.
    pub fn last(&self, subject: &Subject) -> Result<Option<Last>, FileError> {
        let folder = self.folder_of(subject);
        let numbers = match numbers(&folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            numbers => numbers.map_err(|e| FileError::reading(&folder, e))?,
        };
        let mut unreadable = Vec::new();
        for number in numbers.into_iter().rev() {
            let path = file_of(&folder, number);
            match read(&path) {
                Ok(snapshot) => return Ok(Some(Last { path, snapshot, unreadable })),
                Err(e) => unreadable.push(e),
            }
        }
        if unreadable.is_empty() { Ok(None) } else { Err(unreadable.remove(0)) }
    }

    /// The folder of a build.
    fn folder_of(&self, subject: &Subject) -> PathBuf {
        let Subject { context, dockerfile, target, platform, .. } = subject;
        let mut key = Vec::new();
        for part in [&context[..], dockerfile.as_bytes(), target.as_bytes(), platform.as_bytes()] {
            key.extend_from_slice(&(part.len() as u64).to_le_bytes());
            key.extend_from_slice(part);
        }
        self.folder.join(&Digest::blake3(key).hex()[..32])
    }

    /// Removes the folders of the builds that have not kept anything for the longest time.
    fn forget_builds(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let with_time = |e: fs::DirEntry| Some((e.metadata().ok()?.modified().ok()?, e.path()));
        let ours = |path: &Path| path.file_name().is_some_and(|n| n.len() == 32) && path.is_dir();
        let mut builds: Vec<(SystemTime, PathBuf)> =
            entries.flatten().filter_map(with_time).filter(|(_, path)| ours(path)).collect();
        builds.sort();
        let many = builds.len().saturating_sub(BUILDS);
        builds.drain(..many).for_each(|(_, path)| drop(fs::remove_dir_all(path)));
    }
}

fn file_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}{ENDING}"))
}

/// The numbers of the snapshots in a folder, ascending.
fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        numbers
            .extend(name.to_str().and_then(|n| n.strip_suffix(ENDING)).and_then(|n| n.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Writes the next snapshot of a folder.
fn write(folder: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let mut temporary = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    loop {
        let next = numbers(folder)?.last().map_or(1, |n| n.saturating_add(1));
        let path = file_of(folder, next);
        match temporary.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            // Another program has taken the number.
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists && next < u64::MAX => temporary = e.file,
            Err(e) => return Err(e.error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(context: &str, taken: i64) -> Snapshot {
        let subject = Subject { context: context.into(), taken: Some(taken), ..Subject::default() };
        Snapshot { subject, ..Snapshot::default() }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("not/there/yet"));
        (folder, store)
    }

    #[test]
    fn the_last_of_the_same_build_comes_back() {
        let (_folder, store) = store();
        assert!(store.last(&Subject::default()).unwrap().is_none());
        for (context, taken) in [("/a", 1), ("/b", 2), ("/a", 3)] {
            store.keep(&snapshot(context, taken)).unwrap();
        }
        let last = store.last(&snapshot("/a", 9).subject).unwrap().unwrap();
        assert_eq!(last.snapshot, snapshot("/a", 3));
        assert!(store.last(&Subject { target: "other".into(), ..last.snapshot.subject }).unwrap().is_none());
    }

    #[test]
    fn the_last_few_are_kept_and_nothing_half_written() {
        let (_folder, store) = store();
        let paths: Vec<PathBuf> = (0..9).map(|i| store.keep(&snapshot("/a", i)).unwrap().path).collect();
        let there: Vec<bool> = paths.iter().map(|p| p.exists()).collect();
        assert_eq!(there, [false, false, false, false, true, true, true, true, true]);
        assert_eq!(fs::read_dir(paths[8].parent().unwrap()).unwrap().count(), KEPT);
    }

    #[test]
    fn builds_that_are_long_gone_are_forgotten() {
        let (_folder, store) = store();
        let first = store.keep(&snapshot("/first", 0)).unwrap().path;
        let old = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
        let folder = fs::File::open(first.parent().unwrap()).unwrap();
        folder.set_modified(old).unwrap();
        (0..BUILDS).for_each(|i| drop(store.keep(&snapshot(&format!("/{i}"), 0)).unwrap()));
        assert!(!first.exists());
        assert!(store.last(&snapshot("/0", 0).subject).unwrap().is_some());
    }

    #[test]
    fn one_that_is_damaged_makes_way_for_the_one_before_and_is_told() {
        let (_folder, store) = store();
        store.keep(&snapshot("/a", 1)).unwrap();
        let path = store.keep(&snapshot("/a", 2)).unwrap().path;
        fs::write(&path, "no snapshot").unwrap();
        let last = store.last(&snapshot("/a", 0).subject).unwrap().unwrap();
        assert_eq!((last.snapshot.subject.taken, last.unreadable.len()), (Some(1), 1));
        fs::remove_file(last.path).unwrap();
        let error = store.last(&snapshot("/a", 0).subject).unwrap_err().to_string();
        assert!(error.ends_with("not a snapshot of stowaway"), "{error}");
    }

    #[test]
    fn two_programs_at_once_keep_two_snapshots() {
        let (_folder, store) = store();
        let keep = |i| store.keep(&snapshot("/a", i)).unwrap().path;
        let paths: Vec<PathBuf> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|i| scope.spawn(move || keep(i))).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(paths.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
        assert!(store.last(&snapshot("/a", 0).subject).unwrap().is_some());
    }
}
