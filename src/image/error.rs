//! [`ImageError`]: what is wrong with an image that should be readable.

use std::io;
use std::path::PathBuf;

use crate::digest::Digest;

/// Why an image can't be read: what was being done, to what, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file system refused.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The folder is no OCI layout.
    #[error("{}: not an OCI image layout: {why}", path.display())]
    NotLayout {
        /// The folder.
        path: PathBuf,
        /// What is missing or wrong.
        why: String,
    },
    /// The file is not the JSON that it should be.
    #[error("reading {}: {why}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        why: String,
    },
    /// A blob's bytes are not those that its digest names.
    #[error("{}: expected {expected}, but its content is {found}: the image is damaged, copy it again", path.display())]
    Digest {
        /// The blob.
        path: PathBuf,
        /// The digest that names it.
        expected: Digest,
        /// The digest of its bytes.
        found: Digest,
    },
    /// A blob has another length than its descriptor says.
    #[error("{}: expected {expected} bytes, found {found}: the image is damaged, copy it again", path.display())]
    Size {
        /// The blob.
        path: PathBuf,
        /// From the descriptor.
        expected: u64,
        /// On disk.
        found: u64,
    },
    /// The layout doesn't hold what was asked for.
    #[error("{}: {what} is not in this OCI layout{hint}", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// The tag or digest.
        what: String,
        /// What it holds instead, with `; ` before it; may be empty.
        hint: String,
    },
    /// The image is for other platforms.
    #[error("{}: no match for platform {wanted} in manifest {digest}; it has {have}", path.display())]
    Platform {
        /// The folder.
        path: PathBuf,
        /// The platform asked for.
        wanted: String,
        /// The manifest or index.
        digest: Digest,
        /// The platforms that are there.
        have: String,
    },
    /// A layer can't be unpacked.
    #[error("unpacking layer {}: {why}", path.display())]
    Layer {
        /// The blob.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The specification of an image is not understood.
    #[error("{spec:?}: {why}")]
    Spec {
        /// As given.
        spec: String,
        /// What was expected.
        why: String,
    },
}
