//! `--transport oci`: the context as an image of one layer, in a store of the session that has nothing on disk.
//!
//! The engine is told the image's digest and asks for what it doesn't have. The layer's digest is remembered beside the state of the
//! files that it was computed from, so that of a context in which nothing changed nothing is read.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{Context as Sha256, SHA256};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::run::Interrupt;
use crate::digest::Digest;
use crate::error::Error;
use crate::observer::Silent;
use crate::ops::DockerfileInput;
use crate::ops::{Blob, ContextImage, Mtime, PackOptions, PackStream, Packable, Request};
use crate::report::shown;
use crate::session::content::{BlobDigest, Blobs};

/// The name of the store.
pub const STORE: &str = "context";

/// How often the layer may be read from its beginning: an engine reads it once, and anew when its own disk or connection fails.
const MOST_STARTS: u32 = 8;
/// So many entries that changed are named.
const NAMED: usize = 3;

/// The context as an image; of a context that has changed the layer is packed once, to know its digest.
///
/// # Errors
/// [`Error`] for a context that can't be read or can't be an image; [`Error::Interrupted`].
pub async fn image(
    request: &Request,
    records: Option<&Path>,
    interrupt: &Interrupt,
) -> Result<ContextImage, Error> {
    let cancel = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = oneshot::channel();
    let remembered = records.filter(|_| request.index.is_some()).map(|folder| Place::of(folder, request));
    let (request, stop) = (request.clone(), Arc::clone(&cancel));
    // Nobody waits for it when the build is interrupted.
    std::thread::spawn(move || drop(sender.send(made(&request, remembered.as_ref(), &stop))));
    tokio::select! {
        made = receiver => made.unwrap_or(Err(Error::Interrupted)),
        () = interrupt.received() => {
            cancel.store(true, Ordering::Relaxed);
            Err(Error::Interrupted)
        }
    }
}

fn made(request: &Request, place: Option<&Place>, cancel: &AtomicBool) -> Result<ContextImage, Error> {
    let options =
        PackOptions { mtime: Mtime::Listed, context_only: true, digest: None, ..PackOptions::default() };
    let packable = Packable::of(request, &options, &Silent)?;
    if let Some(path) = packable.whiteout() {
        let message = format!("`{}` can't be sent in an image: its name would remove a file", shown(path));
        return Err(Error::usage(message, "leave --transport out, or hide it in the ignore file"));
    }
    let state = place.and_then(|_| packable.state());
    let known = place.zip(state).and_then(|(place, state)| place.recall(state));
    let layer = match known {
        Some(layer) => layer,
        None => {
            let layer = ContextImage::layer_of(&packable, &options, Some(cancel), &Silent)?;
            if let Some((place, state)) = place.zip(state) {
                // Nothing hangs on it but the time of the next build.
                let _ = place.keep(state, layer);
            }
            layer
        }
    };
    Ok(ContextImage::new(Arc::new(packable), &options, layer))
}

/// Where the digest of a context's layer is remembered.
#[derive(Debug)]
struct Place(PathBuf);

/// A layer, and the state of the files that it was packed from.
#[derive(Serialize, Deserialize)]
struct Remembered {
    schema: String,
    state: String,
    layer: String,
    size: u64,
}

const SCHEMA: &str = "stowaway.layer/1";
/// What is longer is none.
const LONGEST: u64 = 4096;

impl Place {
    /// One for each context and Dockerfile, of which the ignore file may be.
    fn of(records: &Path, request: &Request) -> Self {
        let context = request.context.canonicalize().unwrap_or_else(|_| request.context.clone());
        let file = match &request.dockerfile {
            DockerfileInput::Path(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
            DockerfileInput::Default | DockerfileInput::Bytes(_) => PathBuf::new(),
        };
        let mut name = Vec::new();
        for part in [context.as_os_str().as_encoded_bytes(), file.as_os_str().as_encoded_bytes()] {
            name.extend_from_slice(&(part.len() as u64).to_le_bytes());
            name.extend_from_slice(part);
        }
        Self(records.join(format!("{}.layer", &Digest::blake3(name).hex()[..32])))
    }

    /// The layer of files in this state, if it is known.
    fn recall(&self, state: Digest) -> Option<Blob> {
        let mut bytes = Vec::new();
        fs::File::open(&self.0).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
        let found: Remembered = serde_json::from_slice(&bytes).ok()?;
        let same = found.schema == SCHEMA && found.state == state.to_string();
        let digest = Digest::parse(&found.layer).filter(|d| same && d.to_string().starts_with("sha256:"))?;
        Some(Blob { digest, size: found.size })
    }

    fn keep(&self, state: Digest, layer: Blob) -> io::Result<()> {
        let (state, digest) = (state.to_string(), layer.digest.to_string());
        let found = Remembered { schema: SCHEMA.into(), state, layer: digest, size: layer.size };
        let folder = self.0.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".layer-").tempfile_in(folder)?;
        file.write_all(&serde_json::to_vec(&found)?)?;
        file.persist(&self.0).map(drop).map_err(|e| e.error)
    }
}

