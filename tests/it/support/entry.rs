//! One entry of a recorded context, and how it is put on disk.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde::Deserialize;
use sha2::Digest as _;

/// An entry as `fixtures/buildkit/README.md` describes it.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub path: Option<String>,
    pub path_b64: Option<String>,
    #[serde(rename = "type")]
    pub kind: String,
    pub mode: Option<String>,
    pub content: Option<String>,
    pub content_b64: Option<String>,
    pub repeat: Option<Repeat>,
    pub random: Option<Random>,
    pub linkname: Option<String>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    #[serde(default)]
    pub xattrs: BTreeMap<String, String>,
    pub mtime: Option<i128>,
}

/// A text repeated and cut to `size` bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    pub text: String,
    pub size: usize,
}

/// Bytes that a seed decides.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Random {
    pub seed: serde_json::Value,
    pub size: usize,
}

/// Decodes base64.
pub fn unbase64(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).expect("a recorded base64 text")
}

/// SHA-256 of `"SEED:0"`, `"SEED:1"`, … concatenated and cut to `size` bytes.
pub fn seeded(seed: &str, size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(size + 32);
    for n in 0.. {
        if out.len() >= size {
            break;
        }
        out.extend_from_slice(&sha2::Sha256::digest(format!("{seed}:{n}")));
    }
    out.truncate(size);
    out
}

/// The bytes that the content fields stand for.
pub fn content_of(
    content: Option<&String>,
    content_b64: Option<&String>,
    repeat: Option<&Repeat>,
    random: Option<&Random>,
) -> Vec<u8> {
    if let Some(text) = content {
        return text.clone().into_bytes();
    }
    if let Some(text) = content_b64 {
        return unbase64(text);
    }
    if let Some(r) = repeat {
        return r.text.bytes().cycle().take(r.size).collect();
    }
    if let Some(r) = random {
        let seed = r.seed.as_str().map_or_else(|| r.seed.to_string(), str::to_owned);
        return seeded(&seed, r.size);
    }
    Vec::new()
}

impl Entry {
    /// A regular file with this text.
    pub fn text(path: &str, mode: &str, text: &str) -> Self {
        Self {
            path: Some(path.into()),
            kind: "file".into(),
            mode: Some(mode.into()),
            content: Some(text.into()),
            ..Self::default()
        }
    }

    /// The path's bytes, relative to the context.
    pub fn path_bytes(&self) -> Vec<u8> {
        match (&self.path, &self.path_b64) {
            (Some(p), None) => p.clone().into_bytes(),
            (None, Some(b)) => unbase64(b),
            other => panic!("an entry has one path, not {other:?}"),
        }
    }

    /// Where the entry is below `root`.
    pub fn on_disk(&self, root: &Path) -> PathBuf {
        root.join(OsStr::from_bytes(&self.path_bytes()))
    }

    /// Writes the entry below `root`; folders get their mode later, in [`finish_dirs`].
    pub fn put(&self, root: &Path) {
        let path = self.on_disk(root);
        make_parents(&path);
        if self.kind == "dir" {
            if !path.is_dir() {
                fs::create_dir(&path).expect("making a folder of the case");
            }
            return set_mode(&path, 0o755);
        }
        unlink(&path);
        self.make(root, &path);
        if self.kind != "hardlink" {
            self.set_metadata(&path);
        }
    }

    fn make(&self, root: &Path, path: &Path) {
        let linkname = || self.linkname.as_deref().expect("a link has a linkname");
        match self.kind.as_str() {
            "file" => {
                let data = content_of(
                    self.content.as_ref(),
                    self.content_b64.as_ref(),
                    self.repeat.as_ref(),
                    self.random.as_ref(),
                );
                fs::write(path, data).expect("writing a file of the case");
            }
            "symlink" => std::os::unix::fs::symlink(linkname(), path).expect("making a link of the case"),
            "hardlink" => fs::hard_link(root.join(linkname()), path).expect("making a hard link of the case"),
            "fifo" => make_fifo(path),
            "socket" => make_socket(path),
            other => panic!("unknown type of entry: {other}"),
        }
    }

    fn set_metadata(&self, path: &Path) {
        if self.uid.is_some() || self.gid.is_some() {
            std::os::unix::fs::lchown(path, Some(self.uid.unwrap_or(0)), Some(self.gid.unwrap_or(0)))
                .expect("setting an owner of the case");
        }
        if self.kind != "symlink" {
            let mode = self.mode.as_ref().expect("everything but links has a mode");
            set_mode(path, parse_mode(mode));
        }
        for (name, value) in &self.xattrs {
            set_xattr(path, name, &unbase64(value));
        }
        if let Some(ns) = self.mtime {
            set_mtime(path, ns);
        }
    }
}

/// Sets owners, xattrs and modes of the folders among `entries`, deepest first.
pub fn finish_dirs<'a>(root: &Path, entries: impl IntoIterator<Item = &'a Entry>) {
    let mut dirs: Vec<_> = entries.into_iter().filter(|e| e.kind == "dir").collect();
    dirs.sort_by_key(|e| std::cmp::Reverse(e.path_bytes().iter().filter(|b| **b == b'/').count()));
    for dir in dirs {
        dir.set_metadata(&dir.on_disk(root));
    }
}

/// `"0644"` → 0o644.
pub fn parse_mode(text: &str) -> u32 {
    u32::from_str_radix(text, 8).unwrap_or_else(|e| panic!("mode {text:?}: {e}"))
}

/// chmod, whatever the umask.
pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .unwrap_or_else(|e| panic!("chmod {mode:o} {}: {e}", path.display()));
}

/// Makes what is missing above `path`, with mode 0755.
pub fn make_parents(path: &Path) {
    let parent = path.parent().expect("a path below a root");
    if fs::symlink_metadata(parent).is_ok() {
        return;
    }
    make_parents(parent);
    fs::DirBuilder::new().mode(0o755).create(parent).expect("making a parent folder");
    set_mode(parent, 0o755);
}

/// Takes away what is at `path`, if anything.
pub fn unlink(path: &Path) {
    match fs::symlink_metadata(path) {
        Err(_) => {}
        Ok(m) if m.is_dir() => fs::remove_dir_all(path).expect("removing a folder"),
        Ok(_) => fs::remove_file(path).expect("removing a file"),
    }
}

/// mkfifo.
pub fn make_fifo(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).expect("making a fifo");
}

/// Binds a socket and leaves it behind. Goes through the folder's descriptor, because a socket's path must be short.
pub fn make_socket(path: &Path) {
    use std::os::fd::AsRawFd;
    let dir = fs::File::open(path.parent().expect("a parent")).expect("opening the socket's folder");
    let mut short = PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd()));
    short.push(path.file_name().expect("a name"));
    std::os::unix::net::UnixListener::bind(short).expect("binding a socket");
}

/// Sets an extended attribute, links not followed.
pub fn set_xattr(path: &Path, name: &str, value: &[u8]) {
    rustix::fs::lsetxattr(path, name, value, rustix::fs::XattrFlags::empty())
        .unwrap_or_else(|e| panic!("setxattr {name} {}: {e}", path.display()));
}

/// Sets mtime and atime to nanoseconds since 1970, links not followed.
pub fn set_mtime(path: &Path, ns: i128) {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
    let time = Timespec {
        tv_sec: i64::try_from(ns.div_euclid(1_000_000_000)).expect("a time within i64 seconds"),
        tv_nsec: i64::try_from(ns.rem_euclid(1_000_000_000)).expect("below a second"),
    };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("setting a time");
}
