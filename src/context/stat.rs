//! The stat of one entry as a client sends it (`fsutil/stat.go`, `stat_unix.go`).

use std::ffi::{CStr, CString};
use std::fs::Metadata;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::entry::{Extra, FileType, Stat};
use crate::index::nanoseconds;

/// Attributes with this prefix are not sent.
const APPLE: &[u8] = b"com.apple.";

/// What the system says of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw {
    pub(super) file_type: FileType,
    /// Permission bits with setuid, setgid and sticky.
    pub(super) mode: u16,
    pub(super) size: u64,
    pub(super) mtime_ns: i64,
    pub(super) ctime_ns: i64,
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) links: u64,
    pub(super) rdev: u64,
}

impl From<&Metadata> for Raw {
    fn from(meta: &Metadata) -> Self {
        Self {
            file_type: file_type(meta.file_type()),
            mode: (meta.mode() & 0o7777) as u16,
            size: meta.size(),
            mtime_ns: nanoseconds(meta.mtime(), meta.mtime_nsec()),
            ctime_ns: nanoseconds(meta.ctime(), meta.ctime_nsec()),
            device: meta.dev(),
            inode: meta.ino(),
            links: meta.nlink(),
            rdev: meta.rdev(),
        }
    }
}

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_lossless,
    reason = "the types depend on the system and the processor"
)]
impl From<&rustix::fs::Stat> for Raw {
    fn from(stat: &rustix::fs::Stat) -> Self {
        Self {
            file_type: file_type_of_mode(stat.st_mode as u32),
            mode: (stat.st_mode & 0o7777) as u16,
            size: stat.st_size as u64,
            mtime_ns: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            ctime_ns: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            links: stat.st_nlink as u64,
            rdev: stat.st_rdev as u64,
        }
    }
}

/// Where a file is: its name in an open folder, and its whole path for questions that can't be asked otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) folder: BorrowedFd<'a>,
    pub(super) name: &'a CStr,
    pub(super) path: &'a CStr,
}

/// Makes stats; holds the buffer for the names of attributes.
#[derive(Debug)]
pub struct Stats {
    names: Vec<u8>,
}

impl Default for Stats {
    fn default() -> Self {
        Self { names: vec![0; 4096] }
    }
}

impl Stats {
    /// The stat of a path, links not followed.
    ///
    /// # Errors
    /// What the file system says.
    pub fn read(&mut self, path: &Path) -> io::Result<Stat> {
        let raw = Raw::from(&std::fs::symlink_metadata(path)?);
        let path = CString::new(path.as_os_str().as_bytes())?;
        self.of(&At { folder: rustix::fs::CWD, name: &path, path: &path }, &raw, false)
    }

    /// The stat of a file of which `lstat` said `raw`: owner 0, mode unmasked. A `bare` file is known to have no attributes.
    pub(super) fn of(&mut self, at: &At<'_>, raw: &Raw, bare: bool) -> io::Result<Stat> {
        let file_type = raw.file_type;
        let mut extra = Extra::default();
        if file_type == FileType::Symlink {
            extra.linkname = rustix::fs::readlinkat(at.folder, at.name, Vec::new())?.into_bytes();
        }
        if matches!(file_type, FileType::CharDevice | FileType::BlockDevice) {
            (extra.devmajor, extra.devminor) = device_numbers(raw.rdev);
        }
        if !matches!(file_type, FileType::Dir | FileType::Symlink) && raw.links > 1 {
            extra.inode = Some((raw.device, raw.inode));
        }
        if !bare {
            extra.xattrs = self.xattrs(at.path)?;
        }
        Ok(Stat {
            file_type,
            mode: raw.mode,
            uid: 0,
            gid: 0,
            size: if file_type == FileType::Dir { 0 } else { raw.size },
            mtime_ns: raw.mtime_ns,
            extra: (extra != Extra::default()).then(|| Box::new(extra)),
        })
    }

