//! File systems whose times and inode numbers can be trusted.

use std::path::Path;

use super::first_word;

/// A file system that can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Volume {
    /// A hash of the device's number with the type and the identifier of its file system.
    pub key: u64,
    /// Whether ctime moves when an extended attribute does.
    pub minds_xattrs: bool,
}

/// The volume of a device, of which `path` is a file. `None` for a file system that isn't known to keep an inode's number for as
/// long as the file lives, and to set its ctime at each change from the clock of this machine: network file systems, FUSE (all
/// that is mounted from another system into a virtual machine, too), FAT, images that can't be written to.
#[cfg(target_os = "linux")]
pub(super) fn volume(device: u64, path: &Path) -> Option<Volume> {
    #[allow(clippy::cast_lossless, clippy::unnecessary_cast, reason = "its width depends on the machine")]
    let kind = rustix::fs::statfs(path).ok()?.f_type as u64 & 0xffff_ffff;
    // By `linux/magic.h`. An overlay's files may get other inode numbers when they are written to; that costs a read and is
    // no danger.
    let minds_xattrs = match kind {
        // ext2 to ext4, xfs, btrfs
        0x0000_ef53 | 0x5846_5342 | 0x9123_683e => true,
        // tmpfs, overlayfs, f2fs, zfs, bcachefs: not all of them, or not in every version.
        0x0102_1994 | 0x794c_7630 | 0xf2f5_2010 | 0x2fc1_2fc1 | 0xca45_1a4e => false,
        _ => return None,
    };
    let id = rustix::fs::statvfs(path).ok()?.f_fsid;
    let mut hasher = blake3::Hasher::new();
    for word in [device, kind, id] {
        hasher.update(&word.to_le_bytes());
    }
    Some(Volume { key: first_word(&hasher.finalize()), minds_xattrs })
}

/// Nothing is known of the file systems of other systems.
#[cfg(not(target_os = "linux"))]
pub(super) fn volume(_: u64, _: &Path) -> Option<Volume> {
    let _ = first_word;
    None
}
