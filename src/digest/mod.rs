//! Digests, and one read of a file that gives every digest asked for.

use std::fmt;

use sha2::Digest as _;

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

    /// The hex digits alone.
    pub fn hex(&self) -> String {
        let mut out = String::with_capacity(64);
        for b in self.bytes {
            for n in [b >> 4, b & 15] {
                out.push(char::from_digit(u32::from(n), 16).expect("a nibble"));
            }
        }
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
