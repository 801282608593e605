//! What tells whether a file is still the one that was listed.

use std::path::PathBuf;

use super::Context;
use crate::entry::FileType;
use crate::index::{Identity, xattrs_hash};

impl Context {
    /// The state in which the walk found a regular file; `None` for all else.
    pub fn identity(&self, entry: usize) -> Option<Identity> {
        let (stat, inode) = (&self.entries.get(entry)?.stat, self.inodes.get(entry)?);
        (stat.file_type == FileType::File).then(|| Identity {
            device: inode.device,
            inode: inode.number,
            size: stat.size,
            mtime_ns: stat.mtime_ns,
            ctime_ns: inode.ctime_ns,
            mode: stat.mode,
            xattrs: xattrs_hash(stat.xattrs()),
        })
    }

    /// The states of all regular files.
    pub fn identities(&self) -> impl Iterator<Item = Identity> {
        (0..self.entries.len()).filter_map(|entry| self.identity(entry))
    }

    /// Every device that has regular files, with the path of one.
    pub fn devices(&self) -> Vec<(u64, PathBuf)> {
        let mut devices: Vec<(u64, PathBuf)> = Vec::new();
        for (entry, inode) in self.entries.iter().zip(&self.inodes) {
            let is_file = entry.stat.file_type == FileType::File;
            if is_file && devices.iter().all(|(device, _)| *device != inode.device) {
                devices.push((inode.device, self.on_disk(entry.path.as_bytes())));
            }
        }
        devices
    }
}
