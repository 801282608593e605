//! Reading exactly the bytes that the listing says, or an error that names the file.

use std::fs::File;
use std::io::{self, ErrorKind, Read};

use rustix::buffer::spare_capacity;
use rustix::io::Errno;

use super::PackError;
use super::header;
use crate::entry::{Entry, Source};

/// An opened content.
pub enum Content<'a> {
    /// A file on disk.
    File(File),
    /// Anything else.
    Stream(Box<dyn Read + Send + 'a>),
}

/// Opens the content of an entry.
pub fn open<'a>(source: &'a dyn Source, entry: &Entry) -> Result<Content<'a>, PackError> {
    Ok(match source.file(entry).map_err(|e| failed(entry, e))? {
        Some(file) => Content::File(file),
        None => Content::Stream(source.open(entry).map_err(|e| failed(entry, e))?),
    })
}

/// Appends the content of an entry.
pub fn push(out: &mut Vec<u8>, source: &dyn Source, entry: &Entry) -> Result<(), PackError> {
    let length = header::content(entry);
    let room = usize::try_from(length).map_err(|_| failed(entry, ErrorKind::OutOfMemory.into()))? + 1;
    out.reserve(room);
    match open(source, entry)? {
        Content::File(file) => push_file(out, &file, entry, length),
        Content::Stream(stream) => {
            let before = out.len();
            let n = stream.take(length + 1).read_to_end(out).map_err(|e| failed(entry, e))?;
            match n {
                0 => Err(PackError::Unreadable { path: entry.path.clone() }),
                _ => same_size(entry, (out.len() - before) as u64),
            }
        }
    }
}

/// There is room for more than the listed bytes, so that one read of a regular file that gives just these is also its end.
fn push_file(out: &mut Vec<u8>, file: &File, entry: &Entry, length: u64) -> Result<(), PackError> {
    let before = out.len();
    loop {
        let got = match rustix::io::read(file, spare_capacity(out)) {
            Err(Errno::INTR) => continue,
            other => other.map_err(|e| failed(entry, e.into()))?,
        };
        let now = (out.len() - before) as u64;
        if got == 0 || now >= length {
            return same_size(entry, now);
        }
    }
}

/// Fills `out` from a stream that has given `at` bytes until now; at the `end` nothing may follow.
pub fn read_exactly(
    reader: &mut dyn Read,
    entry: &Entry,
    at: u64,
    out: &mut [u8],
    end: bool,
) -> Result<(), PackError> {
    let mut done = 0;
    while done < out.len() {
        match reader.read(&mut out[done..]) {
            Ok(0) if at == 0 && done == 0 => return Err(PackError::Unreadable { path: entry.path.clone() }),
            Ok(0) => return same_size(entry, at + done as u64),
            Ok(n) => done += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(failed(entry, e)),
        }
    }
    if end { nothing_follows(reader, entry) } else { Ok(()) }
}

/// Checks that a stream that has given all listed bytes has no more.
fn nothing_follows(reader: &mut dyn Read, entry: &Entry) -> Result<(), PackError> {
    loop {
        match reader.read(&mut [0]) {
            Ok(0) => return Ok(()),
            Ok(_) => return same_size(entry, header::content(entry) + 1),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(failed(entry, e)),
        }
    }
}

/// Checks that a content has as many bytes as listed.
pub fn same_size(entry: &Entry, now: u64) -> Result<(), PackError> {
    let listed = header::content(entry);
    let found = match now.cmp(&listed) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Greater => format!("listed with {listed} bytes, it has more now"),
        std::cmp::Ordering::Less => format!("listed with {listed} bytes, it has {now} now"),
    };
    Err(changed(entry, found))
}

/// The error for a file that isn't what was listed.
pub fn changed(entry: &Entry, found: String) -> PackError {
    PackError::Changed { path: entry.path.clone(), found }
}

/// The error for a part of a file that couldn't be read whole.
pub fn cut(entry: &Entry, error: io::Error) -> PackError {
    match error.kind() {
        ErrorKind::UnexpectedEof => {
            changed(entry, format!("listed with {} bytes, it has fewer now", header::content(entry)))
        }
        _ => failed(entry, error),
    }
}

/// The error for a file that can't be opened or read.
pub fn failed(entry: &Entry, error: io::Error) -> PackError {
    match error.kind() {
        _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            changed(entry, "it is a symbolic link now".into())
        }
        ErrorKind::NotFound => changed(entry, "it is gone".into()),
        ErrorKind::IsADirectory | ErrorKind::NotADirectory => {
            changed(entry, "there is a directory in its place, or a file in that of its folder".into())
        }
        ErrorKind::PermissionDenied => PackError::Unreadable { path: entry.path.clone() },
        _ => PackError::Read { path: entry.path.clone(), source: error },
    }
}
