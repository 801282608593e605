//! What a build is compared with, as it can be typed.

use std::path::PathBuf;

use crate::error::Error;

/// `--against`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Against {
    /// The last snapshot that was kept for the build, else `git:HEAD`.
    #[default]
    Last,
    /// A snapshot in a file.
    File(PathBuf),
    /// A revision of the repository that holds the context.
    Git(String),
    /// A local cache export, or an image with inline cache in an OCI layout: `DIR[:TAG]`.
    Cache(String),
    /// A cache or an image with inline cache in a registry.
    Registry(String),
}

impl Against {
    /// Reads `FILE`, `git:REV`, `cache:DIR` or `registry:REF`; a file whose name begins so is written `./git:…`.
    ///
    /// # Errors
    /// [`Error::Usage`] when nothing stands behind the colon.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let empty = |what: &str| {
            let hint = "give FILE, git:REV, cache:DIR or registry:REF";
            Err(Error::usage(format!("--against `{text}` names no {what}"), hint))
        };
        let of = |what, rest: &str, make: fn(String) -> Self| match rest {
            "" => empty(what),
            rest => Ok(make(rest.to_owned())),
        };
        match text.split_once(':') {
            Some(("git", rest)) => of("revision", rest, Self::Git),
            Some(("cache", rest)) => of("folder", rest, Self::Cache),
            Some(("registry", rest)) => of("image", rest, Self::Registry),
            _ => of("file", text, |path| Self::File(path.into())),
        }
    }

    /// Its kind, as documents name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Last | Self::File(_) => "snapshot",
            Self::Git(_) => "git",
            Self::Cache(_) => "cache",
            Self::Registry(_) => "registry",
        }
    }

    /// Its name.
    pub fn name(&self) -> String {
        match self {
            Self::Last => String::new(),
            Self::File(path) => path.display().to_string(),
            Self::Git(name) | Self::Cache(name) | Self::Registry(name) => name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_before_the_colon_says_what_kind_it_is() {
        let parse = |text| Against::parse(text).unwrap();
        assert_eq!(parse("base.snap"), Against::File("base.snap".into()));
        assert_eq!(parse("git:HEAD~1"), Against::Git("HEAD~1".into()));
        assert_eq!(parse("cache:/tmp/c:v1"), Against::Cache("/tmp/c:v1".into()));
        assert_eq!(
            parse("registry:localhost:5000/app:cache"),
            Against::Registry("localhost:5000/app:cache".into())
        );
        assert_eq!(parse("./git:odd"), Against::File("./git:odd".into()));
        assert!(Against::parse("git:").is_err() && Against::parse("").is_err());
    }
}
