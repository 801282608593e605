//! A folder that an engine fills: each name is reached from the folder downwards without following a link
//! (`fsutil`, `RootDiskWriter`).

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, RawMode, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;
use rustix::process::{getgid, getuid};

use super::order::split;
use super::packet::{Kind, Stat};

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The folder, and the one in it that was used last.
#[derive(Debug)]
pub(super) struct Place {
    root: Arc<OwnedFd>,
    /// Where it is, if it wasn't there before.
    made: Option<PathBuf>,
    last: (Vec<u8>, Arc<OwnedFd>),
}

impl Place {
    /// Opens the folder; makes it where it isn't there.
    pub fn open(path: &Path) -> io::Result<Self> {
        let made = (!path.exists()).then(|| path.to_owned());
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        // The folder itself may be a link: whoever gave it meant where it leads.
        let root = fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let root = Arc::new(root);
        Ok(Self { last: (Vec::new(), Arc::clone(&root)), root, made })
    }

    fn folder(&mut self, path: &[u8]) -> io::Result<Arc<OwnedFd>> {
        if self.last.0 != path {
            let below = |known: &[u8]| path.strip_prefix(known).and_then(|rest| rest.strip_prefix(b"/"));
            let (from, rest) = match below(&self.last.0).filter(|_| !self.last.0.is_empty()) {
                Some(rest) => (&self.last.1, rest),
                None => (&self.root, path),
            };
            let mut at = Arc::clone(from);
            for name in rest.split(|b| *b == b'/').filter(|n| !n.is_empty()) {
                at = Arc::new(fs::openat(&at, os(name), FOLDER, Mode::empty())?);
            }
            self.last = (path.to_vec(), at);
        }
        Ok(Arc::clone(&self.last.1))
    }

    /// Makes what was sent, a file without its content; true for a folder that wasn't there.
    pub fn put(&mut self, stat: &Stat) -> io::Result<bool> {
        let (folder, name) = split(&stat.path);
        let at = self.folder(folder)?;
        let new_folder = stat.kind() == Kind::Folder;
        let old = kind_of(&at, name)?;
        if new_folder && old == Some(FileType::Directory) {
            rewrite(&at, name, stat)?;
            return Ok(false);
        }
        let Some(old) = old else {
            self.make(&at, name, stat)?;
            rewrite(&at, name, stat)?;
            return Ok(new_folder);
        };
        let temporary = temporary();
        let made =
            self.make(&at, &temporary, stat).and_then(|()| rewrite(&at, &temporary, stat)).and_then(|()| {
                if (old == FileType::Directory) != new_folder {
                    remove_all(&at, name)?;
                }
                Ok(fs::renameat(&at, os(&temporary), &at, os(name))?)
            });
        if made.is_err() {
            let _ = remove_all(&at, &temporary);
        }
        made.map(|()| new_folder)
    }

    fn make(&mut self, at: &OwnedFd, name: &[u8], stat: &Stat) -> io::Result<()> {
        let mode = Mode::from_raw_mode((stat.mode & 0o777) as RawMode);
        match stat.kind() {
            Kind::Folder => fs::mkdirat(at, os(name), mode)?,
            Kind::Link => fs::symlinkat(os(&stat.linkname), at, os(name))?,
            kind @ (Kind::Char | Kind::Block | Kind::Pipe) => special(at, name, kind, stat)?,
            Kind::Other => return Err(io::Error::other("nobody can make such a file")),
            Kind::File if !stat.linkname.is_empty() => {
                let (folder, target) = split(&stat.linkname);
                let from = self.folder(folder)?;
                fs::linkat(&from, os(target), at, os(name), AtFlags::empty())?;
            }
            Kind::File => {
                let flags =
                    OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                fs::openat(at, os(name), flags, mode)?;
            }
        }
        Ok(())
    }

