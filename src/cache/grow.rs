//! The trees that steps leave: made only where a key needs to look into one, or where a step may be seen to fail.

use std::io::{self, Read};

use super::apply::{self, ApplyError, ContentReader};
use super::content::Content;
use super::tree;
use super::walk::Walk;
use super::{CacheError, FileTree, Inputs, KeyError, KeyErrorKind};
use crate::plan::{Op, Source, VertexId};

impl Walk<'_> {
    /// Decides whose trees are made, and counts how many trees are to be made from each. Nothing is kept longer than
    /// that, since ten thousand steps leave ten thousand versions of a folder.
    pub(super) fn plan_trees(&mut self) {
        self.looked_into = self.looked_into();
        self.wanted = self.wanted_trees();
        for (vertex, _) in self.wanted.iter().enumerate().filter(|(_, wanted)| **wanted) {
            for input in &self.plan.graph.vertices[vertex].inputs {
                self.made[input.0].1 += 1;
            }
        }
        for (vertex, local) in self.local_of.iter().enumerate() {
            self.wanted[vertex] &= local.is_none() || self.made[vertex].1 > 0;
        }
    }

    /// The vertices whose trees content keys look into.
    fn looked_into(&self) -> Vec<bool> {
        let mut out = vec![false; self.plan.graph.vertices.len()];
        for vertex in 0..out.len() {
            for (_, input, _) in self.by_content(vertex) {
                out[input] |= self.local_of[input].is_none();
            }
        }
        out
    }

    /// Those with all that they are made from, and what comes from nothing but the client's folders and images that are
    /// unpacked anyway, since carrying it out shows whether it would fail.
    fn wanted_trees(&self) -> Vec<bool> {
        let vertices = &self.plan.graph.vertices;
        let mut wanted = self.looked_into.clone();
        for vertex in (0..vertices.len()).rev() {
            if wanted[vertex] {
                vertices[vertex].inputs.iter().for_each(|i| wanted[i.0] = true);
            }
        }
        let mut cheap = vec![false; vertices.len()];
        for (v, vertex) in vertices.iter().enumerate() {
            cheap[v] = match vertex.op {
                Op::Source(Source::Local(_)) => true,
                Op::Source(Source::Image { .. }) => wanted[v],
                Op::File(_) | Op::Merge => vertex.open.is_empty() && vertex.inputs.iter().all(|i| cheap[i.0]),
                _ => false,
            };
        }
        wanted.iter().zip(cheap).map(|(w, c)| *w || c).collect()
    }
}

impl<'t> Walk<'t> {
    /// Makes a vertex's tree, or says why it isn't known.
    pub(super) fn grow(&mut self, vertex: usize) -> Result<(), CacheError> {
        match self.make(vertex)? {
            // The cell is empty: every vertex comes once.
            Ok(tree) if self.looked_into[vertex] => drop(self.trees[vertex].set(tree)),
            Ok(tree) if self.made[vertex].1 > 0 => self.made[vertex].0 = Some(tree),
            Ok(_) => {}
            Err(reason) => {
                self.unknown[vertex] = Some(reason);
                if !self.is_doomed(vertex) {
                    self.foresee_sources(vertex)?;
                }
            }
        }
        self.doomed[vertex] = self.is_doomed(vertex);
        if self.wanted[vertex] {
            for input in &self.vertex(vertex).inputs {
                let (tree, uses) = &mut self.made[input.0];
                *uses -= 1;
                if *uses == 0 {
                    *tree = None;
                }
            }
        }
        Ok(())
    }

    fn is_doomed(&self, vertex: usize) -> bool {
        self.vertex(vertex).inputs.iter().any(|i| self.doomed[i.0])
            || self.errors.iter().any(|e| e.vertex == VertexId(vertex))
    }

    /// The files that a vertex left, where they were made and are still kept.
    pub(super) fn tree(&self, vertex: usize) -> Option<&FileTree> {
        self.made[vertex].0.as_ref().or_else(|| self.trees[vertex].get())
    }

