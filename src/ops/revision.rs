//! A build as it was at a revision: what a checkout of it in this place would build.
//!
//! From the revision come the context, named contexts and the Dockerfile with its ignore file, each if it lies in the same work
//! tree. What lies elsewhere (a named context beside the repository, a Dockerfile outside of it or from standard input, base
//! images) is as it is now, because a checkout would leave it so. `.git` is in no revision: a checkout has one, but its bytes
//! can't be known.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::analysis::{self, CONTEXT, Read};
use super::blobs::{Blobs, RevisionFiles};
use super::local::{self, Loaded};
use super::locate::{self, Absent, IgnoreFile, Located};
use super::{DockerfileInput, NamedInput, Request, images, lints};
use crate::context::{Folder, IgnoreSource, Listed, Place};
use crate::error::Error;
use crate::git::{GitError, Listing, Oid, Permissions, Repository, Revision, RevisionWarning};
use crate::observer::Observer;
use crate::plan::Images;

/// Which revision a build was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtRevision {
    /// The commit's full name.
    pub commit: String,
    /// What isn't on this machine, and the like, by path from the top of the work tree.
    pub warnings: Vec<RevisionWarning>,
}

/// How a revision is read.
#[derive(Debug, Clone, Default)]
pub struct RevisionOptions {
    /// Digests of contents that are known already.
    pub blobs: Arc<Blobs>,
    /// Lines that are put at the end of the context's ignore file.
    pub ignore_more: Vec<String>,
}

impl Read {
    /// Reads the Dockerfile and the folders as they were at `revision`, anything that git resolves to a commit.
    ///
    /// # Errors
    /// [`Error::Git`] for what keeps git from it, [`Error`] for input that can't be read.
    pub fn at_revision(
        request: &Request,
        revision: &str,
        permissions: Permissions,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let repository = Arc::new(Repository::find(existing(&request.context))?);
        let commit = repository.resolve(revision)?;
        let revision = Checkout::of(&Revision::read(&repository, commit, permissions)?, request);
        Self::of_checkout(
            request,
            &revision,
            &RevisionOptions::default(),
            &images::Known::of(request)?,
            observer,
        )
    }

    /// Reads the Dockerfile and the folders of a revision.
    ///
    /// # Errors
    /// [`Error`] for input that can't be read.
    pub fn of_checkout(
        request: &Request,
        revision: &Checkout,
        options: &RevisionOptions,
        images: &dyn Images,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let there = There { request, revision, options, observer };
        let listing = there.context()?;
        let mut located = there.locate(&listing)?;
        located.ignore.add(&options.ignore_more);
        let context = there.load(CONTEXT, &request.context, located.ignore.clone(), listing)?;
        let dockerfile = located.bytes.as_ref().ok().map(|bytes| lints::parse(request, bytes));
        let plan = match &dockerfile {
            Some(Ok(file)) => Some(analysis::resolve_with(request, &located.ignore, file, images)?),
            _ => None,
        };
        let at = AtRevision { commit: revision.commit.to_string(), warnings: revision.warnings.clone() };
        let mut read = Self { located, context, named: Vec::new(), dockerfile, plan, revision: Some(at) };
        for name in analysis::local_names(read.plan.as_ref()) {
            let Some(NamedInput::Folder(root)) = request.named.get(&name) else { continue };
            if read.local(&name).is_none() {
                read.named.push(there.named(&name, root)?);
            }
        }
        Ok(read)
    }

    /// Puts another Dockerfile in place of the one that was read, of which nothing else is looked at again.
    ///
    /// # Errors
    /// [`Error`] for a base image that can't be read.
    pub fn replace_dockerfile(
        &mut self,
        request: &Request,
        bytes: Vec<u8>,
        images: &dyn Images,
    ) -> Result<(), Error> {
        let dockerfile = lints::parse(request, &bytes);
        self.plan = match &dockerfile {
            Ok(file) => Some(analysis::resolve_with(request, &self.located.ignore, file, images)?),
            Err(_) => None,
        };
        self.dockerfile = Some(dockerfile);
        self.located.bytes = Ok(bytes);
        Ok(())
    }
}

/// A folder that exists: the folder itself, or the next one above it.
fn existing(folder: &Path) -> &Path {
    let there = folder.ancestors().find(|f| f.is_dir());
    there.filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What a build takes from a revision.
#[derive(Debug, Clone)]
pub struct Checkout {
    repository: Arc<Repository>,
    commit: Oid,
    warnings: Vec<RevisionWarning>,
    /// The folders that the build has to do with, by their paths below the top; `None` for one that isn't there.
    folders: BTreeMap<Vec<u8>, Option<Arc<Listing>>>,
}

impl Checkout {
    /// Lists the folders that a request has to do with.
    pub fn of(revision: &Revision, request: &Request) -> Self {
        let repository = revision.repository().clone();
        let mut paths = vec![request.context.clone()];
        if let DockerfileInput::Path(path) = &request.dockerfile {
            paths.push(folder_of(path).to_owned());
        }
        paths.extend(request.named.values().filter_map(|input| match input {
            NamedInput::Folder(root) => Some(root.clone()),
            _ => None,
        }));
        let below: Vec<Vec<u8>> = paths.iter().filter_map(|p| repository.below(p)).collect();
        let folders = below.into_iter().map(|p| (p.clone(), revision.below(&p).map(Arc::new))).collect();
        Self { repository, commit: revision.commit(), warnings: revision.warnings().to_vec(), folders }
    }
}

/// The folder that a file lies in.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A request at a revision.
struct There<'a> {
    request: &'a Request,
    revision: &'a Checkout,
    options: &'a RevisionOptions,
    observer: &'a dyn Observer,
}

