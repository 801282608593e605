//! An archive by whomever, compared with a listing.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::sync::atomic::Ordering;

use super::archive::{Archive, Kind, Member};
use super::{Options, VerifyError};
use crate::entry::{ContextPath, Entry, FileType, Source};

/// Bytes that are compared at once.
const BUFFER: usize = 256 * 1024;

/// A difference between a listing and an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where: a path of the listing, or a name that only the archive has.
    pub path: Vec<u8>,
    /// What differs.
    pub what: What,
}

/// What differs; of two values the first is the listing's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// The archive doesn't have it.
    Missing,
    /// The listing doesn't have it.
    Extra,
    /// The archive has it more than once.
    Repeated,
    /// Its type, in words.
    Type(&'static str, &'static str),
    /// Its mode.
    Mode(u16, u16),
    /// Owner and group in the archive, which aren't 0.
    Owner(u64, u64),
    /// The target of a symbolic link.
    Target(Vec<u8>, Vec<u8>),
    /// Of which other entry it is a further name, if it is one.
    HardLink(Option<ContextPath>, Option<ContextPath>),
    /// Its size in bytes.
    Size(u64, u64),
    /// Its content, from this byte on.
    Content(u64),
    /// A device's numbers.
    Device((u64, u64), (u64, u64)),
    /// Extended attributes: the names of those that differ or that only one has.
    Xattrs(Vec<Vec<u8>>),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", String::from_utf8_lossy(&self.path), self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let link = |first: &Option<ContextPath>| {
            first.as_ref().map_or("a file of its own".to_owned(), |first| format!("a hard link to {first}"))
        };
        match self {
            Self::Missing => f.write_str("not in the archive"),
            Self::Extra => f.write_str("only in the archive"),
            Self::Repeated => f.write_str("more than once in the archive"),
            Self::Type(here, there) => write!(f, "{here}, in the archive {there}"),
            Self::Mode(here, there) => write!(f, "mode {here:04o}, in the archive {there:04o}"),
            Self::Owner(uid, gid) => write!(f, "owner 0:0, in the archive {uid}:{gid}"),
            Self::Target(here, there) => {
                write!(f, "a link to {:?}, in the archive to {:?}", text(here), text(there))
            }
            Self::HardLink(here, there) => write!(f, "{}, in the archive {}", link(here), link(there)),
            Self::Size(here, there) => write!(f, "{here} bytes, in the archive {there}"),
            Self::Content(at) => write!(f, "other content from byte {at} on"),
            Self::Device(here, there) => {
                write!(f, "device {}:{}, in the archive {}:{}", here.0, here.1, there.0, there.1)
            }
            Self::Xattrs(names) => {
                let names: Vec<String> = names.iter().map(|name| text(name)).collect();
                write!(f, "other extended attributes: {}", names.join(", "))
            }
        }
    }
}

/// Compares an archive (plain, gzip or Zstandard) with a listing: names, types, modes, owners, link targets, hard links, sizes,
/// contents, device numbers and extended attributes. Times are not compared: no digest of a build knows them. Of the
/// options only `modes` and `cancel` count. The differences come in the order of the listing.
///
/// # Errors
/// [`VerifyError`] for what is no archive, and for files that can't be read.
pub fn verify(
    source: &dyn Source,
    archive: &mut dyn Read,
    options: &Options<'_>,
) -> Result<Vec<Difference>, VerifyError> {
    let mut archive = Archive::new(archive)?;
    let first = vec![None; source.entries().len()];
    let mut comparison = Comparison { source, options, first, found: Vec::new() };
    while let Some(member) = archive.next()? {
        if options.cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Err(VerifyError::Cancelled);
        }
        comparison.member(&member, &mut archive)?;
    }
    comparison.missing();
    comparison.hard_links();
    let mut found = comparison.found;
    found.sort_by(|a, b| ContextPath::compare(&a.path, &b.path));
    Ok(found)
}

struct Comparison<'a> {
    source: &'a dyn Source,
    options: &'a Options<'a>,
    /// For each entry that the archive has: which entry's content is its own there. That is another one's for a hard link.
    first: Vec<Option<usize>>,
    found: Vec<Difference>,
}

