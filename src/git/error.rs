//! Why git gives no answer.

use std::io;
use std::path::PathBuf;

/// Why something can't be had from git.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// There is no git program.
    #[error("running git: {source}")]
    NoGit {
        /// What the system says.
        source: io::Error,
    },
    /// The folder isn't in a repository.
    #[error("{} is not in a git repository", folder.display())]
    NotARepository {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder is in a repository without a work tree, or in the `.git` folder of one.
    #[error("{} is not in the work tree of a git repository", folder.display())]
    NoWorkTree {
        /// The folder.
        folder: PathBuf,
    },
    /// The repository belongs to another user, and git refuses it (`safe.directory`).
    #[error("git refuses the repository of {}: it belongs to another user", folder.display())]
    Refused {
        /// The folder.
        folder: PathBuf,
        /// What git asks for.
        hint: String,
    },
    /// The revision is not known here.
    #[error("{}", unknown(revision, *shallow))]
    UnknownRevision {
        /// As it was given.
        revision: String,
        /// The repository is a shallow clone, which may be why.
        shallow: bool,
        /// A revision that may have been meant.
        similar: Option<String>,
    },
    /// The repository has no commit yet.
    #[error("the git repository of {} has no commits yet", folder.display())]
    NoCommits {
        /// The folder.
        folder: PathBuf,
    },
    /// An object is not there, as in a partial clone.
    #[error("git has no object {object} ({what})")]
    MissingObject {
        /// Its name.
        object: String,
        /// What it is of.
        what: String,
    },
    /// A folder is not in a revision.
    #[error("there is no folder {folder:?} in {revision}")]
    NoFolder {
        /// The folder below the top of the work tree.
        folder: String,
        /// The revision.
        revision: String,
    },
    /// git failed, or said what nobody expects.
    #[error("{doing}: {why}")]
    Failed {
        /// What was being done.
        doing: String,
        /// What git said.
        why: String,
    },
}

fn unknown(revision: &str, shallow: bool) -> String {
    let here = if shallow { " (it is a shallow clone, which has the newest commits alone)" } else { "" };
    format!("the git repository has no revision {revision:?}{here}")
}

impl GitError {
    /// What to do about it, where something can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoGit { .. } => Some("install git: revisions are read with it".to_owned()),
            Self::Refused { hint, .. } => Some(hint.clone()),
            Self::UnknownRevision { similar: Some(similar), .. } => Some(format!("did you mean {similar}?")),
            Self::UnknownRevision { shallow: true, .. } => {
                Some("fetch more: `git fetch --unshallow`; in GitHub Actions `fetch-depth: 0`".to_owned())
            }
            Self::UnknownRevision { .. } => {
                Some("name a commit, a branch or a tag; `git fetch` brings those of the remote".to_owned())
            }
            Self::NoCommits { .. } => Some("commit something first".to_owned()),
            Self::MissingObject { .. } => {
                Some("nothing is fetched here: in a partial clone, `git checkout` or `git fetch --refetch` brings it".to_owned())
            }
            Self::NotARepository { .. } => Some("revisions are those of the context's own repository".to_owned()),
            Self::NoWorkTree { .. } => Some("give a folder of a work tree".to_owned()),
            Self::NoFolder { .. } | Self::Failed { .. } => None,
        }
    }

    /// git did something else than was expected.
    pub(super) fn failed(doing: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Failed { doing: doing.into(), why: why.into() }
    }
}
