//! The walk over a build graph that computes every key: pick what the keys need from the client's folders, hash it at
//! once, then go through the vertices, inputs before users.

use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;

use super::content::{self, Content};
use super::keys::Files;
use super::local::{LocalTree, Picked};
use super::op::{self, CacheMap};
use super::stage::{Listing, Reading, StageTree};
use super::{CacheError, FileTree, Inputs, KeyError, Selector};
use crate::observer::Observer;
use crate::plan::{Op, Plan, Source, Vertex, VertexId};

/// What goes before BuildKit's text when a lookup fails; the random ids stand as in its own recorded messages.
const CHECKSUM_FAILED: &str = "failed to compute cache key: failed to calculate checksum of ref <ID>::<ID>: ";

/// Everything that the walk has found out.
pub(super) struct Walk<'t> {
    pub plan: &'t Plan,
    pub inputs: &'t Inputs<'t>,
    observer: &'t dyn Observer,
    /// By vertex.
    pub maps: Vec<CacheMap>,
    /// By vertex and input.
    pub contents: Vec<Vec<Content>>,
    /// By vertex and input: what is read from a local source, as its index and ranges of entries.
    pub reads: Vec<Vec<(usize, Range<usize>)>>,
    /// By index in `inputs`.
    pub locals: Vec<LocalTree<'t>>,
    pub errors: Vec<KeyError>,
    /// By vertex: it fails, or what it is made from does.
    pub doomed: Vec<bool>,
    /// By index in `inputs`: the folder as a tree, where a step on an unknown base looks into it.
    pub client_trees: Vec<Option<FileTree>>,
    /// By vertex: the trees that keys look into, which stay.
    pub trees: &'t [OnceCell<FileTree>],
    /// By vertex: the other trees, while a vertex is still to be made from them; and by how many.
    pub made: Vec<(Option<FileTree>, usize)>,
    listings: &'t [OnceCell<Listing<'t>>],
    stages: Vec<Option<StageTree<'t>>>,
    /// Why a vertex's tree isn't known, in words.
    pub unknown: Vec<Option<String>>,
    /// Whose trees are made.
    pub wanted: Vec<bool>,
    /// Whose trees content keys look into.
    pub looked_into: Vec<bool>,
    /// By vertex: the index in `inputs`.
    pub local_of: Vec<Option<usize>>,
    /// By vertex: the first step whose own work it is.
    steps: Vec<Option<usize>>,
}

