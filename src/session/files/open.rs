//! Opening listed files below a root, so that no link that was put there since leads elsewhere.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// A folder below which files are opened.
#[derive(Debug)]
pub(super) struct Root {
    folder: OwnedFd,
}

impl Root {
    /// The folder at `path`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { folder: rustix::fs::open(path, flags, Mode::empty())? })
    }

    /// Opens a file by its clean relative path. Neither its last component nor one above it may be a link; a pipe isn't waited for.
    pub(super) fn file(&self, path: &[u8]) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match beneath(&self.folder, path, flags) {
            // An old kernel, or a sandbox that doesn't know the call.
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => Ok(self.step_by_step(path, flags)?.into()),
            opened => Ok(opened?.into()),
        }
    }

    fn step_by_step(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut components = path.split(|b| *b == b'/');
        let name = components.next_back().unwrap_or(path);
        let through = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut folder: Option<OwnedFd> = None;
        for component in components {
            let above = folder.as_ref().map_or(self.folder.as_fd(), AsFd::as_fd);
            folder = Some(rustix::fs::openat(above, component, through, Mode::empty())?);
        }
        rustix::fs::openat(
            folder.as_ref().map_or(self.folder.as_fd(), AsFd::as_fd),
            name,
            flags,
            Mode::empty(),
        )
    }
}

#[cfg(target_os = "linux")]
fn beneath(root: &OwnedFd, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    rustix::fs::openat2(root, path, flags, Mode::empty(), resolve)
}

#[cfg(not(target_os = "linux"))]
fn beneath(_: &OwnedFd, _: &[u8], _: OFlags) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    /// Both ways of opening.
    fn read(root: &Root, path: &str) -> Result<String, [Option<i32>; 2]> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let ways = [
            root.file(path.as_bytes()),
            root.step_by_step(path.as_bytes(), flags).map(File::from).map_err(Into::into),
        ];
        let texts = ways.map(|way| {
            let mut text = String::new();
            way.and_then(|mut file| file.read_to_string(&mut text))
                .map(|_| text)
                .map_err(|e| e.raw_os_error())
        });
        match texts {
            [Ok(a), Ok(b)] if a == b => Ok(a),
            [Err(a), Err(b)] => Err([a, b]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn files_are_opened_at_any_depth_and_links_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("in/deep")).unwrap();
        fs::write(at("secret"), "secret").unwrap();
        fs::write(at("in/f"), "f").unwrap();
        fs::write(at("in/deep/g"), "g").unwrap();
        symlink("../secret", at("in/last")).unwrap();
        symlink("..", at("in/up")).unwrap();
        symlink("deep", at("in/inner")).unwrap();
        let root = Root::open(&at("in")).unwrap();
        assert_eq!((read(&root, "f"), read(&root, "deep/g")), (Ok("f".into()), Ok("g".into())));
        for link in ["last", "up/secret", "inner/g", "nope", "f/x"] {
            assert!(read(&root, link).is_err(), "{link}");
        }
    }
}
