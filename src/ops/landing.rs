//! Where the files that a step takes land in the image.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::entry::{ContextPath, Entry, FileType};
use crate::gopath;
use crate::plan::{CopyAction, ExecMount, ExecMountKind, FileActionKind, Op};

/// More links than this on the way count as a loop.
const MAX_LINKS: usize = 255;

/// One way from a source to a destination.
struct Route<'a> {
    /// Absolute path in the source, possibly with wildcards.
    src: &'a [u8],
    /// Whether wildcards in `src` count.
    wildcards: bool,
    /// Absolute path in the image; a trailing `/` means "into this folder".
    dest: &'a [u8],
}

/// For each entry that lands somewhere its absolute paths in the image, by its index; only entries in `taken` are looked at.
/// A file whose destination has no trailing `/` lands under just that name; the engine would put it below a folder of that
/// name if the image had one.
pub fn landing(
    op: &Op,
    input: usize,
    entries: &[Entry],
    taken: &[Range<usize>],
) -> BTreeMap<usize, Vec<Vec<u8>>> {
    let tree = Tree { entries };
    let mut landed: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
    for route in routes(op, input) {
        for (base, real) in tree.roots(&route) {
            tree.land(&route, &base, real.as_deref(), taken, &mut landed);
        }
    }
    landed
}

/// The entry that a path leads to, behind all links and inside of the listing.
pub fn resolve<'e>(entries: &'e [Entry], path: &[u8]) -> Option<&'e Entry> {
    let real = Tree { entries }.resolve(path)??;
    let at = entries.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), &real)).ok()?;
    entries.get(at)
}

/// The ways by which an operation takes files from its input.
fn routes(op: &Op, input: usize) -> Vec<Route<'_>> {
    match op {
        Op::File(actions) => actions
            .iter()
            .filter(|a| usize::try_from(a.secondary) == Ok(input))
            .filter_map(|a| if let FileActionKind::Copy(copy) = &a.kind { Some(copied(copy)) } else { None })
            .collect(),
        Op::Exec(exec) => {
            let bound =
                |m: &&ExecMount| m.kind == ExecMountKind::Bind && usize::try_from(m.input) == Ok(input);
            exec.mounts.iter().filter(bound).map(mounted).collect()
        }
        Op::Source(_) | Op::Merge => Vec::new(),
    }
}

fn copied(copy: &CopyAction) -> Route<'_> {
    Route { src: copy.src.as_bytes(), wildcards: copy.allow_wildcard, dest: copy.dest.as_bytes() }
}

fn mounted(mount: &ExecMount) -> Route<'_> {
    Route { src: mount.selector.as_bytes(), wildcards: false, dest: mount.dest.as_bytes() }
}

/// A listing as a tree.
struct Tree<'a> {
    entries: &'a [Entry],
}

impl Tree<'_> {
    /// What a route's source names: the last component as written or matched, and the real path behind links (`None` for
    /// the root).
    fn roots(&self, route: &Route<'_>) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let src = gopath::clean(&[b"/", route.src].concat());
        let src = &src[1..];
        if !route.wildcards || !gopath::has_wildcard(src) {
            let real = self.resolve(src);
            return real.into_iter().map(|real| (gopath::base(src).to_vec(), real)).collect();
        }
        let parts: Vec<&[u8]> = src.split(|b| *b == b'/').collect();
        let plain = parts.iter().take_while(|p| !gopath::has_wildcard(p)).count();
        let Some(start) = self.resolve(&parts[..plain].join(&b'/')) else { return Vec::new() };
        let pattern = parts[plain..].join(&b'/');
        let below = |e: &&Entry| start.as_ref().is_none_or(|s| e.path.is_below(s));
        let rest = |e: &Entry| e.path.as_bytes()[start.as_ref().map_or(0, |s| s.len() + 1)..].to_vec();
        let matched =
            self.entries.iter().filter(below).filter(|e| gopath::matches(&pattern, &rest(e)) == Ok(true));
        matched.filter_map(|e| Some((e.path.name().to_vec(), self.resolve(e.path.as_bytes())?))).collect()
    }

    /// Says where everything at or below `real` lands.
    fn land(
        &self,
        route: &Route<'_>,
        base: &[u8],
        real: Option<&[u8]>,
        taken: &[Range<usize>],
        landed: &mut BTreeMap<usize, Vec<Vec<u8>>>,
    ) {
        let folder = real.is_none_or(|r| self.get(r).is_some_and(|e| e.stat.is_dir()));
        for index in taken.iter().cloned().flatten() {
            let Some(entry) = self.entries.get(index) else { continue };
            let path = entry.path.as_bytes();
            let to = match real {
                _ if folder && real.is_none_or(|r| entry.path.is_below(r)) => {
                    let rest = &path[real.map_or(0, |r| r.len() + 1)..];
                    gopath::join(&[b"/", route.dest, rest])
                }
                Some(r) if r == path && folder => gopath::join(&[b"/", route.dest]),
                Some(r) if r == path && route.dest.ends_with(b"/") => gopath::join(&[b"/", route.dest, base]),
                Some(r) if r == path => gopath::join(&[b"/", route.dest]),
                _ => continue,
            };
            let places = landed.entry(index).or_default();
            if !places.contains(&to) {
                places.push(to);
            }
        }
    }

    fn get(&self, path: &[u8]) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|e| ContextPath::compare(e.path.as_bytes(), path)).ok()?;
        self.entries.get(at)
    }

    /// The real path behind all links, clamped to the root: `Some(None)` for the root, `None` when nothing is there.
    fn resolve(&self, path: &[u8]) -> Option<Option<Vec<u8>>> {
        let mut rest = parts(path);
        let mut done: Vec<Vec<u8>> = Vec::new();
        let mut links = 0;
        while let Some(part) = rest.pop() {
            if part == b".." {
                done.pop();
                continue;
            }
            done.push(part);
            let entry = self.get(&done.join(&b'/'))?;
            if entry.stat.file_type == FileType::Symlink {
                links += 1;
                if links > MAX_LINKS {
                    return None;
                }
                done.pop();
                if entry.stat.linkname().starts_with(b"/") {
                    done.clear();
                }
                rest.extend(parts(entry.stat.linkname()));
            }
        }
        Some((!done.is_empty()).then(|| done.join(&b'/')))
    }
}

