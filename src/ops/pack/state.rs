//! A digest of all that a tar hangs on, told from a walk alone: as long as it is the same, packing again gives the same bytes.

use super::Packable;
use crate::digest::Digest;
use crate::entry::{Entry, FileType, Source as _};
use crate::index::Identity;

/// The version of what is hashed. It changes with the tar's bytes.
const VERSION: &[u8] = b"stowaway.state/1";

/// Bytes to hash, each part with its length.
struct Parts(blake3::Hasher);

impl Parts {
    fn push(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    fn numbers(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.0.update(&number.to_le_bytes());
        }
    }

    /// What an entry's header says.
    fn entry(&mut self, entry: &Entry) {
        let Entry { path, stat, hardlink } = entry;
        self.push(path.as_bytes());
        let (major, minor) = stat.device();
        let owner = [u64::from(stat.uid), u64::from(stat.gid)];
        self.numbers(&[kind(stat.file_type), u64::from(stat.mode), owner[0], owner[1], stat.size]);
        self.numbers(&[stat.mtime_ns.cast_unsigned(), major, minor, stat.xattrs().len() as u64]);
        self.push(stat.linkname());
        self.push(hardlink.as_ref().map_or(&[], |path| path.as_bytes()));
        for (name, value) in stat.xattrs() {
            self.push(name);
            self.push(value);
        }
    }

    /// What no change of the content leaves as it is.
    fn identity(&mut self, of: &Identity) {
        let times = [of.mtime_ns.cast_unsigned(), of.ctime_ns.cast_unsigned()];
        self.numbers(&[of.device, of.inode, of.size, times[0], times[1], u64::from(of.mode), of.xattrs]);
    }
}

fn kind(of: FileType) -> u64 {
    match of {
        FileType::File => 1,
        FileType::Dir => 2,
        FileType::Symlink => 3,
        FileType::Fifo => 4,
        FileType::Socket => 5,
        FileType::CharDevice => 6,
        FileType::BlockDevice => 7,
    }
}

impl Packable {
    /// The digest; `None` without an index, and where a file could still change without a trace: one that was written just now, or on a
    /// file system that isn't trusted (the rules are the index's).
    pub fn state(&self) -> Option<Digest> {
        let index = self.index.as_ref()?;
        if self.entries.len() != self.context.entries().len() {
            return None;
        }
        let mut parts = Parts(blake3::Hasher::new());
        parts.push(VERSION);
        parts.push(env!("CARGO_PKG_VERSION").as_bytes());
        for (at, entry) in self.entries.iter().enumerate() {
            parts.entry(entry);
            if entry.stat.file_type == FileType::File {
                parts.identity(&index.memorable(&self.context.identity(at)?)?);
            }
        }
        Digest::parse(&format!("blake3:{}", parts.0.finalize().to_hex()))
    }

    /// Which entries are no longer what was listed, in the listing's order, at most `most` of them.
    pub fn changed(&self, most: usize) -> Vec<&[u8]> {
        let changed = |entry: &&Entry| self.context.changed(entry).unwrap_or(true);
        self.context.entries().iter().filter(changed).take(most).map(|e| e.path.as_bytes()).collect()
    }

    /// An entry that means another thing in an image's layer: the removal of what the layers below have under its name
    /// (`image-spec/layer.md`, "Whiteouts").
    pub fn whiteout(&self) -> Option<&[u8]> {
        let paths = self.entries.iter().map(|e| e.path.as_bytes());
        paths
            .into_iter()
            .find(|path| path.rsplit(|b| *b == b'/').next().is_some_and(|n| n.starts_with(b".wh.")))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::observer::Silent;
    use crate::ops::{Mtime, PackOptions, Request};

    fn packable(folder: &Path, index: Option<&Path>) -> Packable {
        let request = Request { context: folder.into(), index: index.map(Into::into), ..Request::default() };
        let options = PackOptions { mtime: Mtime::Listed, context_only: true, ..PackOptions::default() };
        Packable::of(&request, &options, &Silent).unwrap()
    }

    #[test]
    fn a_state_is_that_of_files_that_rest() {
        let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = folder.path().join("a");
        fs::write(&file, "text").unwrap();
        let state = || packable(folder.path(), Some(index.path())).state();
        assert_eq!(state(), None, "it could change once more with the same times");
        std::thread::sleep(crate::index::GRAIN + Duration::from_millis(200));
        let rested = state();
        assert!(rested.is_some() && state() == rested);
        assert_eq!(packable(folder.path(), None).state(), None, "without an index nothing is remembered");
        fs::hard_link(&file, folder.path().join("b")).unwrap();
        assert_eq!(state(), None, "a link moves the file's ctime");
    }

    #[test]
    fn an_empty_folder_beside_is_another_state() {
        let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let state = || packable(folder.path(), Some(index.path())).state().unwrap();
        let before = state();
        fs::create_dir(folder.path().join("new")).unwrap();
        let with = state();
        assert_ne!(with, before);
        std::os::unix::fs::symlink("a", folder.path().join("link")).unwrap();
        assert_ne!(state(), with);
    }

    #[test]
    fn what_changed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            fs::write(folder.path().join(name), "text").unwrap();
        }
        let packable = packable(folder.path(), None);
        assert!(packable.changed(9).is_empty());
        fs::write(folder.path().join("a"), "longer text").unwrap();
        fs::remove_file(folder.path().join("c")).unwrap();
        assert_eq!(packable.changed(9), [b"a", b"c"]);
        assert_eq!(packable.changed(1), [b"a"]);
    }

    #[test]
    fn names_that_remove_are_known() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/a.wh.b"), "").unwrap();
        assert_eq!(packable(folder.path(), None).whiteout(), None);
        fs::write(folder.path().join("sub/.wh.b"), "").unwrap();
        assert_eq!(packable(folder.path(), None).whiteout(), Some(&b"sub/.wh.b"[..]));
    }
}
