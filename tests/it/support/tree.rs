//! Trees as text, because git keeps neither empty folders, owners, times, fifos nor hard links.
//!
//! ```text
//! dir   app          0755
//! file  app/main.rs  0644  "fn main() {}"
//! link  app/current  -> main.rs
//! hard  app/copy     =  app/main.rs
//! fifo  app/pipe     0600
//! sock  app/socket   0755
//! ```
//! One line an entry, parents made with 0755. A word may be quoted, with `\"`, `\\`, `\n`, `\t` and `\xNN` in it; a file's
//! content may be repeated (`"ab" * 1000`); an entry may end in `@ UID:GID`, which counts for root alone.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{entry, machine};

/// A tree, in the order in which it is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    pub lines: Vec<Line>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Relative, in bytes.
    pub path: Vec<u8>,
    pub kind: Kind,
    pub owner: Option<(u32, u32)>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Dir { mode: u32 },
    File { mode: u32, unit: Vec<u8>, times: usize },
    Link { target: Vec<u8> },
    Hard { first: Vec<u8> },
    Fifo { mode: u32 },
    Sock { mode: u32 },
}

/// A folder with the tree in it, gone when dropped.
pub fn on_disk(text: &str) -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("stowaway-tree-").tempdir().expect("a temporary folder");
    entry::set_mode(dir.path(), 0o755);
    Tree::parse(text).write(dir.path());
    dir
}

impl Tree {
    /// Reads the notation; panics with the line on a mistake.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        Self { lines: lines.map(parse_line).collect() }
    }

    /// Makes the tree below `root`. Modes of folders come last, deepest first, so that a folder without `w` can be filled.
    pub fn write(&self, root: &Path) {
        for line in &self.lines {
            line.make(root);
        }
        let mut dirs: Vec<_> = self.lines.iter().filter(|l| matches!(l.kind, Kind::Dir { .. })).collect();
        dirs.sort_by_key(|l| std::cmp::Reverse(l.path.iter().filter(|b| **b == b'/').count()));
        for line in dirs {
            line.finish(&root.join(OsStr::from_bytes(&line.path)));
        }
    }
}

impl Line {
    fn make(&self, root: &Path) {
        let path = root.join(OsStr::from_bytes(&self.path));
        entry::make_parents(&path);
        match &self.kind {
            Kind::Dir { .. } => {
                if !path.is_dir() {
                    fs::create_dir(&path).expect("making a folder");
                }
                return;
            }
            Kind::File { unit, times, .. } => fs::write(&path, unit.repeat(*times)).expect("writing a file"),
            Kind::Link { target } => {
                std::os::unix::fs::symlink(OsStr::from_bytes(target), &path).expect("making a link");
            }
            Kind::Hard { first } => {
                fs::hard_link(root.join(OsStr::from_bytes(first)), &path).expect("making a hard link");
            }
            Kind::Fifo { .. } => entry::make_fifo(&path),
            Kind::Sock { .. } => entry::make_socket(&path),
        }
        self.finish(&path);
    }

    fn finish(&self, path: &Path) {
        if let Some((uid, gid)) = self.owner.filter(|_| machine::is_root()) {
            std::os::unix::fs::lchown(path, Some(uid), Some(gid)).expect("setting an owner");
        }
        match self.kind {
            Kind::Dir { mode } | Kind::File { mode, .. } | Kind::Fifo { mode } | Kind::Sock { mode } => {
                entry::set_mode(path, mode);
            }
            Kind::Link { .. } | Kind::Hard { .. } => {}
        }
    }
}

fn parse_line(line: &str) -> Line {
    let words = words(line);
    let (mut rest, owner) = match words.as_slice() {
        [rest @ .., at, owner] if at == b"@" => (rest.to_vec(), Some(parse_owner(owner))),
        all => (all.to_vec(), None),
    };
    assert!(rest.len() >= 2, "a line of a tree: {line:?}");
    let path = rest.remove(1);
    let text: Vec<&[u8]> = rest.iter().map(Vec::as_slice).collect();
    let kind = match text.as_slice() {
        [b"dir"] => Kind::Dir { mode: 0o755 },
        [b"dir", m] => Kind::Dir { mode: mode(m) },
        [b"file"] => Kind::File { mode: 0o644, unit: Vec::new(), times: 1 },
        [b"file", m] => Kind::File { mode: mode(m), unit: Vec::new(), times: 1 },
        [b"file", m, unit] => Kind::File { mode: mode(m), unit: unit.to_vec(), times: 1 },
        [b"file", m, unit, b"*", n] => Kind::File { mode: mode(m), unit: unit.to_vec(), times: number(n) },
        [b"link", b"->", target] => Kind::Link { target: target.to_vec() },
        [b"hard", b"=", first] => Kind::Hard { first: first.to_vec() },
        [b"fifo", m] => Kind::Fifo { mode: mode(m) },
        [b"sock", m] => Kind::Sock { mode: mode(m) },
        _ => panic!("a line of a tree: {line:?}"),
    };
    Line { path, kind, owner }
}

