//! Paths of builds: relative to a folder, cleaned without looking at the disk.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::NamedRef;
use crate::gopath;

/// `path` below `folder`, without `.` and with `..` resolved by name, as Go's `filepath.Join` does.
pub fn join(folder: &Path, path: &str) -> PathBuf {
    if path.starts_with('/') {
        return clean(Path::new(path));
    }
    let parts = [folder.as_os_str().as_bytes(), path.as_bytes()];
    let joined = gopath::join(&parts);
    from_bytes(if joined.is_empty() { b"." } else { &joined })
}

/// `path` without `.` and with `..` resolved by name.
pub fn clean(path: &Path) -> PathBuf {
    from_bytes(&gopath::clean(path.as_os_str().as_bytes()))
}

/// The folder of a file.
pub fn folder_of(file: &Path) -> PathBuf {
    file.parent().map_or_else(|| PathBuf::from("."), |p| join(p, "."))
}

/// Whether a cleaned path lies in a cleaned folder, by name.
pub fn is_within(path: &Path, folder: &Path) -> bool {
    if folder == Path::new(".") {
        return path.is_relative() && !path.starts_with("..");
    }
    let ups = |p: &Path| p.components().take_while(|c| c.as_os_str() == "..").count();
    if folder.components().all(|c| c.as_os_str() == "..") && path.is_relative() {
        return ups(path) <= ups(folder);
    }
    path.starts_with(folder)
}

fn from_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// True for what `docker build` takes as a remote context.
pub fn is_url(text: &str) -> bool {
    ["http://", "https://", "git://", "ssh://", "git@", "github.com/"].iter().any(|p| text.starts_with(p))
}

/// What the value of a named context is, as `--build-context` takes it.
pub fn named(value: &str) -> NamedRef {
    if let Some(rest) = value.strip_prefix("oci-layout://") {
        return NamedRef::OciLayout(rest.to_owned());
    }
    if let Some(rest) = value.strip_prefix("docker-image://") {
        return NamedRef::DockerImage(rest.to_owned());
    }
    if let Some(rest) = value.strip_prefix("target:") {
        return NamedRef::Target(rest.to_owned());
    }
    if is_url(value) {
        return NamedRef::Remote(value.to_owned());
    }
    NamedRef::Folder(PathBuf::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_by_name() {
        assert_eq!(join(Path::new("a/b"), "../c/./d"), Path::new("a/c/d"));
        assert_eq!(join(Path::new(""), "."), Path::new("."));
        assert_eq!(join(Path::new("."), "../x"), Path::new("../x"));
        assert_eq!(join(Path::new("a"), "/x/../y"), Path::new("/y"));
        assert_eq!(folder_of(Path::new("compose.yaml")), Path::new("."));
    }

    #[test]
    fn a_folder_holds_what_lies_below_it() {
        for (path, folder, within) in [
            ("a/b", ".", true),
            ("../b", ".", false),
            ("/b", ".", false),
            ("p/x", "p", true),
            ("px", "p", false),
            ("../b", "..", true),
            ("b", "..", true),
            ("../../b", "..", false),
            ("/r/p/x", "/r", true),
        ] {
            assert_eq!(is_within(Path::new(path), Path::new(folder)), within, "{path} in {folder}");
        }
    }
}
