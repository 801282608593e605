//! Digests, and one read of a file that gives every digest asked for.

mod files;
mod hasher;
mod map;

use std::fmt;

use sha2::Digest as _;

pub use files::{Answer, Files, HashError, Reader, Request, hash, hash_files};
pub use hasher::{Digests, Hasher};
pub use map::{Bytes, own_file};

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256: BuildKit's digests.
    Sha256,
    /// BLAKE3: our own fingerprints.
    Blake3,
}

/// A digest of 32 bytes; shown as `sha256:<hex>` or `blake3:<hex>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    /// The function that made it.
    pub algorithm: Algorithm,
    /// Its bytes.
    pub bytes: [u8; 32],
}

impl Digest {
    /// SHA-256 of `data`.
    pub fn sha256(data: impl AsRef<[u8]>) -> Self {
        Self { algorithm: Algorithm::Sha256, bytes: sha2::Sha256::digest(data.as_ref()).into() }
    }

    /// BLAKE3 of `data`.
    pub fn blake3(data: impl AsRef<[u8]>) -> Self {
        Self { algorithm: Algorithm::Blake3, bytes: *blake3::hash(data.as_ref()).as_bytes() }
    }

    /// The hex digits alone.
    pub fn hex(&self) -> String {
        self.hex_digits().iter().map(|b| char::from(*b)).collect()
    }

    /// The hex digits as bytes, without an allocation.
    fn hex_digits(&self) -> [u8; 64] {
        let mut out = [0; 64];
        for (pair, byte) in out.chunks_exact_mut(2).zip(self.bytes) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        out
    }

    /// The 71 bytes of its text: what BuildKit feeds into further digests in place of the 32 raw bytes.
    pub fn text(&self) -> [u8; 71] {
        let mut out = [0; 71];
        let name = match self.algorithm {
            Algorithm::Sha256 => b"sha256:",
            Algorithm::Blake3 => b"blake3:",
        };
        out[..7].copy_from_slice(name);
        out[7..].copy_from_slice(&self.hex_digits());
        out
    }

    /// Reads `sha256:<64 hex digits>` or `blake3:…`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, hex) = text.split_once(':')?;
        let algorithm = match name {
            "sha256" => Algorithm::Sha256,
            "blake3" => Algorithm::Blake3,
            _ => return None,
        };
        if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(Self { algorithm, bytes })
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.algorithm {
            Algorithm::Sha256 => "sha256",
            Algorithm::Blake3 => "blake3",
        };
        write!(f, "{name}:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
