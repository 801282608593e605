//! The whole flow: Dockerfile and folders → plan → keys.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::blobs::KnownBlobs;
use super::known;
use super::local::{self, Local};
use super::locate::{self, IgnoreFile, Located};
use super::revision::AtRevision;
use super::{NamedInput, Request, images, lints};
use crate::cache::{self, EntryDigests, Inputs, Keys, Memory};
use crate::context::{ContextError, View};
use crate::digest::Digest;
use crate::dockerfile::{Dockerfile, ParseError};
use crate::error::Error;
use crate::observer::Observer;
use crate::pattern;
use crate::plan::{Images, LocalSource, Op, Plan, PlanOptions, Source};

/// The name of the build context among the local sources.
pub(super) const CONTEXT: &str = "context";

/// What was read: all that needs no digest yet.
pub struct Read {
    /// The Dockerfile's name and bytes, the ignore file.
    pub located: Located,
    /// The build context.
    pub context: local::Loaded,
    /// The named local contexts that the target reads.
    pub named: Vec<local::Loaded>,
    /// The Dockerfile, or why it can't be read; `None` when there is none.
    pub dockerfile: Option<Result<Dockerfile, ParseError>>,
    /// What the target runs.
    pub plan: Option<Plan>,
    /// Which revision it is of; `None` for what is there now.
    pub revision: Option<AtRevision>,
}

/// A build as far as it can be known.
pub struct Analysis<'a> {
    /// What it was made from.
    pub read: &'a Read,
    /// What each local source sends, in the order of the graph.
    pub sent: Vec<Sent<'a>>,
    /// Why a request for a local source would fail.
    pub refused: Vec<ContextError>,
    /// The keys.
    pub keys: Option<Keys>,
}

/// What a local source sends.
pub struct Sent<'a> {
    /// The source.
    pub source: LocalSource,
    /// Its name in [`Keys`].
    pub key: Arc<str>,
    /// The entries.
    pub view: View<'a>,
}

/// What a step takes from a local source.
pub struct Taken<'a> {
    /// Which input of the step's vertex it is.
    pub input: usize,
    /// The source.
    pub sent: &'a Sent<'a>,
    /// Indexes in its listing.
    pub ranges: &'a [Range<usize>],
}

/// Lists the folder of a local source: its name, its root, its ignore file.
pub(super) type Load<'a> = dyn FnMut(&str, &Path, IgnoreFile) -> Result<local::Loaded, Error> + 'a;

impl Read {
    /// Reads the Dockerfile and walks the folders.
    ///
    /// # Errors
    /// [`Error`] for input that can't be read.
    pub fn of(request: &Request, observer: &dyn Observer) -> Result<Self, Error> {
        Self::located(request, locate::locate(request)?, |_, ignore| ignore, observer)
    }

    /// As [`Read::of`] with a Dockerfile and an ignore file that are at hand; `naming` says how the ignore file of a named context's
    /// folder is called.
    ///
    /// # Errors
    /// [`Error`] for input that can't be read.
    pub fn located(
        request: &Request,
        located: Located,
        naming: fn(&Path, IgnoreFile) -> IgnoreFile,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let index = request.index.as_deref();
        let mut load = |name: &str, root: &Path, found| local::load(name, root, found, index, observer);
        Self::loaded(request, located, naming, &mut load)
    }

    /// As [`Read::located`] with folders that `load` walks, or has walked already.
    ///
    /// # Errors
    /// [`Error`] for input that can't be read.
    pub(super) fn loaded(
        request: &Request,
        located: Located,
        naming: fn(&Path, IgnoreFile) -> IgnoreFile,
        load: &mut Load<'_>,
    ) -> Result<Self, Error> {
        let context = load(CONTEXT, &request.context, located.ignore.clone())?;
        let dockerfile = located.bytes.as_ref().ok().map(|bytes| lints::parse(request, bytes));
        let plan = match &dockerfile {
            Some(Ok(file)) => Some(resolve(request, &located.ignore, file)?),
            _ => None,
        };
        let mut read = Self { located, context, named: Vec::new(), dockerfile, plan, revision: None };
        read.load_named_with(request, naming, load)?;
        Ok(read)
    }

    /// Walks the named contexts that the target reads, as far as that was not done yet.
    pub(super) fn load_named(
        &mut self,
        request: &Request,
        naming: fn(&Path, IgnoreFile) -> IgnoreFile,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let index = request.index.as_deref();
        let mut load = |name: &str, root: &Path, found| local::load(name, root, found, index, observer);
        self.load_named_with(request, naming, &mut load)
    }

    fn load_named_with(
        &mut self,
        request: &Request,
        naming: fn(&Path, IgnoreFile) -> IgnoreFile,
        load: &mut Load<'_>,
    ) -> Result<(), Error> {
        for name in local_names(self.plan.as_ref()) {
            let Some(NamedInput::Folder(root)) = request.named.get(&name) else { continue };
            if self.local(&name).is_none() {
                let found = naming(root, locate::of_named(root)?);
                self.named.push(load(&name, root, found)?);
            }
        }
        Ok(())
    }

    /// Every folder that could be listed.
    pub fn locals(&self) -> impl Iterator<Item = &Local> {
        std::iter::once(&self.context).chain(&self.named).flatten()
    }

    /// The folder behind a local source's name, when it could be listed.
    pub fn local(&self, name: &str) -> Option<&Local> {
        self.locals().find(|l| l.name == name)
    }

    /// The text of a line of the Dockerfile.
    pub fn source_line(&self, line: usize) -> Option<String> {
        let bytes = self.located.bytes.as_ref().ok()?;
        let line = bytes.split(|b| *b == b'\n').nth(line.checked_sub(1)?)?;
        Some(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned())
    }
}

