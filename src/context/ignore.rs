//! Which ignore file is in force, and which Dockerfile is meant (`frontend/dockerui/config.go`).

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::error::ContextError;
use super::follow::follow_links;
use super::{Folder, Tree};
use crate::entry::FileType;
use crate::gopath::{base, clean, dir, join};
use crate::pattern::{IgnoreFile, Matcher, PatternError};

/// The name of the general ignore file.
pub const GENERAL: &str = ".dockerignore";

/// The ignore file that is in force for a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreSource {
    /// As BuildKit calls it: `.dockerignore`, or the Dockerfile's name with `.dockerignore` behind it.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it holds; `None` when there is none, or something that BuildKit can't read, which is no error.
    pub bytes: Option<Vec<u8>>,
    /// True for an ignore file of the Dockerfile's own.
    pub specific: bool,
    /// True when it is there but may not be opened: BuildKit gets it empty, so that it hides nothing.
    pub unreadable: bool,
    /// A general ignore file that the specific one switches off.
    pub overridden: Option<PathBuf>,
    /// A general ignore file beside a Dockerfile outside of the context, which is not read.
    pub unread: Option<PathBuf>,
}

impl IgnoreSource {
    /// For the main context `root` and the Dockerfile as it was asked for (before the fallback to lower case): the file
    /// `<dockerfile>.dockerignore` next to it when there is one, even an empty one, else `.dockerignore` of the context.
    ///
    /// # Errors
    /// [`ContextError`] when a directory or link on the way can't be read.
    pub fn find(root: &Path, dockerfile: &Path) -> Result<Self, ContextError> {
        let (folder, name) = split(dockerfile);
        let same = same_place(&folder, root);
        let (folder_tree, root_tree) = (Folder::find(&folder)?, Folder::find(root)?);
        let beside = Place::of(&folder, folder_tree.as_ref());
        Self::find_in(&Place::of(root, root_tree.as_ref()), &beside, &name, same)
    }

    /// As [`IgnoreSource::find`] for trees: the context's, and that of the Dockerfile's folder, where the Dockerfile is called
    /// `name`. `same` says whether both are one folder.
    ///
    /// # Errors
    /// As [`IgnoreSource::find`].
    pub fn find_in(
        root: &Place<'_>,
        folder: &Place<'_>,
        name: &[u8],
        same: bool,
    ) -> Result<Self, ContextError> {
        let specific = with_suffix(name, b".dockerignore");
        let has_general = |place: &Place<'_>| place.tree.is_some_and(|t| t.is_file(GENERAL.as_bytes()));
        let unread = (!same && has_general(folder)).then(|| folder.path.join(GENERAL));
        let Some(content) = read_local(folder.tree, &dockerfile_names(name), &specific)? else {
            return Ok(Self { unread, ..Self::of_named_tree(root)? });
        };
        Ok(Self {
            name: String::from_utf8_lossy(&specific).into_owned(),
            path: folder.path.join(std::ffi::OsStr::from_bytes(&specific)),
            bytes: Some(content.bytes),
            specific: true,
            unreadable: content.unreadable,
            overridden: has_general(root).then(|| root.path.join(GENERAL)),
            unread,
        })
    }

    /// For a named context, and for a main context without a Dockerfile: only its own `.dockerignore` counts.
    ///
    /// # Errors
    /// As [`IgnoreSource::find`].
    pub fn of_named_context(root: &Path) -> Result<Self, ContextError> {
        Self::of_named_tree(&Place::of(root, Folder::find(root)?.as_ref()))
    }

    /// As [`IgnoreSource::of_named_context`] for a tree.
    ///
    /// # Errors
    /// As [`IgnoreSource::find`].
    pub fn of_named_tree(root: &Place<'_>) -> Result<Self, ContextError> {
        let content = read_local(root.tree, &[GENERAL.into()], GENERAL.as_bytes())?;
        Ok(Self {
            name: GENERAL.into(),
            path: root.path.join(GENERAL),
            unreadable: content.as_ref().is_some_and(|c| c.unreadable),
            bytes: content.map(|c| c.bytes),
            specific: false,
            overridden: None,
            unread: None,
        })
    }

    /// Parses it; without a file there are no patterns.
    ///
    /// # Errors
    /// [`PatternError`] with file and line.
    pub fn parse(&self) -> Result<IgnoreFile, PatternError> {
        IgnoreFile::parse(self.name.clone(), self.bytes.as_deref().unwrap_or_default())
    }
}

/// A Dockerfile that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDockerfile {
    /// Where it is; its last component differs from what was asked for when only `dockerfile` was there.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// True when it may not be opened: BuildKit gets it empty.
    pub unreadable: bool,
}