    /// All attributes that are listed and can be read; a file system without attributes has none.
    fn xattrs(&mut self, path: &CStr) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut listed = rustix::fs::llistxattr(path, &mut self.names[..]);
        while matches!(listed, Err(rustix::io::Errno::RANGE)) {
            let size = rustix::fs::llistxattr_query(path)?;
            self.names.resize(size.max(self.names.len() + 1), 0);
            listed = rustix::fs::llistxattr(path, &mut self.names[..]);
        }
        let len = match listed {
            Ok(0) | Err(rustix::io::Errno::NOTSUP) => return Ok(Vec::new()),
            Ok(len) => len,
            Err(error) => return Err(error.into()),
        };
        let names = self.names[..len].split(|b| *b == 0).filter(|n| !n.is_empty() && !n.starts_with(APPLE));
        let mut xattrs: Vec<_> = names.filter_map(|n| Some((n.to_vec(), value(path, n)?))).collect();
        xattrs.sort_unstable();
        Ok(xattrs)
    }
}

/// The value of one attribute; one that can't be read is left out, as fsutil does.
fn value(path: &CStr, name: &[u8]) -> Option<Vec<u8>> {
    let name = CString::new(name).ok()?;
    loop {
        let size = rustix::fs::lgetxattr_query(path, &name).ok()?;
        let mut value = vec![0; size + 1];
        match rustix::fs::lgetxattr(path, &name, &mut value[..]) {
            Ok(len) => {
                value.truncate(len);
                return Some(value);
            }
            // It grew in between.
            Err(rustix::io::Errno::RANGE) => {}
            Err(_) => return None,
        }
    }
}

pub(super) fn file_type(file_type: std::fs::FileType) -> FileType {
    if file_type.is_dir() {
        FileType::Dir
    } else if file_type.is_symlink() {
        FileType::Symlink
    } else if file_type.is_fifo() {
        FileType::Fifo
    } else if file_type.is_socket() {
        FileType::Socket
    } else if file_type.is_char_device() {
        FileType::CharDevice
    } else if file_type.is_block_device() {
        FileType::BlockDevice
    } else {
        FileType::File
    }
}

fn file_type_of_mode(mode: u32) -> FileType {
    match rustix::fs::FileType::from_raw_mode(mode as rustix::fs::RawMode) {
        rustix::fs::FileType::Directory => FileType::Dir,
        rustix::fs::FileType::Symlink => FileType::Symlink,
        rustix::fs::FileType::Fifo => FileType::Fifo,
        rustix::fs::FileType::Socket => FileType::Socket,
        rustix::fs::FileType::CharacterDevice => FileType::CharDevice,
        rustix::fs::FileType::BlockDevice => FileType::BlockDevice,
        _ => FileType::File,
    }
}

/// fsutil's own idea of device numbers: 12 bits of major, 20 of minor.
fn device_numbers(device: u64) -> (u64, u64) {
    ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xf_ff00))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn read(path: &Path) -> Stat {
        Stats::default().read(path).unwrap()
    }

    #[test]
    fn modes_are_unmasked_and_owners_are_reset() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, "12345").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o2664)).unwrap();
        let stat = read(&file);
        assert_eq!((stat.mode & 0o777, stat.uid, stat.gid, stat.size), (0o664, 0, 0, 5));
        assert_eq!(stat.file_type, FileType::File);
    }

    #[test]
    fn a_link_has_the_length_of_its_target_and_a_folder_has_none() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("../some/where", dir.path().join("l")).unwrap();
        let stat = read(&dir.path().join("l"));
        assert_eq!((stat.linkname(), stat.size, stat.mode), (&b"../some/where"[..], 13, 0o777));
        assert_eq!(read(dir.path()).size, 0);
    }

    #[test]
    fn device_numbers_are_split_as_fsutil_does() {
        assert_eq!(device_numbers(0x0103), (1, 3));
        assert_eq!(device_numbers(0x1234_5678_9abc), (0x89a & 0xfff, 0xbc | (0x1_2345_6789 & 0xf_ff00)));
    }
}