/// The image's blobs for the session. The layer is packed while it is read.
#[derive(Debug)]
pub struct Layered {
    image: ContextImage,
    reading: Mutex<Reading>,
}

/// How far the layer was read.
#[derive(Debug, Default)]
struct Reading {
    under_way: Option<UnderWay>,
    starts: u32,
    trouble: Option<String>,
}

struct UnderWay {
    stream: PackStream,
    at: u64,
    hash: Sha256,
}

impl std::fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "at {}", self.at)
    }
}

impl UnderWay {
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.stream.read_exact(buffer)?;
        self.hash.update(buffer);
        self.at += buffer.len() as u64;
        Ok(())
    }

    /// Passes over what nobody asked for.
    fn skip_to(&mut self, offset: u64) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        while self.at < offset {
            let length = usize::try_from(offset - self.at).unwrap_or(usize::MAX).min(buffer.len());
            self.fill(&mut buffer[..length])?;
        }
        Ok(())
    }

    /// Whether the stream ends here, and what came is what was promised.
    fn is(&mut self, layer: Blob) -> io::Result<bool> {
        let more = self.stream.read(&mut [0])?;
        Ok(more == 0 && self.hash.clone().finish().as_ref() == layer.digest.bytes)
    }
}

impl Layered {
    /// To be offered under [`STORE`].
    pub fn new(image: ContextImage) -> Self {
        Self { image, reading: Mutex::default() }
    }

    /// The digest by which an engine knows the context.
    pub fn digest(&self) -> Digest {
        self.image.digest()
    }

    /// Why the layer could not be given, in words.
    pub fn trouble(&self) -> Option<String> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }

    fn layer(&self) -> Blob {
        self.image.blobs()[2]
    }

    /// Reads on where the last read ended, or begins anew.
    fn read_layer(&self, reading: &mut Reading, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let layer = self.layer();
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > layer.size) {
            return Err(io::Error::other("it was read past its end"));
        }
        let mut under_way = match reading.under_way.take().filter(|u| u.at <= offset) {
            Some(under_way) => under_way,
            None if reading.starts == MOST_STARTS => return Err(io::Error::other("it was read too often")),
            None => {
                reading.starts += 1;
                UnderWay { stream: self.image.layer()?, at: 0, hash: Sha256::new(&SHA256) }
            }
        };
        under_way.skip_to(offset)?;
        under_way.fill(buffer)?;
        if under_way.at < layer.size {
            reading.under_way = Some(under_way);
        } else if !under_way.is(layer)? {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(())
    }

    /// What to say of a layer that can't be read to its end.
    fn words(&self, error: &io::Error) -> String {
        let changed = self.image.packable().changed(NAMED + 1);
        let names: Vec<String> =
            changed.iter().take(NAMED).map(|path| format!("`{}`", shown(path))).collect();
        let more = if changed.len() > NAMED { " and more" } else { "" };
        match (names.is_empty(), error.kind()) {
            (false, _) => {
                format!("the context has changed since it was looked at: {}{more}", names.join(", "))
            }
            (true, io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
                "the context has changed since it was looked at".into()
            }
            (true, _) => format!("the context can't be sent: {error}"),
        }
    }
}

impl Blobs for Layered {
    fn digests(&self) -> Vec<BlobDigest> {
        self.image.blobs().iter().filter_map(|blob| BlobDigest::parse(&blob.digest.to_string())).collect()
    }

    fn size(&self, digest: &BlobDigest) -> Option<u64> {
        let name = digest.to_string();
        self.image.blobs().iter().find(|blob| blob.digest.to_string() == name).map(|blob| blob.size)
    }

    fn read_exact_at(&self, digest: &BlobDigest, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let digest = Digest::parse(&digest.to_string()).ok_or(io::ErrorKind::NotFound)?;
        if let Some(document) = self.image.document(digest) {
            let start = usize::try_from(offset).ok();
            let part = start.and_then(|s| document.get(s..s.checked_add(buffer.len())?));
            buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
            return Ok(());
        }
        if digest != self.layer().digest {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        self.read_layer(&mut reading, buffer, offset).map_err(|error| {
            let words = self.words(&error);
            reading.trouble = Some(words.clone());
            io::Error::other(words)
        })
    }
}

#[cfg(test)]
mod tests;
