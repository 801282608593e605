//! What is offered under a name.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::context::{Context, ContextError, Folder, Listed, MemoryTree, Request, Tree};
use crate::entry::{ContextPath, Entry, PathError, Source};

/// A folder, or a listing that stands for one, which the engine may ask for.
#[derive(Debug, Clone)]
pub struct Local {
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Context(Arc<Context>),
    Tree(Arc<dyn Tree>),
}

impl Local {
    /// A context that has been walked: its listing is what the engine gets if it asks with the context's own ignore file. For
    /// anything else the folder is looked at anew.
    pub fn context(context: Arc<Context>) -> Self {
        Self { kind: Kind::Context(context) }
    }

    /// A folder that is looked at when the engine asks, and only as far as it asks.
    pub fn folder(folder: Folder) -> Self {
        Self { kind: Kind::Tree(Arc::new(folder)) }
    }

    /// Files that aren't on disk, or not below one folder.
    pub fn listed(listed: Listed) -> Self {
        Self { kind: Kind::Tree(Arc::new(listed)) }
    }

    /// One file in memory: a Dockerfile that came from elsewhere.
    ///
    /// # Errors
    /// [`PathError`] when `name` is no clean relative path.
    pub fn file(name: &[u8], content: &[u8]) -> Result<Self, PathError> {
        let tree = MemoryTree::new().file(ContextPath::new(name)?, 0o644, content);
        Ok(Self::listed(Listed::new(Arc::new(tree))))
    }

    pub(super) fn tree(&self) -> &dyn Tree {
        match &self.kind {
            Kind::Context(context) => context.tree(),
            Kind::Tree(tree) => &**tree,
        }
    }

    /// The folder on disk, if it is one.
    pub(super) fn root(&self) -> Option<&Path> {
        self.tree().folder()
    }

    /// The entry at a place of the context.
    pub(super) fn entry(&self, place: usize) -> Option<&Entry> {
        match &self.kind {
            Kind::Context(context) => context.entries().get(place),
            Kind::Tree(_) => None,
        }
    }

    /// Hands out what is sent for a request, in order and with its place if it is an entry of the context, until `emit` breaks
    /// off.
    pub(super) fn list(
        &self,
        request: &Request,
        emit: &mut dyn FnMut(Option<usize>, &Entry) -> ControlFlow<()>,
    ) -> Result<(), ContextError> {
        match &self.kind {
            Kind::Context(context) if request.includes.is_empty() && context.excludes(&request.excludes) => {
                let view = context.view(&request.follow_paths)?;
                let mut entries = view.entries().iter().enumerate();
                let _ = entries.try_for_each(|(i, entry)| emit(Some(view.place(i)), entry));
                Ok(())
            }
            _ => request.list(self.tree(), &mut |entry| emit(None, &entry)),
        }
    }
}
