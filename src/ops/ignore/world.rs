//! A context that is walked once, and the builds that share it and its ignore file: what each comes to under any other one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::block::{self, Owner};
use super::builds::Wanted;
use super::outcome::Outcome;
use crate::context::{Context, ContextOptions, IgnoreSource, Listed, MemoryTree};
use crate::error::Error;
use crate::index::Index;
use crate::observer::{Observer, Silent};
use crate::ops::analysis::{self, Analysis, AnalysisOptions, CONTEXT, Read};
use crate::ops::known::Seen;
use crate::ops::local::Local;
use crate::ops::locate::{self, IgnoreFile};
use crate::ops::{DockerfileInput, Request, lints};
use crate::pattern::{self, PatternError};

/// The ignore file that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As it is spoken of.
    pub name: String,
    /// Where it is, or would be.
    pub path: PathBuf,
    /// What it holds; `None` when there is none.
    pub bytes: Option<Vec<u8>>,
    /// Why it is this one, in words.
    pub reason: String,
}

/// A build that reads that file.
pub struct Build {
    /// Its Dockerfile, as it was named.
    pub dockerfile: String,
    /// What else tells it from others: a service, a stage.
    pub detail: Option<String>,
    /// It was asked about; else it was found beside.
    pub asked: bool,
    /// Read, with an empty folder in place of the context.
    pub read: Read,
    /// Where its Dockerfile lies below the context.
    pub dockerfile_below: Option<Vec<u8>>,
}

/// A build that has nothing to do with the file, or that nothing can be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Its Dockerfile, as it was named.
    pub dockerfile: String,
    /// What else tells it from others.
    pub detail: Option<String>,
    /// Why it isn't looked at, in words.
    pub why: String,
}

/// The context and its builds.
pub struct World {
    /// All that is there, or all that the file in force shows.
    pub base: Context,
    /// The ignore file.
    pub target: Target,
    /// The builds that it counts for.
    pub builds: Vec<Build>,
    /// Those that it doesn't.
    pub aside: Vec<Aside>,
    root: PathBuf,
    seen: Arc<Seen>,
}

impl World {
    /// Reads the builds, and walks the context once: all of it, or with `everything` unset what the ignore file in force shows (which
    /// is enough as long as lines are only added that hide something).
    ///
    /// # Errors
    /// [`Error`] for input that can't be read, and where there is no build at all.
    pub fn load(wanted: Vec<Wanted>, everything: bool, observer: &dyn Observer) -> Result<Self, Error> {
        let Some(first) = wanted.first() else {
            return Err(Error::usage("there is no Dockerfile here", "name one with -f"));
        };
        let request = first.request.clone();
        let target = target_of(&request)?;
        // Before the walk, see there.
        let resolved = request.context.canonicalize().map_err(|e| Error::read(&request.context, e))?;
        let mut index = request.index.as_deref().map(|folder| Index::open(folder, &resolved));
        // Lines of an earlier run are looked at again.
        let bytes = target.bytes.as_ref().map(|bytes| block::with(bytes, Owner::Proposed, &[]));
        let shown = if everything { None } else { parse(&target, bytes.as_deref()).ok().flatten() };
        let base = Context::load(&request.context, shown, &ContextOptions::default(), observer)?;
        if let Some(index) = &mut index {
            base.devices().iter().for_each(|(device, path)| index.admit(*device, path));
        }
        let seen = Arc::new(Seen::new(index));
        let (builds, aside) = (Vec::new(), Vec::new());
        let mut world = Self { base, target, builds, aside, root: request.context, seen };
        for one in wanted {
            world.add(one, observer)?;
        }
        Ok(world)
    }

    /// Adds a build, if the file counts for it.
    fn add(&mut self, wanted: Wanted, observer: &dyn Observer) -> Result<(), Error> {
        let Wanted { request, detail, asked } = wanted;
        let aside = |dockerfile: String, why: String| Aside { dockerfile, detail: detail.clone(), why };
        let theirs = match target_of(&request) {
            Ok(target) => target,
            Err(e) if asked => return Err(e),
            Err(e) => {
                self.aside.push(aside(name_of(&request), e.to_string()));
                return Ok(());
            }
        };
        if !same_file(&theirs.path, &self.target.path) {
            let why = format!("{} is in force there", theirs.name);
            self.aside.push(aside(name_of(&request), why));
            return Ok(());
        }
        match self.read(&request, observer) {
            Ok(read) => self.builds.push(Build {
                dockerfile: read.located.dockerfile.clone(),
                detail,
                asked,
                dockerfile_below: self.below(&request),
                read,
            }),
            Err(e) if asked => return Err(e),
            Err(e) => self.aside.push(aside(name_of(&request), e.to_string())),
        }
        Ok(())
    }

