//! A store of blobs: a folder (`containerd`, `plugins/content/local`), or what makes them when they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::OFlags;
use tonic::Status;

use super::digest::BlobDigest;
use super::ingest::Ingest;
use super::{Access, Blobs, proto};

/// Blobs, and what is being written to them.
#[derive(Debug)]
pub(super) struct Store {
    place: Place,
    access: Access,
    ingests: Mutex<Ingests>,
}

/// Where blobs are.
#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Made(Arc<dyn Blobs>),
}

/// A blob that is there.
pub(super) enum Blob<'s> {
    File(File, fs::Metadata),
    Made(&'s dyn Blobs, &'s BlobDigest, u64),
}

impl Blob<'_> {
    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        match self {
            Self::File(_, found) => found.len(),
            Self::Made(_, _, size) => *size,
        }
    }

    /// Fills `buffer` with what stands at `offset`.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::File(file, _) => file.read_exact_at(buffer, offset),
            Self::Made(blobs, digest, _) => blobs.read_exact_at(digest, buffer, offset),
        }
    }

    fn info(&self, digest: &BlobDigest) -> proto::Info {
        let (created, updated) = match self {
            Self::File(_, found) => (found.modified().ok(), found.accessed().ok()),
            Self::Made(..) => (None, None),
        };
        proto::Info {
            digest: digest.to_string(),
            size: i64::try_from(self.length()).unwrap_or(i64::MAX),
            created_at: created.map(Into::into),
            updated_at: updated.map(Into::into),
            labels: BTreeMap::new(),
        }
    }
}

/// Writes by their names: those that a stream is at, and those that one has left.
#[derive(Debug, Default)]
struct Ingests {
    active: BTreeSet<String>,
    left: BTreeMap<String, Ingest>,
}

impl Store {
    pub fn open(folder: &Path, access: Access) -> io::Result<Self> {
        if access == Access::Write {
            fs::create_dir_all(folder)?;
        } else if !fs::metadata(folder)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { place: Place::Folder(folder.into()), access, ingests: Mutex::default() })
    }

    /// A store of blobs that are made when they are asked for: nothing is written to it.
    pub fn of(blobs: Arc<dyn Blobs>) -> Self {
        Self { place: Place::Made(blobs), access: Access::Read, ingests: Mutex::default() }
    }

    pub fn writable(&self) -> Result<(), Status> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read => Err(Status::permission_denied("this store is offered for reading only")),
        }
    }

    /// The folder, of a store that has one.
    fn folder(&self) -> Result<&Path, Status> {
        match &self.place {
            Place::Folder(folder) => Ok(folder),
            Place::Made(_) => Err(Status::permission_denied("this store is no folder")),
        }
    }

    pub fn path(&self, digest: &BlobDigest) -> Result<PathBuf, Status> {
        Ok(self.folder()?.join(digest.path()))
    }

    /// A blob; a link in its place is not followed.
    pub fn blob<'s>(&'s self, digest: &'s BlobDigest) -> Result<Blob<'s>, Status> {
        let folder = match &self.place {
            Place::Folder(folder) => folder,
            Place::Made(blobs) => {
                let size = blobs.size(digest).ok_or_else(|| missing(digest))?;
                return Ok(Blob::Made(&**blobs, digest, size));
            }
        };
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let path = folder.join(digest.path());
        let opened = File::options().read(true).custom_flags(flags.bits() as i32).open(path);
        let failed = |e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => missing(digest),
            _ => Status::unknown(format!("content {digest}: {e}")),
        };
        let file = opened.map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if found.is_file() { Ok(Blob::File(file, found)) } else { Err(missing(digest)) }
    }

    pub fn info(&self, digest: &BlobDigest) -> Result<proto::Info, Status> {
        Ok(self.blob(digest)?.info(digest))
    }

    /// All blobs, sorted.
    pub fn list(&self) -> Result<Vec<proto::Info>, Status> {
        let folder = match &self.place {
            Place::Folder(folder) => folder,
            Place::Made(blobs) => {
                let mut digests = blobs.digests();
                digests.sort_by_key(BlobDigest::to_string);
                return Ok(digests.iter().filter_map(|digest| self.info(digest).ok()).collect());
            }
        };
        let mut out = Vec::new();
        for algorithm in ["sha256", "sha384", "sha512"] {
            let names = match fs::read_dir(folder.join("blobs").join(algorithm)) {
                Ok(names) => names,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(Status::unknown(format!("listing {}: {e}", folder.display()))),
            };
            let names: BTreeSet<_> = names.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
            let digests = names.iter().filter_map(|hex| BlobDigest::parse(&format!("{algorithm}:{hex}")));
            out.extend(digests.filter_map(|digest| self.info(&digest).ok()));
        }
        Ok(out)
    }

    /// Removes a blob; one that isn't there is as good as removed.
    pub fn delete(&self, digest: &BlobDigest) -> Result<(), Status> {
        self.writable()?;
        match fs::remove_file(self.path(digest)?) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(Status::unknown(format!("removing content {digest}: {e}")))
            }
            _ => Ok(()),
        }
    }

    /// Begins a write or goes on with one; only one stream is at a name.
    pub fn ingest(
        self: &Arc<Self>,
        name: &str,
        total: i64,
        expected: Option<&BlobDigest>,
    ) -> Result<(Hold, Ingest), Status> {
        self.writable()?;
        if let Some(expected) = expected {
            self.absent(expected)?;
        }
        let left = {
            let mut ingests = self.ingests();
            if !ingests.active.insert(name.to_owned()) {
                return Err(Status::unavailable(format!("ref {name} locked: unavailable")));
            }
            ingests.left.remove(name)
        };
        let hold = Hold { store: Arc::clone(self), name: name.to_owned() };
        let ingest = match left {
            Some(ingest) => ingest,
            None => {
                let folder = self.folder()?;
                Ingest::new(folder, total, expected)
                    .map_err(|e| Status::unknown(format!("writing to {}: {e}", folder.display())))?
            }
        };
        Ok((hold, ingest))
    }

    /// An error when a blob is there already.
    pub fn absent(&self, digest: &BlobDigest) -> Result<(), Status> {
        match self.blob(digest) {
            Ok(_) => Err(Status::already_exists(format!("content {digest}: already exists"))),
            Err(_) => Ok(()),
        }
    }

    pub fn statuses(&self) -> Vec<proto::Status> {
        self.ingests().left.iter().map(|(name, ingest)| ingest.status(name)).collect()
    }

    pub fn status(&self, name: &str) -> Result<proto::Status, Status> {
        let ingests = self.ingests();
        let found = ingests.left.get(name).map(|ingest| ingest.status(name));
        found.ok_or_else(|| Status::not_found(format!("could not get status for ref {name:?}: not found")))
    }

    /// Forgets a write with all that was written.
    pub fn abort(&self, name: &str) {
        self.ingests().left.remove(name);
    }

    fn ingests(&self) -> MutexGuard<'_, Ingests> {
        self.ingests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds a write's name while a stream is at it.
#[derive(Debug)]
pub(super) struct Hold {
    pub store: Arc<Store>,
    name: String,
}

impl Hold {
    /// Leaves a write for another stream to go on with.
    pub fn leave(self, ingest: Ingest) {
        self.store.ingests().left.insert(self.name.clone(), ingest);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.store.ingests().active.remove(&self.name);
    }
}

fn missing(digest: &BlobDigest) -> Status {
    Status::not_found(format!("content {digest}: not found"))
}
