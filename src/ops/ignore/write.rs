//! Changing an ignore file: the old one stays beside it, and the new one is there at once or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// So many backups of one file are kept before it is refused to make another.
const BACKUPS: usize = 10_000;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub file: PathBuf,
    /// What it held before; `None` for a file that wasn't there.
    pub backup: Option<PathBuf>,
}

/// Puts `new` in the place of `path`, which holds `old`: a copy of that stays as `.bak`, or as `.bak.1` and so on where others are. A
/// link stays a link: the file behind it changes.
///
/// # Errors
/// [`Error::Write`]; also when the file holds something else by now.
pub fn write(path: &Path, old: Option<&[u8]>, new: &[u8]) -> Result<Written, Error> {
    let failed = |source| Error::write(path, source);
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let now = match fs::read(&real) {
        Ok(bytes) => Some(bytes),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(failed(e)),
    };
    if now.as_deref() != old {
        return Err(failed(io::Error::other("it has changed meanwhile")));
    }
    let mode = real.metadata().map_or(0o666, |m| m.permissions().mode() & 0o7777);
    let backup = match &now {
        Some(bytes) => Some(keep(path, bytes, mode)?),
        None => None,
    };
    replace(&real, new, mode, now.is_some()).map_err(failed)?;
    Ok(Written { file: path.to_owned(), backup })
}

/// Writes a copy under the first name that is free.
fn keep(path: &Path, bytes: &[u8], mode: u32) -> Result<PathBuf, Error> {
    for number in 0..BACKUPS {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 0 { ".bak".to_owned() } else { format!(".bak.{number}") });
        let copy = PathBuf::from(name);
        // Nothing that is there is ever opened, not even a link that leads nowhere.
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(&copy) {
            Ok(mut file) => {
                let written = file.write_all(bytes).and_then(|()| file.sync_all());
                return written.map(|()| copy.clone()).map_err(|e| Error::write(&copy, e));
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(Error::write(&copy, e)),
        }
    }
    Err(Error::usage(format!("there are {BACKUPS} backups of {}", path.display()), "remove some"))
}

fn replace(path: &Path, bytes: &[u8], mode: u32, exists: bool) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".stowaway-").suffix(".tmp");
    // The umask takes its part of a new file's mode.
    let mut temporary = builder.permissions(fs::Permissions::from_mode(mode)).tempfile_in(folder)?;
    if exists {
        temporary.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    }
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backup_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".dockerignore");
        assert_eq!(write(&path, None, b"1").unwrap().backup, None);
        let names: Vec<PathBuf> =
            (1..4u8).map(|n| write(&path, Some(&[b'0' + n]), &[b'1' + n]).unwrap().backup.unwrap()).collect();
        let want = [".dockerignore.bak", ".dockerignore.bak.1", ".dockerignore.bak.2"];
        assert_eq!(names, want.map(|n| folder.path().join(n)));
        assert_eq!(fs::read(&names[0]).unwrap(), b"1");
        assert_eq!((fs::read(&path).unwrap(), fs::read(&names[2]).unwrap()), (b"4".to_vec(), b"3".to_vec()));
    }

    #[test]
    fn a_file_that_changed_meanwhile_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("i");
        fs::write(&path, "theirs").unwrap();
        assert!(write(&path, Some(b"ours"), b"new").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn mode_and_link_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&path, "a").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        write(&link, Some(b"a"), b"b").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o664);
        assert_eq!(fs::read(&path).unwrap(), b"b");
    }
}
