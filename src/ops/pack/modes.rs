//! Permission bits that don't hang on who checked the files out.

use rustc_hash::FxHashMap;

use crate::entry::{Entry, FileType};
use crate::error::Error;
use crate::git::{LeafKind, Repository};

/// Which permission bits the entries of a tar get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Modes {
    /// Those on disk, as the engine would see them.
    #[default]
    Keep,
    /// What git keeps: 0755 for folders and for files that may be executed, 0644 for other files. What may be executed is what
    /// git's index says, and for what git doesn't track the owner's bit on disk.
    Git,
    /// 0777 for folders and for files that their owner may execute, 0666 for other files, without the bits of this umask.
    Umask(u16),
}

/// Sets the permission bits of entries; those of a link to the same file are the file's.
///
/// # Errors
/// [`Error::Git`] when the index can't be read. A context outside of any repository has its bits from disk alone.
pub fn normalise(entries: &mut [Entry], modes: Modes, repository: Option<&Below>) -> Result<(), Error> {
    let (umask, tracked) = match modes {
        Modes::Keep => return Ok(()),
        Modes::Git => (0o022, repository.map(Below::tracked).transpose()?),
        Modes::Umask(umask) => (umask, None),
    };
    let tracked = tracked.unwrap_or_default();
    for entry in entries.iter_mut() {
        let executable = match tracked.get(entry.path.as_bytes()) {
            Some(executable) => *executable,
            None => entry.stat.mode & 0o100 != 0,
        };
        entry.stat.mode = match entry.stat.file_type {
            FileType::Symlink => 0o777,
            FileType::Dir => 0o777 & !umask,
            FileType::File | FileType::Socket if executable => 0o777 & !umask,
            _ => 0o666 & !umask,
        };
    }
    Ok(())
}

/// A repository and where the context lies in it.
pub struct Below {
    /// The repository.
    pub repository: Repository,
    /// The context below the top of the work tree; empty for the top itself.
    pub folder: Vec<u8>,
}

impl Below {
    /// The part of a path that is below the context; `None` for what lies elsewhere.
    pub fn strip<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        match &self.folder[..] {
            b"" => Some(path),
            folder => path.strip_prefix(folder)?.strip_prefix(b"/"),
        }
    }

    /// Whether git's index says of the files below the context that they may be executed.
    fn tracked(&self) -> Result<FxHashMap<Vec<u8>, bool>, Error> {
        let staged = self.repository.staged()?;
        let file = |kind| match kind {
            LeafKind::File => Some(false),
            LeafKind::Executable => Some(true),
            LeafKind::Link | LeafKind::Submodule => None,
        };
        let below = staged.iter().filter_map(|(path, kind)| Some((self.strip(path)?.to_vec(), file(*kind)?)));
        Ok(below.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{ContextPath, Stat};

    fn entry(file_type: FileType, mode: u16) -> Entry {
        let stat = Stat { file_type, mode, uid: 0, gid: 0, size: 0, mtime_ns: 0, extra: None };
        Entry { path: ContextPath::new(&b"a"[..]).unwrap(), stat, hardlink: None }
    }

    fn modes(modes: Modes) -> Vec<u16> {
        let mut entries = [
            entry(FileType::Dir, 0o2775),
            entry(FileType::File, 0o664),
            entry(FileType::File, 0o4700),
            entry(FileType::Symlink, 0o700),
            entry(FileType::Fifo, 0o600),
        ];
        normalise(&mut entries, modes, None).unwrap();
        entries.iter().map(|e| e.stat.mode).collect()
    }

    #[test]
    fn git_knows_two_modes_of_files() {
        assert_eq!(modes(Modes::Git), [0o755, 0o644, 0o755, 0o777, 0o644]);
    }

    #[test]
    fn a_umask_takes_bits_away_from_all_but_links() {
        assert_eq!(modes(Modes::Umask(0o027)), [0o750, 0o640, 0o750, 0o777, 0o640]);
        assert_eq!(modes(Modes::Umask(0o002)), [0o775, 0o664, 0o775, 0o777, 0o664]);
    }

    #[test]
    fn bits_are_kept_unless_asked() {
        assert_eq!(modes(Modes::Keep), [0o2775, 0o664, 0o4700, 0o700, 0o600]);
    }
}