/// What is computed beside the keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnalysisOptions {
    /// The BLAKE3 of every content that a key needs, from the same read.
    pub fingerprints: bool,
    /// No file is read: the keys are of no use then, but what each step takes and why a step fails are the same.
    pub unread: bool,
    /// The caller lets the index remember what was read.
    pub unsaved: bool,
}

impl<'a> Analysis<'a> {
    /// Computes what is sent and the keys, when every folder could be listed.
    ///
    /// # Errors
    /// [`Error`] for input that can't be read.
    pub fn of(read: &'a Read, options: AnalysisOptions, observer: &dyn Observer) -> Result<Self, Error> {
        let mut analysis = Self { read, sent: Vec::new(), refused: Vec::new(), keys: None };
        let Some(plan) = &read.plan else { return Ok(analysis) };
        let mut views = Vec::new();
        for source in locals(Some(plan)) {
            let Some(local) = read.local(&source.name) else { return Ok(analysis) };
            match local.context.view(&source.follow_paths) {
                Ok(view) => views.push((source.clone(), view)),
                Err(e) if e.engine_message().is_some() => analysis.refused.push(e),
                Err(e) => return Err(e.into()),
            }
        }
        if !analysis.refused.is_empty() {
            return Ok(analysis);
        }
        let mut inputs = Inputs::new();
        inputs.fingerprints = options.fingerprints;
        let known = known::all(read, &views);
        let of_revision: Vec<_> = views.iter().map(|(s, view)| KnownBlobs::of(read, s, view)).collect();
        let mut keys: Vec<Arc<str>> = Vec::new();
        for (((source, view), known), blobs) in views.iter().zip(&known).zip(&of_revision) {
            keys.push(match (blobs, known) {
                _ if options.unread => inputs.add_remembered(source, view, &Unread),
                (Some(blobs), _) => inputs.add_remembered(source, view, blobs),
                (None, Some(known)) => inputs.add_remembered(source, view, known),
                (None, None) => inputs.add(source, view),
            });
        }
        analysis.keys = Some(cache::keys(plan, &inputs, observer)?);
        if !options.unread && !options.unsaved {
            read.locals().for_each(|local| known::save(local, observer));
        }
        drop(inputs);
        drop((known, of_revision));
        analysis.sent =
            views.into_iter().zip(keys).map(|((source, view), key)| Sent { source, key, view }).collect();
        Ok(analysis)
    }

    /// What a step takes from local sources.
    pub fn taken(&self, step: usize) -> impl Iterator<Item = Taken<'_>> {
        let reads = self.keys.as_ref().and_then(|k| k.steps.get(step)).map(|s| &s.reads);
        reads.into_iter().flat_map(|r| &r.entries).filter_map(move |(name, ranges)| {
            let sent = self.sent.iter().find(|s| s.key == *name)?;
            let plan = self.read.plan.as_ref()?;
            let is = |op: &Op| matches!(op, Op::Source(Source::Local(local)) if *local == sent.source);
            let vertex = &plan.graph.vertices[plan.steps[step].vertex.0];
            let input = vertex.inputs.iter().position(|id| is(&plan.graph.vertices[id.0].op))?;
            Some(Taken { input, sent, ranges })
        })
    }
}

/// Stands for the digests of files that nobody reads.
struct Unread;

impl Memory for Unread {
    fn recall(&self, entry: usize, _: bool) -> Option<EntryDigests> {
        let digest = Digest::sha256(entry.to_le_bytes());
        Some(EntryDigests { headed: digest, blake3: Some(digest), unopened: false })
    }

    fn learn(&self, _: usize, _: EntryDigests) {}
}

/// The build graph of the target.
pub(super) fn resolve(request: &Request, ignore: &IgnoreFile, file: &Dockerfile) -> Result<Plan, Error> {
    for (name, input) in &request.named {
        if let NamedInput::Folder(path) = input {
            locate::check_folder(path, &format!("the named context {name}"))?;
        }
    }
    let images = images::Known::of(request)?;
    resolve_with(request, ignore, file, &images).map_err(|e| match e {
        Error::Plan(e) => images.error(e),
        e => e,
    })
}

/// The build graph of the target, with these images.
pub(super) fn resolve_with(
    request: &Request,
    ignore: &IgnoreFile,
    file: &Dockerfile,
    images: &dyn Images,
) -> Result<Plan, Error> {
    Ok(Plan::resolve(file, &plan_options(request, ignore), images)?)
}

/// What the plan has to know of a request and of the context's ignore file.
pub(super) fn plan_options(request: &Request, ignore: &IgnoreFile) -> PlanOptions {
    let mut options = request.plan.clone();
    options.named_contexts =
        request.named.iter().map(|(name, input)| (name.clone(), input.to_plan())).collect();
    // One that can't be read makes the build fail, which is told elsewhere.
    let parse = |name: &String| pattern::IgnoreFile::parse(name.as_str(), &ignore.bytes).ok();
    options.ignore = ignore.name.as_ref().and_then(parse).map(|file| Arc::new(file.into_matcher()));
    options
}

/// The names of the local sources of a plan.
pub(super) fn local_names(plan: Option<&Plan>) -> Vec<String> {
    let mut names: Vec<String> = locals(plan).map(|l| l.name.clone()).collect();
    names.dedup();
    names
}

/// The local sources of a plan's graph.
fn locals(plan: Option<&Plan>) -> impl Iterator<Item = &LocalSource> {
    plan.into_iter().flat_map(|p| &p.graph.vertices).filter_map(|v| match &v.op {
        Op::Source(Source::Local(local)) => Some(local),
        _ => None,
    })
}
