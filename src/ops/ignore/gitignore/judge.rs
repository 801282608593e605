//! What git ignores of a listing, as the crate `ignore` has it.

use ::ignore::Match;
use ::ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::entry::Entry;

/// A `.gitignore` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path as it is spoken of.
    pub name: Vec<u8>,
    /// Where it lies.
    pub place: Place,
    /// Its lines without their ends.
    pub lines: Vec<String>,
}

/// Where a `.gitignore` file lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In this folder of the context; empty for its top.
    Below(Vec<u8>),
    /// Above the context, which lies at this path below the file's folder.
    Above(Vec<u8>),
}

/// Which line of which file makes git ignore an entry, as places in the lists.
pub type By = (usize, usize);

/// Everything that git ignores.
pub struct Judge<'f> {
    files: &'f [File],
    matchers: Vec<(Gitignore, Vec<usize>)>,
}

/// A folder on the way to an entry.
struct Open {
    at: usize,
    /// It is ignored, and so is all that it holds.
    ignored: Option<By>,
    /// The file in it.
    file: Option<usize>,
}

impl<'f> Judge<'f> {
    /// Of files from the outermost to the innermost.
    pub fn of(files: &'f [File]) -> Self {
        Self { files, matchers: files.iter().map(matcher).collect() }
    }

    /// For each entry of a listing the line that makes git ignore it, or a folder above it.
    pub fn ignored(&self, entries: &[Entry]) -> Vec<Option<By>> {
        let mut open: Vec<Open> = Vec::new();
        let mut out = Vec::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            while open.last().is_some_and(|f| !entry.path.is_below(entries[f.at].path.as_bytes())) {
                open.pop();
            }
            let path = entry.path.as_bytes();
            let inherited = open.last().and_then(|f| f.ignored);
            let ignored = inherited.or_else(|| {
                let inner = open.iter().rev().filter_map(|f| f.file);
                let outer = self.outer().rev();
                inner.chain(outer).find_map(|file| self.decide(file, path, entry.stat.is_dir())).flatten()
            });
            if entry.stat.is_dir() {
                let file = self.files.iter().position(|f| matches!(&f.place, Place::Below(p) if p == path));
                open.push(Open { at, ignored, file });
            }
            out.push(ignored);
        }
        out
    }

    /// The files at the top and above it, from the outermost on.
    fn outer(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        let is = |i: &usize| match &self.files[*i].place {
            Place::Above(_) => true,
            Place::Below(folder) => folder.is_empty(),
        };
        (0..self.files.len()).filter(is)
    }

    /// What one file says of a path: `Some(None)` that it is not ignored.
    fn decide(&self, file: usize, path: &[u8], is_dir: bool) -> Option<Option<By>> {
        use std::os::unix::ffi::OsStrExt as _;
        let relative = match &self.files[file].place {
            Place::Below(folder) if folder.is_empty() => path.to_vec(),
            Place::Below(folder) => path[folder.len() + 1..].to_vec(),
            Place::Above(way) => [way, &b"/"[..], path].concat(),
        };
        let (matcher, lines) = &self.matchers[file];
        match matcher.matched(std::ffi::OsStr::from_bytes(&relative), is_dir) {
            Match::None => None,
            Match::Whitelist(_) => Some(None),
            Match::Ignore(glob) => {
                let line = lines.iter().find(|l| trim(&self.files[file].lines[**l]) == trim(glob.original()));
                Some(Some((file, line.copied().unwrap_or(0))))
            }
        }
    }

    /// The line with which a file above makes git ignore the context itself, or a folder on the way to it.
    pub fn context_is_ignored(&self, file: usize) -> bool {
        let Place::Above(way) = &self.files[file].place else { return false };
        use std::os::unix::ffi::OsStrExt as _;
        let way = std::path::Path::new(std::ffi::OsStr::from_bytes(way));
        let mut folders = way.ancestors().filter(|f| !f.as_os_str().is_empty());
        folders.any(|folder| self.matchers[file].0.matched(folder, true).is_ignore())
    }
}

fn trim(line: &str) -> &str {
    line.trim_end_matches(['\r', ' '])
}

/// The crate's matcher of a file, and which of the lines it took.
fn matcher(file: &File) -> (Gitignore, Vec<usize>) {
    // Paths are given relative to the file's folder; the root only tells which prefix to take off.
    let mut builder = GitignoreBuilder::new("/");
    let mut taken = Vec::new();
    for (at, line) in file.lines.iter().enumerate() {
        if builder.add_line(None, line.strip_suffix('\r').unwrap_or(line)).is_ok() {
            taken.push(at);
        }
    }
    (builder.build().unwrap_or_else(|_| Gitignore::empty()), taken)
}
