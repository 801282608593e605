//! What git's index has: the files that are tracked now.

use super::command::read;
use super::{GitError, LeafKind, Repository};

impl Repository {
    /// The tracked paths below the top of the work tree with what they are, in git's order. A path with a conflict stands once for each side.
    ///
    /// # Errors
    /// [`GitError`] when the index can't be read.
    pub fn staged(&self) -> Result<Vec<(Vec<u8>, LeafKind)>, GitError> {
        let listed = read(self.git().args(["ls-files", "--stage", "-z"]), "listing git's index")?;
        let records = listed.split(|b| *b == 0).filter(|r| !r.is_empty());
        Ok(records.filter_map(staged_line).collect())
    }
}

/// `MODE OBJECT STAGE<TAB>PATH`; `None` for what this program knows nothing of.
fn staged_line(record: &[u8]) -> Option<(Vec<u8>, LeafKind)> {
    let tab = record.iter().position(|b| *b == b'\t')?;
    let mode = record[..tab].split(|b| *b == b' ').next()?;
    Some((record[tab + 1..].to_vec(), LeafKind::of_mode(mode)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_index_is_read() {
        let line = b"100755 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 0\ta b/c";
        assert_eq!(staged_line(line), Some((b"a b/c".to_vec(), LeafKind::Executable)));
        assert_eq!(staged_line(b"040000 x 0\ta"), None);
        assert_eq!(staged_line(b"no tab"), None);
    }
}
