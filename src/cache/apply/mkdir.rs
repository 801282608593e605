//! fsutil's `MkdirAll` (`copy/mkdir.go`).

use super::disk::Disk;
use super::error::{ApplyError, Errno};
use crate::gopath;

/// A numeric owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids {
    pub uid: u32,
    pub gid: u32,
}

/// Makes a folder and its parents; what is there already stays as it is. Without an owner, new folders belong to root (or to
/// the group of a set-group-ID folder). `path` is absolute and clean.
pub(super) fn mkdir_all(
    disk: &mut Disk,
    path: &[u8],
    mode: u16,
    owner: Option<Ids>,
) -> Result<(), ApplyError> {
    let mut missing = Vec::new();
    let mut here = path.to_vec();
    loop {
        match disk.stat(&here) {
            Ok(stat) if stat.is_dir() => break,
            Ok(_) => return Err(Errno::NotDir.at("mkdir", &here)),
            Err(_) if here == b"/" => break,
            Err(_) => {
                let parent = gopath::dir(&here);
                missing.push(std::mem::replace(&mut here, parent));
            }
        }
    }
    for folder in missing.iter().rev() {
        if disk.lstat(folder).is_ok_and(|s| s.is_dir()) {
            continue;
        }
        // The daemon's umask is 0, so that no `chmod` follows (`UmaskIsZero`): a set-group-ID bit is inherited and stays.
        disk.mkdir(folder, mode & 0o777).map_err(|e| e.at("mkdir", folder))?;
        if let Some(Ids { uid, gid }) = owner {
            disk.lchown(folder, uid, gid).map_err(|e| e.at("lchown", folder))?;
        }
    }
    Ok(())
}
