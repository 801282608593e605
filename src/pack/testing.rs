//! Listings for the tests of this room: any type of entry, contents as files on disk or as streams.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use super::{Options, Sink, Summary, write};
use crate::entry::{ContextPath, Entry, Extra, FileType, Source, Stat};
use crate::observer::Silent;

/// A listing with contents.
#[derive(Default)]
pub struct Tree {
    entries: Vec<Entry>,
    contents: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Where contents are as files, named by their place in the listing.
    folder: Option<tempfile::TempDir>,
}

pub fn path(bytes: &[u8]) -> ContextPath {
    ContextPath::new(bytes).unwrap()
}

/// Content in which swapped or shifted parts show.
pub fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| ((i * 7 + i / 251 * 3 + length) % 256) as u8).collect()
}

pub fn entry(name: &[u8], file_type: FileType, mode: u16) -> Entry {
    let stat = Stat { file_type, mode, uid: 0, gid: 0, size: 0, mtime_ns: 1_500_000_000, extra: None };
    Entry { path: path(name), stat, hardlink: None }
}

impl Tree {
    pub fn put(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self.entries.sort_by(|a, b| a.path.cmp(&b.path));
        self
    }

    pub fn dir(self, name: &[u8]) -> Self {
        self.put(entry(name, FileType::Dir, 0o755))
    }

    pub fn file(mut self, name: &[u8], content: &[u8]) -> Self {
        self.contents.insert(name.to_vec(), content.to_vec());
        let mut file = entry(name, FileType::File, 0o644);
        file.stat.size = content.len() as u64;
        self.put(file)
    }

    pub fn special(self, name: &[u8], file_type: FileType, extra: Extra) -> Self {
        let mut entry = entry(name, file_type, 0o777);
        entry.stat.size = extra.linkname.len() as u64;
        entry.stat.extra = Some(Box::new(extra));
        self.put(entry)
    }

    pub fn link(self, name: &[u8], target: &[u8]) -> Self {
        self.special(name, FileType::Symlink, Extra { linkname: target.to_vec(), ..Extra::default() })
    }

    pub fn hard(mut self, name: &[u8], first: &[u8]) -> Self {
        self.contents.insert(name.to_vec(), self.contents[first].clone());
        let mut entry = self.entries.iter().find(|e| e.path.as_bytes() == first).unwrap().clone();
        (entry.path, entry.hardlink) = (path(name), Some(path(first)));
        self.put(entry)
    }

    pub fn change(mut self, name: &[u8], change: impl FnOnce(&mut Entry)) -> Self {
        change(self.entries.iter_mut().find(|e| e.path.as_bytes() == name).unwrap());
        self
    }

    /// Puts contents on disk. Listed sizes stay as they are.
    pub fn on_disk(mut self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (i, entry) in self.entries.iter().enumerate() {
            if let Some(content) = self.contents.get(entry.path.as_bytes()) {
                std::fs::write(folder.path().join(i.to_string()), content).unwrap();
            }
        }
        self.folder = Some(folder);
        self
    }

    /// Where a content is on disk.
    pub fn at(&self, name: &[u8]) -> PathBuf {
        let i = self.entries.iter().position(|e| e.path.as_bytes() == name).unwrap();
        self.folder.as_ref().unwrap().path().join(i.to_string())
    }

    /// Gives a file other content than the listing says.
    pub fn now(mut self, name: &[u8], content: &[u8]) -> Self {
        self.contents.insert(name.to_vec(), content.to_vec());
        self
    }

    pub fn content(&self, name: &[u8]) -> &[u8] {
        &self.contents[name]
    }

    /// The archive, and what is said about it.
    pub fn pack(&self, options: &Options<'_>) -> (Vec<u8>, Summary) {
        let mut out = Vec::new();
        let summary = write(self, options, Sink::Writer(&mut out), &Silent).unwrap();
        (out, summary)
    }

    /// Why there is no archive.
    pub fn fails(&self, options: &Options<'_>) -> super::PackError {
        write(self, options, Sink::Writer(&mut io::sink()), &Silent).unwrap_err()
    }
}

impl Source for Tree {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn open(&self, entry: &Entry) -> io::Result<Box<dyn Read + Send + '_>> {
        let content = self.contents.get(entry.path.as_bytes()).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Slow(content)))
    }

    fn file(&self, entry: &Entry) -> io::Result<Option<File>> {
        self.folder.as_ref().map(|_| File::open(self.at(entry.path.as_bytes()))).transpose()
    }
}

/// A stream that never gives all that is asked for.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(buf.len() / 2 + 1).min(10_007);
        self.0.read(&mut buf[..n])
    }
}

/// A tree with one of everything.
pub fn everything() -> Tree {
    let xattrs = vec![(b"user.a".to_vec(), b"1\n2\0=".to_vec()), (b"user.b=c%25".to_vec(), vec![0xff])];
    Tree::default()
        .dir(b"d")
        .file(b"d/empty", b"")
        .file(b"d/file", b"content\n")
        .file(b"d-", b"before or after?")
        .hard(b"d/hard", b"d/file")
        .link(b"d/link", b"file")
        .link(b"d/far", &[b'f'; 150])
        .dir(&[b'l'; 120])
        .file(&[&[b'l'; 120][..], b"/", &[b'm'; 130]].concat(), b"deep")
        .file("ä/ö".as_bytes(), b"umlauts")
        .dir("ä".as_bytes())
        .file(b"\xff\xfe", b"no text")
        .special(b"pipe", FileType::Fifo, Extra::default())
        .special(
            b"char",
            FileType::CharDevice,
            Extra { devmajor: 4, devminor: 1_048_575, ..Extra::default() },
        )
        .special(b"block", FileType::BlockDevice, Extra { devmajor: 259, devminor: 7, ..Extra::default() })
        .special(b"socket", FileType::Socket, Extra::default())
        .file(b"attributes", b"x")
        .change(b"attributes", |e| e.stat.extra = Some(Box::new(Extra { xattrs, ..Extra::default() })))
        .change(b"d/file", |e| e.stat.mode = 0o6751)
        .change(b"d", |e| e.stat.mode = 0o1777)
}
