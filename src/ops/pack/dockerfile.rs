//! The Dockerfile in the tar: an engine that is given a tar reads it from there.
//!
//! Where it is in view it stands in the tar already. Where the ignore file hides it, or it lies outside of the context, it has
//! to be added; docker's own old client did the same, under a random name where need be. BuildKit leaves nothing out of a tar
//! (`frontend/dockerui/config.go`, `MainContext`), so that steps which copy the folder that it then lies in have it, too.

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::digest::Digest;
use crate::entry::{ContextPath, Entry, FileType, Stat};
use crate::ops::locate::Located;
use crate::ops::{DockerfileInput, Request, landing};

/// The name that engines look for by themselves.
const USUAL: &[u8] = b"Dockerfile";

/// The Dockerfile's place in the tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InTar {
    /// Its path.
    pub path: ContextPath,
    /// Why it had to be added; `None` for one that is in view.
    pub added: Option<Why>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a Dockerfile is added to the tar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is in view, but not among what is packed.
    Unused,
    /// The ignore file hides it, or what it links to.
    Hidden,
    /// It lies outside of the context, or comes from standard input.
    Outside,
}

impl InTar {
    /// Where the Dockerfile stands in a tar of `entries`; `None` when there is none.
    pub fn find(request: &Request, located: &Located, context: &Context, entries: &[Entry]) -> Option<Self> {
        let bytes = located.bytes.as_ref().ok()?;
        let inside = inside(request, located, context);
        let visible = inside.as_deref().is_some_and(|path| leads_to_file(entries, path));
        let (path, added) = match inside {
            Some(path) if visible => (path, None),
            Some(path) if context.get(&path).is_some_and(|e| e.stat.file_type == FileType::File) => {
                (path, Some(Why::Unused))
            }
            Some(path) if get(entries, &path).is_none() => (path, Some(Why::Hidden)),
            Some(_) => (free_name(entries, bytes), Some(Why::Hidden)),
            None => (free_name(entries, bytes), Some(Why::Outside)),
        };
        Some(Self { path: ContextPath::new(path).ok()?, added, bytes: bytes.clone() })
    }

    /// Whether an engine finds it without being told its name: also in lower case (`frontend/dockerui/config.go`,
    /// `ReadEntrypoint`).
    pub fn is_found(&self) -> bool {
        matches!(self.path.as_bytes(), b"Dockerfile" | b"dockerfile")
    }

    /// Its entry, and those of the folders above it that `entries` lacks: as `listed` has them, if it does.
    pub fn missing_entries(&self, entries: &[Entry], listed: &[Entry]) -> Vec<Entry> {
        let known = get(listed, self.path.as_bytes()).filter(|e| e.stat.file_type == FileType::File);
        let new = || entry(self.path.clone(), FileType::File, self.bytes.len() as u64);
        let mut missing = vec![known.cloned().unwrap_or_else(new)];
        missing[0].hardlink = None;
        let mut folder = self.path.parent();
        while let Some(path) = folder.filter(|path| get(entries, path.as_bytes()).is_none()) {
            folder = path.parent();
            let known = get(listed, path.as_bytes());
            missing.push(known.cloned().unwrap_or_else(|| entry(path, FileType::Dir, 0)));
        }
        missing
    }
}

/// An entry that the listing doesn't have.
fn entry(path: ContextPath, file_type: FileType, size: u64) -> Entry {
    let mode = if file_type == FileType::Dir { 0o755 } else { 0o644 };
    let stat = Stat { file_type, mode, uid: 0, gid: 0, size, mtime_ns: 0, extra: None };
    Entry { path, stat, hardlink: None }
}

/// The Dockerfile's path below the context; `None` for one that isn't there.
fn inside(request: &Request, located: &Located, context: &Context) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt as _;
    let path: PathBuf = match &request.dockerfile {
        DockerfileInput::Bytes(_) => return None,
        DockerfileInput::Default => request.context.join(&located.dockerfile),
        DockerfileInput::Path(_) => PathBuf::from(&located.dockerfile),
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().ok()?;
    let below = folder.strip_prefix(context.root()).ok()?.join(path.file_name()?);
    Some(below.as_os_str().as_bytes().to_vec())
}

/// `Dockerfile` where that is free, else a name that follows from the content, so that the same tree gives the same tar.
fn free_name(entries: &[Entry], bytes: &[u8]) -> Vec<u8> {
    let hex = Digest::sha256(bytes).hex();
    let short = format!(".dockerfile.{}", &hex[..20]).into_bytes();
    let names = [USUAL.to_vec(), short, format!(".dockerfile.{hex}").into_bytes()];
    let taken =
        |name: &[u8]| get(entries, name).is_some() || name == USUAL && get(entries, b"dockerfile").is_some();
    let [.., last] = &names;
    names.iter().find(|name| !taken(name)).unwrap_or(last).clone()
}

/// Whether a path is a regular file, or a link that leads to one inside of the listing.
fn leads_to_file(entries: &[Entry], path: &[u8]) -> bool {
    landing::resolve(entries, path).is_some_and(|entry| entry.stat.file_type == FileType::File)
}

fn get<'e>(entries: &'e [Entry], path: &[u8]) -> Option<&'e Entry> {
    let at = entries.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), path)).ok()?;
    entries.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::landing::samples::listing;

    #[test]
    fn an_outside_dockerfile_gets_the_usual_name_where_it_is_free() {
        assert_eq!(free_name(&listing(&["a"]), b"FROM x"), b"Dockerfile");
        for taken in ["Dockerfile", "dockerfile", "Dockerfile/"] {
            let name = free_name(&listing(&[taken]), b"FROM x");
            assert!(name.starts_with(b".dockerfile.") && name.len() == 32, "{}", name.escape_ascii());
            assert_ne!(name, free_name(&listing(&[taken]), b"FROM y"), "another content, another name");
        }
    }

    #[test]
    fn a_link_counts_when_it_leads_to_a_file_of_the_listing() {
        let entries = listing(&[
            "d/",
            "d/Dockerfile",
            "a->d/Dockerfile",
            "b->/a",
            "d/c->../b",
            "e->f/c",
            "x->gone",
            "l->l",
            "f->d",
        ]);
        let leads = |path: &str| leads_to_file(&entries, path.as_bytes());
        assert!(leads("a") && leads("b") && leads("d/c") && leads("e") && leads("d/Dockerfile"));
        assert!(!leads("x") && !leads("l") && !leads("f") && !leads("d") && !leads("gone"));
    }

    #[test]
    fn folders_above_an_added_dockerfile_are_added_too() {
        let in_tar = InTar {
            path: ContextPath::new(&b"a/b/Dockerfile"[..]).unwrap(),
            added: Some(Why::Hidden),
            bytes: b"FROM scratch\n".to_vec(),
        };
        let missing = in_tar.missing_entries(&listing(&["a/"]), &[]);
        let paths: Vec<&[u8]> = missing.iter().map(|e| e.path.as_bytes()).collect();
        assert_eq!(paths, [&b"a/b/Dockerfile"[..], b"a/b"]);
        assert_eq!((missing[0].stat.size, missing[1].stat.is_dir()), (13, true));
    }
}