fn utf8(word: &[u8]) -> &str {
    std::str::from_utf8(word).expect("UTF-8 where a number is wanted")
}

fn mode(word: &[u8]) -> u32 {
    entry::parse_mode(utf8(word))
}

fn number(word: &[u8]) -> usize {
    utf8(word).parse().expect("a number")
}

fn parse_owner(word: &[u8]) -> (u32, u32) {
    let (uid, gid) = utf8(word).split_once(':').expect("UID:GID");
    (uid.parse().expect("a user id"), gid.parse().expect("a group id"))
}

/// Splits a line into words, quotes resolved.
fn words(line: &str) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = line.bytes().peekable();
    loop {
        while bytes.next_if(u8::is_ascii_whitespace).is_some() {}
        match bytes.peek() {
            None => return out,
            Some(b'"') => {
                bytes.next();
                out.push(quoted(&mut bytes, line));
            }
            Some(_) => {
                let mut word = Vec::new();
                while let Some(b) = bytes.next_if(|b| !b.is_ascii_whitespace()) {
                    word.push(b);
                }
                out.push(word);
            }
        }
    }
}

fn quoted(bytes: &mut impl Iterator<Item = u8>, line: &str) -> Vec<u8> {
    let mut word = Vec::new();
    let mut next = || bytes.next().unwrap_or_else(|| panic!("an open quote: {line:?}"));
    loop {
        match next() {
            b'"' => return word,
            b'\\' => word.push(match next() {
                b'n' => b'\n',
                b't' => b'\t',
                b'x' => {
                    let hex = [next(), next()];
                    u8::from_str_radix(utf8(&hex), 16).expect("two hex digits after \\x")
                }
                other => other,
            }),
            other => word.push(other),
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = word(&self.path, false);
        match &self.kind {
            Kind::Dir { mode } => write!(f, "dir   {path}  {mode:04o}")?,
            Kind::File { mode, unit, times: 1 } => {
                write!(f, "file  {path}  {mode:04o}  {}", word(unit, true))?
            }
            Kind::File { mode, unit, times } => {
                write!(f, "file  {path}  {mode:04o}  {} * {times}", word(unit, true))?;
            }
            Kind::Link { target } => write!(f, "link  {path}  -> {}", word(target, false))?,
            Kind::Hard { first } => write!(f, "hard  {path}  = {}", word(first, false))?,
            Kind::Fifo { mode } => write!(f, "fifo  {path}  {mode:04o}")?,
            Kind::Sock { mode } => write!(f, "sock  {path}  {mode:04o}")?,
        }
        self.owner.map_or(Ok(()), |(uid, gid)| write!(f, "  @ {uid}:{gid}"))
    }
}

/// A word as the notation reads it back.
fn word(bytes: &[u8], always_quoted: bool) -> String {
    let plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'#');
    if !always_quoted && !bytes.is_empty() && bytes.iter().all(plain) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut out = String::from("\"");
    for &b in bytes {
        match b {
            b'"' | b'\\' => out.extend(['\\', char::from(b)]),
            b'\n' => out.push_str("\\n"),
            b' '..=b'~' => out.push(char::from(b)),
            _ => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_reads_back_as_it_was_printed() {
        let text = "dir   app  1755  @ 7:8\nfile  \"app/a b\\xff\"  0644  \"x\\ny\"\nfile  z  4755  \"ab\" * 3\n\
                    link  l  -> ../x\nhard  h  = z\nfifo  p  0600\nsock  s  0755\n";
        let tree = Tree::parse(text);
        assert_eq!(tree.to_string(), text);
        assert_eq!(Tree::parse(&tree.to_string()), tree);
    }

    #[test]
    fn a_tree_is_on_disk_as_it_is_written() {
        use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
        let dir = on_disk(
            "file a/b 0640 \"hi\"\ndir a 0500\nlink l -> a/b\nhard h = a/b\nfifo p 0600\nsock s 0755\n",
        );
        let stat = |p: &str| fs::symlink_metadata(dir.path().join(p)).expect("it is there");
        assert_eq!(stat("a").permissions().mode() & 0o7777, 0o500);
        assert_eq!(stat("a/b").permissions().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_to_string(dir.path().join("h")).expect("content"), "hi");
        assert_eq!(stat("h").ino(), stat("a/b").ino());
        assert!(
            stat("l").is_symlink() && stat("p").file_type().is_fifo() && stat("s").file_type().is_socket()
        );
        entry::set_mode(&dir.path().join("a"), 0o755);
    }
}
