//! How BuildKit up to v0.13 found what lies behind links (`checksum.go`, `checksumFollow` and `getFollowLinksWalk`): by cleaned
//! paths, so that `..` in the target of a link takes away a name and not a folder.

use super::nodes::{Kind, MAX_LINKS, Nodes, TooManyLinks};
use crate::gopath;

/// No path on a disk is longer; what grows beyond can only be links that lead to themselves.
const LONGEST: usize = 8192;

impl<'a> Nodes<'a> {
    /// As [`Nodes::resolve`].
    pub(super) fn resolve_cleaned(&self, path: &[u8], follow: bool) -> Result<Option<usize>, TooManyLinks> {
        let mut path = path.to_vec();
        for _ in 0..=MAX_LINKS {
            let (_, found) = self.behind_folders(&path, &mut 0)?;
            match self.link(found).filter(|_| follow) {
                Some(target) if target.starts_with(b"/") => path = target.to_vec(),
                Some(target) => path = gopath::join(&[&gopath::dir(&path), target]),
                None => return Ok(found),
            }
        }
        Err(TooManyLinks)
    }

    /// Where the walk of a wildcard begins (`wildcardPrefix`); with `more` behind it, a link is followed there, but every link
    /// behind that one as if it stood in the first one's place.
    pub(super) fn start_cleaned(&self, origin: &[u8], more: bool) -> Result<Option<usize>, TooManyLinks> {
        let mut links = 0;
        let (first, mut found) = self.behind_folders(origin, &mut links)?;
        while let Some(target) = self.link(found).filter(|_| more) {
            count(&mut links)?;
            found = self.exact(&clean_link(&first, target));
        }
        Ok(found)
    }

    /// Finds a path; links among its folders are followed, the last component isn't.
    fn behind_folders(
        &self,
        path: &[u8],
        links: &mut usize,
    ) -> Result<(Vec<u8>, Option<usize>), TooManyLinks> {
        let cut = path.iter().rposition(|b| *b == b'/');
        let (Some(cut), None) = (cut, self.exact(path)) else {
            return Ok((path.to_vec(), self.exact(path)));
        };
        if path.len() > LONGEST {
            return Err(TooManyLinks);
        }
        let (folder, name) = path.split_at(cut);
        let (key, parent) = self.behind_folders(folder, links)?;
        if let Some(target) = self.link(parent) {
            count(links)?;
            let path = [&clean_link(folder, target), name].concat();
            return self.behind_folders(&path, links);
        }
        let path = [&key, name].concat();
        let found = self.exact(&path);
        Ok((path, found))
    }

    /// The node of an absolute path as it is written; the root for the empty one.
    fn exact(&self, path: &[u8]) -> Option<usize> {
        match path.strip_prefix(b"/") {
            Some(b"") => None,
            rest => self.find(rest.unwrap_or(path)),
        }
    }

    /// The target of a link.
    fn link(&self, node: Option<usize>) -> Option<&'a [u8]> {
        match self.get(node?).kind {
            Kind::Symlink(target) => Some(target),
            _ => None,
        }
    }
}

fn count(links: &mut usize) -> Result<(), TooManyLinks> {
    *links += 1;
    if *links > MAX_LINKS { Err(TooManyLinks) } else { Ok(()) }
}

/// `cleanLink`: where a link at the path `at` leads.
fn clean_link(at: &[u8], target: &[u8]) -> Vec<u8> {
    let target = gopath::clean(target);
    if target.starts_with(b"/") {
        return target;
    }
    gopath::join(&[b"/", &gopath::join(&[&gopath::dir(at), &target])])
}