impl Comparison<'_> {
    fn tell(&mut self, path: &[u8], what: What) {
        self.found.push(Difference { path: path.to_vec(), what });
    }

    fn position(&self, name: &[u8]) -> Option<usize> {
        let name = clean(name);
        self.source.entries().binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), name)).ok()
    }

    fn member(&mut self, member: &Member, archive: &mut Archive<'_>) -> Result<(), VerifyError> {
        if matches!(clean(&member.name), b"" | b".") {
            return Ok(());
        }
        let Some(at) = self.position(&member.name) else {
            self.tell(clean(&member.name), What::Extra);
            return Ok(());
        };
        let source = self.source;
        let entry = &source.entries()[at];
        if self.first[at].is_some() {
            self.tell(entry.path.as_bytes(), What::Repeated);
        }
        let target = match member.kind {
            Kind::Link => self.position(&member.link).and_then(|target| self.first[target]),
            _ => Some(at),
        };
        self.first[at] = Some(target.unwrap_or(at));
        let kind = match (member.kind, target) {
            (Kind::Link, None) => "a hard link to what isn't there",
            (Kind::Link, Some(first)) => words(&source.entries()[first]),
            _ => kind_words(member.kind),
        };
        if kind != words(entry) {
            self.tell(entry.path.as_bytes(), What::Type(words(entry), kind));
            return Ok(());
        }
        self.stat(entry, member);
        if member.kind == Kind::File { self.content(entry, member, archive) } else { Ok(()) }
    }

    fn stat(&mut self, entry: &Entry, member: &Member) {
        let path = entry.path.as_bytes();
        let mode = self.options.modes.map_or(entry.stat.mode, |mode| mode(entry)) & 0o7777;
        if mode != member.mode && member.kind != Kind::Symlink {
            self.tell(path, What::Mode(mode, member.mode));
        }
        if member.owner != (0, 0) {
            self.tell(path, What::Owner(member.owner.0, member.owner.1));
        }
        if member.kind == Kind::Symlink && entry.stat.linkname() != member.link {
            self.tell(path, What::Target(entry.stat.linkname().to_vec(), member.link.clone()));
        }
        if entry.stat.device() != member.device && member.kind != Kind::Link {
            self.tell(path, What::Device(entry.stat.device(), member.device));
        }
        let xattrs =
            if member.kind == Kind::Link { Vec::new() } else { other(entry.stat.xattrs(), &member.xattrs) };
        if !xattrs.is_empty() {
            self.tell(path, What::Xattrs(xattrs));
        }
    }

    fn content(
        &mut self,
        entry: &Entry,
        member: &Member,
        archive: &mut Archive<'_>,
    ) -> Result<(), VerifyError> {
        let listed = if entry.stat.file_type == FileType::File { entry.stat.size } else { 0 };
        if listed != member.size {
            self.tell(entry.path.as_bytes(), What::Size(listed, member.size));
            return Ok(());
        }
        if listed == 0 {
            return Ok(());
        }
        let failed = |source| VerifyError::Read { path: entry.path.clone(), source };
        let mut stream = self.source.open(entry).map_err(failed)?;
        let (mut here, mut there) = (vec![0; BUFFER], vec![0; BUFFER]);
        let mut at = 0;
        loop {
            let n = archive.read(&mut there)?;
            let m = fill(&mut stream, &mut here[..n]).map_err(failed)?;
            if here[..m] != there[..n] {
                let same = here[..m].iter().zip(&there[..n]).take_while(|(a, b)| a == b).count();
                self.tell(entry.path.as_bytes(), What::Content(at + same as u64));
                return Ok(());
            }
            if n == 0 {
                return Ok(());
            }
            at += n as u64;
        }
    }

    fn missing(&mut self) {
        for (at, entry) in self.source.entries().iter().enumerate() {
            if self.first[at].is_none() {
                self.found.push(Difference { path: entry.path.as_bytes().to_vec(), what: What::Missing });
            }
        }
    }

    /// Which names are one file must be the same; which of them comes first is the packer's choice.
    fn hard_links(&mut self) {
        let source = self.source;
        let entries = source.entries();
        let listed = |at: usize| {
            entries[at].hardlink.as_ref().and_then(|first| self.position(first.as_bytes())).unwrap_or(at)
        };
        let mut found = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let Some(first) = self.first[at] else { continue };
            let here = listed(at);
            let joined = self.first[here].is_none_or(|of_first| of_first == first);
            if !joined || listed(first) != here {
                let there = (first != at).then(|| entries[first].path.clone());
                let what = What::HardLink(entry.hardlink.clone(), there);
                found.push(Difference { path: entry.path.as_bytes().to_vec(), what });
            }
        }
        self.found.extend(found);
    }
}

/// A name without `./` in front and slashes around.
fn clean(mut name: &[u8]) -> &[u8] {
    while let Some(rest) = name.strip_prefix(b"./").or_else(|| name.strip_prefix(b"/")) {
        name = rest;
    }
    while let Some(rest) = name.strip_suffix(b"/") {
        name = rest;
    }
    name
}

/// The names of attributes that aren't the same on both sides; both are sorted.
fn other(here: &[(Vec<u8>, Vec<u8>)], there: &[(Vec<u8>, Vec<u8>)]) -> Vec<Vec<u8>> {
    let lacks = |side: &[(Vec<u8>, Vec<u8>)], one: &(Vec<u8>, Vec<u8>)| !side.contains(one);
    let here_only = here.iter().filter(|one| lacks(there, one));
    let there_only = there.iter().filter(|one| lacks(here, one));
    let mut names: Vec<Vec<u8>> = here_only.chain(there_only).map(|(name, _)| name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

/// What an entry is in an archive: a socket is an empty file there.
fn words(entry: &Entry) -> &'static str {
    kind_words(match entry.stat.file_type {
        FileType::File | FileType::Socket => Kind::File,
        FileType::Dir => Kind::Dir,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Fifo,
        FileType::CharDevice => Kind::CharDevice,
        FileType::BlockDevice => Kind::BlockDevice,
    })
}

fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "a regular file",
        Kind::Link => "a hard link",
        Kind::Symlink => "a symbolic link",
        Kind::CharDevice => "a character device",
        Kind::BlockDevice => "a block device",
        Kind::Dir => "a directory",
        Kind::Fifo => "a pipe",
    }
}

fn fill(stream: &mut dyn Read, out: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < out.len() {
        match stream.read(&mut out[done..]) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}
