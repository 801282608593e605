//! The blocks in front of an entry's content.

use tar::{EntryType, Header};

use super::{BLOCK, Options, PackError, name, pax};
use crate::entry::{Entry, FileType, Stat};

/// The largest number in an octal field of twelve bytes, of which the last is a NUL.
const OCTAL: u64 = 0o777_7777_7777;
/// The largest number in an octal field of eight bytes.
const SMALL_OCTAL: u64 = 0o777_7777;
/// So much may stand in the records of one entry. The kernel keeps names and attributes far below, and readers that take
/// a whole header into memory (Go's takes a mebibyte) refuse more.
const MAX_RECORDS: usize = 1 << 20;

/// Nanoseconds of a second.
const SECOND: i128 = 1_000_000_000;

/// Bytes of content behind an entry's header: none for what has no content, for a second name of a file, and for a socket,
/// which arrives at an engine as an empty regular file.
pub fn content(entry: &Entry) -> u64 {
    match (entry.stat.file_type, &entry.hardlink) {
        (FileType::File, None) => entry.stat.size,
        _ => 0,
    }
}

/// Zero bytes behind a content of that length.
pub fn padding(content: u64) -> usize {
    ((BLOCK as u64 - content % BLOCK as u64) % BLOCK as u64) as usize
}

/// Appends the header blocks of an entry.
///
/// # Errors
/// [`PackError::Unrepresentable`] for names with a NUL, and records that are too long.
pub fn push(out: &mut Vec<u8>, entry: &Entry, options: &Options<'_>) -> Result<(), PackError> {
    let refuse = |what| PackError::Unrepresentable { path: entry.path.clone(), what };
    let path = path_of(entry);
    let link = link_of(entry);
    if path.contains(&0) || link.contains(&0) {
        return Err(refuse("a NUL in a name"));
    }
    let mut member = Member { header: Header::new_ustar(), records: Vec::new() };
    member.charset(&path, link);
    member.time(options.mtime.of(entry));
    member.name(&path);
    member.link(link);
    member.size(content(entry));
    member.kind(entry, options.modes.map_or(entry.stat.mode, |mode| mode(entry)));
    member.xattrs(entry);
    if member.records.len() > MAX_RECORDS {
        return Err(refuse("so many extended attributes"));
    }
    member.push_onto(out, entry);
    Ok(())
}

/// Appends the header of the top folder if `first`, which follows, has more blocks than its header.
///
/// # Errors
/// As [`push`].
pub fn push_top(out: &mut Vec<u8>, first: &Entry, options: &Options<'_>) -> Result<(), PackError> {
    let mut blocks = Vec::new();
    push(&mut blocks, first, options)?;
    if blocks.len() == BLOCK {
        return Ok(());
    }
    let stat =
        Stat { file_type: FileType::Dir, mode: 0o755, uid: 0, gid: 0, size: 0, mtime_ns: 0, extra: None };
    let top = Entry { path: first.path.clone(), stat, hardlink: None };
    let mut member = Member { header: Header::new_ustar(), records: Vec::new() };
    member.time(options.mtime.of(first).div_euclid(SECOND) * SECOND);
    member.name(b"./");
    member.kind(&top, top.stat.mode);
    member.header.set_size(0);
    // A time before 1970 would need a record again.
    member.records.clear();
    member.push_onto(out, &top);
    Ok(())
}

/// The name in the archive: a directory's ends with a slash.
fn path_of(entry: &Entry) -> Vec<u8> {
    let mut path = Vec::with_capacity(entry.path.as_bytes().len() + 1);
    path.extend_from_slice(entry.path.as_bytes());
    if entry.stat.is_dir() {
        path.push(b'/');
    }
    path
}

fn link_of(entry: &Entry) -> &[u8] {
    match &entry.hardlink {
        Some(first) => first.as_bytes(),
        None => entry.stat.linkname(),
    }
}

struct Member {
    header: Header,
    records: Vec<u8>,
}

impl Member {
    /// Says that names are bytes where they are no text, before the first of them.
    fn charset(&mut self, path: &[u8], link: &[u8]) {
        if std::str::from_utf8(path).is_err() || std::str::from_utf8(link).is_err() {
            pax::push(&mut self.records, b"hdrcharset", b"BINARY");
        }
    }

