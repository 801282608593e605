//! Which paths a request for some paths brings over (`fsutil/followlinks.go`): links on the way are resolved on the
//! client's whole tree, whatever the ignore file says.

use std::collections::BTreeSet;
use std::io;

use super::Tree;
use super::error::ContextError;
use crate::entry::FileType;
use crate::gopath::{base, clean, dir, has_wildcard, join, matches};

/// Resolves `paths` in `tree` into the patterns of an include list, sorted, without those that
/// lie below another. `None` when one of them is the root: then nothing is left out.
///
/// A link, and a component with a wildcard that a link matches, is followed once: a second path through it is lost, as in
/// BuildKit.
pub(super) fn follow_links(tree: &dyn Tree, paths: &[Vec<u8>]) -> Result<Option<Vec<Vec<u8>>>, ContextError> {
    let resolver = Resolver { tree };
    let mut resolved = BTreeSet::new();
    for path in paths {
        // A stack in place of recursion: chains of links may be long.
        let mut todo = vec![path.clone()];
        while let Some(path) = todo.pop() {
            let targets = resolver.step(&path, &mut resolved)?;
            todo.extend(targets.into_iter().rev());
        }
    }
    Ok(without_children(resolved.into_iter().collect()))
}

struct Resolver<'a> {
    tree: &'a dyn Tree,
}

impl Resolver<'_> {
    /// Goes down `path` to its end or to the first link; gives the paths that take the place of the link.
    fn step(&self, path: &[u8], resolved: &mut BTreeSet<Vec<u8>>) -> Result<Vec<Vec<u8>>, ContextError> {
        let path = join(&[b".", path]);
        let mut rest = &path[..];
        let mut current = b".".to_vec();
        loop {
            let (first, tail) = match rest.iter().position(|b| *b == b'/') {
                Some(slash) => (&rest[..slash], &rest[slash + 1..]),
                None => (rest, &b""[..]),
            };
            rest = tail;
            current = join(&[&current, first]);
            let targets = self.targets(&current)?;
            if rest.is_empty() || targets.is_some() {
                let new = resolved.insert(current);
                let targets = targets.filter(|_| new).unwrap_or_default();
                return Ok(targets.into_iter().map(|target| join(&[&target, rest])).collect());
            }
        }
    }

    /// Where `path` leads if it is a link, or where the links lead that its last component, a wildcard, matches; `None` when
    /// there are none.
    fn targets(&self, path: &[u8]) -> Result<Option<Vec<Vec<u8>>>, ContextError> {
        let name = base(path);
        if !has_wildcard(name) {
            return Ok(self.target(path)?.map(|target| vec![target]));
        }
        let folder = dir(path);
        let mut targets = Vec::new();
        for entry in self.names(&folder)? {
            if matches(name, &entry).unwrap_or(false) {
                targets.extend(self.target(&join(&[&folder, &entry]))?);
            }
        }
        Ok((!targets.is_empty()).then_some(targets))
    }

    fn target(&self, path: &[u8]) -> Result<Option<Vec<u8>>, ContextError> {
        if matches!(path, b"." | b"/") || is_outside(path) {
            return Ok(None);
        }
        let is_link = self.tree.look(below(path)).map(|(file_type, _)| file_type == FileType::Symlink);
        if !found(is_link, "following", path)?.unwrap_or(false) {
            return Ok(None);
        }
        let Some(target) = found(self.tree.read_link(below(path)), "reading link", path)? else {
            return Ok(None);
        };
        let target = clean(&target);
        if target.starts_with(b"/") {
            return Ok(Some(target));
        }
        Ok(Some(join(&[b"/", &join(&[&dir(path), &target])])))
    }

    /// The names in a folder, sorted; none for what isn't one. All entries are looked at, as fsutil does, which shows in a
    /// folder that may be listed but not searched.
    fn names(&self, folder: &[u8]) -> Result<Vec<Vec<u8>>, ContextError> {
        let is_dir = self.tree.look(below(folder)).map(|(file_type, _)| file_type == FileType::Dir);
        let is_root = folder == b".";
        if is_outside(folder) {
            return Ok(Vec::new());
        }
        if !is_root && !found(is_dir, "following", folder)?.unwrap_or(false) {
            return Ok(Vec::new());
        }
        let names = match self.tree.names(below(folder)) {
            Err(_) if is_root => Vec::new(),
            listed => found(listed, "reading folder", folder)?.unwrap_or_default(),
        };
        let names: Vec<Vec<u8>> = names.into_iter().map(|(name, _)| name).collect();
        if let Some(first) = names.first() {
            let path = join(&[folder, first]);
            found(self.tree.look(below(&path)), "reading the stat of", &path)?;
        }
        Ok(names)
    }
}

