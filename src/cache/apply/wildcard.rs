//! fsutil's `ResolveWildcards` (`copy/copy.go`).

use super::disk::lookup;
use super::error::ApplyError;
use super::rootpath::root_path_follow;
use crate::cache::tree::{FileTree, Node};
use crate::gopath;

/// The paths that a source stands for, in the order in which they are copied: relative to the root where it has a wildcard,
/// else the source itself.
pub(super) fn resolve(tree: &FileTree, source: &[u8], follow: bool) -> Result<Vec<Vec<u8>>, ApplyError> {
    let (fixed, pattern) = split(source);
    if pattern.is_empty() {
        return Ok(vec![fixed]);
    }
    let folder = root_path_follow(tree, &fixed, follow)?;
    let (_, node) = lookup(tree, &folder, false, false).map_err(|e| e.at("lstat", &folder))?;
    let mut found = Vec::new();
    let depth = pattern.iter().filter(|b| matches!(**b, b'/' | b'[')).count();
    walk(node, b"", &pattern, depth, &mut found);
    Ok(found.iter().map(|path| gopath::join(&[&folder[1..], path])).collect())
}

/// The components before the first one with a wildcard, and the rest.
fn split(source: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let clean = gopath::join(&[source]);
    let parts: Vec<&[u8]> =
        clean.split(|b| *b == b'/').map(|p| if p.is_empty() { &b"/"[..] } else { p }).collect();
    let at = parts.iter().position(|p| gopath::has_wildcard(p)).unwrap_or(parts.len());
    (gopath::join(&parts[..at]), gopath::join(&parts[at..]))
}

/// `filepath.Walk`: bytewise order, links not followed, a match's contents not looked at. A malformed pattern matches
/// nothing. `depth` is how many slashes a match can have at most: of the wildcards only a class matches one.
fn walk(folder: &Node, path: &[u8], pattern: &[u8], depth: usize, found: &mut Vec<Vec<u8>>) {
    for (name, node) in folder.entries() {
        let path = if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() };
        if gopath::matches(pattern, &path).unwrap_or(false) {
            found.push(path);
        } else if depth > 0 {
            walk(node, &path, pattern, depth - 1, found);
        }
    }
}
