//! A cache in a folder: what `--cache-to type=local,dest=…` writes, or an OCI layout with an image in it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::import::import;
use super::store::Store;
use super::{CacheKind, ImportError, ImportedCache, Unusable};
use crate::cache::Remembered;
use crate::digest::Digest;
use crate::image::{Ask, Blobs, ImageError, Layout, LayoutSpec, Wanted};

impl ImportedCache {
    /// Reads a cache from a folder.
    ///
    /// With a tag it is the one of that name in `index.json`; without, `latest`, or the only one. An empty folder, which is
    /// what a builder finds before it has exported anything, is a cache without records.
    ///
    /// # Errors
    /// [`ImportError`] when the folder isn't there or holds something else, and when what it holds is damaged.
    pub fn open_folder(spec: &LayoutSpec) -> Result<Self, ImportError> {
        let folder = Folder { path: spec.folder.clone() };
        if !has_index(&folder.path)? {
            return Ok(empty(folder));
        }
        let root = match spec.digest {
            Some(digest) => digest,
            None => {
                let tag = spec.tag.as_deref();
                folder.layout().find(&Wanted { tag, strict: tag.is_some(), ..Wanted::default() })?
            }
        };
        let name = folder.path.display().to_string();
        import(name, root, Arc::new(folder))
    }
}

/// False for a folder in which nothing has been written yet: an export without layers leaves one without an index, too.
fn has_index(folder: &Path) -> Result<bool, ImportError> {
    let failed = |source| ImageError::Read { path: folder.into(), source };
    if folder.join("index.json").try_exists().map_err(failed)? {
        return Ok(true);
    }
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !["blobs", "ingest", "oci-layout"].iter().any(|known| name == *known) {
            return Err(ImportError::NotACache { path: folder.into(), why: "no index.json".into() });
        }
    }
    Ok(false)
}

fn empty(folder: Folder) -> ImportedCache {
    ImportedCache {
        name: folder.path.display().to_string(),
        kind: CacheKind::None,
        root: None,
        remembered: Remembered::default(),
        results: Vec::new(),
        layers: Vec::new(),
        parts: Vec::new(),
        absent: Some(Unusable::EmptyFolder { folder: folder.path.clone() }),
        store: Arc::new(folder),
    }
}

/// Blobs in files.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn layout(&self) -> Layout<'_> {
        Layout { folder: &self.path }
    }
}

impl Blobs for Folder {
    type Error = ImportError;

    fn place(&self) -> PathBuf {
        self.path.clone()
    }

    fn name(&self, digest: &Digest) -> PathBuf {
        self.layout().blob(digest)
    }

    fn read(&self, ask: &Ask<'_>) -> Result<Vec<u8>, ImportError> {
        Ok(self.layout().read(ask)?)
    }
}

impl Store for Folder {
    fn has(&self, digest: &Digest, size: Option<u64>) -> bool {
        let found = fs::metadata(self.name(digest)).ok().filter(fs::Metadata::is_file);
        found.is_some_and(|meta| size.is_none_or(|size| size == meta.len()))
    }

    fn open(&self, digest: &Digest, _: Option<u64>) -> Result<Box<dyn Read + Send + '_>, ImportError> {
        let path = self.name(digest);
        match File::open(&path) {
            Ok(file) => Ok(Box::new(io::BufReader::with_capacity(64 << 10, file))),
            Err(source) => Err(ImageError::Read { path, source }.into()),
        }
    }

    fn broken(&self, digest: &Digest, source: io::Error) -> ImportError {
        ImageError::Read { path: self.name(digest), source }.into()
    }
}
