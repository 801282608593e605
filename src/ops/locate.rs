//! Finds the Dockerfile and the ignore file that goes with it (BuildKit's `frontend/dockerui/config.go`).

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{DockerfileInput, Request};
use crate::context::{IgnoreSource, find_dockerfile};
use crate::error::Error;

/// A Dockerfile and an ignore file, with the names under which they are spoken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The Dockerfile as it was named; `Dockerfile` or `dockerfile` by default, `-` for standard input.
    pub dockerfile: String,
    /// Its bytes, or why there are none.
    pub bytes: Result<Vec<u8>, Absent>,
    /// The ignore file.
    pub ignore: IgnoreFile,
}

/// There is no such Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// BuildKit's text.
    pub engine_message: String,
    /// What may be meant instead.
    pub hint: Option<String>,
}

/// The ignore file that is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreFile {
    /// Its name; `None` when there is none.
    pub name: Option<String>,
    /// Its bytes; empty when there is none.
    pub bytes: Vec<u8>,
    /// Why this one, in words.
    pub reason: String,
    /// The general ignore file that an empty specific one switches off.
    pub switched_off: Option<String>,
    /// The general ignore file that a specific one overrides, empty or not.
    pub overridden: Option<String>,
    /// A general ignore file beside a Dockerfile outside of the context, which is not read.
    pub unread: Option<String>,
}

/// The name of the general ignore file.
const GENERAL: &str = ".dockerignore";

/// Finds both files.
///
/// # Errors
/// A file that is there but can't be read, and a context that is no folder.
pub fn locate(request: &Request) -> Result<Located, Error> {
    check_folder(&request.context, "the context")?;
    let (path, name) = match &request.dockerfile {
        DockerfileInput::Bytes(bytes) => {
            let ignore = general(&request.context, "the Dockerfile comes from standard input")?;
            return Ok(Located { dockerfile: "-".into(), bytes: Ok(bytes.clone()), ignore });
        }
        DockerfileInput::Default => (request.context.join("Dockerfile"), PathBuf::from("Dockerfile")),
        DockerfileInput::Path(path) => (path.clone(), path.clone()),
    };
    let absent = || Absent::at(&path);
    if path.parent().is_some_and(|p| !p.as_os_str().is_empty() && !p.is_dir()) {
        let ignore = general(&request.context, "there is no folder of the Dockerfile")?;
        return Ok(Located { dockerfile: name.to_string_lossy().into_owned(), bytes: Err(absent()), ignore });
    }
    let ignore = ignore_file(&request.context, &path, &name)?;
    let (name, bytes) = match find_dockerfile(&path)? {
        Some(found) => {
            readable(&found.path)?;
            (name.with_file_name(found.path.file_name().unwrap_or_default()), Ok(found.bytes))
        }
        None => (name, Err(absent())),
    };
    Ok(Located { dockerfile: name.to_string_lossy().into_owned(), bytes, ignore })
}

/// The ignore file of a named context: its own general one, never a Dockerfile's.
///
/// # Errors
/// An ignore file that can't be read.
pub fn of_named(folder: &Path) -> Result<IgnoreFile, Error> {
    general(folder, "a named context has its own")
}

/// Checks that `path` is a folder that can be listed.
///
/// # Errors
/// [`Error`] with a hint when it is a file.
pub fn check_folder(path: &Path, what: &str) -> Result<(), Error> {
    let meta = fs::metadata(path).map_err(|e| Error::read(path, e))?;
    if meta.is_dir() {
        return Ok(());
    }
    let message = format!("reading {}: not a folder", path.display());
    Err(Error::usage(message, &format!("{what} must be a folder; a Dockerfile is given with -f")))
}

/// A file that can't be opened reaches the engine as an empty one. Nobody wants that of a Dockerfile or an ignore file.
fn readable(path: &Path) -> Result<(), Error> {
    if !path.is_file() {
        return Ok(());
    }
    match fs::File::open(path) {
        Err(e) if e.kind() == ErrorKind::PermissionDenied => Err(Error::read(path, e)),
        _ => Ok(()),
    }
}

impl Absent {
    fn at(path: &Path) -> Self {
        Self { hint: similar(path), ..Self::without_hint(path) }
    }

    /// For a folder that nothing else is looked for in.
    pub fn without_hint(path: &Path) -> Self {
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let engine_message = format!("failed to read dockerfile: open {file}: no such file or directory");
        Self { engine_message, hint: None }
    }
}

/// A file with a similar purpose in the same folder, or below it.
fn similar(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found = candidates(folder);
    if found.is_empty()
        && let Ok(entries) = fs::read_dir(folder)
    {
        let folders = entries.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).take(64);
        found = folders.flat_map(|e| candidates(&e.path())).collect();
    }
    found.sort();
    let list: Vec<String> = found.iter().take(5).map(|p| p.display().to_string()).collect();
    match list.as_slice() {
        [] => Some("name the Dockerfile with -f".to_owned()),
        list => Some(format!("did you mean -f {}?", list.join(" or -f "))),
    }
}

