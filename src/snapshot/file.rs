//! A snapshot's file: read without believing it, written at once or not at all.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::codec::{FormatError, HEADER, Header};
use super::{Snapshot, codec};

/// Why a file can't be used, or not be written.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}: {why}", path.display())]
pub struct FileError {
    /// `reading` or `writing`.
    pub doing: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub why: Why,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// What the system says, in its own words but without the number.
    #[error("{}", .0.to_string().split(" (os error").next().unwrap_or_default().to_lowercase())]
    Io(io::Error),
    /// It is no snapshot that can be read.
    #[error(transparent)]
    Format(FormatError),
}

impl FileError {
    pub(super) fn reading(path: &Path, why: io::Error) -> Self {
        Self { doing: "reading", path: path.to_owned(), why: Why::Io(why) }
    }

    pub(super) fn writing(path: &Path, why: io::Error) -> Self {
        Self { doing: "writing", path: path.to_owned(), why: Why::Io(why) }
    }
}

/// Reads a snapshot's file.
///
/// # Errors
/// What the system says, or why the file is no snapshot; with the file's name.
pub fn read(path: &Path) -> Result<Snapshot, FileError> {
    let bytes = bytes(path).map_err(|e| FileError::reading(path, e))?;
    codec::decode(&bytes).map_err(|e| FileError {
        doing: "reading",
        path: path.to_owned(),
        why: Why::Format(e),
    })
}

/// The bytes of a file: of one that is no snapshot not more than a header, of others not more than they say, and one.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(HEADER as u64).read_to_end(&mut bytes)?;
    if let Ok(header) = Header::read(&bytes) {
        file.take(header.packed + 1).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("base.snap");
        let message = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read(&path).unwrap_err().to_string().replace(&*folder.path().to_string_lossy(), "DIR")
        };
        let good = Snapshot::default().to_bytes();
        assert_eq!(message(b"{}"), "reading DIR/base.snap: not a snapshot of stowaway");
        assert!(message(&good[..good.len() - 1]).starts_with("reading DIR/base.snap: cut short: "));
        assert!(message(&[&good[..], b"x"].concat()).starts_with("reading DIR/base.snap: damaged: "));
        assert!(message(&good[..30]).ends_with("cut short: 30 of 68 bytes are there"));
        let gone = read(&folder.path().join("gone")).unwrap_err().to_string();
        assert!(gone.ends_with("gone: no such file or directory"), "{gone}");
        let folder = read(folder.path()).unwrap_err().to_string();
        assert!(folder.ends_with(": is a directory"), "{folder}");
    }

    #[test]
    fn of_a_large_file_that_is_no_snapshot_only_the_beginning_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(1 << 40).unwrap();
        assert!(matches!(read(file.path()).unwrap_err().why, Why::Format(FormatError::Foreign)));
        assert_eq!(bytes(file.path()).unwrap().len(), HEADER);
    }
}
