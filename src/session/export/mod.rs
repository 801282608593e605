//! Results that the engine sends to this machine: archives (`--output type=tar|oci|docker,dest=FILE`) and folders
//! (`type=local,dest=DIR`), as `session/filesync` takes them in (`FileSend`).
//!
//! An archive appears under its name when the build has ended well, and not before: an engine ends the stream of an export
//! that failed as it ends that of one that succeeded (`exporter/tar`), so only [`Exports::commit`] knows.

mod file;
mod folder;
mod order;
mod packet;
mod place;
mod service;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use self::service::FileSend;

use self::file::Archive;

/// What one exporter of the build sends, and where to.
#[derive(Debug)]
pub struct Export {
    /// The exporter's place in the request's list, from 0.
    pub id: u32,
    /// Where its result goes.
    pub to: Destination,
}

/// Where a result goes.
pub enum Destination {
    /// An archive: the file appears when the build has ended well. A device or a pipe is written to at once.
    File(PathBuf),
    /// An archive that somebody takes at once: standard output, or whoever loads the image.
    Stream(Box<dyn Write + Send>),
    /// A folder, made where it isn't there. What is there stays, unless the same name is sent.
    Folder(PathBuf),
    /// A folder that holds nothing but what was sent when all is done (`mode=delete`).
    Mirror(PathBuf),
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Stream(_) => f.write_str("Stream"),
            Self::Folder(path) => f.debug_tuple("Folder").field(path).finish(),
            Self::Mirror(path) => f.debug_tuple("Mirror").field(path).finish(),
        }
    }
}

/// Why a result isn't where it should be.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file can't be written.
    #[error("writing {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is wanted where a folder is.
    #[error("destination file {} is a directory", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// Two exports have one place in the list.
    #[error("exporter {id} is given twice")]
    Twice {
        /// The place.
        id: u32,
    },
    /// The engine says that the build succeeded, and hasn't sent all.
    #[error("exporter {id}: {why}")]
    Incomplete {
        /// Its place in the list.
        id: u32,
        /// What is missing, or what went wrong with it.
        why: String,
    },
}

/// What has been received, once all was sent well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The exporter's place in the list.
    pub id: u32,
    /// Bytes of the archive, or of the files' contents.
    pub bytes: u64,
    /// Where it is; `None` for a stream.
    pub path: Option<PathBuf>,
    /// What the exporter says about it (`exporter-md-*` without that), such as `containerimage.digest`.
    pub said: BTreeMap<String, String>,
}

/// So long a writer has to notice that its build has failed.
const ABANDONED: Duration = Duration::from_secs(3);

/// The exports of a build. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Exports {
    targets: Arc<BTreeMap<u32, Mutex<Target>>>,
}

#[derive(Debug)]
struct Target {
    to: Place,
    state: State,
}

#[derive(Debug, Clone)]
enum Place {
    Archive(Arc<Mutex<Option<Archive>>>),
    Folder { path: PathBuf, mirror: bool },
}

/// How far an export is. A folder may come in several streams, one for each platform.
#[derive(Debug, Default)]
struct State {
    running: u32,
    done: u32,
    bytes: u64,
    said: BTreeMap<String, String>,
    failed: Option<Fault>,
}

/// What went wrong with an export.
#[derive(Debug, Clone, thiserror::Error)]
enum Fault {
    /// It could not be taken.
    #[error("{0}")]
    Here(String),
    /// The engine didn't send it all.
    #[error("{0}")]
    There(String),
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self::Here(why)
    }
}

impl Exports {
    /// Makes ready for what the engine will send.
    ///
    /// # Errors
    /// A file that can't be written, told before anything is built.
    pub fn new(exports: impl IntoIterator<Item = Export>) -> Result<Self, ExportError> {
        let mut targets = BTreeMap::new();
        for Export { id, to } in exports {
            let to = match to {
                Destination::File(path) => Place::archive(Archive::file(path)?),
                Destination::Stream(stream) => Place::archive(Archive::stream(stream)),
                Destination::Folder(path) => Place::Folder { path, mirror: false },
                Destination::Mirror(path) => Place::Folder { path, mirror: true },
            };
            let target = Mutex::new(Target { to, state: State::default() });
            if targets.insert(id, target).is_some() {
                return Err(ExportError::Twice { id });
            }
        }
        Ok(Self { targets: Arc::new(targets) })
    }

    /// The service that takes the exports in, as [`super::Session::with`] takes it.
    pub fn service(&self) -> FileSend {
        FileSend::new(self.clone())
    }

    /// Gives the archives their names, when the engine has said that the build succeeded. Without this they vanish.
    ///
    /// # Errors
    /// An export that the engine didn't send, or broke off; an archive that can't be named.
    pub fn commit(&self) -> Result<Vec<Received>, ExportError> {
        self.targets.iter().map(|(id, target)| commit(*id, &mut lock(target))).collect()
    }

    /// What could not be written here, which an engine may take for a stream that just ended.
    pub fn faults(&self) -> Vec<String> {
        let here = |target: &Mutex<Target>| match &lock(target).state.failed {
            Some(Fault::Here(why)) => Some(why.clone()),
            _ => None,
        };
        self.targets.values().filter_map(here).collect()
    }

    /// Removes what was written of the results of a build that failed, once those who write them have noticed; waits a few seconds
    /// for that.
    pub async fn abandon(self) {
        let (gone, all_gone) = tokio::sync::oneshot::channel();
        // Whoever writes an archive holds it.
        std::thread::spawn(move || {
            for target in self.targets.values() {
                let to = lock(target).to.clone();
                match to {
                    Place::Archive(archive) => drop(lock(&archive).take()),
                    Place::Folder { .. } => discarded(target),
                }
            }
            let _ = gone.send(());
        });
        let _ = tokio::time::timeout(ABANDONED, all_gone).await;
    }
}

/// Waits until nobody fills a folder any more: whoever did has removed what was half-written.
fn discarded(target: &Mutex<Target>) {
    let began = Instant::now();
    while lock(target).state.running > 0 && began.elapsed() < ABANDONED {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn commit(id: u32, target: &mut Target) -> Result<Received, ExportError> {
    let incomplete = |why: &str| ExportError::Incomplete { id, why: why.into() };
    if let Some(why) = &target.state.failed {
        return Err(incomplete(&why.to_string()));
    }
    if target.state.running > 0 {
        return Err(incomplete("the engine has not sent all of it"));
    }
    if target.state.done == 0 {
        return Err(incomplete("the engine has sent nothing"));
    }
    let path = match &target.to {
        Place::Folder { path, .. } => Some(path.clone()),
        Place::Archive(archive) => match lock(archive).take() {
            Some(archive) => archive.commit()?,
            None => return Err(incomplete("it was taken before")),
        },
    };
    Ok(Received { id, bytes: target.state.bytes, path, said: target.state.said.clone() })
}

impl Place {
    fn archive(archive: Archive) -> Self {
        Self::Archive(Arc::new(Mutex::new(Some(archive))))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