/// What a request brings of one file.
struct Content {
    bytes: Vec<u8>,
    unreadable: bool,
}

/// Reads the Dockerfile that was asked for, or `dockerfile` when its name is `Dockerfile` and it can't be read. Links are
/// followed inside of its directory alone, as in the snapshot that BuildKit reads it from.
///
/// # Errors
/// [`ContextError`] when the directory can't be read; `Ok(None)` when there is no such file (BuildKit's
/// `failed to read dockerfile: open Dockerfile: no such file or directory`).
pub fn find_dockerfile(dockerfile: &Path) -> Result<Option<FoundDockerfile>, ContextError> {
    let (folder, name) = split(dockerfile);
    let tree = Folder::find(&folder)?;
    Place::of(&folder, tree.as_ref()).find_dockerfile(&name)
}

/// A folder with what is in it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'t> {
    /// As it is spoken of.
    pub path: &'t Path,
    /// Its files; `None` when there is no such folder.
    pub tree: Option<&'t dyn Tree>,
}

impl<'t> Place<'t> {
    /// A folder and its files.
    pub fn of<T: Tree>(path: &'t Path, tree: Option<&'t T>) -> Self {
        Self { path, tree: tree.map(|t| t as &dyn Tree) }
    }

    /// As [`find_dockerfile`] for a tree: the Dockerfile `name` of this folder.
    ///
    /// # Errors
    /// As [`find_dockerfile`].
    pub fn find_dockerfile(&self, name: &[u8]) -> Result<Option<FoundDockerfile>, ContextError> {
        find_in(self, name)
    }
}

fn find_in(folder: &Place<'_>, name: &[u8]) -> Result<Option<FoundDockerfile>, ContextError> {
    let names = dockerfile_names(name);
    let candidates = [&names[0]].into_iter().chain(names.get(2));
    for candidate in candidates {
        if let Some(Content { bytes, unreadable }) = read_local(folder.tree, &names, candidate)? {
            let path = folder.path.join(std::ffi::OsStr::from_bytes(candidate));
            return Ok(Some(FoundDockerfile { path, bytes, unreadable }));
        }
    }
    Ok(None)
}

/// The paths that BuildKit asks of the Dockerfile's directory: the Dockerfile, its ignore file, and its lower-case name.
fn dockerfile_names(name: &[u8]) -> Vec<Vec<u8>> {
    let mut names = vec![name.to_vec(), with_suffix(name, b".dockerignore")];
    if base(name) == b"Dockerfile" {
        names.push(join(&[&dir(name), b"dockerfile"]));
    }
    names
}

fn with_suffix(name: &[u8], suffix: &[u8]) -> Vec<u8> {
    [name, suffix].concat()
}

fn split(dockerfile: &Path) -> (PathBuf, Vec<u8>) {
    let folder = dockerfile.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = dockerfile.file_name().map(|n| n.as_bytes().to_vec()).unwrap_or_default();
    (folder.to_path_buf(), name)
}

