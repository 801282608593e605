//! What can go wrong with a context, and what is odd about one.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::pattern::PatternError;

/// Why a context, or a part of it, can't be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// The directory can't be resolved: it doesn't exist, or something above it can't be read.
    #[error("resolving context {path:?}: {source}")]
    Root {
        /// As it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The context is a file or something else that isn't a directory.
    #[error("context {path:?} is not a directory")]
    NotADirectory {
        /// As it was given.
        path: PathBuf,
    },
    /// An entry that BuildKit has to look at can't be looked at; the build fails there, too.
    #[error("{doing} {path:?}: {source}")]
    Entry {
        /// `reading folder`, `reading the stat of`, …
        doing: &'static str,
        /// The path below the context, lossily.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A pattern that passed the check up front couldn't be compiled when it was needed.
    #[error("failed to match {list}: syntax error in pattern")]
    Match {
        /// `includepatterns` or `excludepatterns`.
        list: &'static str,
    },
    /// The paths that are asked for make no valid patterns.
    #[error("invalid includepatterns: {patterns}: {}", .source.engine_message())]
    Include {
        /// All of them, as Go prints a list.
        patterns: String,
        /// Which one, and why.
        source: PatternError,
    },
    /// The exclude patterns that are asked for are none.
    #[error("invalid excludepatterns: {patterns}: {}", .source.engine_message())]
    Exclude {
        /// All of them, as Go prints a list.
        patterns: String,
        /// Which one, and why.
        source: PatternError,
    },
    /// Whoever took the entries wanted no more of them.
    #[error("the walk was broken off")]
    Stopped,
    /// A path that is asked for has a control character, so that the request can't be sent.
    #[error("path {path:?} has a control character, which can't be sent in a request")]
    NotPrintable {
        /// The path.
        path: String,
    },
}

impl ContextError {
    /// What BuildKit prints after `failed to solve: ` for the same failure, where that doesn't hang on the machine.
    pub fn engine_message(&self) -> Option<String> {
        match self {
            Self::Include { .. } | Self::Exclude { .. } => {
                Some(format!("rpc error: code = Unknown desc = {self}"))
            }
            // The client's walk fails, and the daemon passes its text on (`fsutil/receive.go`).
            Self::Match { .. } => Some(format!("error from sender: {self}")),
            Self::NotPrintable { .. } => Some(crate::pattern::not_printable("followpaths")),
            _ => None,
        }
    }
}

/// Something about an entry that will surprise people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContextWarning {
    /// The path below the context (empty for the context itself); may be no UTF-8.
    pub path: Vec<u8>,
    /// Which kind of surprise.
    pub code: WarningCode,
    /// A sentence without the path.
    pub message: String,
}

/// The kinds of [`ContextWarning`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WarningCode {
    /// A unix socket, which arrives as an empty regular file.
    Socket,
    /// A file that can't be opened, which arrives empty.
    Unreadable,
    /// A file that the ignore file lets be listed and not be opened, which arrives empty.
    Withheld,
    /// A named pipe, which is copied as one.
    Fifo,
    /// A device node.
    Device,
    /// A name that isn't UTF-8.
    NameNotUtf8,
    /// An entry that went away during the walk.
    Vanished,
    /// The context itself can't be listed, so that BuildKit sees an empty one.
    RootUnreadable,
}

impl WarningCode {
    /// A short name for machines: `socket`, `unreadable`, `name-not-utf8`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Unreadable => "unreadable",
            Self::Withheld => "withheld",
            Self::Fifo => "fifo",
            Self::Device => "device",
            Self::NameNotUtf8 => "name-not-utf8",
            Self::Vanished => "vanished",
            Self::RootUnreadable => "root-unreadable",
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Socket => "is a socket; the engine gets it as an empty regular file",
            Self::Unreadable => "can't be opened; the engine gets it as an empty file under its real size",
            Self::Withheld => {
                "is listed, but the ignore file hides it again when its content is asked for; the engine gets it as an empty file under its \
                 real size"
            }
            Self::Fifo => "is a named pipe and is copied as one",
            Self::Device => "is a device node and is copied as one",
            Self::NameNotUtf8 => "has a name that isn't UTF-8",
            Self::Vanished => "went away during the walk",
            Self::RootUnreadable => "the context can't be listed; the engine sees an empty one",
        }
    }
}

impl fmt::Display for WarningCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
