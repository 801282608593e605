//! ADD of an archive (`solver/llbsolver/file/unpack.go`, moby's `go-archive`).

use std::io::{self, Read};

use super::ContentReader;
use super::decompress::decompress;
use super::disk::{Disk, file_stat, lookup};
use super::error::{ApplyError, Errno};
use super::mkdir::{Ids, mkdir_all};
use super::rootpath::root_path;
use super::spool::Spool;
use super::tar::{Archive, Header, TarError};
use crate::cache::tree::{Content, FileTree, Node, folder_stat};
use crate::entry::{FileType, Stat};
use crate::gopath;

/// Unpacks the source into the folder `to`; false when it is no archive.
pub(super) fn unpack(
    source: &FileTree,
    from: &[u8],
    dest: &mut Disk,
    to: &[u8],
    owner: Option<Ids>,
    contents: &dyn ContentReader,
) -> Result<bool, ApplyError> {
    let from = root_path(source, from)?;
    let Ok((_, node)) = lookup(source, &from, false, false) else { return Ok(false) };
    if node.stat.file_type != FileType::File || !is_archive(&node.content, contents)? {
        return Ok(false);
    }
    let to = root_path(&dest.tree, to)?;
    mkdir_all(dest, &to, 0o755, owner)?;
    let root = dest.tree.get(&to).cloned().ok_or_else(|| Errno::NoEntry.at("lstat", &to))?;
    let mut jail = Disk::jail(FileTree::new(root));
    let archive = open(&node.content, contents)?.map_err(|e| failed(&e.into()))?;
    unpack_all(archive, &mut jail, owner)?;
    dest.replace(&to, jail.tree.root().clone()).map_err(|e| e.at("lstat", &to))?;
    Ok(true)
}

/// True when the content, decompressed, starts with a header of `archive/tar`.
fn is_archive(content: &Content, contents: &dyn ContentReader) -> Result<bool, ApplyError> {
    let Ok(stream) = open(content, contents)? else { return Ok(false) };
    Ok(matches!(Archive::new(stream).next(), Ok(Some(_))))
}

/// The decompressed content. The outer error is ours (no such file), the inner one the archive's.
fn open<'c>(
    content: &'c Content,
    contents: &'c dyn ContentReader,
) -> Result<io::Result<Box<dyn Read + 'c>>, ApplyError> {
    let stream = contents.open(content).map_err(|e| ApplyError::read("reading an archive", e))?;
    Ok(decompress(stream))
}

fn failed(error: &TarError) -> ApplyError {
    ApplyError::fails("bad-archive", error.to_string())
}

fn unpack_all(archive: impl Read, disk: &mut Disk, owner: Option<Ids>) -> Result<(), ApplyError> {
    let spooling = |e| ApplyError::read("unpacking an archive to a temporary file", e);
    let mut spool = Spool::new().map_err(spooling)?;
    let mut archive = Archive::new(archive);
    let mut folders = Vec::new();
    while let Some(mut header) = archive.next().map_err(|e| failed(&e))? {
        if header.kind == b'g' {
            continue;
        }
        header.name = gopath::clean(&header.name);
        implied_folders(disk, &header.name)?;
        let path = gopath::join(&[b"/", &header.name]);
        if clear(disk, &path, &header)? {
            continue;
        }
        let target = gopath::join(&[b"/", &header.linkname]);
        make(disk, &path, &header, &target, &mut archive, &mut spool)?;
        own(disk, &path, &header, owner)?;
        if header.kind == b'5' {
            folders.push(path);
        }
    }
    // Times of folders are set last, which fails for one that has been replaced by a link to nowhere.
    for path in &folders {
        disk.stat(path).map_err(|e| e.at("chtimes", path))?;
    }
    spool.finish().map_err(spooling)
}

/// `createImpliedDirectories`: parents that have no entry, 0755 and root's.
fn implied_folders(disk: &mut Disk, name: &[u8]) -> Result<(), ApplyError> {
    if name == b"/" {
        return Ok(());
    }
    let parent = gopath::join(&[b"/", &gopath::dir(name)]);
    if disk.lstat(&parent) != Err(Errno::NoEntry) {
        return Ok(());
    }
    let mut missing = Vec::new();
    let mut here = parent;
    while here != b"/" {
        if disk.stat(&here) == Err(Errno::NoEntry) {
            missing.push(here.clone());
        }
        here = gopath::dir(&here);
    }
    for folder in missing.iter().rev() {
        match disk.mkdir(folder, 0o755) {
            Err(Errno::Exists) if disk.lstat(folder).is_ok_and(|s| s.is_dir()) => {}
            other => other.map_err(|e| e.at("mkdir", folder))?,
        }
        disk.lchown(folder, 0, 0).map_err(|e| e.at("chown", folder))?;
    }
    Ok(())
}

