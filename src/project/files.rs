//! How the room sees files: through a small trait, so that a revision serves as well as the disk.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{MOST_BYTES, MOST_FILES, Place, ProjectError, path};

/// Reads files.
pub trait Files {
    /// The bytes of the file, `None` when there is none.
    ///
    /// # Errors
    /// In words: why a file that is there can't be read.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String>;

    /// Whether a path that lies within `folder` by name does so in fact, with symbolic links followed.
    fn stays_within(&self, path: &Path, folder: &Path) -> bool {
        let _ = (path, folder);
        true
    }
}

/// Files in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(pub BTreeMap<PathBuf, Vec<u8>>);

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.get(path).cloned())
    }
}

/// What lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Bake files, and Compose files that Bake reads along with them.
    Bake(Vec<PathBuf>),
    /// Compose files.
    Compose(Vec<PathBuf>),
    /// A Dockerfile.
    Dockerfile(PathBuf),
}

/// The files that buildx reads when none is named, in its order.
const BAKE: [&str; 8] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
];
/// The files that Compose looks for, the first wins.
const COMPOSE: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
/// The override files that Compose looks for, the first wins.
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// What lies in a folder: Bake files before Compose files before a Dockerfile. `COMPOSE_FILE` names the Compose files, as the
/// environment or `.env` has it.
///
/// # Errors
/// In words: why a file that is there can't be read.
pub fn find(
    files: &dyn Files,
    folder: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<Option<Found>, String> {
    let there = |names: &[&str]| -> Result<Vec<PathBuf>, String> {
        let mut found = Vec::new();
        for name in names {
            let path = path::join(folder, name);
            if files.read(&path)?.is_some() {
                found.push(path);
            }
        }
        Ok(found)
    };
    let bake = there(&BAKE)?;
    if bake.iter().any(|p| p.extension().is_some_and(|e| e == "hcl" || e == "json")) {
        return Ok(Some(Found::Bake(bake)));
    }
    if let Some(named) = named_by_environment(files, folder, environment)? {
        return Ok(Some(Found::Compose(named)));
    }
    if let Some(first) = there(&COMPOSE)?.into_iter().next() {
        let second = there(&OVERRIDES)?.into_iter().next();
        return Ok(Some(Found::Compose(std::iter::once(first).chain(second).collect())));
    }
    Ok(there(&["Dockerfile", "dockerfile"])?.into_iter().next().map(Found::Dockerfile))
}

/// The files that `COMPOSE_FILE` names.
fn named_by_environment(
    files: &dyn Files,
    folder: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<Option<Vec<PathBuf>>, String> {
    let mut known = environment.clone();
    if let Some(bytes) = files.read(&path::join(folder, ".env"))? {
        let text = String::from_utf8_lossy(&bytes);
        // What is wrong with it is told when the project is read.
        for (name, value) in super::dotenv::parse(&text, environment).unwrap_or_default() {
            known.entry(name).or_insert(value);
        }
    }
    let separator = known.get("COMPOSE_PATH_SEPARATOR").filter(|s| !s.is_empty()).map_or(":", String::as_str);
    let Some(list) = known.get("COMPOSE_FILE").filter(|l| !l.is_empty()) else { return Ok(None) };
    Ok(Some(list.split(separator).filter(|f| !f.is_empty()).map(|f| path::join(folder, f)).collect()))
}

/// Reads the files of one project: within limits, and each is remembered.
pub(super) struct Reader<'a> {
    files: &'a dyn Files,
    within: PathBuf,
    read: RefCell<(Vec<PathBuf>, BTreeSet<PathBuf>)>,
}

/// A text file.
pub(super) struct Text {
    /// Its name.
    pub(super) name: Arc<str>,
    /// Its text.
    pub(super) text: String,
}

impl<'a> Reader<'a> {
    /// A reader that lets files refer to what lies below `within`.
    pub(super) fn new(files: &'a dyn Files, within: PathBuf) -> Self {
        Self { files, within, read: RefCell::default() }
    }

    /// Every file that was read, in order.
    pub(super) fn into_read(self) -> Vec<PathBuf> {
        self.read.into_inner().0
    }

    /// A file that the user named.
    pub(super) fn text(&self, path: &Path) -> Result<Text, ProjectError> {
        let name: Arc<str> = path.to_string_lossy().into();
        let place = Place::whole(&name);
        let bytes = self.bytes(path, &place)?.ok_or_else(|| {
            ProjectError::new(&place, "there is no such file")
                .hint("name a Compose or Bake file that is there")
        })?;
        decode(name, bytes)
    }

    /// A file that another file refers to at `place`.
    pub(super) fn referred(&self, path: &Path, place: &Place) -> Result<Text, ProjectError> {
        self.referred_if_there(path, place)?.ok_or_else(|| {
            ProjectError::new(place, format!("there is no file {}", path.display()))
                .hint("the path is relative to the folder of the project")
        })
    }

    /// Whether a file may be read that another file refers to at `place`.
    pub(super) fn check(&self, path: &Path, place: &Place) -> Result<(), ProjectError> {
        if !path::is_within(path, &self.within) || !self.files.stays_within(path, &self.within) {
            let message =
                format!("{} lies outside of {}, and is not read", path.display(), self.within.display());
            return Err(ProjectError::new(place, message).hint("move the file into the project"));
        }
        Ok(())
    }

    /// A file that another file refers to, when it is there.
    pub(super) fn referred_if_there(&self, path: &Path, place: &Place) -> Result<Option<Text>, ProjectError> {
        self.check(path, place)?;
        match self.bytes(path, place)? {
            Some(bytes) => decode(path.to_string_lossy().into(), bytes).map(Some),
            None => Ok(None),
        }
    }

    fn bytes(&self, path: &Path, place: &Place) -> Result<Option<Vec<u8>>, ProjectError> {
        let bytes = self
            .files
            .read(path)
            .map_err(|why| ProjectError::new(place, format!("reading {}: {why}", path.display())))?;
        let Some(bytes) = bytes else { return Ok(None) };
        if bytes.len() > MOST_BYTES {
            let message = format!("{} has more than {MOST_BYTES} bytes", path.display());
            return Err(ProjectError::new(place, message));
        }
        let mut read = self.read.borrow_mut();
        if read.1.insert(path.to_owned()) {
            read.0.push(path.to_owned());
        }
        if read.0.len() > MOST_FILES {
            return Err(ProjectError::new(place, format!("the project has more than {MOST_FILES} files")));
        }
        Ok(Some(bytes))
    }
}

/// Text, without a byte order mark.
fn decode(name: Arc<str>, bytes: Vec<u8>) -> Result<Text, ProjectError> {
    match String::from_utf8(bytes) {
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
            Ok(Text { name, text })
        }
        Err(e) => {
            let before = &e.as_bytes()[..e.utf8_error().valid_up_to()];
            let line = before.iter().filter(|b| **b == b'\n').count() + 1;
            let place = Place::new(&name, line, 0);
            Err(ProjectError::new(&place, "the file is not UTF-8 text").hint("save it as UTF-8"))
        }
    }
}
