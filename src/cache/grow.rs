//! The trees that steps leave: made only where a key needs to look into one, or where a step may be seen to fail.

use super::content::Content;
use super::walk::Walk;
use super::{CacheError, FileTree};
use crate::plan::{Op, Source};

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
            return Ok(Err(format!("the files of {} were not looked at", self.name(vertex))));
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
        Ok(Err(format!("the output of {}", self.name(vertex))))
    }

    /// What BuildKit calls a vertex, where it is a step.
    fn name(&self, vertex: usize) -> String {
        match self.step_of(vertex) {
            Some(step) => self.plan.steps[step].name.clone(),
            None => "a step without a name".to_owned(),
        }
    }
}
