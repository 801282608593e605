//! The files that an ignore file hides.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::PathBuf;

use crate::context::{Context, ContextError};
use crate::entry::FileType;

/// What tells the names of one file: device and inode.
pub(super) type Inode = (u64, u64);

/// Calls `count` with path, inode (for a file with more than one name) and size of each hidden file. Folders that can't be listed are
/// told in `unreadable`; links, pipes and devices are left out, and so is what goes away meanwhile.
pub(super) fn each(
    context: &Context,
    unreadable: &mut Vec<Vec<u8>>,
    mut count: impl FnMut(&[u8], Option<Inode>, u64),
) -> Result<(), ContextError> {
    for hidden in context.ignored(false)? {
        let path = hidden.path.as_bytes();
        match hidden.file_type {
            FileType::Dir if hidden.closed => folder(context, path, unreadable, &mut count),
            FileType::File | FileType::Socket => {
                let meta = fs::symlink_metadata(context.on_disk(path)).ok();
                count(path, meta.as_ref().and_then(inode), hidden.size);
            }
            _ => {}
        }
    }
    Ok(())
}

/// All files below a folder, none of which is in view.
fn folder(
    context: &Context,
    path: &[u8],
    unreadable: &mut Vec<Vec<u8>>,
    count: &mut impl FnMut(&[u8], Option<Inode>, u64),
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
                count(&below, inode(&meta), meta.size());
            }
        }
    }
}

/// The inode of a file that has more names than one.
fn inode(meta: &fs::Metadata) -> Option<Inode> {
    (meta.nlink() > 1).then(|| (meta.dev(), meta.ino()))
}
