//! An archive as one stream of bytes: to a file that has its name only when all is there, or to whoever takes it.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::ExportError;

/// Where the bytes go.
pub(super) enum Archive {
    /// A file beside the one that it will be.
    New { file: NamedTempFile, path: PathBuf },
    /// A device or a pipe.
    Open { file: File, path: PathBuf },
    /// Somebody who takes it at once.
    Stream(Box<dyn Write + Send>),
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::New { path, .. } | Self::Open { path, .. } => path.fmt(f),
            Self::Stream(_) => f.write_str("stream"),
        }
    }
}

impl Archive {
    pub fn stream(stream: Box<dyn Write + Send>) -> Self {
        Self::Stream(stream)
    }

    pub fn file(path: PathBuf) -> Result<Self, ExportError> {
        let failed = |error| ExportError::Write { path: path.clone(), error };
        // The file behind a link is replaced, not the link.
        let target = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        match std::fs::metadata(&target) {
            Ok(found) if found.is_dir() => Err(ExportError::Folder { path }),
            Ok(found) if !found.is_file() => {
                let file = File::options().write(true).open(&target).map_err(failed)?;
                Ok(Self::Open { file, path })
            }
            _ => {
                let file = beside(&target).map_err(failed)?;
                Ok(Self::New { file, path: target })
            }
        }
    }

    /// Gives the file its name.
    pub fn commit(self) -> Result<Option<PathBuf>, ExportError> {
        match self {
            Self::Stream(_) => Ok(None),
            Self::Open { path, .. } => Ok(Some(path)),
            Self::New { file, path } => match file.persist(&path) {
                Ok(_) => Ok(Some(path)),
                Err(e) => Err(ExportError::Write { path, error: e.error }),
            },
        }
    }
}

impl Write for Archive {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::New { file, .. } => file.as_file_mut().write(bytes),
            Self::Open { file, .. } => file.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::New { file, .. } => file.as_file_mut().flush(),
            Self::Open { file, .. } => file.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}

fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The umask takes from it, as from any new file.
    let mode = std::fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(".stowaway-").permissions(mode).tempfile_in(folder)
}