/// The files of a folder that look like Dockerfiles.
fn candidates(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let like = |name: &str| {
        let name = name.to_ascii_lowercase();
        !name.ends_with(".dockerignore")
            && (name.starts_with("dockerfile") || name.ends_with("dockerfile") || name == "containerfile")
    };
    let file = |e: &fs::DirEntry| e.file_type().is_ok_and(|t| t.is_file());
    entries
        .flatten()
        .filter(|e| like(&e.file_name().to_string_lossy()) && file(e))
        .take(16)
        .map(|e| e.path())
        .collect()
}

/// `<Dockerfile>.dockerignore` beside the Dockerfile when it is there, even when it is empty; else the context's own.
fn ignore_file(context: &Path, dockerfile: &Path, name: &Path) -> Result<IgnoreFile, Error> {
    let found = IgnoreSource::find(context, dockerfile)?;
    readable(&found.path)?;
    Ok(of_dockerfile(found, dockerfile, name))
}

/// The ignore file that was found for a Dockerfile, which was named `name`.
pub fn of_dockerfile(found: IgnoreSource, dockerfile: &Path, name: &Path) -> IgnoreFile {
    if !found.specific {
        let file = dockerfile.file_name().unwrap_or_default().to_string_lossy();
        return in_force(found, &format!("there is no {file}{GENERAL} beside the Dockerfile"));
    }
    let bytes = found.bytes.as_deref().unwrap_or_default();
    let empty = bytes.iter().all(u8::is_ascii_whitespace);
    let switched_off = found.overridden.is_some().then(|| GENERAL.to_owned());
    let reason = match &switched_off {
        Some(general) => format!("it lies beside the Dockerfile, so {general} is not read"),
        None => "it lies beside the Dockerfile".to_owned(),
    };
    let mut file = name.as_os_str().to_owned();
    file.push(GENERAL);
    let ignore = in_force(found, &reason);
    let name = Some(file.to_string_lossy().into_owned());
    IgnoreFile { name, switched_off: switched_off.filter(|_| empty), ..ignore }
}

/// `.dockerignore` of a context.
fn general(context: &Path, reason: &str) -> Result<IgnoreFile, Error> {
    let found = IgnoreSource::of_named_context(context)?;
    readable(&found.path)?;
    Ok(in_force(found, reason))
}

/// An ignore file with the reason why it is this one, or why there is none.
pub fn in_force(found: IgnoreSource, reason: &str) -> IgnoreFile {
    let unread = found.unread.map(|p| p.to_string_lossy().into_owned());
    match found.bytes {
        Some(bytes) => IgnoreFile {
            name: Some(found.name),
            bytes,
            reason: reason.to_owned(),
            switched_off: None,
            overridden: found.overridden.map(|p| p.to_string_lossy().into_owned()),
            unread,
        },
        None => {
            let reason = format!("there is no {GENERAL} in the context, and {reason}");
            IgnoreFile { reason, unread, ..IgnoreFile::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Request) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let request = Request { context: dir.path().to_owned(), ..Request::default() };
        (dir, request)
    }

    #[test]
    fn a_lower_case_dockerfile_is_found_when_there_is_no_other() {
        let (_dir, request) = folder(&[("dockerfile", "FROM scratch\n")]);
        let located = locate(&request).unwrap();
        assert_eq!((located.dockerfile.as_str(), located.bytes.is_ok()), ("dockerfile", true));
    }

    #[test]
    fn a_missing_dockerfile_has_the_engines_words_and_a_hint() {
        let (_dir, request) = folder(&[("docker/api.Dockerfile", "")]);
        let absent = locate(&request).unwrap().bytes.unwrap_err();
        assert_eq!(
            absent.engine_message,
            "failed to read dockerfile: open Dockerfile: no such file or directory"
        );
        assert!(absent.hint.unwrap().ends_with("docker/api.Dockerfile?"));
    }

    #[test]
    fn an_empty_specific_ignore_file_switches_the_general_one_off() {
        let (_dir, request) =
            folder(&[("Dockerfile", ""), ("Dockerfile.dockerignore", "\n"), (".dockerignore", "*.md\n")]);
        let ignore = locate(&request).unwrap().ignore;
        assert_eq!(ignore.name.as_deref(), Some("Dockerfile.dockerignore"));
        assert_eq!(ignore.switched_off.as_deref(), Some(".dockerignore"));
    }

    #[test]
    fn a_general_ignore_file_beside_an_outside_dockerfile_is_not_read() {
        let (_outside, other) = folder(&[("Dockerfile", ""), (".dockerignore", "secret\n")]);
        let (_dir, mut request) = folder(&[("a", "")]);
        request.dockerfile = DockerfileInput::Path(other.context.join("Dockerfile"));
        assert_eq!(locate(&request).unwrap().ignore.name, None);
    }

    #[test]
    fn a_context_that_is_a_file_or_missing_is_an_error() {
        let (dir, _) = folder(&[("f", "")]);
        for (name, text) in [("f", "not a folder"), ("g", "no such file or directory")] {
            let request = Request { context: dir.path().join(name), ..Request::default() };
            assert!(locate(&request).unwrap_err().to_string().ends_with(text));
        }
    }
}