    fn time(&mut self, nanoseconds: i128) {
        let seconds = nanoseconds.div_euclid(1_000_000_000);
        let fits = u64::try_from(seconds).ok().filter(|s| *s <= OCTAL);
        self.header.set_mtime(fits.unwrap_or(0));
        if fits.is_none() || nanoseconds % 1_000_000_000 != 0 {
            pax::push(&mut self.records, b"mtime", pax::time(nanoseconds).as_bytes());
        }
    }

    fn name(&mut self, path: &[u8]) {
        let short;
        let fields = match name::split(path) {
            Some(fields) => fields,
            None => {
                pax::push(&mut self.records, b"path", path);
                short = name::shortened(path);
                name::Split { prefix: b"", name: &short }
            }
        };
        if let Some(ustar) = self.header.as_ustar_mut() {
            ustar.name[..fields.name.len()].copy_from_slice(fields.name);
            ustar.prefix[..fields.prefix.len()].copy_from_slice(fields.prefix);
        }
    }

    fn link(&mut self, target: &[u8]) {
        let short;
        let field = match name::link(target) {
            Some(field) => field,
            None => {
                pax::push(&mut self.records, b"linkpath", target);
                short = name::shortened(target);
                &short
            }
        };
        self.header.as_old_mut().linkname[..field.len()].copy_from_slice(field);
    }

    fn size(&mut self, size: u64) {
        self.header.set_size(if size <= OCTAL { size } else { 0 });
        if size > OCTAL {
            pax::push(&mut self.records, b"size", size.to_string().as_bytes());
        }
    }

    fn kind(&mut self, entry: &Entry, mode: u16) {
        self.header.set_entry_type(match (entry.stat.file_type, &entry.hardlink) {
            (_, Some(_)) => EntryType::Link,
            (FileType::File | FileType::Socket, None) => EntryType::Regular,
            (FileType::Dir, None) => EntryType::Directory,
            (FileType::Symlink, None) => EntryType::Symlink,
            (FileType::Fifo, None) => EntryType::Fifo,
            (FileType::CharDevice, None) => EntryType::Char,
            (FileType::BlockDevice, None) => EntryType::Block,
        });
        self.header.set_mode(u32::from(mode & 0o7777));
        self.header.set_uid(0);
        self.header.set_gid(0);
        let (major, minor) = match entry.hardlink {
            None => entry.stat.device(),
            Some(_) => (0, 0),
        };
        let Some(ustar) = self.header.as_ustar_mut() else { return };
        ustar.set_device_major(self::small(&mut self.records, b"SCHILY.devmajor", major));
        ustar.set_device_minor(self::small(&mut self.records, b"SCHILY.devminor", minor));
    }

    /// The attributes; a second name of a file has those of the first.
    fn xattrs(&mut self, entry: &Entry) {
        for (name, value) in entry.stat.xattrs().iter().filter(|_| entry.hardlink.is_none()) {
            pax::push(&mut self.records, &pax::xattr_key(name), value);
        }
    }

    fn push_onto(mut self, out: &mut Vec<u8>, entry: &Entry) {
        if !self.records.is_empty() {
            let mut extended = Header::new_ustar();
            let name = [&b"PaxHeaders/"[..], &name::shortened(entry.path.name())].concat();
            extended.as_old_mut().name[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
            extended.set_entry_type(EntryType::XHeader);
            extended.set_mode(0o644);
            extended.set_uid(0);
            extended.set_gid(0);
            extended.set_size(self.records.len() as u64);
            zero_device(&mut extended);
            extended.set_cksum();
            out.extend_from_slice(extended.as_bytes());
            out.extend_from_slice(&self.records);
            out.resize(out.len() + padding(self.records.len() as u64), 0);
        }
        self.header.set_cksum();
        out.extend_from_slice(self.header.as_bytes());
    }
}

/// A number for a field of eight bytes; what is larger goes to a record, in star's way.
fn small(records: &mut Vec<u8>, key: &[u8], number: u64) -> u32 {
    match u32::try_from(number) {
        Ok(small) if number <= SMALL_OCTAL => small,
        _ => {
            pax::push(records, key, number.to_string().as_bytes());
            0
        }
    }
}

fn zero_device(header: &mut Header) {
    if let Some(ustar) = header.as_ustar_mut() {
        ustar.set_device_major(0);
        ustar.set_device_minor(0);
    }
}
