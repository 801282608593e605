//! Compose and Bake files → the builds that they ask for, with the place of every value.
//!
//! Bytes in, values out: files come through [`Files`], so that a git revision serves as well as the disk, and variables come
//! through [`Surroundings`]. Nothing is ever run. What is wrong with one build is told in [`Project::errors`] and hides no
//! other.
//!
//! The rules are those of the Compose specification (with what compose-go makes of it) and of buildx's `bake` package.

mod bake;
mod build;
mod compose;
mod dotenv;
mod error;
mod files;
#[cfg(test)]
mod golden;
mod path;
mod place;
#[cfg(test)]
mod tests;
pub(crate) mod yaml;

pub use bake::bake;
pub use build::{
    Build, CacheRef, ContextRef, DockerfileRef, NamedRef, Other, Project, ProjectKind, SecretRef, Setting,
    of_dockerfile,
};
pub use compose::compose;
pub use error::{Note, NoteKind, ProjectError};
pub use files::{Files, Found, MemoryFiles, find};
pub use path::{clean, folder_of, is_url, join, named};
pub use place::{Place, Placed};

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What stands around the files of a project.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The environment's variables; a `.env` file beside the project adds those that are not here.
    pub environment: BTreeMap<String, String>,
    /// The folder that paths of a Bake file are relative to; for Compose `--project-directory`. `None`: the folder of the
    /// first file.
    pub folder: Option<PathBuf>,
    /// Files that are included or extended must lie below this folder; `None`: below the project's folder.
    pub within: Option<PathBuf>,
    /// The platform that builds run on, as `linux/amd64`: Bake's `BAKE_LOCAL_PLATFORM`.
    pub platform: String,
    /// The profiles that are on; `None` for all.
    pub profiles: Option<Vec<String>>,
}

/// A file may have so many bytes.
const MOST_BYTES: usize = 4 << 20;
/// A project may read so many files.
const MOST_FILES: usize = 512;
/// Files may include or extend each other so deep.
const DEEPEST_FILE: usize = 64;
/// Values may be nested so deep.
const DEEPEST_VALUE: usize = 100;
/// A document may have so many values, those that aliases repeat counted each time.
const MOST_VALUES: usize = 2_000_000;
/// A project may ask for so many builds.
const MOST_BUILDS: usize = 20_000;
