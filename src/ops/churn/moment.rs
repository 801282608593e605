//! One commit's build, as far as a builder looks at it, and which files each step takes.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use rustc_hash::FxHashMap;

use super::edit::Edit;
use crate::cache::{self, InputPart, Keys, Part, VertexKeys};
use crate::digest::Digest;
use crate::entry::{ContextPath, Source as _};
use crate::error::Error;
use crate::observer::Silent;
use crate::ops::Request;
use crate::ops::analysis::{Analysis, AnalysisOptions, Read};
use crate::ops::revision::{Checkout, RevisionOptions};
use crate::plan::{Images, Op, Plan, Source, Vertex};

/// The build of one commit.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// The build graph, inputs before users.
    pub nodes: Vec<Node>,
    /// The vertex of the target's final state.
    pub target: Option<usize>,
    /// The steps in the order of the Dockerfile.
    pub steps: Vec<StepFacts>,
    /// By source as it is sent: the local source's name and the paths.
    pub sent: Vec<(String, Vec<ContextPath>)>,
    /// The ignore file's bytes.
    pub ignore: Vec<u8>,
    /// The Dockerfile's name.
    pub dockerfile: String,
    /// The target's name.
    pub target_name: String,
    /// Why the build fails, in words.
    pub failure: Option<String>,
}

/// A vertex.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its records' digests, or one that stands in for them.
    pub digests: Vec<Digest>,
    /// Its inputs.
    pub inputs: Vec<NodeInput>,
    /// It comes from outside.
    pub is_source: bool,
    /// It is a folder of the client's, which has no record.
    pub is_local: bool,
    /// It runs whatever is remembered.
    pub ignore_cache: bool,
    /// It has a result once it has run: it doesn't fail.
    pub has_result: bool,
}

/// An input of a vertex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInput {
    /// The vertex that gives it.
    pub vertex: usize,
    /// The digest that goes with a link to its records.
    pub selector: Option<Digest>,
    /// Its content key.
    pub content: Content,
}

/// A content key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// There is none.
    None,
    /// It is known.
    Known(Digest),
    /// It hangs on what a program writes.
    Open,
}

/// A step.
#[derive(Debug, Clone, Default)]
pub struct StepFacts {
    /// BuildKit's name.
    pub name: String,
    /// The stage.
    pub stage: String,
    /// First line.
    pub line: usize,
    /// The keyword in upper case.
    pub instruction: String,
    /// As written.
    pub text: String,
    /// The vertex of its own work.
    pub vertex: usize,
    /// What it takes: the place in [`Moment::sent`], and ranges of its paths.
    pub taken: Vec<(usize, Vec<Range<usize>>)>,
}

/// Makes moments. One that somebody still has is not made again: most commits change nothing that a build sees.
pub struct Mill<'a> {
    request: &'a Request,
    images: &'a (dyn Images + Sync),
    made: Mutex<FxHashMap<Digest, Weak<Moment>>>,
}

/// The build of a commit, or why there is none, in words.
pub type Made = Result<Arc<Moment>, String>;

impl<'a> Mill<'a> {
    /// A mill for one request.
    pub fn new(request: &'a Request, images: &'a (dyn Images + Sync)) -> Self {
        Self { request, images, made: Mutex::new(FxHashMap::default()) }
    }

    /// The build of a commit, with a change if there is one.
    ///
    /// # Errors
    /// [`Error`] for what can't be read.
    pub fn moment(
        &self,
        checkout: &Checkout,
        options: &RevisionOptions,
        edit: Option<&Edit>,
    ) -> Result<Made, Error> {
        let ignore_more = edit.and_then(Edit::ignore_line).into_iter().collect();
        let options = RevisionOptions { ignore_more, ..options.clone() };
        let read = Read::of_checkout(self.request, checkout, &options, self.images, &Silent);
        let mut read = match read {
            Ok(read) => read,
            // The folder of the context isn't in every commit.
            Err(Error::Git(e @ crate::git::GitError::NoFolder { .. })) => return Ok(Err(e.to_string())),
            Err(e) => return Err(e),
        };
        if let Some(bytes) = edit.and_then(|edit| edit.apply(&read)) {
            read.replace_dockerfile(self.request, bytes, self.images)?;
        }
        if let Some(why) = unusable(&read) {
            return Ok(Err(why));
        }
        let state = state(&read);
        if let Some(moment) = self.made().get(&state).and_then(Weak::upgrade) {
            return Ok(Ok(moment));
        }
        let analysis = Analysis::of(&read, AnalysisOptions::default(), &Silent)?;
        let moment = Arc::new(moment_of(&read, &analysis));
        self.made().insert(state, Arc::downgrade(&moment));
        Ok(Ok(moment))
    }