/// A path as a tree knows it: the root is empty.
fn below(path: &[u8]) -> &[u8] {
    match path {
        b"." | b"/" => b"",
        _ => path.strip_prefix(b"/").unwrap_or(path),
    }
}

/// True for what lies above the root: nothing of that can be sent, and an engine shall not learn of it what is a link.
fn is_outside(path: &[u8]) -> bool {
    path.strip_prefix(b"..").is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// What isn't there is no error.
fn found<T>(result: io::Result<T>, doing: &'static str, path: &[u8]) -> Result<Option<T>, ContextError> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        Err(source) => {
            Err(ContextError::Entry { doing, path: String::from_utf8_lossy(path).into_owned(), source })
        }
    }
}

/// fsutil's `dedupePaths` on a sorted list: it compares with the last path that was kept, so that in bytewise order a
/// sibling such as `a-b` lets `a/x` slip through behind `a`.
pub(super) fn without_children(sorted: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    let mut kept: Vec<Vec<u8>> = Vec::with_capacity(sorted.len());
    for path in sorted {
        if path == b"." {
            return None;
        }
        let last = kept.last().map_or(&b""[..], Vec::as_slice);
        let below = path.strip_prefix(last).is_some_and(|rest| rest.starts_with(b"/"));
        if !below {
            kept.push(path);
        }
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let at = |p: &str| dir.path().join(p);
        fs::create_dir_all(at("real/sub")).unwrap();
        fs::write(at("real/a"), "").unwrap();
        fs::write(at("real/b"), "").unwrap();
        symlink("real", at("link")).unwrap();
        symlink("/link/sub", at("real/abs")).unwrap();
        symlink("../../../real/a", at("real/sub/up")).unwrap();
        symlink("loop2", at("loop1")).unwrap();
        symlink("loop1", at("loop2")).unwrap();
        symlink("self/x", at("self")).unwrap();
        dir
    }

    fn follow(paths: &[&str]) -> Option<Vec<String>> {
        let dir = tree();
        let paths: Vec<Vec<u8>> = paths.iter().map(|p| p.as_bytes().to_vec()).collect();
        let tree = crate::context::Folder::find(dir.path()).unwrap().unwrap();
        let found = follow_links(&tree, &paths).unwrap()?;
        Some(found.into_iter().map(|p| String::from_utf8(p).unwrap()).collect())
    }

    fn some(paths: &[&str]) -> Option<Vec<String>> {
        Some(paths.iter().map(|p| (*p).to_owned()).collect())
    }

    #[test]
    fn links_on_the_way_come_along() {
        assert_eq!(follow(&["link/a"]), some(&["link", "real/a"]));
        assert_eq!(follow(&["real/abs/up"]), some(&["link", "real/a", "real/abs", "real/sub/up"]));
        assert_eq!(follow(&["/nope/x", "real"]), some(&["nope/x", "real"]));
    }

    #[test]
    fn the_second_path_through_one_link_is_lost() {
        assert_eq!(follow(&["link/a", "link/b"]), some(&["link", "real/a"]));
        assert_eq!(follow(&["link/b", "link/a"]), some(&["link", "real/b"]));
    }

    #[test]
    fn wildcards_add_the_targets_of_links_that_match() {
        assert_eq!(follow(&["l*/a"]), some(&["l*", "loop1", "loop2", "real/a"]));
        assert_eq!(follow(&["real/*"]), some(&["link", "real/*", "real/sub"]));
        assert_eq!(follow(&["r*/a"]), some(&["r*/a"]));
    }

    #[test]
    fn loops_end_and_the_root_means_no_filter() {
        assert_eq!(follow(&["loop1"]), some(&["loop1", "loop2"]));
        assert_eq!(follow(&["self/y"]), some(&["self"]));
        assert_eq!(follow(&["real", "."]), None);
        assert_eq!(follow(&["/"]), None);
    }

    #[test]
    fn nobody_looks_above_the_root() {
        let outside = tempfile::tempdir().unwrap();
        fs::create_dir(outside.path().join("root")).unwrap();
        symlink("root/x", outside.path().join("link")).unwrap();
        let tree = crate::context::Folder::find(&outside.path().join("root")).unwrap().unwrap();
        for path in ["../link", "../l*", "../*/y", ".."] {
            let found = follow_links(&tree, &[path.into()]).unwrap().unwrap();
            assert_eq!(found, [path.as_bytes()]);
        }
    }

    #[test]
    fn a_sibling_that_sorts_between_keeps_the_child() {
        let list = ["a", "a-b", "a/x", "b", "b/y"].map(|p| p.as_bytes().to_vec()).to_vec();
        let kept = without_children(list).unwrap();
        assert_eq!(kept, ["a", "a-b", "a/x", "b"].map(|p| p.as_bytes().to_vec()));
    }
}