/// The components of a path, last first.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    let part = |p: &&[u8]| !p.is_empty() && *p != b".";
    let mut parts: Vec<Vec<u8>> = path.split(|b| *b == b'/').filter(part).map(<[u8]>::to_vec).collect();
    parts.reverse();
    parts
}

#[cfg(test)]
pub(super) mod samples {
    use crate::entry::{ContextPath, Entry, Extra, FileType, Stat};

    /// A listing of `file`, `folder/` and `link->target`.
    pub fn listing(paths: &[&str]) -> Vec<Entry> {
        let entry = |text: &&str| {
            let (path, target) = text.split_once("->").unwrap_or((text, ""));
            let (file_type, mode) = match (path.ends_with('/'), target) {
                (true, _) => (FileType::Dir, 0o755),
                (_, "") => (FileType::File, 0o644),
                _ => (FileType::Symlink, 0o644),
            };
            let extra = Some(Box::new(Extra { linkname: target.into(), ..Extra::default() }));
            let stat = Stat { file_type, mode, uid: 0, gid: 0, size: 0, mtime_ns: 0, extra };
            let path = ContextPath::new(path.trim_end_matches('/').as_bytes()).unwrap();
            Entry { path, stat, hardlink: None }
        };
        let mut entries: Vec<Entry> = paths.iter().map(entry).collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::samples::listing;
    use super::*;
    use crate::plan::FileAction;

    fn copy(src: &str, dest: &str) -> Op {
        let copy = CopyAction {
            src: src.into(),
            dest: dest.into(),
            owner: None,
            mode: -1,
            mode_str: String::new(),
            follow_symlink: true,
            dir_copy_contents: true,
            attempt_unpack: false,
            create_dest_path: true,
            allow_wildcard: true,
            allow_empty_wildcard: true,
            timestamp: -1,
            include_patterns: vec![],
            exclude_patterns: vec![],
            required_paths: vec![],
            always_replace: false,
        };
        Op::File(vec![FileAction { input: 0, secondary: 1, output: 0, kind: FileActionKind::Copy(copy) }])
    }

    fn shown(op: &Op, paths: &[&str]) -> Vec<String> {
        let entries = listing(paths);
        let everything = 0..entries.len();
        landing(op, 1, &entries, std::slice::from_ref(&everything))
            .iter()
            .flat_map(|(i, places)| {
                places.iter().map(|p| format!("{} {}", entries[*i].path, String::from_utf8_lossy(p)))
            })
            .collect()
    }

    #[test]
    fn a_folder_brings_what_it_holds() {
        let out = shown(&copy("/src", "/app/"), &["src/", "src/a/", "src/a/x", "other"]);
        assert_eq!(out, ["src /app", "src/a /app/a", "src/a/x /app/a/x"]);
    }

    #[test]
    fn a_file_lands_under_the_destinations_name_or_below_it() {
        assert_eq!(shown(&copy("/d/x", "/y"), &["d/", "d/x"]), ["d/x /y"]);
        assert_eq!(shown(&copy("/d/x", "/y/"), &["d/", "d/x"]), ["d/x /y/x"]);
    }

    #[test]
    fn a_wildcard_flattens_folders_and_keeps_names_of_files() {
        let out = shown(&copy("/*", "/o/"), &["a.txt", "d/", "d/x"]);
        assert_eq!(out, ["a.txt /o/a.txt", "d /o", "d/x /o/x"]);
    }

    #[test]
    fn a_link_counts_as_what_it_points_to_but_keeps_its_name() {
        assert_eq!(shown(&copy("/l", "/o/"), &["l->/d/x", "d/", "d/x"]), ["d/x /o/l"]);
        assert_eq!(shown(&copy("/ld/x", "/o/"), &["ld->d", "d/", "d/x"]), ["d/x /o/x"]);
        assert_eq!(shown(&copy("/a", "/o/"), &["a->b", "b->a"]), [""; 0]);
    }

    #[test]
    fn the_whole_context_lands_below_the_destination() {
        assert_eq!(shown(&copy("/", "/app/"), &["a", "d/", "d/x"]), ["a /app/a", "d /app/d", "d/x /app/d/x"]);
    }
}
