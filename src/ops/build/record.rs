//! What is kept of the last successful build of a context, Dockerfile and target with an engine.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The version of what is written.
const SCHEMA: &str = "stowaway.built/1";
/// A record that is longer is none.
const LONGEST: u64 = 1 << 20;

/// A build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    schema: String,
    /// Where its snapshot is.
    pub snapshot: PathBuf,
    /// Its key; none where that could not be computed.
    pub key: Option<String>,
    /// The digest of what the engine was asked for.
    pub asked: String,
    /// The image's id, as the engine's response has it.
    pub image: Option<String>,
    /// Images that the engine had under these names afterwards: those that were built, and bases.
    pub images: BTreeMap<String, String>,
}

impl Record {
    /// A build that was just made.
    pub fn new(snapshot: PathBuf, key: Option<String>, asked: String) -> Self {
        Self { schema: SCHEMA.into(), snapshot, key, asked, image: None, images: BTreeMap::new() }
    }
}

/// Where records are, and of which build.
#[derive(Debug, Clone)]
pub struct Place {
    file: PathBuf,
}

impl Place {
    /// The record of what `subject` names (context, Dockerfile, target, platform), built by `engine`.
    pub fn new(folder: &Path, subject: &[&[u8]], engine: &str) -> Self {
        let mut key = Vec::new();
        for part in subject.iter().copied().chain([engine.as_bytes()]) {
            key.extend_from_slice(&(part.len() as u64).to_le_bytes());
            key.extend_from_slice(part);
        }
        Self { file: folder.join(format!("{}.json", &Digest::blake3(key).hex()[..32])) }
    }

    /// The record, if there is one that can be read and of which the snapshot is still there.
    pub fn read(&self) -> Option<Record> {
        let long = fs::metadata(&self.file).ok()?.len() > LONGEST;
        let bytes = (!long).then(|| fs::read(&self.file).ok()).flatten()?;
        let record: Record = serde_json::from_slice(&bytes).ok()?;
        (record.schema == SCHEMA && record.snapshot.is_file()).then_some(record)
    }

    /// Replaces the record, at once or not at all.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, record: &Record) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".built-").tempfile_in(folder)?;
        file.write_all(&serde_json::to_vec(record)?)?;
        file.persist(&self.file).map(drop).map_err(|e| e.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_of_a_build_and_an_engine() {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = folder.path().join("1.snapshot");
        fs::write(&snapshot, "x").unwrap();
        let place = Place::new(folder.path(), &[b"/a", b"Dockerfile"], "engine");
        assert_eq!(place.read(), None);
        let record = Record::new(snapshot.clone(), Some("blake3:1".into()), "asked".into());
        place.write(&record).unwrap();
        assert_eq!(place.read(), Some(record));
        assert_eq!(Place::new(folder.path(), &[b"/aD", b"ockerfile"], "engine").read(), None);
        assert_eq!(Place::new(folder.path(), &[b"/a", b"Dockerfile"], "other").read(), None);
        fs::remove_file(snapshot).unwrap();
        assert_eq!(place.read(), None, "without its snapshot it is of no use");
    }

    #[test]
    fn what_is_no_record_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path(), &[b"/a"], "engine");
        fs::write(&place.file, "{").unwrap();
        assert_eq!(place.read(), None);
    }
}
