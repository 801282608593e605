//! Several digests from one pass over the same bytes.

use sha2::{Digest as _, Sha256};

use super::{Algorithm, Digest, Request};

/// Bytes from which on BLAKE3 is spread over threads, and runs beside SHA-256 instead of after it.
const PARALLEL: usize = 256 * 1024;

/// The digests of one content; those that were not asked for are `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digests {
    /// SHA-256 of a header and the content behind it: BuildKit's digest of a file.
    pub headed: Option<Digest>,
    /// SHA-256 of the content alone.
    pub sha256: Option<Digest>,
    /// BLAKE3 of the content alone.
    pub blake3: Option<Digest>,
    /// The file could not be opened. A client then sends its stat and an empty body (`fsutil/send.go`), so these are
    /// the digests of no content under a header that names the real size.
    pub unopened: bool,
}

/// Computes [`Digests`] from content that comes in pieces.
#[derive(Debug)]
pub struct Hasher {
    headed: Option<Sha256>,
    sha256: Option<Sha256>,
    blake3: Option<Box<blake3::Hasher>>,
}

impl Hasher {
    /// A hasher for the digests that `request` asks for; `header` is only used for the headed one.
    pub fn new(request: Request, header: &[u8]) -> Self {
        Self {
            headed: request.headed.then(|| Sha256::new_with_prefix(header)),
            sha256: request.sha256.then(Sha256::new),
            blake3: request.blake3.then(|| Box::new(blake3::Hasher::new())),
        }
    }

    /// Takes the next piece.
    pub fn update(&mut self, data: &[u8]) {
        if data.len() < PARALLEL {
            self.update_sha(data);
            if let Some(h) = &mut self.blake3 {
                h.update(data);
            }
            return;
        }
        let blake = self.blake3.as_deref_mut();
        let (headed, plain) = (&mut self.headed, &mut self.sha256);
        rayon::join(
            || {
                for h in [headed, plain].into_iter().flatten() {
                    h.update(data);
                }
            },
            || {
                if let Some(h) = blake {
                    h.update_rayon(data);
                }
            },
        );
    }

    fn update_sha(&mut self, data: &[u8]) {
        for h in [&mut self.headed, &mut self.sha256].into_iter().flatten() {
            h.update(data);
        }
    }

    /// The digests of all pieces.
    pub fn finish(self) -> Digests {
        let sha = |h: Sha256| Digest { algorithm: Algorithm::Sha256, bytes: h.finalize().into() };
        Digests {
            headed: self.headed.map(sha),
            sha256: self.sha256.map(sha),
            blake3: self
                .blake3
                .map(|h| Digest { algorithm: Algorithm::Blake3, bytes: *h.finalize().as_bytes() }),
            unopened: false,
        }
    }
}
