//! File systems whose times and inode numbers can be trusted.

use std::path::Path;

use super::first_word;

/// The hash of a volume: the device's number with the type and the identifier of its file system. `None` for a file system
/// that isn't known to keep an inode's number for as long as the file lives, and to set its ctime at each change from the clock
/// of this machine: network file systems, FUSE (all that is mounted from another system into a virtual machine, too), FAT,
/// images that can't be written to.
#[cfg(target_os = "linux")]
pub(super) fn volume(device: u64, path: &Path) -> Option<u64> {
    let kind = rustix::fs::statfs(path).ok()?.f_type;
    // An overlay's files may get other inode numbers when they are written to; that costs a read and is no danger. The numbers
    // are those of `linux/magic.h`.
    #[allow(clippy::cast_lossless, clippy::unnecessary_cast, reason = "its width depends on the machine")]
    let kind = kind as u64 & 0xffff_ffff;
    let trusted = [
        0x0000_ef53, // ext2, ext3, ext4
        0x5846_5342, // xfs
        0x9123_683e, // btrfs
        0x0102_1994, // tmpfs
        0x794c_7630, // overlayfs
        0xf2f5_2010, // f2fs
        0x2fc1_2fc1, // zfs
        0xca45_1a4e, // bcachefs
    ];
    if !trusted.contains(&kind) {
        return None;
    }
    let id = rustix::fs::statvfs(path).ok()?.f_fsid;
    let mut hasher = blake3::Hasher::new();
    for word in [device, kind, id] {
        hasher.update(&word.to_le_bytes());
    }
    Some(first_word(&hasher.finalize()))
}

/// Nothing is known of the file systems of other systems.
#[cfg(not(target_os = "linux"))]
pub(super) fn volume(_: u64, _: &Path) -> Option<u64> {
    let _ = first_word;
    None
}
