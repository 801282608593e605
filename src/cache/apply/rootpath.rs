//! containerd's `fs.RootPath` (`continuity/fs/path.go`): resolves a path's links, none of which leads out of the root.

use super::disk::lookup;
use super::error::{ApplyError, Errno};
use crate::cache::tree::FileTree;
use crate::entry::FileType;
use crate::gopath;

const MAX_LINKS: usize = 255;

/// The path with all links resolved, absolute and clean. What isn't there counts as no link.
pub(super) fn root_path(tree: &FileTree, path: &[u8]) -> Result<Vec<u8>, ApplyError> {
    if path.is_empty() {
        return Ok(b"/".to_vec());
    }
    let mut links = 0;
    let mut path = path.to_vec();
    loop {
        let before = links;
        path = walk_links(tree, &path, &mut links)?;
        if links == before {
            let clean = gopath::join(&[b"/", &path]);
            if clean == path {
                return Ok(clean);
            }
            path = clean;
        }
    }
}

/// One pass over the components. A link's target is put in its place as it is written, and looked at in the next pass.
fn walk_links(tree: &FileTree, path: &[u8], links: &mut usize) -> Result<Vec<u8>, ApplyError> {
    let mut parts = path.split(|b| *b == b'/').filter(|p| !p.is_empty());
    let mut here = b"/".to_vec();
    if !path.starts_with(b"/")
        && let Some(first) = parts.next()
    {
        let (next, target) = walk_link(tree, first, links)?;
        here = target.unwrap_or(next);
    }
    for part in parts {
        let (next, target) = walk_link(tree, &gopath::join(&[&here, part]), links)?;
        here = match target {
            None => next,
            Some(target) if target.starts_with(b"/") => target,
            Some(target) => gopath::join(&[&here, &target]),
        };
    }
    Ok(here)
}

/// The absolute path, and the target when it is a link.
fn walk_link(
    tree: &FileTree,
    path: &[u8],
    links: &mut usize,
) -> Result<(Vec<u8>, Option<Vec<u8>>), ApplyError> {
    if *links > MAX_LINKS {
        return Err(ApplyError::fails("path-loop", "too many links"));
    }
    let path = gopath::join(&[b"/", path]);
    match lookup(tree, &path, false, false) {
        Err(Errno::NoEntry) => Ok((path, None)),
        Err(error) => Err(error.at("lstat", &path)),
        Ok((_, node)) if node.stat.file_type == FileType::Symlink => {
            *links += 1;
            let target = node.stat.linkname().to_vec();
            Ok((path, Some(target)))
        }
        Ok(_) => Ok((path, None)),
    }
}

/// fsutil's `rootPath` (`copy/copy.go`): without `follow`, a link that the last component is stays.
pub(super) fn root_path_follow(tree: &FileTree, path: &[u8], follow: bool) -> Result<Vec<u8>, ApplyError> {
    let path = gopath::join(&[b"/", path]);
    if path == b"/" {
        return Ok(path);
    }
    if follow {
        return root_path(tree, &path);
    }
    let folder = root_path(tree, &gopath::dir(&path))?;
    Ok(gopath::join(&[&folder, gopath::base(&path)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::apply::testing::tree;

    fn resolve(tree: &FileTree, path: &str) -> String {
        match root_path(tree, path.as_bytes()) {
            Ok(p) => String::from_utf8(p).unwrap(),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn links_are_resolved_inside_the_root() {
        let t = tree(&["d/", "d/e/", "up -> ../../d", "abs -> /d/e", "chain -> up/e", "loop -> loop", "f"]);
        for (path, want) in [
            ("/", "/"),
            ("/up", "/d"),
            ("/up/x/y", "/d/x/y"),
            ("/abs/../x", "/d/x"),
            ("/chain", "/d/e"),
            ("/missing/a", "/missing/a"),
            ("/d/", "/d"),
            ("/d/.", "/d"),
            ("/loop", "too many links"),
            ("/f/x", "lstat /f/x: not a directory"),
        ] {
            assert_eq!(resolve(&t, path), want, "{path}");
        }
    }

    #[test]
    fn a_last_link_stays_when_links_are_not_followed() {
        let t = tree(&["d/", "l -> d", "d/m -> /x"]);
        assert_eq!(root_path_follow(&t, b"l", false).unwrap(), b"/l");
        assert_eq!(root_path_follow(&t, b"l/m", false).unwrap(), b"/d/m");
        assert_eq!(root_path_follow(&t, b"l/m", true).unwrap(), b"/x");
    }
}
