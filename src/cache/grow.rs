//! The trees that steps leave: made only where a key needs to look into one, or where a step may be seen to fail.

use std::io::{self, Read};

use super::apply::{self, ApplyError, ContentReader};
use super::content::Content;
use super::tree;
use super::walk::Walk;
use super::{CacheError, FileTree, Inputs, KeyError, KeyErrorKind};
use crate::plan::{Op, Source, VertexId};

impl Walk<'_> {
    /// Which vertices' trees are made: those that a content key looks into with all that they are made from, and those
    /// that come from nothing but the client's folders, since carrying them out shows whether they would fail.
    pub(super) fn wanted_trees(&self) -> Vec<bool> {
        let vertices = &self.plan.graph.vertices;
        let mut wanted = vec![false; vertices.len()];
        for vertex in (0..vertices.len()).rev() {
            for (_, input, _) in self.by_content(vertex) {
                wanted[input] |= self.local_of[input].is_none();
            }
            if wanted[vertex] {
                vertices[vertex].inputs.iter().for_each(|i| wanted[i.0] = true);
            }
        }
        let mut cheap = vec![false; vertices.len()];
        for (v, vertex) in vertices.iter().enumerate() {
            cheap[v] = match vertex.op {
                Op::Source(Source::Local(_)) => true,
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
        let made = self.make(vertex)?;
        match made {
            Ok(tree) => {
                let _ = self.trees[vertex].set(tree);
            }
            Err(reason) => self.unknown[vertex] = Some(reason),
        }
        Ok(())
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
        let inputs: Vec<&FileTree> = v.inputs.iter().filter_map(|i| self.trees[i.0].get()).collect();
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
            (_, Some(local)) => {
                let input = &self.inputs.all()[local];
                Ok(apply::source_tree(&input.name, input.files))
            }
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
struct Contents<'i>(&'i Inputs<'i>);

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
