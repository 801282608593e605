//! Digests as they name blobs: an algorithm that is known and lower-case hex of its length, and so never a path that leads
//! elsewhere (`opencontainers/go-digest`).

use ring::digest::{Algorithm, Context, SHA256, SHA384, SHA512};

const ALGORITHMS: [(&str, &Algorithm); 3] = [("sha256", &SHA256), ("sha384", &SHA384), ("sha512", &SHA512)];

/// A digest that is well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobDigest {
    name: &'static str,
    algorithm: &'static Algorithm,
    hex: String,
}

impl BlobDigest {
    /// Reads `sha256:…`, `sha384:…` and `sha512:…`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, hex) = text.split_once(':')?;
        let (name, algorithm) = ALGORITHMS.into_iter().find(|(known, _)| *known == name)?;
        let lower = hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (lower && hex.len() == algorithm.output_len() * 2).then(|| Self { name, algorithm, hex: hex.into() })
    }

    /// Where a layout has the blob.
    pub fn path(&self) -> String {
        format!("blobs/{}/{}", self.name, self.hex)
    }

    pub(super) fn hasher(&self) -> Hasher {
        Hasher { name: self.name, context: Context::new(self.algorithm) }
    }

    pub(super) fn same_algorithm(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl std::fmt::Display for BlobDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.name, self.hex)
    }
}

/// Computes a digest.
#[derive(Clone)]
pub(super) struct Hasher {
    name: &'static str,
    context: Context,
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self { name: "sha256", context: Context::new(&SHA256) }
    }
}

impl Hasher {
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// From the start again.
    pub fn reset(&mut self) {
        self.context = Context::new(self.context.algorithm());
    }

    /// Of all that came so far.
    pub fn digest(&self) -> BlobDigest {
        let algorithm = self.context.algorithm();
        let bytes = self.context.clone().finish();
        let hex = bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        BlobDigest { name: self.name, algorithm, hex }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digests_are_digests() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(BlobDigest::parse(empty).unwrap(), Hasher::default().digest());
        assert_eq!(BlobDigest::parse(empty).unwrap().to_string(), empty);
        let (short, upper) = (&empty[..70], empty.to_uppercase());
        let long = format!("{empty}0");
        let other = empty.replace("sha256", "sha512");
        for bad in
            ["", "sha256", "sha256:", short, &upper, &long, &other, "../x:00", "sha256:../../../etc/passwd"]
        {
            assert_eq!(BlobDigest::parse(bad), None, "{bad}");
        }
    }
}
