//! A local context: the folder, the ignore file in force, what it leaves in view.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blobs::RevisionFiles;
use super::known::Seen;
use super::locate::IgnoreFile;
use crate::context::{Context, ContextError, ContextOptions, Listed, PathState};
use crate::entry::{Entry, FileType};
use crate::error::Error;
use crate::index::Index;
use crate::observer::Observer;
use crate::pattern::{self, PatternError};
use crate::report::{Cause, ContextSummary, PathField, Sent};

/// A folder of the client's.
pub struct Local {
    /// The name of the local source: `context`, or the named context's name.
    pub name: String,
    /// The folder as it was named.
    pub root: PathBuf,
    /// Which ignore file is in force, and why.
    pub found: IgnoreFile,
    /// What it leaves in view.
    pub context: Arc<Context>,
    /// The digests that are remembered of its files.
    pub index: Option<Index>,
    /// The digests of files that were read in this run, for folders that are looked at under several ignore files.
    pub seen: Option<Arc<Seen>>,
    /// Where it comes from, for a revision's.
    pub revision: Option<RevisionFiles>,
}

/// A folder that could be listed, or an ignore file that can't be read: that makes the build fail, which is an answer.
pub type Loaded = Result<Local, PatternError>;

/// How a folder is walked.
pub type Walk<'a> = dyn FnMut(
        &Path,
        Option<pattern::IgnoreFile>,
        &ContextOptions<'_>,
        &dyn Observer,
    ) -> Result<Context, ContextError>
    + 'a;

/// Walks the folder `root`, of whose files the folder `index` may remember the digests.
///
/// # Errors
/// [`Error`] when the folder can't be read.
pub fn load(
    name: &str,
    root: &Path,
    found: IgnoreFile,
    index: Option<&Path>,
    observer: &dyn Observer,
) -> Result<Loaded, Error> {
    load_with(name, root, found, index, observer, &mut Context::load)
}

/// As [`load`], with a walk of one's own.
///
/// # Errors
/// As [`load`].
pub fn load_with(
    name: &str,
    root: &Path,
    found: IgnoreFile,
    index: Option<&Path>,
    observer: &dyn Observer,
    walk: &mut Walk<'_>,
) -> Result<Loaded, Error> {
    let ignore = match parse(&found) {
        Ok(ignore) => ignore,
        Err(e) => return Ok(Err(e)),
    };
    let mut index = index.and_then(|folder| Some(Index::open(folder, &root.canonicalize().ok()?)));
    let options = ContextOptions { index: index.as_ref(), ..ContextOptions::default() };
    let context = Arc::new(walk(root, ignore, &options, observer)?);
    if let Some(index) = &mut index {
        context.devices().iter().for_each(|(device, path)| index.admit(*device, path));
    }
    Ok(Ok(Local {
        name: name.to_owned(),
        root: root.to_owned(),
        found,
        context,
        index,
        seen: None,
        revision: None,
    }))
}

/// The folder `root` as a revision has it; `files` says what is known of what is in view.
///
/// # Errors
/// [`Error`] when it can't be listed.
pub fn of_listing(
    name: &str,
    root: &Path,
    found: IgnoreFile,
    listed: Listed,
    files: impl FnOnce(&Context) -> RevisionFiles,
    observer: &dyn Observer,
) -> Result<Loaded, Error> {
    let ignore = match parse(&found) {
        Ok(ignore) => ignore,
        Err(e) => return Ok(Err(e)),
    };
    let context = Arc::new(Context::of(root, listed, ignore, observer)?);
    let revision = Some(files(&context));
    Ok(Ok(Local {
        name: name.to_owned(),
        root: root.to_owned(),
        found,
        context,
        index: None,
        seen: None,
        revision,
    }))
}

/// What the ignore file says, where there is one.
fn parse(found: &IgnoreFile) -> Result<Option<pattern::IgnoreFile>, PatternError> {
    found.name.as_ref().map(|name| pattern::IgnoreFile::parse(name.as_str(), &found.bytes)).transpose()
}

impl Local {
    /// The folder with another ignore file, without another walk: for one of which nothing is hidden.
    ///
    /// # Errors
    /// As [`of_listing`].
    pub fn with_ignore_file(&self, found: IgnoreFile) -> Result<Loaded, Error> {
        let ignore = match parse(&found) {
            Ok(ignore) => ignore,
            Err(e) => return Ok(Err(e)),
        };
        let context = Arc::new(self.context.filtered(ignore)?);
        let (name, root) = (self.name.clone(), self.root.clone());
        Ok(Ok(Self { name, root, found, context, index: None, revision: None, seen: None }))
    }

    /// The folder in numbers.
    pub fn summary(&self) -> ContextSummary {
        let counts = self.context.counts();
        ContextSummary {
            path: Some(PathField::new(self.root.as_os_str().as_encoded_bytes())),
            ignore_file: self.found.name.clone(),
            ignore_file_reason: Some(self.found.reason.clone()),
            unlisted: false,
            files: counts.files,
            dirs: counts.dirs,
            symlinks: counts.symlinks,
            special: counts.special,
            bytes: counts.bytes,
            ignored: counts.ignored,
        }
    }
}

/// The pattern that hides a path below the folder; `None` when it is in view, or isn't there.
pub fn hidden(context: &Context, path: &[u8]) -> Option<Cause> {
    let verdict = context.explain(path).ok()?;
    let cause = verdict.cause.filter(|_| verdict.state == PathState::Ignored)?;
    Some(cause_report(cause))
}

/// A line of an ignore file for a report.
pub fn cause_report(cause: crate::context::Cause) -> Cause {
    Cause { ignore_file: cause.ignore_file, line: cause.line, pattern: cause.text.trim().to_owned() }
}

/// A listing in numbers.
pub fn count(entries: &[Entry]) -> Sent {
    let mut sent = Sent::default();
    for entry in entries {
        match entry.stat.file_type {
            FileType::File | FileType::Socket => {
                sent.files += 1;
                sent.bytes += if entry.hardlink.is_none() { entry.stat.size } else { 0 };
            }
            FileType::Dir => sent.dirs += 1,
            FileType::Symlink => sent.symlinks += 1,
            FileType::Fifo | FileType::CharDevice | FileType::BlockDevice => {}
        }
    }
    sent
}
