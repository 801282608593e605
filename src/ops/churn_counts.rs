//! How often files changed lately: what git knows, for the rules of `check` that look at it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::check::Churn;
use crate::git::{GitError, LogOptions, Oid, Repository};

/// So many commits are looked at.
const COMMITS: usize = 200;

/// The counts of the last commits, of paths below `context`. `None` without a repository, without commits, and where git can't tell: this
/// is a fact that rules do without.
pub fn churn_counts(context: &Path) -> Option<Churn> {
    counts(context).ok().flatten()
}

fn counts(context: &Path) -> Result<Option<Churn>, GitError> {
    let repository = Repository::find(context)?;
    let Some(folder) = context.canonicalize().ok().and_then(|c| repository.below(&c)) else {
        return Ok(None);
    };
    let tip = repository.resolve("HEAD")?;
    // One more: the first one has nothing to be compared with.
    let options = LogOptions { limit: COMMITS + 1, since: None, first_parent: true };
    let commits: Vec<Oid> = repository.log(tip, &options)?.iter().map(|c| c.id).collect();
    if commits.len() < 2 {
        return Ok(None);
    }
    let mut paths: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for change in repository.changes(&commits)?.into_iter().flatten() {
        let path = match folder.as_slice() {
            b"" => Some(change.path),
            folder => change.path.strip_prefix(folder).and_then(|p| p.strip_prefix(b"/")).map(<[u8]>::to_vec),
        };
        if let Some(path) = path {
            *paths.entry(path).or_default() += 1;
        }
    }
    Ok(Some(Churn { commits: commits.len() - 1, paths: paths.into_iter().collect() }))
}
