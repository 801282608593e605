//! Looks where names alone don't tell: into small files that may hold secrets, and into git's index for the modes of a fresh checkout.

use std::io::Read as _;

use rustc_hash::FxHashMap;

use super::super::analysis::Read;
use super::super::local::Local;
use crate::check::{self, LARGEST_SECRET, Looked, OddMode, Peeked};
use crate::entry::{ContextPath, Entry, FileType, Source as _};
use crate::git::{LeafKind, Repository};

/// What a fresh checkout gives a file, a program and a folder under umask 022.
const FILE: u16 = 0o644;
const PROGRAM: u16 = 0o755;

/// Looks at all folders of a build.
pub fn look(read: &Read) -> Looked {
    let mut looked = Looked::default();
    for (folder, local) in read.locals().enumerate() {
        peek(folder, local, &mut looked.peeked);
        if local.revision.is_none() {
            modes(folder, local, &mut looked.modes);
        }
    }
    looked
}

/// Looks into the files that may hold secrets. One that can't be read is told elsewhere.
fn peek(folder: usize, local: &Local, out: &mut Vec<Peeked>) {
    let may = |e: &&Entry| {
        e.stat.file_type == FileType::File && check::may_hold_secret(e.path.as_bytes(), e.stat.size)
    };
    for entry in local.context.entries().iter().filter(may) {
        let mut content = Vec::new();
        let read = local.context.open(entry).and_then(|f| f.take(LARGEST_SECRET).read_to_end(&mut content));
        let verdict = read.ok().and_then(|_| check::secret_in(entry.path.as_bytes(), &content));
        out.extend(verdict.map(|verdict| Peeked { folder, path: entry.path.as_bytes().to_vec(), verdict }));
    }
}

/// Compares modes with git's index. git is asked only where some mode can't be that of a checkout with umask 022; without a repository there
/// is nothing to compare with.
fn modes(folder: usize, local: &Local, out: &mut Vec<OddMode>) {
    let entries = local.context.entries();
    if !entries.iter().any(is_odd) {
        return;
    }
    let Ok(repository) = Repository::find(&local.root) else { return };
    let (Some(prefix), Ok(staged)) = (repository.below(&local.root), repository.staged()) else { return };
    let fresh = fresh(&staged, &prefix);
    let differs = |(at, entry): (usize, &Entry)| {
        let fresh = *fresh.get(entry.path.as_bytes())?;
        (is_odd(entry) && entry.stat.mode != fresh).then_some(OddMode { folder, entry: at, fresh })
    };
    out.extend(entries.iter().enumerate().filter_map(differs));
}

/// A mode that no checkout with umask 022 gives.
fn is_odd(entry: &Entry) -> bool {
    match entry.stat.file_type {
        FileType::File => entry.stat.mode != FILE && entry.stat.mode != PROGRAM,
        FileType::Dir => entry.stat.mode != PROGRAM,
        _ => false,
    }
}

/// The modes of a fresh checkout, by path below `prefix`: of tracked files, and of the folders that hold some.
fn fresh<'s>(staged: &'s [(Vec<u8>, LeafKind)], prefix: &[u8]) -> FxHashMap<&'s [u8], u16> {
    let mut modes: FxHashMap<&[u8], u16> = FxHashMap::default();
    for (path, kind) in staged {
        let below = match prefix {
            b"" => Some(&path[..]),
            prefix => path.strip_prefix(prefix).and_then(|p| p.strip_prefix(b"/")),
        };
        let Some(below) = below.filter(|p| ContextPath::new(*p).is_ok()) else { continue };
        let mode = match kind {
            LeafKind::File => FILE,
            LeafKind::Executable => PROGRAM,
            LeafKind::Link | LeafKind::Submodule => continue,
        };
        modes.insert(below, mode);
        let mut folder = below;
        while let Some(at) = folder.iter().rposition(|b| *b == b'/') {
            folder = &folder[..at];
            // The folders above are there already.
            if modes.insert(folder, PROGRAM).is_some() {
                break;
            }
        }
    }
    modes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_tracked_files_have_modes_too() {
        let staged = [
            (b"web/a/b.sh".to_vec(), LeafKind::Executable),
            (b"web/a/c".to_vec(), LeafKind::File),
            (b"web/l".to_vec(), LeafKind::Link),
            (b"other".to_vec(), LeafKind::File),
        ];
        let modes = fresh(&staged, b"web");
        let of = |path: &str| modes.get(path.as_bytes()).copied();
        assert_eq!(
            (of("a/b.sh"), of("a/c"), of("a"), of("l"), of("other")),
            (Some(0o755), Some(0o644), Some(0o755), None, None)
        );
        assert_eq!(fresh(&staged, b"").get(&b"other"[..]), Some(&0o644));
    }
}