    fn read(&self, request: &Request, observer: &dyn Observer) -> Result<Read, Error> {
        let located = locate::locate(request)?;
        let dockerfile = located.bytes.as_ref().ok().map(|bytes| lints::parse(request, bytes));
        let plan = match &dockerfile {
            // The ignore file is what changes here: what a check says of the one at hand is of no interest.
            Some(Ok(file)) => Some(analysis::resolve(request, &IgnoreFile::default(), file)?),
            _ => None,
        };
        let context = Ok(self.local(Arc::new(Context::of(&self.root, empty(), None, &Silent)?)));
        let mut read = Read { located, context, named: Vec::new(), dockerfile, plan, revision: None };
        read.load_named(request, |_, found| found, observer)?;
        Ok(read)
    }

    fn local(&self, context: Arc<Context>) -> Local {
        Local {
            name: CONTEXT.to_owned(),
            root: self.root.clone(),
            found: IgnoreFile::default(),
            context,
            index: None,
            seen: Some(self.seen.clone()),
            revision: None,
        }
    }

    /// Where the ignore file lies below the context, be it there or not.
    pub fn target_below(&self) -> Option<Vec<u8>> {
        use std::os::unix::ffi::OsStrExt as _;
        let folder =
            self.target.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let real = folder.canonicalize().ok()?.join(self.target.path.file_name()?);
        Some(real.strip_prefix(self.base.root()).ok()?.as_os_str().as_bytes().to_vec())
    }

    /// Where a request's Dockerfile lies below the context.
    fn below(&self, request: &Request) -> Option<Vec<u8>> {
        use std::os::unix::ffi::OsStrExt as _;
        let path = dockerfile_path(request)?.canonicalize().ok()?;
        Some(path.strip_prefix(self.base.root()).ok()?.as_os_str().as_bytes().to_vec())
    }

    /// The context under other rules: `None` for no ignore file.
    ///
    /// # Errors
    /// [`PatternError`] for lines that make every build fail.
    pub fn under(&self, bytes: Option<&[u8]>) -> Result<Arc<Context>, PatternError> {
        let ignore = parse(&self.target, bytes)?;
        let filtered = self.base.filtered(ignore);
        Ok(Arc::new(filtered.unwrap_or_else(|_| unreachable!("a listing is filtered without I/O"))))
    }

    /// What every build comes to under a context's rules. Gives the context back.
    ///
    /// # Errors
    /// [`Error`] for files that can't be read.
    pub fn outcomes(
        &mut self,
        context: Arc<Context>,
        observer: &dyn Observer,
    ) -> Result<(Vec<Outcome>, Arc<Context>), Error> {
        let mut held: Result<Local, PatternError> = Ok(self.local(context));
        let mut outcomes = Vec::with_capacity(self.builds.len());
        for build in &mut self.builds {
            std::mem::swap(&mut build.read.context, &mut held);
            let outcome =
                Analysis::of(&build.read, AnalysisOptions::default(), observer).map(|a| Outcome::of(&a));
            std::mem::swap(&mut build.read.context, &mut held);
            outcomes.push(outcome?);
        }
        match held {
            Ok(local) => Ok((outcomes, local.context)),
            Err(e) => Err(e.into()),
        }
    }

    /// Remembers the digests of what was read for the next run.
    pub fn remember(&self, observer: &dyn Observer) {
        self.seen.save(&self.base, observer);
    }
}

/// The rules of a file under the target's name.
pub fn parse(target: &Target, bytes: Option<&[u8]>) -> Result<Option<pattern::IgnoreFile>, PatternError> {
    bytes.map(|bytes| pattern::IgnoreFile::parse(target.name.as_str(), bytes)).transpose()
}

fn empty() -> Listed {
    Listed::new(Arc::new(MemoryTree::new()))
}

/// The Dockerfile of a request, where it is a file.
pub fn dockerfile_path(request: &Request) -> Option<PathBuf> {
    match &request.dockerfile {
        DockerfileInput::Bytes(_) => None,
        DockerfileInput::Default => Some(request.context.join("Dockerfile")),
        DockerfileInput::Path(path) => Some(path.clone()),
    }
}

/// How a request's Dockerfile is spoken of.
fn name_of(request: &Request) -> String {
    match &request.dockerfile {
        DockerfileInput::Bytes(_) => "-".to_owned(),
        DockerfileInput::Default => "Dockerfile".to_owned(),
        DockerfileInput::Path(path) => path.display().to_string(),
    }
}

/// The ignore file that is in force for a request, or that would be if it were there.
fn target_of(request: &Request) -> Result<Target, Error> {
    let located = locate::locate(request)?;
    let found = match dockerfile_path(request) {
        Some(path) => IgnoreSource::find(&request.context, &path)?,
        None => IgnoreSource::of_named_context(&request.context)?,
    };
    let name = located.ignore.name.unwrap_or_else(|| found.name.clone());
    let bytes = found.bytes.is_some().then_some(located.ignore.bytes);
    Ok(Target { name, path: found.path, bytes, reason: located.ignore.reason })
}

/// Whether two paths are one file, be it there or not.
fn same_file(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    };
    a == b || real(a).is_some() && real(a) == real(b)
}