    fn made(&self) -> MutexGuard<'_, FxHashMap<Digest, Weak<Moment>>> {
        self.made.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Why nothing can be told of a build.
fn unusable(read: &Read) -> Option<String> {
    if let Err(absent) = &read.located.bytes {
        return Some(absent.engine_message.clone());
    }
    if let Some(Err(e)) = &read.dockerfile {
        return Some(e.to_string());
    }
    let broken = std::iter::once(&read.context).chain(&read.named).find_map(|l| l.as_ref().err());
    broken.map(ToString::to_string)
}

/// A digest of all that decides over a build.
fn state(read: &Read) -> Digest {
    let mut bytes = Vec::new();
    let mut add = |part: &[u8]| {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    };
    add(read.located.bytes.as_deref().unwrap_or_default());
    add(&read.located.ignore.bytes);
    for local in read.locals() {
        add(local.name.as_bytes());
        for (place, entry) in local.context.entries().iter().enumerate() {
            add(entry.path.as_bytes());
            add(&[entry.stat.file_type as u8]);
            add(&entry.stat.mode.to_le_bytes());
            add(entry.stat.linkname());
            match local.revision.as_ref().and_then(|r| r.content_name(place)) {
                Some(name) => add(name.as_bytes()),
                None => add(&entry.stat.mtime_ns.to_le_bytes()),
            }
        }
    }
    Digest::blake3(bytes)
}

fn moment_of(read: &Read, analysis: &Analysis<'_>) -> Moment {
    let mut moment = Moment {
        ignore: read.located.ignore.bytes.clone(),
        dockerfile: read.located.dockerfile.clone(),
        ..Moment::default()
    };
    let Some(plan) = &read.plan else { return moment };
    moment.target = plan.target.map(|t| t.0);
    moment.target_name.clone_from(&plan.target_name);
    moment.sent = analysis
        .sent
        .iter()
        .map(|s| (s.source.name.clone(), s.view.entries().iter().map(|e| e.path.clone()).collect()))
        .collect();
    moment.nodes = nodes(plan, analysis.keys.as_ref());
    moment.steps = (0..plan.steps.len()).map(|i| step(plan, i, analysis)).collect();
    let in_plan = plan.errors.first().map(|e| e.message.clone());
    let in_keys = analysis.keys.as_ref().and_then(|k| k.errors.first()).map(|e| e.engine_message.clone());
    let refused = analysis.refused.first().map(ToString::to_string);
    moment.failure = in_plan.or(refused).or(in_keys);
    moment
}

fn nodes(plan: &Plan, keys: Option<&Keys>) -> Vec<Node> {
    let Some(keys) = keys else {
        let node = |v: &Vertex| Node { is_local: is_local(v), ..Node::default() };
        return plan.graph.vertices.iter().map(node).collect();
    };
    let (remembered, places) = cache::remember(plan, keys);
    let node = |((vertex, known), places): ((&Vertex, &VertexKeys), &Vec<usize>)| Node {
        digests: places.iter().map(|p| remembered.records[*p].digest).collect(),
        inputs: inputs(vertex, known),
        is_source: matches!(vertex.op, Op::Source(_)),
        is_local: is_local(vertex),
        ignore_cache: false,
        has_result: places.iter().any(|p| remembered.records[*p].result),
    };
    let mut nodes: Vec<Node> =
        plan.graph.vertices.iter().zip(&keys.vertices).zip(&places).map(node).collect();
    for step in plan.steps.iter().filter(|s| s.ignore_cache) {
        nodes[step.vertex.0].ignore_cache = true;
    }
    nodes
}

fn is_local(vertex: &Vertex) -> bool {
    matches!(vertex.op, Op::Source(Source::Local(_)))
}

fn inputs(vertex: &Vertex, known: &VertexKeys) -> Vec<NodeInput> {
    let parts = known.preimage.parts.iter().filter_map(|part| match part {
        Part::Input(input) => Some(input),
        _ => None,
    });
    let input = |part: &InputPart| NodeInput {
        vertex: part.vertex.0,
        selector: part.selector,
        content: match (&part.content, &part.opaque) {
            (Some(key), _) => Content::Known(key.digest),
            (None, Some(_)) => Content::Open,
            (None, None) => Content::None,
        },
    };
    let inputs: Vec<NodeInput> = parts.map(input).collect();
    if inputs.is_empty() {
        let bare =
            |id: &crate::plan::VertexId| NodeInput { vertex: id.0, selector: None, content: Content::None };
        return vertex.inputs.iter().map(bare).collect();
    }
    inputs
}

fn step(plan: &Plan, index: usize, analysis: &Analysis<'_>) -> StepFacts {
    let step = &plan.steps[index];
    let reads = analysis.keys.as_ref().and_then(|k| k.steps.get(index)).map(|s| &s.reads.entries);
    let place = |name: &Arc<str>| analysis.sent.iter().position(|s| s.key == *name);
    let taken = reads.into_iter().flatten().filter_map(|(name, ranges)| Some((place(name)?, ranges.clone())));
    StepFacts {
        name: step.name.clone(),
        stage: step.stage.clone(),
        line: step.span.line,
        instruction: step.instruction.clone(),
        text: step.text.clone(),
        vertex: step.vertex.0,
        taken: taken.collect(),
    }
}

impl Moment {
    /// Whether a step takes a path of a local source.
    pub fn takes(&self, step: usize, local: &str, path: &[u8]) -> bool {
        self.steps[step].taken.iter().any(|(sent, ranges)| {
            let (name, paths) = &self.sent[*sent];
            let at = || paths.binary_search_by(|p| ContextPath::compare(p.as_bytes(), path)).ok();
            name == local && at().is_some_and(|at| ranges.iter().any(|r| r.contains(&at)))
        })
    }
}
