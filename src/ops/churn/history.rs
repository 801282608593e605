//! The commits of a replay, one after the other.

use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::ChurnOptions;
use crate::error::Error;
use crate::git::{Change, Commit, LogOptions, Oid, Permissions, Repository, Revision};
use crate::ops::Request;
use crate::ops::revision::Checkout;

/// So many commits are looked at together, unless they have many files.
const TOGETHER: usize = 16;
/// So many files of several commits are held at once.
const FILES: usize = 400_000;

/// A line of commits, oldest first, with what changes between neighbours.
pub struct History {
    /// The repository.
    pub repository: Arc<Repository>,
    /// The commits. The first one is where the replay starts from.
    pub commits: Vec<Commit>,
    /// What each commit but the first changes.
    pub changes: Vec<Vec<Change>>,
    /// Whether there are older commits that a shallow clone doesn't have.
    pub cut_off: bool,
    permissions: Permissions,
}

/// A commit with its place in the history.
type Placed = (usize, Checkout);

impl History {
    /// Reads the newest commits.
    ///
    /// # Errors
    /// [`Error::Git`].
    pub fn read(request: &Request, options: &ChurnOptions) -> Result<Self, Error> {
        let repository = Arc::new(Repository::find(&request.context)?);
        let tip = repository.resolve(&options.revision)?;
        // One more, which fills the builder's memory.
        let limit = options.commits.saturating_add(1);
        let asked = LogOptions { limit, since: options.since.clone(), first_parent: true };
        let mut commits = repository.log(tip, &asked)?;
        let one = LogOptions { limit: 1, since: None, first_parent: true };
        let start = match commits.first() {
            None => Some(tip),
            // The one before the date fills the memory.
            Some(oldest) if options.since.is_some() && commits.len() < limit && oldest.parents > 0 => {
                repository.resolve(&format!("{}^1", oldest.id)).ok()
            }
            Some(_) => None,
        };
        if let Some(start) = start {
            commits.splice(0..0, repository.log(start, &one)?);
        }
        let names: Vec<Oid> = commits.iter().map(|c| c.id).collect();
        let changes = repository.changes(&names)?;
        let cut_off = repository.is_shallow() && commits.len() < limit;
        let permissions = Permissions::of_clone(options.umask);
        Ok(Self { repository, commits, changes, cut_off, permissions })
    }

    /// Goes through the commits: `make` looks at several at once, `feed` gets what it made in order.
    ///
    /// # Errors
    /// [`Error`] for what can't be read.
    pub fn replay<T: Send>(
        &self,
        request: &Request,
        make: impl Fn(&Checkout) -> Result<T, Error> + Sync,
        mut feed: impl FnMut(usize, T),
    ) -> Result<(), Error> {
        let Some(first) = self.commits.first() else { return Ok(()) };
        let mut revision = Revision::read(&self.repository, first.id, self.permissions)?;
        let mut next = 0;
        let mut ready = self.prepare(&mut revision, &mut next, request)?;
        while !ready.is_empty() {
            let (made, prepared) = rayon::join(
                || ready.par_iter().map(|(_, c)| make(c)).collect::<Vec<Result<T, Error>>>(),
                || self.prepare(&mut revision, &mut next, request),
            );
            for ((place, _), made) in ready.iter().zip(made) {
                feed(*place, made?);
            }
            ready = prepared?;
        }
        Ok(())
    }

    /// Lists what the next commits hold.
    fn prepare(
        &self,
        revision: &mut Revision,
        next: &mut usize,
        request: &Request,
    ) -> Result<Vec<Placed>, Error> {
        let mut out = Vec::new();
        let together = (FILES / (revision.files() + 1)).clamp(2, TOGETHER);
        while out.len() < together && *next < self.commits.len() {
            if *next > 0 {
                revision.advance(self.commits[*next].id, &self.changes[*next - 1])?;
            }
            out.push((*next, Checkout::of(revision, request)));
            *next += 1;
        }
        Ok(out)
    }
}
