//! The bytes of a file of our own: mapped when it is large, read when it is small.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Deref;

use memmap2::Mmap;

/// Files below this size are read: a mapping would save nothing.
const WORTH_MAPPING: u64 = 1 << 20;

/// The content of a file.
#[derive(Debug)]
pub enum Bytes {
    /// A copy.
    Read(Vec<u8>),
    /// The page cache itself.
    Mapped(Mmap),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

/// The content of a file that programs like this one only ever replace by a rename, and never write in place.
///
/// Not for files of a context, which anybody may write to: another program that truncates a mapped file ends this one with
/// `SIGBUS`, and one that writes to it changes bytes that were checked before.
///
/// # Errors
/// What the file system says.
pub fn own_file(mut file: File) -> io::Result<Bytes> {
    if file.metadata()?.len() < WORTH_MAPPING {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        return Ok(Bytes::Read(bytes));
    }
    map(&file).map(Bytes::Mapped)
}

/// The only unsafe code of this crate.
#[allow(unsafe_code, reason = "a mapping is unsafe by nature")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the mapping is read-only, and undefined behaviour needs somebody who writes to the file or
    // truncates it while it is mapped. The callers of `own_file` pass files that are complete before they get their name and
    // are afterwards only replaced by rename or removed, which leaves the mapped inode as it is. Nothing but a foreign
    // program that writes into this program's own folder can break that; it could as well write into this process.
    unsafe { Mmap::map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_files_have_the_bytes_that_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        for (size, mapped) in [(0, false), (1, false), (1 << 20, true), ((1 << 20) + 4097, true)] {
            let content: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            std::fs::write(&path, &content).unwrap();
            let bytes = own_file(File::open(&path).unwrap()).unwrap();
            assert!(matches!(bytes, Bytes::Mapped(_)) == mapped && *bytes == content);
        }
    }

    #[test]
    fn a_mapped_file_that_is_replaced_or_removed_keeps_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("f"), folder.path().join("g"));
        std::fs::write(&path, vec![1; 2 << 20]).unwrap();
        let bytes = own_file(File::open(&path).unwrap()).unwrap();
        std::fs::write(&other, b"short").unwrap();
        std::fs::rename(&other, &path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(bytes.iter().all(|b| *b == 1));
    }
}
