//! The files that an ignore file hides.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::PathBuf;

use crate::context::{Cause, Context, ContextError};
use crate::entry::FileType;

/// What tells the names of one file: device and inode.
pub(in crate::ops) type Inode = (u64, u64);

/// A file that is hidden.
pub(in crate::ops) struct HiddenFile<'a> {
    /// Its path below the context.
    pub path: &'a [u8],
    /// What tells its names, for one with more names than one.
    pub inode: Option<Inode>,
    /// Its bytes.
    pub size: u64,
    /// Its permission bits; `None` when it went away.
    pub mode: Option<u16>,
    /// The pattern that hides it, or the folder that it is in.
    pub cause: &'a Cause,
}

/// Calls `count` with each hidden file. Folders that can't be listed are
/// told in `unreadable`; links, pipes and devices are left out, and so is what goes away meanwhile.
pub(in crate::ops) fn each(
    context: &Context,
    unreadable: &mut Vec<Vec<u8>>,
    mut count: impl FnMut(HiddenFile<'_>),
) -> Result<(), ContextError> {
    for hidden in context.ignored(false)? {
        let (path, cause) = (hidden.path.as_bytes(), &hidden.cause);
        match hidden.file_type {
            FileType::Dir if hidden.closed => folder(context, (path, cause), unreadable, &mut count),
            FileType::File | FileType::Socket => {
                let meta = fs::symlink_metadata(context.on_disk(path)).ok();
                let (inode, mode) = (meta.as_ref().and_then(inode), meta.as_ref().map(mode));
                count(HiddenFile { path, inode, size: hidden.size, mode, cause });
            }
            _ => {}
        }
    }
    Ok(())
}

/// All files below a folder, none of which is in view.
fn folder(
    context: &Context,
    (path, cause): (&[u8], &Cause),
    unreadable: &mut Vec<Vec<u8>>,
    count: &mut impl FnMut(HiddenFile<'_>),
) {
    let mut open: Vec<(PathBuf, Vec<u8>)> = vec![(context.on_disk(path), path.to_vec())];
    while let Some((disk, path)) = open.pop() {
        let Ok(names) = fs::read_dir(&disk) else {
            unreadable.push(path);
            continue;
        };
        for entry in names.flatten() {
            let below = [&path, &b"/"[..], entry.file_name().as_bytes()].concat();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                open.push((entry.path(), below));
            } else if kind.is_file() || kind.is_socket() {
                // The entry's own stat: a link is not followed.
                let Ok(meta) = entry.metadata() else { continue };
                let (inode, size, mode) = (inode(&meta), meta.size(), Some(mode(&meta)));
                count(HiddenFile { path: &below, inode, size, mode, cause });
            }
        }
    }
}

/// The permission bits.
fn mode(meta: &fs::Metadata) -> u16 {
    (meta.mode() & 0o7777) as u16
}

/// The inode of a file that has more names than one.
fn inode(meta: &fs::Metadata) -> Option<Inode> {
    (meta.nlink() > 1).then(|| (meta.dev(), meta.ino()))
}
