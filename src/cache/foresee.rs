//! Sources that are missing when a step runs, and users that are looked up in nothing, on a base whose files aren't known.
//!
//! A content key looks up every source, but not those below another source of the same step
//! (`solver/llbsolver/ops/file.go`, `dedupePaths`), and not the folder of a wildcard: these fail when the copy runs.

use super::apply::{self, ApplyError};
use super::content::Content;
use super::grow::Contents;
use super::walk::Walk;
use super::{CacheError, FileTree, KeyError, KeyErrorKind};
use crate::plan::{CopyAction, FileAction, FileActionKind, Op, VertexId};

impl Walk<'_> {
    /// Looks whether the copies of a FileOp whose result isn't made would find their sources, where these lie in the
    /// client's folders, in a stage whose files are known, or in nothing (an empty scratch stage); and whether the users
    /// that they name could be looked up at all.
    pub(super) fn foresee_sources(&mut self, vertex: usize) -> Result<(), CacheError> {
        let v = self.vertex(vertex);
        let Op::File(actions) = &v.op else { return Ok(()) };
        if self.contents[vertex].iter().any(|c| matches!(c, Content::Failed)) {
            return Ok(());
        }
        for action in actions {
            if let Some((code, engine_message)) = self.foresee(&v.inputs, action)? {
                let (step, vertex) = (self.step_of(vertex), VertexId(vertex));
                let (input, kind, path) = (None, KeyErrorKind::Run, Vec::new());
                self.errors.push(KeyError { step, vertex, input, kind, code, path, engine_message });
                return Ok(());
            }
        }
        Ok(())
    }

    /// Code and text of the error that one action ends in for certain.
    fn foresee(
        &mut self,
        inputs: &[VertexId],
        action: &FileAction,
    ) -> Result<Option<(&'static str, String)>, CacheError> {
        if let Some(index) = apply::user_of_nothing(action) {
            return Ok(Some(("bad-user-index", format!("invalid user index: {index}"))));
        }
        let FileActionKind::Copy(copy) = &action.kind else { return Ok(None) };
        let Some(files) = self.copied_from(inputs, action.secondary) else { return Ok(None) };
        match apply::apply_file_op(&[alone(copy)], &[Some(&files)], &Contents(self.inputs)) {
            Err(ApplyError::Fails { code, engine_message }) if engine_message.starts_with("lstat ") => {
                Ok(Some((code, engine_message)))
            }
            Ok(_) | Err(ApplyError::Fails { .. }) => Ok(None),
            Err(e @ ApplyError::Read { .. }) => Err(CacheError::Tree(e.to_string())),
        }
    }

    /// What a copy looks for its source in; `None` where that isn't known.
    fn copied_from(&mut self, inputs: &[VertexId], secondary: i64) -> Option<FileTree> {
        if secondary < 0 {
            return Some(FileTree::scratch());
        }
        let input = inputs.get(usize::try_from(secondary).ok()?)?.0;
        match self.local_of[input] {
            Some(local) => Some(self.client_files(local)),
            None => self.tree(input).cloned(),
        }
    }

    /// The tree of a local source; its folders are shared, so that a copy costs nothing.
    fn client_files(&mut self, local: usize) -> FileTree {
        let made = self.client_trees[local].take().unwrap_or_else(|| self.client_tree(local));
        self.client_trees[local].insert(made).clone()
    }
}

/// The copy by itself onto an empty folder: only its source can make it fail.
fn alone(copy: &CopyAction) -> FileAction {
    let copy = CopyAction {
        dest: "/".to_owned(),
        owner: None,
        mode: -1,
        mode_str: String::new(),
        attempt_unpack: false,
        ..copy.clone()
    };
    FileAction { input: -1, secondary: 0, output: 0, kind: FileActionKind::Copy(copy) }
}
