//! Why a path is sent or not, and what was ignored.

use rayon::prelude::*;

use super::Context;
use super::error::ContextError;
use super::filter::{Filter, Parents, Sight};
use super::walk::Hidden;
use crate::entry::{ContextPath, FileType};
use crate::gopath::clean;
use crate::pattern::Decision;

/// What became of one path, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The path below the context, cleaned; empty for the context itself.
    pub path: Vec<u8>,
    /// What became of it.
    pub state: PathState,
    /// The pattern that decided, when one did.
    pub cause: Option<Cause>,
}

/// What became of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathState {
    /// It is sent.
    Sent,
    /// It is an ignored folder that is sent because something in it is.
    SentAsParent,
    /// It exists, and the ignore file hides it.
    Ignored,
    /// It exists, but its stat or its folder can't be read.
    Unreadable,
    /// There is no such path.
    Missing,
    /// It leads out of the context.
    Outside,
    /// A component above it is a link, so that the context has no entry of that path.
    ThroughLink {
        /// The link.
        link: Vec<u8>,
        /// Its text.
        target: Vec<u8>,
    },
}

/// The pattern that decided over a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The ignore file.
    pub ignore_file: String,
    /// The line in it, counted from 1.
    pub line: usize,
    /// The line as written.
    pub text: String,
    /// The pattern as it was understood, with its `!`.
    pub pattern: String,
    /// True when it re-includes.
    pub negated: bool,
    /// The path that the pattern itself matched: the one in question or a folder above it.
    pub at: Vec<u8>,
    /// The ignored folder that isn't entered, so that later patterns could not bring back what is in it.
    pub not_entered: Option<Vec<u8>>,
}

/// An entry that the ignore file hides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Its path.
    pub path: ContextPath,
    /// What it is.
    pub file_type: FileType,
    /// Bytes of a file as its stat says; 0 for a folder.
    pub size: u64,
    /// True for a folder that is not entered, and that stands for all that is in it (unless everything was asked for).
    pub closed: bool,
    /// The pattern that decided.
    pub cause: Cause,
}

impl Context {
    /// Says whether `path` (relative to the context; a leading slash is no matter) is sent, and which pattern decided. Asks
    /// the tree for what isn't listed.
    ///
    /// # Errors
    /// [`ContextError::Match`] when a pattern that has to be tested can't be compiled.
    pub fn explain(&self, path: &[u8]) -> Result<Verdict, ContextError> {
        let start = path.iter().position(|b| *b != b'/').unwrap_or(path.len());
        let path = clean(&path[start..]);
        let verdict = |state, cause, path: &[u8]| Verdict { path: path.to_vec(), state, cause };
        if path == b"." {
            return Ok(verdict(PathState::Sent, None, b""));
        }
        if path == b".." || path.starts_with(b"../") {
            return Ok(verdict(PathState::Outside, None, &path));
        }
        if let Some(at) = self.position(&path) {
            let state = if self.is_only_parent(at) { PathState::SentAsParent } else { PathState::Sent };
            return Ok(verdict(state, self.cause(&path)?, &path));
        }
        let state = self.state_in_tree(&path);
        let cause = if state == PathState::Ignored { self.cause(&path)? } else { None };
        // Listed by no walk, ignored by no pattern: its folder or its stat could not be read, or it is new.
        let hidden = cause.as_ref().is_some_and(|c| !c.negated || c.not_entered.is_some());
        let state = if state == PathState::Ignored && !hidden { PathState::Unreadable } else { state };
        Ok(verdict(state, cause, &path))
    }

    /// What the walk met and the ignore file hides, in order, with the pattern that did: what [`Context::ignored`] gives without `all`, at no
    /// further walk.
    ///
    /// # Errors
    /// [`ContextError::Match`] when a pattern that has to be tested can't be compiled.
    pub fn hidden(&self) -> Result<Vec<Ignored>, ContextError> {
        let told = |h: &Hidden| {
            let cause = match self.cause(h.path.as_bytes())? {
                Some(cause) => Some(cause),
                None => self.cause_of(h.decision, h.path.as_bytes()),
            };
            let ignored = |cause| Ignored {
                path: h.path.clone(),
                file_type: h.file_type,
                size: h.size,
                closed: h.closed,
                cause,
            };
            Ok(cause.map(ignored))
        };
        let all: Result<Vec<Option<Ignored>>, ContextError> = self.hidden.par_iter().map(told).collect();
        Ok(all?.into_iter().flatten().collect())
    }