    /// Opens a file to add to it; true when it had to be made writable for that.
    pub fn append(&mut self, path: &[u8]) -> io::Result<(File, bool)> {
        let (folder, name) = split(path);
        let at = self.folder(folder)?;
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = || fs::openat(&at, os(name), flags, Mode::empty());
        match open() {
            Ok(file) => Ok((file.into(), false)),
            Err(Errno::ACCESS) => {
                let mode = fs::statat(&at, os(name), AtFlags::SYMLINK_NOFOLLOW)?.st_mode;
                let mode = Mode::from_raw_mode(mode) | Mode::WUSR | Mode::WGRP | Mode::WOTH;
                fs::chmodat(&at, os(name), mode, AtFlags::empty())?;
                Ok((open()?.into(), true))
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Sets mode bits again that writing took away.
    pub fn chmod(&mut self, path: &[u8], mode: u32) -> io::Result<()> {
        let (folder, name) = split(path);
        let at = self.folder(folder)?;
        Ok(fs::chmodat(&at, os(name), Mode::from_raw_mode(mode as RawMode), AtFlags::empty())?)
    }

    /// Sets a time, in nanoseconds.
    pub fn touch(&mut self, path: &[u8], mtime: i64) -> io::Result<()> {
        let (folder, name) = split(path);
        let at = self.folder(folder)?;
        touch(&at, name, mtime)
    }

    /// Takes back what was begun: all of a folder that wasn't there before, else the files at these paths.
    pub fn discard<'a>(&mut self, unfinished: impl Iterator<Item = &'a [u8]>) {
        if let Some(path) = &self.made {
            let _ = std::fs::remove_dir_all(path);
            return;
        }
        for path in unfinished {
            let (folder, name) = split(path);
            // What can't be removed may be gone; the failure that led here is what is told.
            let _ = self.folder(folder).and_then(|at| Ok(fs::unlinkat(&at, os(name), AtFlags::empty())?));
        }
    }

    /// Removes everything that is not among the names.
    pub fn keep_only(&mut self, names: &HashSet<Bytes>) -> io::Result<()> {
        keep_only(&self.root, &mut Vec::new(), names)
    }
}

fn os(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}

fn kind_of(at: &OwnedFd, name: &[u8]) -> io::Result<Option<FileType>> {
    match fs::statat(at, os(name), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(FileType::from_raw_mode(found.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// A name that nobody else uses.
fn temporary() -> Vec<u8> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!(".tmp.{}-{next}", std::process::id()).into_bytes()
}

#[cfg(not(target_vendor = "apple"))]
fn special(at: &OwnedFd, name: &[u8], kind: Kind, stat: &Stat) -> io::Result<()> {
    let kind = match kind {
        Kind::Char => FileType::CharacterDevice,
        Kind::Pipe => FileType::Fifo,
        _ => FileType::BlockDevice,
    };
    let mode = Mode::from_raw_mode((stat.mode & 0o777) as RawMode);
    let device = fs::makedev(stat.devmajor as u32, stat.devminor as u32);
    Ok(fs::mknodat(at, os(name), kind, mode, device)?)
}

#[cfg(target_vendor = "apple")]
fn special(_at: &OwnedFd, _name: &[u8], _kind: Kind, _stat: &Stat) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "devices and pipes can't be made here"))
}

/// Owner (whoever runs this), mode, times and extended attributes (`rewriteRootMetadata`, with the filter of
/// `syncTargetDiffCopy`).
fn rewrite(at: &OwnedFd, name: &[u8], stat: &Stat) -> io::Result<()> {
    let kind = stat.kind();
    if !stat.xattrs.is_empty() && matches!(kind, Kind::File | Kind::Folder) {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if let Ok(file) = fs::openat(at, os(name), flags, Mode::empty()) {
            for xattr in &stat.xattrs {
                // Not every file system takes every one; BuildKit's receiver doesn't mind either.
                let _ = fs::fsetxattr(&file, os(&xattr.key), &xattr.value, XattrFlags::empty());
            }
        }
    }
    fs::chownat(at, os(name), Some(getuid()), Some(getgid()), AtFlags::SYMLINK_NOFOLLOW)?;
    if kind != Kind::Link {
        let mode = Mode::from_raw_mode(stat.permissions() as RawMode);
        fs::chmodat(at, os(name), mode, AtFlags::empty())?;
    }
    touch(at, name, stat.mtime)
}

fn touch(at: &OwnedFd, name: &[u8], mtime: i64) -> io::Result<()> {
    let time =
        Timespec { tv_sec: mtime.div_euclid(1_000_000_000), tv_nsec: mtime.rem_euclid(1_000_000_000) as _ };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(fs::utimensat(at, os(name), &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Removes a file, or a folder with all that is in it. Links aren't followed.
fn remove_all(at: &OwnedFd, name: &[u8]) -> io::Result<()> {
    match fs::unlinkat(at, os(name), AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(e) => return Err(e.into()),
    }
    let folder = fs::openat(at, os(name), FOLDER, Mode::empty())?;
    for name in names(&folder)? {
        remove_all(&folder, &name)?;
    }
    Ok(fs::unlinkat(at, os(name), AtFlags::REMOVEDIR)?)
}

fn names(folder: &OwnedFd) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}

fn keep_only(folder: &OwnedFd, path: &mut Vec<u8>, wanted: &HashSet<Bytes>) -> io::Result<()> {
    let length = path.len();
    for name in names(folder)? {
        if length > 0 {
            path.push(b'/');
        }
        path.extend_from_slice(&name);
        if !wanted.contains(&path[..]) {
            remove_all(folder, &name)?;
        } else if kind_of(folder, &name)? == Some(FileType::Directory) {
            keep_only(&fs::openat(folder, os(&name), FOLDER, Mode::empty())?, path, wanted)?;
        }
        path.truncate(length);
    }
    Ok(())
}
