//! What the work tree has of a revision already: files that a checkout wouldn't touch keep their permission bits.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::command::read;
use super::{GitError, Oid, Repository};
use crate::context::Stats;
use crate::entry::{FileType, Stat};

/// The permission bits of files that a checkout writes anew.
///
/// git knows nothing of a file's mode but whether it may be executed; the rest is the umask of whoever checks out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions {
    /// A file that git calls unchanged, and a folder that is here, keeps the bits that it has here.
    pub keep: bool,
    /// What is taken away from 0666 and 0777 for all others; `None` for what the files here tell.
    pub umask: Option<u16>,
}

impl Permissions {
    /// As a checkout in this place would leave them.
    pub const HERE: Self = Self { keep: true, umask: None };

    /// As a new clone under a umask has them.
    pub fn of_clone(umask: u16) -> Self {
        Self { keep: false, umask: Some(umask) }
    }
}

impl Repository {
    /// The paths of a commit that the work tree has otherwise, or not at all, by what git says (content and execute bit).
    ///
    /// # Errors
    /// [`GitError`] when git can't compare them.
    pub fn differing(&self, commit: Oid) -> Result<HashSet<Vec<u8>>, GitError> {
        let commit = commit.to_string();
        let arguments =
            ["--raw", "-z", "--no-renames", "--no-abbrev", "--ignore-submodules=all", &commit, "--"];
        let mut whole = self.git();
        // This one looks into files whose times moved, and leaves out those with the same content.
        whole.args([
            "-c",
            "diff.autoRefreshIndex=true",
            "diff",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
        ]);
        let doing = "comparing a revision with the work tree";
        let listed = match read(whole.args(arguments), doing) {
            Ok(listed) => listed,
            // A filter program that fails: then by times alone.
            Err(_) => read(self.git().arg("diff-index").args(arguments), doing)?,
        };
        let mut fields = listed.split(|b| *b == 0);
        let mut out = HashSet::new();
        while let (Some(meta), Some(path)) = (fields.next(), fields.next()) {
            if meta.starts_with(b":") {
                out.insert(path.to_vec());
            }
        }
        Ok(out)
    }
}

impl Repository {
    /// The files that git was told not to look at (`assume-unchanged`, `skip-worktree`), which it calls unchanged whatever they
    /// are.
    pub(super) fn not_looked_at(&self) -> Result<HashSet<Vec<u8>>, GitError> {
        let listed = read(self.git().args(["ls-files", "-v", "-z"]), "listing git's index")?;
        let marked = |record: &[u8]| match record {
            [tag, b' ', path @ ..] if tag.is_ascii_lowercase() || *tag == b'S' => Some(path.to_vec()),
            _ => None,
        };
        Ok(listed.split(|b| *b == 0).filter_map(marked).collect())
    }
}

/// The stats that paths have here; those that aren't here, or are of another type, are left out.
pub(super) fn stats(top: &Path, wanted: &[(&[u8], FileType)]) -> BTreeMap<Vec<u8>, Stat> {
    let stat = |buffer: &mut Stats, (path, file_type): &(&[u8], FileType)| {
        use std::os::unix::ffi::OsStrExt as _;
        let stat = buffer.read(&top.join(std::ffi::OsStr::from_bytes(path))).ok()?;
        (stat.file_type == *file_type).then(|| (path.to_vec(), stat))
    };
    wanted.par_iter().map_init(Stats::default, stat).flatten_iter().collect()
}

/// The umask under which files here were made: the most common one, else that of this process.
pub(super) fn umask<'s>(stats: impl Iterator<Item = &'s Stat>) -> u16 {
    let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
    for stat in stats.filter(|s| s.file_type == FileType::File) {
        *counts.entry(of_mode(stat.mode)).or_default() += 1;
    }
    let common = counts.into_iter().max_by_key(|(umask, count)| (*count, std::cmp::Reverse(*umask)));
    common.map_or_else(own_umask, |(umask, _)| umask)
}

/// What is missing in a mode. Whom a umask denies reading and writing, it denies executing, too.
fn of_mode(mode: u16) -> u16 {
    let missing = !mode & 0o666;
    let whole = |class: u16| if missing & (6 << class) == 6 << class { 1 << class } else { 0 };
    missing | whole(0) | whole(3) | whole(6)
}

/// The umask of this process, which can be read without changing it on Linux alone.
fn own_umask() -> u16 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("Umask:"));
    line.and_then(|l| u16::from_str_radix(l.trim(), 8).ok()).unwrap_or(0o022)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_tells_its_umask() {
        assert_eq!([0o644, 0o664, 0o600, 0o640, 0o755].map(of_mode), [0o022, 0o002, 0o077, 0o027, 0o022]);
    }
}
