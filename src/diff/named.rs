//! The files of a layer that a cache still holds against the files that the step would put there now.

use std::collections::BTreeMap;

use super::files::by_path;
use super::taken::Item;
use super::{Cause, CauseKind, same};
use crate::digest::Digest;
use crate::entry::{Entry, FileType, Stat};
use crate::snapshot::Snapshot;

/// A file of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerFile {
    /// Its path in the image, without leading `/`.
    pub path: Vec<u8>,
    /// Its stat, as the layer's tar has it.
    pub stat: Stat,
    /// BLAKE3 of its content, for a regular file.
    pub content: Option<Digest>,
}

/// Where an entry of a local source goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// The source's place in [`Snapshot::sources`].
    pub source: usize,
    /// The entry's place there.
    pub entry: usize,
    /// Its path in the image, without leading `/`.
    pub path: Vec<u8>,
}

/// What a step is known to do to what it copies, and so no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overrides {
    /// It sets modes (`--chmod`).
    pub mode: bool,
}

/// The changes by which a step missed, named by their paths in the client's folders: `before` is what its layer holds, `landed`
/// what it would put there now. Owners are those that the step gives, and not compared; neither is the mode with `--chmod`,
/// nor folders that the step only makes on the way to its destination.
///
/// A file that is only in the layer is named by its path in the context where the folder that it was in landed from one, else by
/// its path in the image.
pub fn name_files(
    now: &Snapshot,
    landed: &[Landing],
    before: &[LayerFile],
    overrides: Overrides,
) -> Vec<Cause> {
    let old: BTreeMap<&[u8], &LayerFile> = before.iter().map(|f| (f.path.as_slice(), f)).collect();
    let new: BTreeMap<&[u8], &Landing> = landed.iter().map(|l| (l.path.as_slice(), l)).collect();
    let mut out = Vec::new();
    for landing in new.values() {
        let Some(source) = now.sources.get(landing.source) else { continue };
        let Some(entry) = source.entries.get(landing.entry) else { continue };
        let content = source.contents.get(landing.entry).copied().flatten();
        match old.get(landing.path.as_slice()) {
            Some(file) => out.extend(compare(&source.local, file, entry, content, overrides)),
            None => out.push(cause(CauseKind::Added, &source.local, entry.path.as_bytes())),
        }
    }
    let gone = before.iter().filter(|f| !new.contains_key(f.path.as_slice()));
    for file in gone {
        if let Some((local, path)) = origin(now, &new, &file.path) {
            out.push(cause(CauseKind::Removed, local, &path));
        } else if !file.stat.is_dir() {
            out.push(cause(CauseKind::Removed, "", &file.path));
        }
    }
    out.sort_by(|a, b| a.source.cmp(&b.source).then_with(|| by_path(a, b)));
    out
}

fn compare(
    local: &str,
    file: &LayerFile,
    entry: &Entry,
    content: Option<Digest>,
    overrides: Overrides,
) -> Vec<Cause> {
    let mut stat = file.stat.clone();
    (stat.uid, stat.gid) = (entry.stat.uid, entry.stat.gid);
    // A snapshot's links have all modes, a client's have what its system says; neither is a change.
    if overrides.mode || stat.file_type == FileType::Symlink {
        stat.mode = entry.stat.mode;
    }
    let old = Entry { path: entry.path.clone(), stat, hardlink: None };
    let (old, new) = (Item { entry: &old, content: file.content }, Item { entry, content });
    same::changes(local, &old, &new, false)
}

fn cause(kind: CauseKind, source: &str, path: &[u8]) -> Cause {
    Cause { source: source.to_owned(), path: Some(path.to_vec()), ..Cause::new(kind) }
}

/// Where a path of the image would come from: below the nearest folder that landed, or beside a file that did.
fn origin<'s>(
    now: &'s Snapshot,
    landed: &BTreeMap<&[u8], &Landing>,
    path: &[u8],
) -> Option<(&'s str, Vec<u8>)> {
    let slashes = path.iter().enumerate().rev().filter(|(_, b)| **b == b'/').map(|(i, _)| i);
    for end in slashes {
        let folder = &path[..end];
        if let Some(landing) = landed.get(folder) {
            let source = now.sources.get(landing.source)?;
            let from = source.entries.get(landing.entry)?;
            return Some((&source.local, [from.path.as_bytes(), &path[end..]].concat()));
        }
        // A file that landed there directly, under its own name, tells where the folder comes from.
        let prefix = [folder, b"/"].concat();
        let below = landed.range(prefix.as_slice()..).take_while(|(p, _)| p.starts_with(&prefix));
        for (to, landing) in below {
            let source = now.sources.get(landing.source)?;
            let from = source.entries.get(landing.entry)?.path.as_bytes();
            if let Some(root) = from.strip_suffix(&to[prefix.len()..]) {
                return Some((&source.local, [root, &path[prefix.len()..]].concat()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::ContextPath;
    use crate::snapshot::SourceState;

    fn stat(file_type: FileType, mode: u16) -> Stat {
        Stat { file_type, mode, uid: 0, gid: 0, size: 1, mtime_ns: 0, extra: None }
    }

    fn entry(path: &str, file_type: FileType) -> Entry {
        let path = ContextPath::new(path.as_bytes()).unwrap();
        Entry { path, stat: stat(file_type, 0o644), hardlink: None }
    }

    fn snapshot(files: &[(&str, &str)]) -> Snapshot {
        let source = SourceState {
            local: "context".into(),
            entries: files.iter().map(|(p, _)| entry(p, FileType::File)).collect(),
            contents: files.iter().map(|(_, c)| Some(Digest::blake3(c))).collect(),
            ..SourceState::default()
        };
        Snapshot { sources: vec![source], ..Snapshot::default() }
    }

    fn layer(path: &str, mode: u16, content: &str) -> LayerFile {
        let content = Some(Digest::blake3(content));
        LayerFile { path: path.into(), stat: Stat { uid: 7, ..stat(FileType::File, mode) }, content }
    }

    fn named(files: &[(&str, &str)], to: &[&str], before: &[LayerFile], overrides: Overrides) -> Vec<String> {
        let landing = |(entry, path): (usize, &&str)| Landing { source: 0, entry, path: (*path).into() };
        let landed: Vec<Landing> = to.iter().enumerate().map(landing).collect();
        let causes = name_files(&snapshot(files), &landed, before, overrides);
        let path = |c: &Cause| String::from_utf8_lossy(c.path.as_deref().unwrap()).into_owned();
        causes.iter().map(|c| format!("{:?} {}", c.kind, path(c))).collect()
    }

    #[test]
    fn files_are_named_as_they_are_in_the_context() {
        let files = [("src/a", "1"), ("src/b", "2"), ("src/c", "3")];
        let to = ["app/a", "app/b", "app/c"];
        let before = [layer("app/a", 0o644, "1"), layer("app/b", 0o644, "old"), layer("app/d", 0o644, "4")];
        let causes = named(&files, &to, &before, Overrides::default());
        assert_eq!(causes, ["Content src/b", "Added src/c", "Removed src/d"]);
    }

    #[test]
    fn a_mode_counts_unless_the_step_sets_it_and_an_owner_never_does() {
        let before = [layer("x", 0o600, "1")];
        let causes = |overrides| named(&[("a", "1")], &["x"], &before, overrides);
        assert_eq!(causes(Overrides::default()), ["Mode a"]);
        assert_eq!(causes(Overrides { mode: true }), [""; 0]);
    }
}
