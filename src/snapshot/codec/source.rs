//! Local sources, column by column: equal things stand side by side, and compress well.

use std::ops::Range;

use super::wire::{Malformed, Reader, Writer};
use crate::entry::{ContextPath, Entry, Extra, FileType, Stat};
use crate::snapshot::SourceState;

const TYPES: [FileType; 7] = [
    FileType::File,
    FileType::Dir,
    FileType::Symlink,
    FileType::Fifo,
    FileType::Socket,
    FileType::CharDevice,
    FileType::BlockDevice,
];

pub fn write(out: &mut Writer, source: &SourceState) {
    out.text(&source.name);
    out.text(&source.local);
    out.flag(source.has_times);
    let entries = &source.entries;
    out.size(entries.len());
    out.paths(entries.iter().map(|e| e.path.as_bytes()));
    entries.iter().for_each(|e| out.byte(type_number(e.stat.file_type)));
    entries.iter().for_each(|e| out.number(e.stat.mode.into()));
    entries.iter().for_each(|e| out.number(e.stat.uid.into()));
    entries.iter().for_each(|e| out.number(e.stat.gid.into()));
    entries.iter().for_each(|e| out.number(e.stat.size));
    let mut before = 0;
    for entry in entries {
        // Files of one checkout have nearly one time.
        out.signed(entry.stat.mtime_ns.wrapping_sub(before));
        before = entry.stat.mtime_ns;
    }
    out.digests(source.contents.iter().map(Option::as_ref));
    sparse(out, entries, |e| e.stat.extra.as_deref(), extra);
    sparse(out, entries, |e| e.hardlink.as_ref(), |out, path| out.bytes(path.as_bytes()));
}

/// What few entries have: how many, and each behind its distance from the one before.
fn sparse<'e, T: 'e>(
    out: &mut Writer,
    entries: &'e [Entry],
    part: impl Fn(&'e Entry) -> Option<T>,
    write: impl Fn(&mut Writer, T),
) {
    let having = || entries.iter().enumerate().filter_map(|(i, e)| Some((i, part(e)?)));
    out.size(having().count());
    let mut next = 0;
    for (i, part) in having() {
        out.size(i - next);
        write(out, part);
        next = i + 1;
    }
}

fn extra(out: &mut Writer, extra: &Extra) {
    out.bytes(&extra.linkname);
    out.number(extra.devmajor);
    out.number(extra.devminor);
    out.list(&extra.xattrs, |out, (name, value)| {
        out.bytes(name);
        out.bytes(value);
    });
    out.option(extra.inode, |out, (device, inode)| {
        out.number(device);
        out.number(inode);
    });
}

fn type_number(file_type: FileType) -> u8 {
    TYPES.iter().position(|t| *t == file_type).map_or(0, |i| i as u8)
}

pub fn read(from: &mut Reader<'_>) -> Result<SourceState, Malformed> {
    let (name, local, has_times) = (from.text()?, from.text()?, from.flag()?);
    let count = from.count::<(Entry, Option<crate::digest::Digest>)>()?;
    let mut entries = Vec::with_capacity(count);
    for path in from.paths(count)? {
        let path = ContextPath::new(path).map_err(|_| Malformed::Value("a path"))?;
        let stat =
            Stat { file_type: FileType::File, mode: 0, uid: 0, gid: 0, size: 0, mtime_ns: 0, extra: None };
        entries.push(Entry { path, stat, hardlink: None });
    }
    stats(from, &mut entries)?;
    let contents = from.digests(count)?;
    each(from, &mut entries, |from, entry| {
        entry.stat.extra = Some(Box::new(read_extra(from)?));
        Ok(())
    })?;
    each(from, &mut entries, |from, entry| {
        entry.hardlink = Some(ContextPath::new(from.bytes()?).map_err(|_| Malformed::Value("a path"))?);
        Ok(())
    })?;
    Ok(SourceState { name, local, entries, contents, has_times })
}

fn stats(from: &mut Reader<'_>, entries: &mut [Entry]) -> Result<(), Malformed> {
    for entry in entries.iter_mut() {
        let number = usize::from(from.byte()?);
        entry.stat.file_type = *TYPES.get(number).ok_or(Malformed::Value("a file's type"))?;
    }
    for entry in entries.iter_mut() {
        entry.stat.mode = from.small()?;
    }
    for entry in entries.iter_mut() {
        entry.stat.uid = from.small()?;
    }
    for entry in entries.iter_mut() {
        entry.stat.gid = from.small()?;
    }
    for entry in entries.iter_mut() {
        entry.stat.size = from.number()?;
    }
    let mut before = 0i64;
    for entry in entries.iter_mut() {
        before = before.wrapping_add(from.signed()?);
        entry.stat.mtime_ns = before;
    }
    Ok(())
}

/// Reads what [`sparse`] writes.
fn each<'r>(
    from: &mut Reader<'r>,
    entries: &mut [Entry],
    read: impl Fn(&mut Reader<'r>, &mut Entry) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut next = 0usize;
    for _ in 0..from.count::<Extra>()? {
        let at = from.size()?.checked_add(next).ok_or(Malformed::Value("an entry's place"))?;
        read(from, entries.get_mut(at).ok_or(Malformed::Value("an entry's place"))?)?;
        next = at + 1;
    }
    Ok(())
}

fn read_extra(from: &mut Reader<'_>) -> Result<Extra, Malformed> {
    Ok(Extra {
        linkname: from.bytes()?.to_vec(),
        devmajor: from.number()?,
        devminor: from.number()?,
        xattrs: from.list(|from| Ok((from.bytes()?.to_vec(), from.bytes()?.to_vec())))?,
        inode: from.option(|from| Ok((from.number()?, from.number()?)))?,
    })
}

/// Ascending ranges: each by its distance from the one before, and its length.
pub fn write_ranges(out: &mut Writer, ranges: &[Range<usize>]) {
    let mut end = 0;
    out.list(ranges, |out, range| {
        out.signed(range.start as i64 - end as i64);
        out.size(range.len());
        end = range.end;
    });
}

pub fn read_ranges(from: &mut Reader<'_>) -> Result<Vec<Range<usize>>, Malformed> {
    let mut end = 0usize;
    from.list(|from| {
        let wrong = Malformed::Value("a range of entries");
        let step = isize::try_from(from.signed()?).map_err(|_| wrong)?;
        let start = end.checked_add_signed(step).ok_or(wrong)?;
        end = start.checked_add(from.size()?).ok_or(wrong)?;
        Ok(start..end)
    })
}
