//! `pack`: the context as a reproducible tar that `docker build -` takes.
//!
//! BuildKit unpacks a tar as it is and applies no ignore file to it (`frontend/dockerui/config.go`, `MainContext`): what is hidden is
//! left out here. Where the Dockerfile isn't in view it is added, since the engine looks for it in the tar.

mod dockerfile;
mod image;
mod modes;
mod state;
mod stream;
mod times;
mod used;
mod verify;

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use self::dockerfile::{InTar, Why};
pub use self::image::{Blob, ContextImage};
use self::modes::Below;
pub use self::modes::Modes;
pub use self::stream::PackStream;
pub use self::times::Mtime;
use super::analysis::{self, Read as ReadBuild};
use super::{Request, local, locate, surprises};
use crate::context::Context;
use crate::digest::Algorithm;
use crate::entry::{ContextPath, Entry, Source};
use crate::error::Error;
use crate::git::{GitError, Repository};
use crate::index::Index;
use crate::observer::Observer;
use crate::pack::{self, Compression, Sink, Summary};
use crate::report::{PackReport, PackedDockerfile, PathField, WarningReport, shown};

/// What is packed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackOptions {
    /// The modification times.
    pub mtime: Mtime,
    /// The permission bits.
    pub modes: Modes,
    /// Only what the target's steps read.
    pub used: bool,
    /// No Dockerfile is added that isn't in view.
    pub context_only: bool,
    /// How the tar is compressed.
    pub compression: Compression,
    /// The digest of what is written.
    pub digest: Option<Algorithm>,
    /// A file that isn't packed though it is in view: the tar itself, of an earlier run.
    pub left_out: Option<PathBuf>,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self {
            mtime: Mtime::default(),
            modes: Modes::default(),
            used: false,
            context_only: false,
            compression: Compression::default(),
            digest: Some(Algorithm::Blake3),
            left_out: None,
        }
    }
}

/// What will be packed: a [`Source`] with all times and modes as the tar has them.
#[derive(Debug)]
pub struct Packable {
    context: Arc<Context>,
    entries: Vec<Entry>,
    dockerfile: Option<InTar>,
    /// What is remembered of the folder's files.
    index: Option<Index>,
    /// What surprises about it.
    pub warnings: Vec<WarningReport>,
}

impl Packable {
    /// Lists what is to be packed. Contents are read only for times that follow from them.
    ///
    /// # Errors
    /// [`Error`] for input that can't be read; for [`PackOptions::used`] also those of a Dockerfile that can't be planned.
    pub fn of(request: &Request, options: &PackOptions, observer: &dyn Observer) -> Result<Self, Error> {
        let mut packable = Self::listed(request, options, observer)?;
        let below = packable.repository(options)?;
        modes::normalise(&mut packable.entries, options.modes, below.as_ref())?;
        let times = match options.mtime {
            Mtime::Listed => {
                packable.entries.iter_mut().for_each(times::whole_seconds);
                return Ok(packable);
            }
            Mtime::Fixed(time) => vec![time; packable.entries.len()],
            Mtime::Content => times::of_contents(&packable, observer)?,
            Mtime::Git => match &below {
                Some(below) => times::of_commits(&packable.entries, below)?,
                None => vec![0; packable.entries.len()],
            },
        };
        times::set(&mut packable.entries, times);
        Ok(packable)
    }

    /// Where the Dockerfile stands in the tar.
    pub fn dockerfile(&self) -> Option<&InTar> {
        self.dockerfile.as_ref()
    }

    /// What is in view, with the Dockerfile.
    fn listed(request: &Request, options: &PackOptions, observer: &dyn Observer) -> Result<Self, Error> {
        let (located, local, mut entries) = if options.used {
            let read = ReadBuild::of(request, observer)?;
            let entries = used::entries(&read, observer)?;
            (read.located, read.context?, entries)
        } else {
            let located = locate::locate(request)?;
            let ignore = located.ignore.clone();
            let local = local::load(
                analysis::CONTEXT,
                &request.context,
                ignore,
                request.index.as_deref(),
                observer,
            )??;
            local.context.check()?;
            let entries = local.context.entries().to_vec();
            (located, local, entries)
        };
        let mut warnings = surprises::of_ignore_file(&local.found);
        warnings.extend(surprises::of_entries(&local.context));
        if let Some(path) = options.left_out.as_deref().and_then(|p| below(p, &local.context)) {
            let before = entries.len();
            entries.retain(|e| e.path.as_bytes() != path || e.stat.is_dir());
            used::relink(&mut entries);
            warnings.extend((entries.len() < before).then(|| itself(&path)));
        }
        let mut dockerfile = InTar::find(request, &located, &local.context, &entries);
        match &dockerfile {
            None => warnings.push(no_dockerfile(&located)),
            Some(InTar { added: None, .. }) => {}
            Some(_) if options.context_only => dockerfile = None,
            Some(found) => {
                warnings.extend(found.added.and_then(|why| added(found, why)));
                let missing = found.missing_entries(&entries, local.context.entries());
                entries.extend(missing);
                entries.sort_by(|a, b| a.path.cmp(&b.path));
            }
        }
        Ok(Self { context: local.context, entries, dockerfile, index: local.index, warnings })
    }