    /// Everything that the ignore file hides, in order, with the pattern that did. An ignored folder that isn't entered is
    /// one entry, unless `all` is set. Ignored folders that are sent for what is in them are not listed.
    ///
    /// This is a new walk, without threads. What can't be read is left out.
    ///
    /// # Errors
    /// [`ContextError::Match`] when a pattern that has to be tested can't be compiled.
    pub fn ignored(&self, all: bool) -> Result<Vec<Ignored>, ContextError> {
        let mut ignored = Vec::new();
        if let Some(file) = &self.ignore {
            let filter = Filter::exclude(file.matcher());
            self.collect_ignored(&filter, b"", all, &mut Parents::default(), &mut ignored)?;
        }
        Ok(ignored)
    }

    fn collect_ignored(
        &self,
        filter: &Filter<'_>,
        folder: &[u8],
        all: bool,
        parents: &mut Parents,
        ignored: &mut Vec<Ignored>,
    ) -> Result<(), ContextError> {
        for (name, is_dir) in self.tree.names(folder).unwrap_or_default() {
            let path = if folder.is_empty() { name } else { [folder, b"/", &name].concat() };
            let look = filter.look(parents, &path, is_dir);
            let sight = look.map_err(|_| ContextError::Match { list: "excludepatterns" })?;
            match sight {
                Sight::Hidden(decision) => self.push_ignored(&path, decision, is_dir, ignored)?,
                Sight::Entered(decision) if self.position(&path).is_none() => {
                    self.push_ignored(&path, decision, false, ignored)?;
                }
                Sight::Entered(_) | Sight::Visible => {}
            }
            match sight {
                Sight::Hidden(decision) if is_dir && all => {
                    self.everything_below(&path, decision, ignored)?
                }
                Sight::Hidden(_) => {}
                _ if is_dir => self.collect_ignored(filter, &path, all, parents, ignored)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// All that is in a folder that isn't entered.
    fn everything_below(
        &self,
        folder: &[u8],
        decision: Decision,
        ignored: &mut Vec<Ignored>,
    ) -> Result<(), ContextError> {
        for (name, is_dir) in self.tree.names(folder).unwrap_or_default() {
            let path = [folder, b"/", &name].concat();
            self.push_ignored(&path, decision, is_dir, ignored)?;
            if is_dir {
                self.everything_below(&path, decision, ignored)?;
            }
        }
        Ok(())
    }

    fn push_ignored(
        &self,
        path: &[u8],
        decision: Decision,
        closed: bool,
        ignored: &mut Vec<Ignored>,
    ) -> Result<(), ContextError> {
        let Ok((file_type, size)) = self.tree.look(path) else { return Ok(()) };
        let cause = match self.cause(path)? {
            Some(cause) => cause,
            None => match self.cause_of(decision, path) {
                Some(cause) => cause,
                None => return Ok(()),
            },
        };
        let Ok(path) = ContextPath::new(path) else { return Ok(()) };
        ignored.push(Ignored { path, file_type, size, closed, cause });
        Ok(())
    }

    /// The pattern that decides over `path` on a walk from the top, which ends at an ignored folder that isn't entered.
    fn cause(&self, path: &[u8]) -> Result<Option<Cause>, ContextError> {
        let Some(file) = &self.ignore else { return Ok(None) };
        let filter = Filter::exclude(file.matcher());
        let explain = |path| file.explain(path).map_err(|_| ContextError::Match { list: "excludepatterns" });
        for (end, _) in path.iter().enumerate().filter(|(_, b)| **b == b'/') {
            let above = explain(&path[..end])?;
            if above.decision.matched && !filter.may_reach_into(&path[..end]) {
                let cause = self.cause_of(above.decision, &above.at);
                return Ok(cause.map(|c| Cause { not_entered: Some(path[..end].to_vec()), ..c }));
            }
        }
        let own = explain(path)?;
        Ok(self.cause_of(own.decision, &own.at))
    }

    fn cause_of(&self, decision: Decision, at: &[u8]) -> Option<Cause> {
        let file = self.ignore.as_ref()?;
        let line = file.pattern(decision.by?)?;
        Some(Cause {
            ignore_file: file.name().to_owned(),
            line: line.line,
            text: line.text.clone(),
            pattern: line.pattern.clone(),
            negated: line.negated,
            at: at.to_vec(),
            not_entered: None,
        })
    }

    /// What the tree says of a path that isn't listed: [`PathState::Ignored`] stands for all that is there.
    fn state_in_tree(&self, path: &[u8]) -> PathState {
        for (end, _) in path.iter().enumerate().filter(|(_, b)| **b == b'/') {
            if let Ok(target) = self.tree.read_link(&path[..end]) {
                return PathState::ThroughLink { link: path[..end].to_vec(), target };
            }
        }
        match self.tree.look(path) {
            Ok(_) => PathState::Ignored,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => PathState::Unreadable,
            Err(_) => PathState::Missing,
        }
    }
}