impl<'t> Walk<'t> {
    /// Goes through the whole plan. `trees` and `listings` have a place for every vertex.
    pub fn run(
        plan: &'t Plan,
        inputs: &'t Inputs<'t>,
        observer: &'t dyn Observer,
        trees: &'t [OnceCell<FileTree>],
        listings: &'t [OnceCell<Listing<'t>>],
    ) -> Result<Self, CacheError> {
        let vertices = &plan.graph.vertices;
        let mut walk = Self {
            plan,
            inputs,
            observer,
            maps: vertices.iter().map(|v| op::cache_map(v, plan.versions)).collect(),
            contents: Vec::new(),
            reads: vec![Vec::new(); vertices.len()],
            locals: inputs
                .all()
                .iter()
                .map(|i| LocalTree::new(i.name.clone(), i.files, i.memory, plan.versions.engine))
                .collect(),
            errors: Vec::new(),
            doomed: vec![false; vertices.len()],
            client_trees: vec![None; inputs.all().len()],
            trees,
            made: vec![(None, 0); vertices.len()],
            listings,
            stages: vertices.iter().map(|_| None).collect(),
            unknown: vec![None; vertices.len()],
            wanted: Vec::new(),
            looked_into: Vec::new(),
            local_of: local_sources(plan, inputs)?,
            steps: steps(plan),
        };
        walk.plan_trees();
        walk.hash_locals()?;
        for vertex in 0..vertices.len() {
            let contents = walk.contents_of(vertex)?;
            walk.contents.push(contents);
            walk.grow(vertex)?;
        }
        Ok(walk)
    }

    pub fn vertex(&self, vertex: usize) -> &'t Vertex {
        &self.plan.graph.vertices[vertex]
    }

    /// The inputs of a vertex that have a content key, with their selectors.
    pub fn by_content(&self, vertex: usize) -> Vec<(usize, usize, Vec<Selector>)> {
        let CacheMap::Operation { inputs, .. } = &self.maps[vertex] else { return Vec::new() };
        let of = |(i, VertexId(input)): (usize, &VertexId)| Some((i, *input, inputs[i].content.clone()?));
        self.vertex(vertex).inputs.iter().enumerate().filter_map(of).collect()
    }

    /// Picks what the keys need from the client's folders, and hashes it.
    fn hash_locals(&mut self) -> Result<(), CacheError> {
        for vertex in 0..self.maps.len() {
            for (_, input, selectors) in self.by_content(vertex) {
                let Some(local) = self.local_of[input].filter(|_| !self.vertex(vertex).paths_open) else {
                    continue;
                };
                for selector in &selectors {
                    let picked = self.locals[local].pick(selector);
                    self.reads[vertex].extend(picked.entries.iter().map(|r| (local, r.clone())));
                }
            }
        }
        let mut errors = Vec::new();
        for local in &mut self.locals {
            errors.extend(local.hash(self.inputs.fingerprints, self.observer).err().unwrap_or_default());
        }
        if errors.is_empty() { Ok(()) } else { Err(CacheError::Hash(errors)) }
    }

    fn contents_of(&mut self, vertex: usize) -> Result<Vec<Content>, CacheError> {
        let mut out = vec![Content::None; self.vertex(vertex).inputs.len()];
        for (i, input, selectors) in self.by_content(vertex) {
            if let Some(reason) = self.vertex(vertex).open.first().filter(|_| self.vertex(vertex).paths_open)
            {
                out[i] = Content::Open(reason.clone());
                continue;
            }
            out[i] = match (self.local_of[input], &self.unknown[input]) {
                (Some(local), _) => self.local_content(vertex, i, local, selectors),
                (None, Some(reason)) => Content::Open(reason.clone()),
                (None, None) => self.stage_content(vertex, i, input, selectors)?,
            };
        }
        Ok(out)
    }

    fn local_content(&mut self, vertex: usize, i: usize, local: usize, selectors: Vec<Selector>) -> Content {
        let mut picks = Vec::new();
        for selector in selectors {
            let picked: Rc<Picked> = self.locals[local].pick(&selector);
            match &picked.selection {
                Ok(selection) => {
                    let tree = &mut self.locals[local];
                    let files = Files::Local { source: tree.name.clone(), entries: picked.entries.clone() };
                    picks.push(Some((selector, tree.digest(selection), files)));
                }
                Err(error) => {
                    self.fail(vertex, i, error);
                    picks.push(None);
                }
            }
        }
        known_or_failed(picks)
    }

    fn stage_content(
        &mut self,
        vertex: usize,
        i: usize,
        input: usize,
        selectors: Vec<Selector>,
    ) -> Result<Content, CacheError> {
        let mut stage = self.stages[input].take().map_or_else(|| self.stage(input), Ok)?;
        let mut picks = Vec::new();
        for selector in selectors {
            match stage.select(&selector) {
                Ok(selection) => {
                    let reading =
                        Reading { inputs: self.inputs, locals: &self.locals, observer: self.observer };
                    let (digest, files) = stage.digest(&selection, &reading).map_err(CacheError::Hash)?;
                    picks.push(Some((selector, digest, Files::Stage(files.into()))));
                }
                Err(error) => {
                    self.fail(vertex, i, &error);
                    picks.push(None);
                }
            }
        }
        self.stages[input] = Some(stage);
        Ok(known_or_failed(picks))
    }

    fn stage(&self, vertex: usize) -> Result<StageTree<'t>, CacheError> {
        let tree = self.trees[vertex].get();
        let tree = tree.ok_or_else(|| CacheError::Tree(format!("vertex {vertex} has no files")))?;
        Ok(StageTree::new(
            tree,
            self.listings[vertex].get_or_init(|| tree.files()),
            self.plan.versions.engine,
        ))
    }

    fn fail(&mut self, vertex: usize, input: usize, error: &super::select::SelectError) {
        let (kind, path) = content::describe(error);
        self.errors.push(KeyError {
            step: self.step_of(vertex),
            vertex: VertexId(vertex),
            input: Some(input),
            kind,
            code: content::code(kind),
            path,
            engine_message: format!("{CHECKSUM_FAILED}{error}"),
        });
    }

    /// The step whose own work a vertex is.
    pub fn step_of(&self, vertex: usize) -> Option<usize> {
        self.steps[vertex]
    }
}

fn known_or_failed(picks: Vec<Option<(Selector, crate::digest::Digest, Files)>>) -> Content {
    match picks.into_iter().collect::<Option<Vec<_>>>() {
        Some(picks) => Content::Known(content::key(picks)),
        None => Content::Failed,
    }
}

/// For every vertex that is a local source the index of its files.
fn local_sources(plan: &Plan, inputs: &Inputs<'_>) -> Result<Vec<Option<usize>>, CacheError> {
    let of = |v: &Vertex| match &v.op {
        Op::Source(Source::Local(local)) => {
            inputs.of(local).map(Some).ok_or_else(|| CacheError::NoSource(local.name.clone()))
        }
        _ => Ok(None),
    };
    plan.graph.vertices.iter().map(of).collect()
}

fn steps(plan: &Plan) -> Vec<Option<usize>> {
    let mut out = vec![None; plan.graph.vertices.len()];
    for (i, step) in plan.steps.iter().enumerate().rev() {
        if let Some(place) = out.get_mut(step.vertex.0) {
            *place = Some(i);
        }
    }
    out
}
