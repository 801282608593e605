//! Each room's own error, gathered at the door: what ends a command before it has an answer.

use std::io;
use std::path::{Path, PathBuf};

use crate::context::ContextError;
use crate::wording::reason;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something could not be read.
    #[error("reading {}: {}", path.display(), reason(source))]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The answer could not be written.
    #[error("writing {}: {}", path.display(), reason(source))]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The context could not be listed.
    #[error("{}", in_context(.0))]
    Context(#[from] ContextError),
    /// A line of an ignore file can't be understood.
    #[error(transparent)]
    Pattern(#[from] crate::pattern::PatternError),
    /// The keys could not be computed.
    #[error(transparent)]
    Cache(#[from] crate::cache::CacheError),
    /// A base image that the plan needs can't be read.
    #[error(transparent)]
    Plan(#[from] crate::plan::ResolveError),
    /// A base image is not named properly.
    #[error(transparent)]
    Image(#[from] crate::image::ImageError),
    /// A snapshot can't be read, or not be kept.
    #[error(transparent)]
    Snapshot(#[from] crate::snapshot::FileError),
    /// A snapshot has nothing to do with the build.
    #[error("using {} as the baseline: {why}", path.display())]
    OtherBuild {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        why: crate::snapshot::Incomparable,
    },
    /// What is asked for needs steps, and the Dockerfile tells none.
    #[error("no plan can be made of {dockerfile}: {}", reasons.join("; "))]
    NoPlan {
        /// The Dockerfile as it was named.
        dockerfile: String,
        /// Why, each with its line.
        reasons: Vec<String>,
        /// What to do about the first.
        hint: Option<String>,
    },
    /// A cache that another builder wrote can't be read.
    #[error(transparent)]
    Import(#[from] crate::imported::ImportError),
    /// A build that fails has no result.
    #[error("the build would fail: {}", reasons.join("; "))]
    Fails {
        /// Why, each with its line.
        reasons: Vec<String>,
    },
    /// A revision can't be had from git.
    #[error(transparent)]
    Git(#[from] crate::git::GitError),
    /// A context can't be packed.
    #[error(transparent)]
    Pack(#[from] crate::pack::PackError),
    /// A tar can't be compared with a context.
    #[error(transparent)]
    Verify(#[from] crate::pack::VerifyError),
    /// No engine, or one that doesn't answer as it should.
    #[cfg(feature = "engine")]
    #[error(transparent)]
    Engine(#[from] crate::engine::EngineError),
    /// An engine went away while it built.
    #[error("the engine went away: {message}")]
    Lost {
        /// What is known of it.
        message: String,
    },
    /// An engine could not build; whoever watches the build was told more.
    #[error("{message}")]
    Build {
        /// What it says.
        message: String,
    },
    /// Somebody interrupted it.
    #[error("interrupted")]
    Interrupted,
    /// The command was given something that it cannot work with.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do instead.
        hint: Option<String>,
    },
}

impl Error {
    /// Reading `path` failed.
    pub fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    /// Writing `path` failed.
    pub fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }

    /// Wrong use, with advice.
    pub fn usage(message: impl Into<String>, hint: &str) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.to_owned()) }
    }

    /// The exit status: 1 for a build that fails or would fail, 130 for one that was interrupted, 3 where an engine or a registry doesn't answer as it should, 2 for wrong use
    /// and unreadable input.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Fails { .. } | Self::Build { .. } => 1,
            Self::Interrupted => 130,
            #[cfg(feature = "engine")]
            Self::Engine(_) => 3,
            Self::Lost { .. } => 3,
            Self::Import(error) if error.is_remote() => 3,
            _ => 2,
        }
    }

    /// What to do about it, where something can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } | Self::NoPlan { hint, .. } => hint.clone(),
            #[cfg(feature = "engine")]
            Self::Engine(error) => error.hint(),
            Self::Import(error) => error.hint(),
            Self::Git(error) => error.hint(),
            Self::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("make it readable for this user".to_owned())
            }
            Self::Context(ContextError::Entry { source, path, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Some(format!(
                    "make it readable, or name it in the ignore file: the engine's client fails at {path}, too"
                ))
            }
            _ => None,
        }
    }
}

/// What is wrong with a context, in the words of the other errors.
fn in_context(error: &ContextError) -> String {
    match error {
        ContextError::Root { path, source } => format!("reading {}: {}", path.display(), reason(source)),
        ContextError::NotADirectory { path } => format!("reading {}: not a folder", path.display()),
        ContextError::Entry { doing, path, source } => format!("{doing} {path}: {}", reason(source)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_was_done_to_what_and_why() {
        let source = io::Error::from_raw_os_error(13);
        let error = Error::read(Path::new("app/main.rs"), source);
        assert_eq!(error.to_string(), "reading app/main.rs: permission denied");
        assert_eq!(error.exit_code(), 2);
    }

    #[cfg(feature = "registry")]
    #[test]
    fn a_registry_that_does_not_answer_is_no_wrong_use() {
        use crate::imported::{ImportError, RegistryError};
        let silent = RegistryError::Unreachable { host: "r.io".into(), why: "connection refused".into() };
        let error = Error::from(ImportError::from(silent));
        assert_eq!((error.exit_code(), error.to_string().as_str()), (3, "asking r.io: connection refused"));
        assert!(error.hint().is_some());
        let wrong = RegistryError::Reference { reference: "A".into(), why: "no".into() };
        assert_eq!(Error::from(ImportError::from(wrong)).exit_code(), 2);
    }
}