    /// What is said about a tar of this.
    pub fn report(&self, path: Option<PathField>, options: &PackOptions, summary: &Summary) -> PackReport {
        PackReport {
            path,
            digest: summary.digest,
            written: summary.written,
            tar_digest: summary.tar_digest,
            tar_bytes: summary.tar_bytes,
            compression: options.compression.to_string(),
            files: summary.files,
            dirs: summary.dirs,
            symlinks: summary.symlinks,
            special: summary.special,
            bytes: summary.bytes,
            dockerfile: self.dockerfile.as_ref().map(|found| PackedDockerfile {
                path: PathField::new(found.path.as_bytes()),
                added: found.added.is_some(),
                found: found.is_found(),
            }),
            warnings: self.warnings.clone(),
        }
    }

    /// The repository that modes or times are asked of.
    fn repository(&mut self, options: &PackOptions) -> Result<Option<Below>, Error> {
        let times = options.mtime == Mtime::Git;
        if !times && options.modes != Modes::Git {
            return Ok(None);
        }
        let repository = match Repository::find(self.context.root()) {
            Err(GitError::NotARepository { .. } | GitError::NoWorkTree { .. }) if !times => return Ok(None),
            found => found?,
        };
        if times && repository.is_shallow() {
            self.warnings.push(shallow());
        }
        let folder = repository.below(self.context.root()).unwrap_or_default();
        Ok(Some(Below { repository, folder }))
    }

    /// The Dockerfile's bytes, if `path` is one that was added.
    fn added(&self, path: &ContextPath) -> Option<&[u8]> {
        let dockerfile = self.dockerfile.as_ref().filter(|d| d.added.is_some() && d.path == *path)?;
        Some(&dockerfile.bytes)
    }
}

impl Source for Packable {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn open(&self, entry: &Entry) -> io::Result<Box<dyn Read + Send + '_>> {
        match self.added(&entry.path) {
            Some(bytes) => Ok(Box::new(bytes)),
            None => self.context.open(entry),
        }
    }

    fn file(&self, entry: &Entry) -> io::Result<Option<File>> {
        match self.added(&entry.path) {
            Some(_) => Ok(None),
            None => self.context.file(entry),
        }
    }
}

/// Packs a context.
///
/// # Errors
/// [`Error::Pack`]; what was written until then is no tar.
pub fn pack(
    packable: &Packable,
    options: &PackOptions,
    sink: Sink<'_>,
    cancel: Option<&AtomicBool>,
    observer: &dyn Observer,
) -> Result<Summary, Error> {
    let options = pack::Options { digest: options.digest, cancel, ..writing(options) };
    Ok(pack::write(packable, &options, sink, observer)?)
}

/// How the listing becomes a tar: its times and modes are set already.
fn writing(options: &PackOptions) -> pack::Options<'static> {
    pack::Options {
        mtime: pack::Mtime::Of(&|e| e.stat.mtime_ns),
        compression: options.compression,
        top: true,
        ..Default::default()
    }
}

/// A file's path below the context, if it is there.
fn below(file: &Path, context: &Context) -> Option<Vec<u8>> {
    let file = file.canonicalize().ok()?;
    Some(file.strip_prefix(context.root()).ok()?.as_os_str().as_bytes().to_vec())
}

fn itself(path: &[u8]) -> WarningReport {
    let message = format!(
        "`{}` is the tar itself and is not packed; builds from the folder take it for a part of the context: write it elsewhere, or name it \
         in the ignore file",
        shown(path)
    );
    WarningReport { line: None, code: "tar-in-context".into(), message }
}

fn no_dockerfile(located: &locate::Located) -> WarningReport {
    let message = format!("there is no `{}`: an engine can't build from this tar alone", located.dockerfile);
    WarningReport { line: None, code: "dockerfile-missing".into(), message }
}

fn added(dockerfile: &InTar, why: Why) -> Option<WarningReport> {
    let name = shown(dockerfile.path.as_bytes());
    let why = match why {
        Why::Unused => return None,
        Why::Hidden => "is hidden by the ignore file",
        Why::Outside => "lies outside of the context",
    };
    let folder = dockerfile.path.parent();
    let folder =
        folder.map_or_else(|| "the whole context".to_owned(), |f| format!("`{}`", shown(f.as_bytes())));
    let message = format!(
        "the Dockerfile {why} and is added as `{name}`, since an engine looks for it in the tar: steps that copy {folder} will copy it, \
         too; --context-only leaves it out"
    );
    Some(WarningReport { line: None, code: "dockerfile-added".into(), message })
}

fn shallow() -> WarningReport {
    let message = "the clone is shallow: what is older than its history has the time of the oldest commit that is here, and a full clone \
                   gives another tar";
    WarningReport { line: None, code: "shallow-clone".into(), message: message.into() }
}
