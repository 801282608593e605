//! Selectors: which paths of an input an operation looks at (`solver/llbsolver/ops/file.go`, `opsutils/contenthash.go`).

use std::collections::BTreeSet;

use crate::digest::Digest;

/// One path of an input, with how it is looked up (`opsutils.Selector`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Selector {
    /// The path, absolute.
    pub path: String,
    /// `* ? [` in it count.
    pub wildcard: bool,
    /// A link that the path itself is gets followed.
    pub follow_links: bool,
    /// `--parents`.
    pub include: Vec<String>,
    /// `--exclude`.
    pub exclude: Vec<String>,
    /// Paths that must be there.
    pub required: Vec<String>,
}

impl Selector {
    /// A plain path.
    pub fn plain(path: impl Into<String>, follow_links: bool) -> Self {
        Self { path: path.into(), follow_links, ..Self::default() }
    }

    /// True when what is below the path is picked one by one.
    pub fn is_filtered(&self) -> bool {
        self.wildcard || !self.include.is_empty() || !self.exclude.is_empty()
    }
}

/// The paths of a FileOp's selectors in the order in which their digest takes them: descending, for historical reasons
/// (`file.go`, `CacheMap`).
pub(super) fn file_paths(selectors: &[Selector]) -> Vec<String> {
    let mut paths: Vec<String> = selectors.iter().map(|s| s.path.clone()).collect();
    paths.sort_unstable_by(|a, b| b.cmp(a));
    paths
}

/// The digest that goes with definition links: over the paths alone.
pub(super) fn digest(paths: &[String]) -> Digest {
    Digest::sha256(paths.join("\0"))
}

/// The selectors whose contents are hashed (`file.go`, `dedupeSelectors`): plain paths once and not below each other,
/// first those that follow no link; filtered ones as they are; all by path.
pub(super) fn dedupe(selectors: Vec<Selector>) -> Vec<Selector> {
    let plain = |follow| {
        let paths = selectors.iter().filter(|s| !s.is_filtered() && s.follow_links == follow);
        dedupe_paths(paths.map(|s| s.path.clone()).collect())
    };
    let mut out: Vec<Selector> = plain(false).into_iter().map(|p| Selector::plain(p, false)).collect();
    out.extend(plain(true).into_iter().map(|p| Selector::plain(p, true)));
    out.extend(selectors.into_iter().filter(Selector::is_filtered));
    super::gosort::sort_by(&mut out, |a, b| a.path.cmp(&b.path));
    out
}

/// Drops paths that occur twice or lie below another, and sorts the rest; a single path stays as it is
/// (`exec.go`, `dedupePaths`).
pub(super) fn dedupe_paths(paths: Vec<String>) -> Vec<String> {
    if paths.len() <= 1 {
        return paths;
    }
    let all: BTreeSet<String> = paths.into_iter().collect();
    let covered = |path: &str| {
        let ends = path.char_indices().filter(|(_, c)| *c == '/').map(|(i, _)| i);
        ends.into_iter().any(|i| {
            let folder = &path[..i];
            folder != path && all.contains(folder) || i + 1 < path.len() && all.contains(&path[..=i])
        })
    };
    all.iter().filter(|p| !covered(p)).cloned().collect()
}