fn same_place(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Reads `name` from what a request for `follow` would bring over from a folder. `None` for all that BuildKit can't read
/// there as a regular file: nothing, a folder, a pipe, a link that leads nowhere.
///
/// A file that can't be opened, and a socket, arrive empty (`fsutil/send.go`), and so are empty here.
fn read_local(
    tree: Option<&dyn Tree>,
    follow: &[Vec<u8>],
    name: &[u8],
) -> Result<Option<Content>, ContextError> {
    let Some(tree) = tree else { return Ok(None) };
    let sent = follow_links(tree, follow)?.unwrap_or_default();
    let Ok(matcher) = Matcher::new(&sent) else { return Ok(None) };
    let Some(path) = resolve(tree, &matcher, name) else { return Ok(None) };
    let Ok((file_type, _)) = tree.look(&path) else { return Ok(None) };
    match file_type {
        FileType::Socket => Ok(Some(Content { bytes: Vec::new(), unreadable: true })),
        FileType::File => {
            let read = tree.read(&path);
            Ok(Some(Content { unreadable: read.is_err(), bytes: read.unwrap_or_default() }))
        }
        _ => Ok(None),
    }
}

/// Where `name` leads inside of `tree` when only what `sent` matches is there. Absolute targets start at its root, and `..`
/// stops there.
fn resolve(tree: &dyn Tree, sent: &Matcher, name: &[u8]) -> Option<Vec<u8>> {
    let mut todo: Vec<Vec<u8>> = components(name);
    let mut done: Vec<u8> = Vec::new();
    let mut links = 0;
    while let Some(component) = todo.pop() {
        let here = join(&[&done, &component]);
        if tree.look(&here).ok()?.0 != FileType::Symlink {
            done = here;
            continue;
        }
        links += 1;
        if links > 255 || !sent.matches_or_parent(&here).unwrap_or(false) {
            return None;
        }
        let target = &tree.read_link(&here).ok()?[..];
        let rest: Vec<u8> = todo.iter().rev().flat_map(|c| [b"/", &c[..]].concat()).collect();
        let folder = if target.starts_with(b"/") { Vec::new() } else { dir(&here) };
        todo = components(&join(&[b"/", &folder, target, &rest]));
        done.clear();
    }
    sent.matches_or_parent(&done).unwrap_or(false).then_some(done)
}

/// The components of a cleaned path, last first.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    clean(path).split(|b| *b == b'/').filter(|c| !c.is_empty()).rev().map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match text.strip_prefix("-> ") {
                Some(target) => symlink(target, path).unwrap(),
                None => fs::write(path, text).unwrap(),
            }
        }
        dir
    }

    fn found(files: &[(&str, &str)], root: &str, dockerfile: &str) -> (String, Option<String>) {
        let dir = tree(files);
        let source = IgnoreSource::find(&dir.path().join(root), &dir.path().join(dockerfile)).unwrap();
        (source.name, source.bytes.map(|b| String::from_utf8(b).unwrap()))
    }

    #[test]
    fn the_dockerfiles_own_ignore_file_wins_even_when_it_is_empty() {
        let files = [("Dockerfile.dockerignore", ""), (".dockerignore", "*")];
        assert_eq!(found(&files, "", "Dockerfile"), ("Dockerfile.dockerignore".into(), Some(String::new())));
        assert_eq!(found(&files, "", "Other"), (".dockerignore".into(), Some("*".into())));
        let dir = tree(&files);
        let source = IgnoreSource::find(dir.path(), &dir.path().join("Dockerfile")).unwrap();
        assert_eq!(source.overridden, Some(dir.path().join(".dockerignore")));
    }

    #[test]
    fn beside_an_outside_dockerfile_only_the_specific_one_is_read() {
        let files = [("d/.dockerignore", "*"), ("d/X", ""), ("c/a", "")];
        assert_eq!(found(&files, "c", "d/X"), (".dockerignore".into(), None));
        let dir = tree(&files);
        let source = IgnoreSource::find(&dir.path().join("c"), &dir.path().join("d/X")).unwrap();
        assert_eq!(source.unread, Some(dir.path().join("d/.dockerignore")));
        let files = [("d/X.dockerignore", "a"), ("d/X", ""), ("c/.dockerignore", "b")];
        assert_eq!(found(&files, "c", "d/X"), ("X.dockerignore".into(), Some("a".into())));
    }

    #[test]
    fn a_folder_or_a_dangling_link_counts_as_none() {
        assert_eq!(found(&[(".dockerignore/x", "")], "", "Dockerfile").1, None);
        assert_eq!(found(&[(".dockerignore", "-> nope")], "", "Dockerfile").1, None);
        assert_eq!(found(&[(".dockerignore", "-> .dockerignore")], "", "Dockerfile").1, None);
        assert_eq!(found(&[("a", "")], "missing", "Dockerfile").1, None);
    }

    #[test]
    fn links_are_followed_inside_of_the_directory_alone() {
        let files = [("c/.dockerignore", "-> ../conf/../ign"), ("c/ign", "in"), ("ign", "out")];
        assert_eq!(found(&files, "c", "c/Dockerfile").1, Some("in".into()));
        let files = [("c/.dockerignore", "-> ../ign"), ("ign", "out")];
        assert_eq!(found(&files, "c", "c/Dockerfile").1, None);
        let files =
            [("c/.dockerignore", "-> /l/ign"), ("c/l", "-> r"), ("c/r/ign", "-> x"), ("c/r/x", "deep")];
        assert_eq!(found(&files, "c", "c/Dockerfile").1, Some("deep".into()));
    }

    #[test]
    fn a_lower_case_dockerfile_is_found_and_asked_for_its_upper_case_ignore_file() {
        let dir = tree(&[
            ("dockerfile", "FROM scratch"),
            ("Dockerfile.dockerignore", "x"),
            ("dockerfile.dockerignore", "y"),
        ]);
        let asked = dir.path().join("Dockerfile");
        let file = find_dockerfile(&asked).unwrap().unwrap();
        assert_eq!((file.path, file.bytes), (dir.path().join("dockerfile"), b"FROM scratch".to_vec()));
        assert_eq!(IgnoreSource::find(dir.path(), &asked).unwrap().bytes, Some(b"x".to_vec()));
        assert_eq!(find_dockerfile(&dir.path().join("Other")).unwrap(), None);
    }
}
