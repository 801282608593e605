//! Errors in BuildKit's words: what its system calls and copy code would say.

use std::io;

/// Stands for the temporary folder that BuildKit mounts a snapshot on.
pub(super) const MOUNT: &str = "<MOUNT>";

/// Why a file operation has no result.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The build fails at this operation.
    #[error("{engine_message}")]
    Fails {
        /// A stable code in kebab case.
        code: &'static str,
        /// BuildKit's own text, `<MOUNT>` in place of its temporary folders.
        engine_message: String,
    },
    /// A file that the operation looks into could not be read here.
    #[error("{doing}: {source}")]
    Read {
        /// What was being read.
        doing: String,
        /// What the file system said.
        source: io::Error,
    },
}

impl ApplyError {
    pub(super) fn fails(code: &'static str, message: impl Into<String>) -> Self {
        Self::Fails { code, engine_message: message.into() }
    }

    pub(super) fn read(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Read { doing: doing.into(), source }
    }

    /// Puts `what: ` before BuildKit's text, as Go's `errors.Wrap` does.
    pub(super) fn wrap(self, what: &str) -> Self {
        match self {
            Self::Fails { code, engine_message } => {
                Self::Fails { code, engine_message: format!("{what}: {engine_message}") }
            }
            read @ Self::Read { .. } => read,
        }
    }
}

/// The error numbers that come up, with Go's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Errno {
    #[error("no such file or directory")]
    NoEntry,
    #[error("not a directory")]
    NotDir,
    #[error("is a directory")]
    IsDir,
    #[error("file exists")]
    Exists,
    #[error("too many levels of symbolic links")]
    Loop,
    #[error("file name too long")]
    NameTooLong,
    #[error("operation not permitted")]
    NotPermitted,
    #[error("device or resource busy")]
    Busy,
    #[error("invalid argument")]
    Invalid,
    #[error("operation not supported")]
    NotSupported,
}

impl Errno {
    fn code(self) -> &'static str {
        match self {
            Self::NoEntry => "path-missing",
            Self::NotDir => "path-not-a-directory",
            Self::IsDir => "path-is-a-directory",
            Self::Exists => "path-exists",
            Self::Loop => "path-loop",
            Self::NameTooLong => "path-too-long",
            Self::NotPermitted | Self::Busy | Self::Invalid | Self::NotSupported => "path-refused",
        }
    }

    /// Go's `os.PathError`: BuildKit takes the mount point off its path.
    pub fn at(self, op: &str, path: &[u8]) -> ApplyError {
        let path = String::from_utf8_lossy(path);
        ApplyError::fails(self.code(), format!("{op} {path}: {self}"))
    }

    /// Go's `os.LinkError`; its paths are left as they are.
    pub fn link(self, op: &str, old: &str, new: &str) -> ApplyError {
        ApplyError::fails(self.code(), format!("{op} {old} {new}: {self}"))
    }
}

/// A path as BuildKit sees it while a snapshot is mounted.
pub(super) fn mounted(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    if path == "/" { MOUNT.to_owned() } else { format!("{MOUNT}{path}") }
}
