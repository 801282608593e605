//! A folder of blobs (`containerd`, `plugins/content/local`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::OFlags;
use tonic::Status;

use super::Access;
use super::digest::BlobDigest;
use super::ingest::Ingest;
use super::proto;

/// A folder of blobs, and what is being written to it.
#[derive(Debug)]
pub(super) struct Store {
    pub folder: PathBuf,
    access: Access,
    ingests: Mutex<Ingests>,
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
        Ok(Self { folder: folder.into(), access, ingests: Mutex::default() })
    }

    pub fn writable(&self) -> Result<(), Status> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read => Err(Status::permission_denied("this store is offered for reading only")),
        }
    }

    pub fn path(&self, digest: &BlobDigest) -> PathBuf {
        self.folder.join(digest.path())
    }

    /// A blob; a link in its place is not followed.
    pub fn blob(&self, digest: &BlobDigest) -> Result<(File, fs::Metadata), Status> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let opened = File::options().read(true).custom_flags(flags.bits() as i32).open(self.path(digest));
        let failed = |e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => missing(digest),
            _ => Status::unknown(format!("content {digest}: {e}")),
        };
        let file = opened.map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if found.is_file() { Ok((file, found)) } else { Err(missing(digest)) }
    }

    pub fn info(&self, digest: &BlobDigest) -> Result<proto::Info, Status> {
        let (_, found) = self.blob(digest)?;
        Ok(proto::Info {
            digest: digest.to_string(),
            size: size(&found),
            created_at: found.modified().ok().map(Into::into),
            updated_at: found.accessed().ok().map(Into::into),
            labels: BTreeMap::new(),
        })
    }

    /// All blobs, sorted.
    pub fn list(&self) -> Result<Vec<proto::Info>, Status> {
        let mut out = Vec::new();
        for algorithm in ["sha256", "sha384", "sha512"] {
            let names = match fs::read_dir(self.folder.join("blobs").join(algorithm)) {
                Ok(names) => names,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(Status::unknown(format!("listing {}: {e}", self.folder.display()))),
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
        match fs::remove_file(self.path(digest)) {
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
            None => Ingest::new(&self.folder, total, expected)
                .map_err(|e| Status::unknown(format!("writing to {}: {e}", self.folder.display())))?,
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

fn size(found: &fs::Metadata) -> i64 {
    i64::try_from(found.len()).unwrap_or(i64::MAX)
}
