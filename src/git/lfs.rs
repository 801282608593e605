//! Pointers of Git LFS, and the contents that are on this machine.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::config::Config;
use super::{Oid, Repository};

/// A pointer is shorter than this (`git-lfs`, docs/spec.md).
pub(super) const LONGEST: u64 = 1024;

/// What a pointer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// SHA-256 of the content, in hex.
    pub sha256: String,
    /// Its bytes.
    pub size: u64,
}

impl Pointer {
    /// Reads a pointer; `None` for anything else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok().filter(|_| (bytes.len() as u64) < LONGEST)?;
        let mut lines = text.lines();
        let version = lines.next()?.strip_prefix("version ")?;
        if !version.contains("git-lfs") && !version.contains("hawser") {
            return None;
        }
        let mut value = |key: &str| lines.find_map(|l| l.strip_prefix(key)?.strip_prefix(' '));
        let sha256 = value("oid")?.strip_prefix("sha256:")?;
        let size = value("size")?.trim().parse().ok()?;
        let is_hex = sha256.len() == 64 && sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_hex.then(|| Self { sha256: sha256.to_owned(), size })
    }

    /// Whether a file is what the pointer stands for.
    ///
    /// # Errors
    /// What the file system says.
    pub fn is_content_of(&self, path: &Path) -> io::Result<bool> {
        let meta = std::fs::symlink_metadata(path)?;
        if !meta.is_file() || meta.len() != self.size {
            return Ok(false);
        }
        let mut hasher = Sha256::new();
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                n => hasher.update(&buffer[..n]),
            }
        }
        let hex: String = hasher.finalize().iter().map(|b| format!("{b:02x}")).collect();
        Ok(hex == self.sha256)
    }
}

impl Repository {
    /// Where Git LFS keeps the content of a pointer, when it is there.
    pub(super) fn lfs_object(&self, pointer: &Pointer) -> Option<PathBuf> {
        let config: Option<&Config> = self.config().ok();
        let named = config.and_then(|c| c.get("lfs.storage")).and_then(|v| std::str::from_utf8(v).ok());
        let storage =
            named.map_or_else(|| self.common_folder().join("lfs"), |v| self.common_folder().join(v));
        let (a, b) = (pointer.sha256.get(..2)?, pointer.sha256.get(2..4)?);
        let path = storage.join("objects").join(a).join(b).join(&pointer.sha256);
        std::fs::metadata(&path).is_ok_and(|m| m.is_file() && m.len() == pointer.size).then_some(path)
    }

    /// Whether a file of the work tree is the blob itself.
    pub(super) fn is_blob(&self, path: &Path, blob: Oid) -> bool {
        let (Ok(here), Ok(there)) = (std::fs::read(path), self.blob(blob, "a pointer")) else { return false };
        here == there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_told_from_other_text() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let text = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n");
        assert_eq!(Pointer::parse(text.as_bytes()), Some(Pointer { sha256: oid.into(), size: 12345 }));
        for bad in ["", "version x\n", "hello", &text.replace("size", "seize"), &text.replace("4d7a", "4D7A")]
        {
            assert_eq!(Pointer::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_file_is_compared_by_size_and_digest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "abc").unwrap();
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
        let pointer = Pointer { sha256, size: 3 };
        assert!(pointer.is_content_of(&path).unwrap());
        std::fs::write(&path, "abd").unwrap();
        assert!(!pointer.is_content_of(&path).unwrap());
        assert!(pointer.is_content_of(&dir.path().join("g")).is_err());
    }
}
