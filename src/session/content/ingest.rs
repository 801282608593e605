//! A blob that is being written: a file in `ingest/` without a name of its own until its digest is known to be right
//! (`containerd`, `plugins/content/local/writer.go` and `contentserver`).

use std::fs::{self, Permissions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use tempfile::NamedTempFile;
use tonic::Status;

use super::digest::{BlobDigest, Hasher};
use super::proto::{self, WriteRequest, WriteResponse, action};
use super::store::Store;

/// Gone from the disk when it is dropped without a commit.
#[derive(Debug)]
pub(super) struct Ingest {
    file: NamedTempFile,
    hasher: Hasher,
    offset: i64,
    total: i64,
    started: SystemTime,
    updated: SystemTime,
}

impl Ingest {
    pub fn new(folder: &Path, total: i64, expected: Option<&BlobDigest>) -> io::Result<Self> {
        let folder = folder.join("ingest");
        fs::create_dir_all(&folder)?;
        let file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
        let now = SystemTime::now();
        let hasher = expected.map(BlobDigest::hasher).unwrap_or_default();
        Ok(Self { file, hasher, offset: 0, total, started: now, updated: now })
    }

    pub fn status(&self, name: &str) -> proto::Status {
        proto::Status {
            started_at: Some(self.started.into()),
            updated_at: Some(self.updated.into()),
            name: name.into(),
            offset: self.offset,
            total: self.total,
            expected: String::new(),
        }
    }

    /// Answers one message of a stream. Blocks on the disk.
    pub fn step(&mut self, store: &Store, request: &WriteRequest) -> Result<WriteResponse, Status> {
        let expected = parse(&request.expected)?;
        if let Some(expected) = &expected {
            store.absent(expected)?;
        }
        if request.total > 0 {
            self.total = request.total;
        }
        let mut response =
            WriteResponse { action: request.action, offset: self.offset, ..Default::default() };
        match request.action {
            action::STAT => {
                response.started_at = Some(self.started.into());
                response.updated_at = Some(self.updated.into());
                response.total = self.total;
            }
            action::WRITE | action::COMMIT => {
                self.write(request)?;
                if request.action == action::COMMIT {
                    self.commit(store, expected)?;
                }
                response.offset = self.offset;
            }
            other => return Err(Status::invalid_argument(format!("unknown action {other}"))),
        }
        response.digest = self.hasher.digest().to_string();
        Ok(response)
    }

    fn write(&mut self, request: &WriteRequest) -> Result<(), Status> {
        if request.offset > 0 && request.offset != self.offset {
            let (asked, current) = (request.offset, self.offset);
            return Err(Status::out_of_range(format!(
                "write @{asked} must occur at current offset {current}"
            )));
        }
        if request.offset <= 0 && self.offset > 0 {
            self.restart().map_err(failed)?;
        }
        self.file.as_file_mut().write_all(&request.data).map_err(failed)?;
        self.hasher.update(&request.data);
        self.offset += i64::try_from(request.data.len()).unwrap_or(i64::MAX);
        self.updated = SystemTime::now();
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.file.as_file_mut().rewind()?;
        self.file.as_file_mut().set_len(0)?;
        self.hasher.reset();
        self.offset = 0;
        Ok(())
    }

    fn commit(&mut self, store: &Store, expected: Option<BlobDigest>) -> Result<(), Status> {
        if self.total > 0 && self.total != self.offset {
            let (got, want) = (self.offset, self.total);
            return Err(Status::failed_precondition(format!(
                "unexpected commit size {got}, expected {want}"
            )));
        }
        if let Some(expected) = &expected
            && !expected.same_algorithm(&self.hasher.digest())
        {
            self.hash_anew(expected).map_err(failed)?;
        }
        let digest = self.hasher.digest();
        if let Some(expected) = expected.filter(|e| *e != digest) {
            return Err(Status::failed_precondition(format!(
                "unexpected commit digest {digest}, expected {expected}"
            )));
        }
        store.absent(&digest)?;
        self.name(&store.path(&digest)?).map_err(failed)
    }

    fn hash_anew(&mut self, like: &BlobDigest) -> io::Result<()> {
        let mut file = self.file.reopen()?;
        let mut hasher = like.hasher();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let length = file.read(&mut buffer)?;
            if length == 0 {
                self.hasher = hasher;
                return Ok(());
            }
            hasher.update(&buffer[..length]);
        }
    }

    /// A link rather than a new name: the file that was written to goes when this does.
    fn name(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = self.file.as_file();
        file.sync_all()?;
        let mode = file.metadata()?.permissions().mode() & 0o444;
        file.set_permissions(Permissions::from_mode(mode))?;
        match fs::hard_link(self.file.path(), path) {
            // The same content came by another way.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            // A file system without links.
            Err(_) => fs::rename(self.file.path(), path),
            Ok(()) => Ok(()),
        }
    }
}

fn failed(error: io::Error) -> Status {
    Status::unknown(format!("writing a blob: {error}"))
}

/// A digest, or none where none is given.
pub(super) fn parse(text: &str) -> Result<Option<BlobDigest>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let digest = BlobDigest::parse(text);
    digest.map(Some).ok_or_else(|| Status::invalid_argument(format!("{text:?} failed validation")))
}
