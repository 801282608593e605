//! [`ContextPath`]: its `Ord` is fsutil's order, so nothing can be sorted wrongly.

use std::cmp::Ordering;
use std::fmt;

/// A path below the root of a context: bytes, clean (no `.`, `..`, empty component), relative, `/`-separated, never empty.
///
/// The order is that of fsutil's walk: `/` sorts before every other byte, so that a folder's entries stand right behind it
/// (`a`, `a/b`, `a-b`, `a.b`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ContextPath(Box<[u8]>);

/// Why bytes are no [`ContextPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a clean relative path")]
pub struct PathError {
    /// The offending bytes, lossily.
    pub path: String,
}

impl ContextPath {
    /// Checks that `path` is clean and takes it over.
    ///
    /// # Errors
    /// [`PathError`] for an empty or absolute path, and for empty, `.` and `..` components.
    pub fn new(path: impl Into<Box<[u8]>>) -> Result<Self, PathError> {
        let path = path.into();
        let clean = path.split(|b| *b == b'/').all(|c| !matches!(c, b"" | b"." | b".."));
        if clean {
            Ok(Self(path))
        } else {
            Err(PathError { path: String::from_utf8_lossy(&path).into_owned() })
        }
    }

    /// The path of `name` in the folder `self`.
    ///
    /// # Panics
    /// If `name` is not one clean component: names come from directory listings.
    pub fn join(&self, name: &[u8]) -> Self {
        Self::child(Some(self), name)
    }

    /// The path of `name` in `parent`, or in the root for `None`.
    ///
    /// # Panics
    /// As [`ContextPath::join`].
    pub fn child(parent: Option<&Self>, name: &[u8]) -> Self {
        assert!(
            !name.is_empty() && !name.contains(&b'/') && name != b"." && name != b"..",
            "one clean component"
        );
        match parent {
            None => Self(name.into()),
            Some(p) => Self([&p.0[..], b"/", name].concat().into_boxed_slice()),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, when it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The last component.
    pub fn name(&self) -> &[u8] {
        self.0.rsplit(|b| *b == b'/').next().unwrap_or(&self.0)
    }

    /// The folder that holds this path; `None` at the top.
    pub fn parent(&self) -> Option<Self> {
        let cut = self.0.iter().rposition(|b| *b == b'/')?;
        Some(Self(self.0[..cut].into()))
    }

    /// True when `self` lies below `folder` (not for `folder` itself).
    pub fn is_below(&self, folder: &[u8]) -> bool {
        self.0.len() > folder.len() && self.0.starts_with(folder) && self.0[folder.len()] == b'/'
    }

    /// fsutil's order on raw paths: `/` first, then bytewise.
    pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
        let common = common_prefix(a, b);
        match (a.get(common), b.get(common)) {
            (Some(b'/'), Some(_)) => Ordering::Less,
            (Some(_), Some(b'/')) => Ordering::Greater,
            (x, y) => x.cmp(&y),
        }
    }
}

/// How many bytes are the same at the beginning. Paths that are compared often lie in one folder, so this counts in strides.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    const STRIDE: usize = 16;
    let strides = a.as_chunks::<STRIDE>().0.iter().zip(b.as_chunks::<STRIDE>().0);
    let start = strides.take_while(|(x, y)| x == y).count() * STRIDE;
    start + a[start..].iter().zip(&b[start..]).take_while(|(x, y)| x == y).count()
}

impl PartialOrd for ContextPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ContextPath {
    fn cmp(&self, other: &Self) -> Ordering {
        Self::compare(&self.0, &other.0)
    }
}

impl fmt::Display for ContextPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for ContextPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(s: &str) -> ContextPath {
        ContextPath::new(s.as_bytes()).unwrap()
    }

    #[test]
    fn a_folders_entries_stand_right_behind_it() {
        let mut v = ["a.b", "ab", "a/b", "a b", "a", "a-b", "a/b/c", "a/a"].map(path);
        v.sort();
        assert_eq!(v.map(|p| p.to_string()), ["a", "a/a", "a/b", "a/b/c", "a b", "a-b", "a.b", "ab"]);
    }

    #[test]
    fn long_paths_are_compared_like_their_bytes_with_the_slash_first() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let length = rng.usize(..70);
            let a: Vec<u8> = (0..length).map(|_| *rng.choice(b"a/b.").unwrap()).collect();
            let mut b = a[..rng.usize(..=length)].to_vec();
            b.extend((0..rng.usize(..3)).map(|_| *rng.choice(b"a/b.").unwrap()));
            let first =
                |path: &[u8]| path.iter().map(|b| if *b == b'/' { 0 } else { *b }).collect::<Vec<_>>();
            assert_eq!(ContextPath::compare(&a, &b), first(&a).cmp(&first(&b)), "{a:?} {b:?}");
            assert_eq!(ContextPath::compare(&b, &a), first(&b).cmp(&first(&a)));
        }
    }

    #[test]
    fn unclean_paths_are_refused() {
        for bad in ["", "/a", "a/", "a//b", "./a", "a/..", "."] {
            assert!(ContextPath::new(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn parents_and_names() {
        assert_eq!(path("a/b/c").parent(), Some(path("a/b")));
        assert_eq!(path("a").parent(), None);
        assert_eq!(path("a/b").name(), b"b");
        assert!(path("a/b").is_below(b"a") && !path("ab").is_below(b"a") && !path("a").is_below(b"a"));
    }
}
