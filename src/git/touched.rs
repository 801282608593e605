//! When the files of a commit were last touched.

use std::io::{BufRead, BufReader};
use std::process::Child;

use rustc_hash::{FxHashMap, FxHashSet};

use super::command::complaint;
use super::{GitError, LogOptions, Oid, Repository};

/// What is done here, for errors.
const DOING: &str = "reading when files were last touched";

/// When the paths of a commit were last touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// When the commit itself was made, in seconds since 1970.
    pub tip: i64,
    /// Paths below the top of the work tree (files, links and submodules), each with the time of the newest commit that touched
    /// it, in seconds since 1970.
    pub paths: FxHashMap<Vec<u8>, i64>,
}

impl Repository {
    /// When each path of `tip` below the folder `below` (empty for all) was last touched by a commit that leads to `tip`. A merge
    /// counts for what it has otherwise than all of its parents. Where history is cut off, the oldest commit that is there counts
    /// for all that is older.
    ///
    /// # Errors
    /// [`GitError`] when git can't read the history.
    pub fn last_touched(&self, tip: Oid, below: &[u8]) -> Result<Touched, GitError> {
        let newest = LogOptions { limit: 1, since: None, first_parent: false };
        let time = self.log(tip, &newest)?.first().map_or(0, |c| c.time);
        let wanted =
            |path: &Vec<u8>| below.is_empty() || path.starts_with(&[below, b"/"].concat()) || path == below;
        let missing = self.tree(tip)?.into_iter().map(|(path, _)| path).filter(wanted).collect();
        let mut search = Search { missing, found: FxHashMap::default(), time };
        if !search.missing.is_empty() {
            let mut child = self.touching(tip, below)?;
            let read = child.stdout.take().map_or(Ok(()), |stdout| search.read(BufReader::new(stdout)));
            end(child, read, search.missing.is_empty())?;
        }
        Ok(Touched { tip: time, paths: search.found })
    }

    /// The log that tells, newest first.
    fn touching(&self, tip: Oid, below: &[u8]) -> Result<Child, GitError> {
        use std::os::unix::ffi::OsStrExt as _;
        let mut command = self.git();
        // What the configuration says about roots and merges must not matter.
        command.args([
            "-c",
            "log.showRoot=true",
            "log",
            "-z",
            "--no-show-signature",
            "--no-ext-diff",
            "--no-textconv",
        ]);
        command.args([
            "--raw",
            "-c",
            "--no-renames",
            "--full-history",
            "--format=%x01%ct",
            "--end-of-options",
        ]);
        command.args([&tip.to_string(), "--"]);
        if !below.is_empty() {
            command.arg(std::ffi::OsStr::from_bytes(below));
        }
        command.spawn().map_err(|source| GitError::NoGit { source })
    }
}

/// What is looked for while the log is read.
struct Search {
    missing: FxHashSet<Vec<u8>>,
    found: FxHashMap<Vec<u8>, i64>,
    /// The time of the commit that is read.
    time: i64,
}

impl Search {
    /// Reads the log until all paths are found: `^A TIME NUL`, and for each path `:MODES AND OBJECTS NUL PATH NUL`.
    fn read(&mut self, mut log: impl BufRead) -> std::io::Result<()> {
        let mut field = Vec::new();
        while !self.missing.is_empty() && next(&mut log, &mut field)? {
            match field.trim_ascii_start() {
                [1, time @ ..] => self.time = number(time).unwrap_or(self.time),
                [b':', ..] => {
                    next(&mut log, &mut field)?;
                    if let Some(path) = self.missing.take(&field) {
                        self.found.insert(path, self.time);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The next field, without the NUL behind it; false at the end.
fn next(log: &mut impl BufRead, field: &mut Vec<u8>) -> std::io::Result<bool> {
    field.clear();
    log.read_until(0, field)?;
    let whole = field.pop_if(|b| *b == 0).is_some();
    Ok(whole || !field.is_empty())
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// Ends the program; one that was not read to its end can't tell whether it failed.
fn end(mut child: Child, read: std::io::Result<()>, enough: bool) -> Result<(), GitError> {
    if enough || read.is_err() {
        let _ = child.kill();
    }
    let output = child.wait_with_output().map_err(|e| GitError::failed(DOING, e.to_string()))?;
    read.map_err(|e| GitError::failed(DOING, e.to_string()))?;
    if enough || output.status.success() { Ok(()) } else { Err(GitError::failed(DOING, complaint(&output))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_time_of_the_first_commit_in_the_log_that_names_it() {
        let log = b"\x011000\0\0\x01900\0\n:100644 100644 a b M\0x\0::1 1 1 a b c MM\0d/y\nz\0\0\x01800\0\n:1 1 a b M\0x\0:1 1 a b A\0w\0";
        let missing = ["x", "d/y\nz", "w"].map(|p| p.as_bytes().to_vec());
        let mut search =
            Search { missing: missing.into_iter().collect(), found: FxHashMap::default(), time: 0 };
        search.read(&log[..]).unwrap();
        let mut found: Vec<(Vec<u8>, i64)> = search.found.into_iter().collect();
        found.sort();
        assert_eq!(found, [(b"d/y\nz".to_vec(), 900), (b"w".to_vec(), 800), (b"x".to_vec(), 900)]);
    }
}