    fn make(&mut self, vertex: usize) -> Result<Result<FileTree, String>, CacheError> {
        let v = self.vertex(vertex);
        if !self.wanted[vertex] {
            return Ok(Err(format!("the files of {}, which were not needed", self.name(vertex))));
        }
        if let Some(reason) = v.open.first() {
            return Ok(Err(reason.clone()));
        }
        if self.contents[vertex].iter().any(|c| matches!(c, Content::Failed)) {
            return Ok(Err(format!("the output of {}, which fails", self.name(vertex))));
        }
        if let Some(reason) = v.inputs.iter().find_map(|i| self.unknown[i.0].clone()) {
            return Ok(Err(reason));
        }
        let inputs: Vec<&FileTree> = v.inputs.iter().filter_map(|i| self.tree(i.0)).collect();
        match &v.op {
            Op::Source(source) => self.source_files(vertex, source),
            Op::Merge => Ok(Ok(apply::merge(&inputs))),
            Op::Exec(_) => Ok(Err(format!("the output of {}", self.name(vertex)))),
            Op::File(actions) => {
                let inputs: Vec<Option<&FileTree>> = inputs.into_iter().map(Some).collect();
                let made = apply::apply_file_op(actions, &inputs, &Contents(self.inputs));
                self.made(vertex, made)
            }
        }
    }

    fn source_files(&self, vertex: usize, source: &Source) -> Result<Result<FileTree, String>, CacheError> {
        Ok(match (source, self.local_of[vertex]) {
            (_, Some(local)) => Ok(self.client_tree(local)),
            (Source::Image { image: Some(image), .. }, _) if image.0.layers.is_some() => {
                Ok(apply::image_tree(&image.0).map_err(|e| CacheError::Tree(e.to_string()))?)
            }
            (Source::Image { reference, .. }, _) => {
                Err(format!("the files of the base image {reference} are not known offline"))
            }
            (Source::Http { url, .. }, _) => Err(format!("the file behind {url} is not known offline")),
            (Source::Git { remote, .. }, _) => {
                Err(format!("the files behind {remote} are not known offline"))
            }
            (Source::Local(local), _) => return Err(CacheError::NoSource(local.name.clone())),
        })
    }

    /// The folder of a local source as the daemon gets it.
    pub(super) fn client_tree(&self, local: usize) -> FileTree {
        let input = &self.inputs.all()[local];
        let hashed = |entry| Some(!self.locals[local].entry_digests(entry)?.unopened);
        apply::source_tree(&input.name, input.files, &hashed)
    }

    /// Takes note of an operation that fails when it runs.
    fn made(
        &mut self,
        vertex: usize,
        made: Result<FileTree, ApplyError>,
    ) -> Result<Result<FileTree, String>, CacheError> {
        match made {
            Ok(tree) => Ok(Ok(tree)),
            Err(ApplyError::Fails { code, engine_message }) => {
                self.errors.push(KeyError {
                    step: self.step_of(vertex),
                    vertex: VertexId(vertex),
                    input: None,
                    kind: KeyErrorKind::Run,
                    code,
                    path: Vec::new(),
                    engine_message,
                });
                Ok(Err(format!("the output of {}, which fails", self.name(vertex))))
            }
            Err(e @ ApplyError::Read { .. }) => Err(CacheError::Tree(format!("{}: {e}", self.name(vertex)))),
        }
    }

    /// What BuildKit calls a vertex, where it is a step.
    fn name(&self, vertex: usize) -> String {
        match self.step_of(vertex) {
            Some(step) => self.plan.steps[step].name.clone(),
            None => "a step without a name".to_owned(),
        }
    }
}

/// Opens the contents of trees that come from the client's folders.
pub(super) struct Contents<'i>(pub &'i Inputs<'i>);

impl ContentReader for Contents<'_> {
    fn open<'c>(&'c self, content: &'c tree::Content) -> io::Result<Box<dyn Read + 'c>> {
        if let Some(reader) = apply::open_content(content) {
            return Ok(reader);
        }
        let tree::Content::Entry(name, entry) = content else { return Ok(Box::new(io::empty())) };
        let source = self.0.named(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(source.open(&source.entries()[*entry])?)
    }
}