impl There<'_> {
    /// A folder of the revision; the outer `None` for one that lies elsewhere, the inner one for one that isn't there.
    fn folder(&self, path: &Path) -> Option<Option<Arc<Listing>>> {
        let below = self.revision.repository.below(path)?;
        Some(self.revision.folders.get(&below).cloned().flatten())
    }

    fn no_folder(&self, path: &Path) -> Error {
        let (folder, revision) = (path.display().to_string(), self.revision.commit.to_string());
        GitError::NoFolder { folder, revision }.into()
    }

    fn context(&self) -> Result<Arc<Listing>, Error> {
        let path = &self.request.context;
        match self.folder(path) {
            Some(Some(listing)) => Ok(listing),
            Some(None) => Err(self.no_folder(path)),
            None => Err(GitError::NotARepository { folder: path.clone() }.into()),
        }
    }

    /// As [`locate::locate`] at the revision.
    fn locate(&self, context: &Arc<Listing>) -> Result<Located, Error> {
        let tree = Listed::new(context.clone());
        let root = Place::of(&self.request.context, Some(&tree));
        let (path, name) = match &self.request.dockerfile {
            DockerfileInput::Bytes(bytes) => {
                let found = IgnoreSource::of_named_tree(&root)?;
                let ignore = locate::in_force(found, "the Dockerfile comes from standard input");
                return Ok(Located { dockerfile: "-".into(), bytes: Ok(bytes.clone()), ignore });
            }
            DockerfileInput::Default => {
                (self.request.context.join("Dockerfile"), PathBuf::from("Dockerfile"))
            }
            DockerfileInput::Path(path) => (path.clone(), path.clone()),
        };
        let parent = folder_of(&path);
        let file = path.file_name().map(|n| n.as_bytes().to_vec()).unwrap_or_default();
        let repository = &self.revision.repository;
        let same = repository.below(parent) == repository.below(&self.request.context);
        let listed = self.folder(parent).map(|l| l.map(|l| Listed::new(l)));
        let disk = if listed.is_none() { Folder::find(parent)? } else { None };
        let folder = match &listed {
            Some(listed) => Place::of(parent, listed.as_ref()),
            None => Place::of(parent, disk.as_ref()),
        };
        let ignore = locate::of_dockerfile(IgnoreSource::find_in(&root, &folder, &file, same)?, &path, &name);
        let (name, bytes) = match folder.find_dockerfile(&file)? {
            Some(found) if found.unreadable => return Err(self.unreadable(&found.path)),
            Some(found) => (name.with_file_name(found.path.file_name().unwrap_or_default()), Ok(found.bytes)),
            None => (name, Err(Absent::without_hint(&path))),
        };
        Ok(Located { dockerfile: name.to_string_lossy().into_owned(), bytes, ignore })
    }

    fn unreadable(&self, path: &Path) -> Error {
        let what = format!("{} at {}", path.display(), self.revision.commit);
        let hint = "its content is not on this machine";
        Error::usage(format!("reading {what}: its content can't be had from git"), hint)
    }

    fn load(
        &self,
        name: &str,
        root: &Path,
        found: IgnoreFile,
        listing: Arc<Listing>,
    ) -> Result<Loaded, Error> {
        let files = |context: &crate::context::Context| {
            RevisionFiles::new(listing.clone(), context, self.options.blobs.clone())
        };
        local::of_listing(name, root, found, Listed::new(listing.clone()), files, self.observer)
    }

    fn named(&self, name: &str, root: &Path) -> Result<Loaded, Error> {
        let Some(listing) = self.folder(root) else {
            locate::check_folder(root, &format!("the named context {name}"))?;
            let found = locate::of_named(root)?;
            return local::load(name, root, found, self.request.index.as_deref(), self.observer);
        };
        let Some(listing) = listing else { return Err(self.no_folder(root)) };
        let tree = Listed::new(listing.clone());
        let found = IgnoreSource::of_named_tree(&Place::of(root, Some(&tree)))?;
        let found = locate::in_force(found, "a named context has its own");
        self.load(name, root, found, listing)
    }
}

impl IgnoreFile {
    /// Puts lines at its end; where there is none they make one.
    fn add(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.name.get_or_insert_with(|| crate::context::GENERAL.to_owned());
        if !self.bytes.is_empty() && !self.bytes.ends_with(b"\n") {
            self.bytes.push(b'\n');
        }
        for line in lines {
            self.bytes.extend_from_slice(line.as_bytes());
            self.bytes.push(b'\n');
        }
    }
}
