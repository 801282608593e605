//! What is offered under a name.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::event::Digesting;
use super::walk::{Answer, Block, Walk};
use crate::context::{Context, ContextError, Folder, Listed, MemoryTree, Request, Tree};
use crate::entry::{ContextPath, Entry, PathError, Source};

/// A folder, or a listing that stands for one, which the engine may ask for.
#[derive(Debug, Clone)]
pub struct Local {
    kind: Kind,
    digesting: Option<Arc<dyn Digesting>>,
}

#[derive(Debug, Clone)]
enum Kind {
    Context(Arc<Context>),
    Walked(Arc<Folder>, Walk),
    Tree(Arc<dyn Tree>),
}

impl From<Kind> for Local {
    fn from(kind: Kind) -> Self {
        Self { kind, digesting: None }
    }
}

impl Local {
    /// With someone who digests the contents that are sent.
    #[must_use]
    pub fn digested(self, digesting: Arc<dyn Digesting>) -> Self {
        Self { digesting: Some(digesting), ..self }
    }

    pub(super) fn digesting(&self) -> Option<&dyn Digesting> {
        self.digesting.as_deref()
    }

    /// A context that has been walked: its listing is what the engine gets if it asks with the context's own ignore file. For
    /// anything else the folder is looked at anew.
    pub fn context(context: Arc<Context>) -> Self {
        Kind::Context(context).into()
    }

    /// A folder that is looked at when the engine asks, and only as far as it asks.
    pub fn folder(folder: Folder) -> Self {
        Kind::Tree(Arc::new(folder)).into()
    }

    /// A folder that is being walked anyway: its listing is what the engine gets if it asks in time, with the ignore file of that
    /// walk. For anything else the folder is looked at anew, as far as the engine asks.
    pub fn walked(folder: Folder, walk: Walk) -> Self {
        Kind::Walked(Arc::new(folder), walk).into()
    }

    /// Files that aren't on disk, or not below one folder.
    pub fn listed(listed: Listed) -> Self {
        Kind::Tree(Arc::new(listed)).into()
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
            Kind::Walked(folder, _) => &**folder,
            Kind::Tree(tree) => &**tree,
        }
    }

    /// The folder on disk, if it is one.
    pub(super) fn root(&self) -> Option<&Path> {
        self.tree().folder()
    }

    /// The entry at a place of the context.
    pub(super) fn entry(&self, place: usize) -> Option<Entry> {
        match &self.kind {
            Kind::Context(context) => context.entries().get(place).cloned(),
            Kind::Walked(_, walk) => walk.entry(place),
            Kind::Tree(_) => None,
        }
    }

    /// Hands out what is sent for a request, in order, until `emit` breaks off; `since` hears of paths that aren't what they were
    /// when the build began.
    pub(super) fn list(
        &self,
        request: &Request,
        since: &mut dyn FnMut(&[u8]),
        emit: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    ) -> Result<(), ContextError> {
        match &self.kind {
            Kind::Context(context) if request.includes.is_empty() && context.excludes(&request.excludes) => {
                part(context, request, emit)
            }
            Kind::Walked(folder, walk) => walked(&**folder, walk, request, since, emit),
            _ => request.list(self.tree(), &mut |entry| emit(Piece::Entry(None, &entry))),
        }
    }
}

/// A piece of a listing.
pub(super) enum Piece<'a> {
    /// An entry, with its place if it is one of the context.
    Entry(Option<usize>, &'a Entry),
    /// Entries as they are sent.
    Block(&'a Block),
}

/// What a request wants of a context.
fn part(
    context: &Context,
    request: &Request,
    emit: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<(), ContextError> {
    let view = context.view(&request.follow_paths)?;
    let mut entries = view.entries().iter().enumerate();
    let _ = entries.try_for_each(|(i, entry)| emit(Piece::Entry(Some(view.place(i)), entry)));
    Ok(())
}

fn walked(
    folder: &dyn Tree,
    walk: &Walk,
    request: &Request,
    since: &mut dyn FnMut(&[u8]),
    emit: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<(), ContextError> {
    let before = match walk.answer(request) {
        Answer::Part(context) => return part(&context, request, emit),
        Answer::All => {
            let emit = RefCell::new(emit);
            let mut block = |block: &Block| (emit.borrow_mut())(Piece::Block(block));
            let mut entry = |at: usize, e: &Entry| (emit.borrow_mut())(Piece::Entry(Some(at), e));
            if walk.follow(&mut block, &mut entry)? {
                return Ok(());
            }
            return request.list(folder, &mut |e| (emit.borrow_mut())(Piece::Entry(None, &e)));
        }
        Answer::Own(before) => before,
    };
    let whole = request.follow_paths.is_empty();
    let mut compared = before.as_ref().map(|context| Compared { entries: context.entries(), whole });
    request.list(folder, &mut |entry| {
        if let Some(compared) = &mut compared {
            compared.next(&entry, since);
        }
        emit(Piece::Entry(None, &entry))
    })?;
    compared.into_iter().for_each(|compared| compared.end(since));
    Ok(())
}

/// An earlier listing, of which a later one is the whole or a part.
struct Compared<'a> {
    entries: &'a [Entry],
    whole: bool,
}

impl Compared<'_> {
    /// Takes the next entry of the later one.
    fn next(&mut self, now: &Entry, since: &mut dyn FnMut(&[u8])) {
        while let Some((first, rest)) = self.entries.split_first() {
            if first.path > now.path {
                break;
            }
            self.entries = rest;
            if first.path == now.path {
                if !is_same(first, now) {
                    since(now.path.as_bytes());
                }
                return;
            }
            if self.whole {
                since(first.path.as_bytes());
            }
        }
        since(now.path.as_bytes());
    }

    fn end(self, since: &mut dyn FnMut(&[u8])) {
        if self.whole {
            self.entries.iter().for_each(|gone| since(gone.path.as_bytes()));
        }
    }
}

/// Whether nothing has become of an entry; a folder gets another time when something in it comes or goes, which is told of that.
fn is_same(before: &Entry, now: &Entry) -> bool {
    let (a, b) = (&before.stat, &now.stat);
    let time = a.is_dir() || a.mtime_ns == b.mtime_ns;
    time && (a.file_type, a.mode, a.size, a.linkname(), a.xattrs(), a.device())
        == (b.file_type, b.mode, b.size, b.linkname(), b.xattrs(), b.device())
}