/// Takes away what the entry replaces; true when there is nothing more to do.
fn clear(disk: &mut Disk, path: &[u8], header: &Header) -> Result<bool, ApplyError> {
    let Ok(there) = disk.lstat(path) else { return Ok(false) };
    if there.is_dir() && header.name == b"." {
        return Ok(true);
    }
    if !(there.is_dir() && header.kind == b'5') {
        // Go's `os.RemoveAll` splits `/` into `.` and `/`.
        let shown: &[u8] = if path == b"/" { b".//" } else { path };
        disk.remove_all(path).map_err(|e| e.at("unlinkat", shown))?;
    }
    Ok(false)
}

/// The first half of `createTarFile`: `target` is the file that a hard link is another name of.
pub(super) fn make(
    disk: &mut Disk,
    path: &[u8],
    header: &Header,
    target: &[u8],
    archive: &mut Archive<impl Read>,
    spool: &mut Spool,
) -> Result<(), ApplyError> {
    let mode = (header.mode & 0o7777) as u16;
    match header.kind {
        b'5' if disk.lstat(path).is_ok_and(|s| s.is_dir()) => Ok(()),
        b'5' => disk.mkdir(path, mode).map_err(|e| e.at("mkdir", path)),
        b'0' => {
            disk.create(path, Node::file(file_stat(mode, 0), Content::Empty))
                .map_err(|e| e.at("open", path))?;
            let (content, len) = spool.take(archive).map_err(|e| failed(&e))?;
            disk.write(path, content, len).map_err(|e| e.at("write", path))
        }
        b'3' | b'4' | b'6' => disk
            .create(path, Node::file(device_stat(header), Content::Empty))
            .map_err(|e| ApplyError::fails("bad-archive", e.to_string())),
        b'1' => {
            let (old, new) = (String::from_utf8_lossy(target), String::from_utf8_lossy(path));
            disk.link(target, path).map_err(|e| e.link("link", &old, &new))
        }
        b'2' => {
            let (old, new) = (String::from_utf8_lossy(&header.linkname), String::from_utf8_lossy(path));
            disk.symlink(&header.linkname, path).map_err(|e| e.link("symlink", &old, &new))
        }
        other => Err(ApplyError::fails("bad-archive", format!("unhandled tar header type {other}"))),
    }
}

/// The stat of a device or FIFO.
fn device_stat(header: &Header) -> Stat {
    let file_type = match header.kind {
        b'3' => FileType::CharDevice,
        b'4' => FileType::BlockDevice,
        _ => FileType::Fifo,
    };
    let mut stat = Stat { file_type, ..folder_stat((header.mode & 0o7777) as u16) };
    if file_type != FileType::Fifo {
        super::disk::edit_extra(&mut stat, |extra| {
            extra.devmajor = u64::from(header.devmajor as u32);
            extra.devminor = u64::from(header.devminor as u32);
        });
    }
    stat
}

/// The second half of `createTarFile`: owner, xattrs and mode.
fn own(disk: &mut Disk, path: &[u8], header: &Header, owner: Option<Ids>) -> Result<(), ApplyError> {
    // `lchown` takes the lower 32 bits.
    let owner = owner.unwrap_or(Ids { uid: header.uid as u32, gid: header.gid as u32 });
    disk.lchown(path, owner.uid, owner.gid).map_err(|e| e.at("lchown", path))?;
    for (name, value) in header.xattrs() {
        match disk.set_tar_xattr(path, name, value) {
            Ok(()) | Err(Errno::NotSupported | Errno::NotPermitted) => {}
            Err(e) => {
                let name = String::from_utf8_lossy(name);
                let text = format!("lsetxattr {}: xattr {name:?}: {e}", String::from_utf8_lossy(path));
                return Err(ApplyError::fails("bad-archive", text));
            }
        }
    }
    let chmod = match header.kind {
        b'1' => {
            let target = gopath::join(&[b"/", &header.linkname]);
            disk.lstat(&target).is_ok_and(|s| s.file_type != FileType::Symlink)
        }
        kind => kind != b'2',
    };
    if chmod {
        disk.chmod(path, (header.mode & 0o7777) as u16).map_err(|e| e.at("chmod", path))?;
    }
    Ok(())
}
