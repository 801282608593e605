//! One file before and after: all that enters a key (`cache/contenthash/tarsum.go`), part by part.

use super::taken::Item;
use super::{Cause, CauseKind};
use crate::cache::hashed_xattrs;
use crate::entry::{FileType, Stat};

/// How a file at one path changed; nothing when no key would notice.
pub(super) fn changes(source: &str, before: &Item<'_>, now: &Item<'_>, has_times: bool) -> Vec<Cause> {
    let unnoticed = has_times && is_overlooked(before, now);
    let cause = |kind, before: Option<String>, after: Option<String>| Cause {
        path: Some(now.bytes().to_vec()),
        source: source.to_owned(),
        unnoticed,
        before,
        after,
        ..Cause::new(kind)
    };
    let (old, new) = (&before.entry.stat, &now.entry.stat);
    let mut out = Vec::new();
    if let Some((b, a)) = type_change(before, now) {
        out.push(cause(CauseKind::Type, Some(b), Some(a)));
    }
    if old.mode != new.mode && out.is_empty() {
        out.push(cause(CauseKind::Mode, Some(mode(old)), Some(mode(new))));
    }
    if (old.uid, old.gid) != (new.uid, new.gid) {
        let owner = |s: &Stat| Some(format!("{}:{}", s.uid, s.gid));
        out.push(cause(CauseKind::Owner, owner(old), owner(new)));
    }
    if is_file(old) && is_file(new) && contents_differ(before, now) {
        let differ = old.size != new.size;
        let size = |s: &Stat| differ.then(|| bytes(s.size));
        out.push(cause(CauseKind::Content, size(old), size(new)));
    }
    if old.file_type == FileType::Symlink && new.file_type == FileType::Symlink {
        let text = |s: &Stat| Some(String::from_utf8_lossy(s.linkname()).into_owned());
        if old.linkname() != new.linkname() {
            out.push(cause(CauseKind::Linkname, text(old), text(new)));
        }
    }
    if !hashed_xattrs(old).eq(hashed_xattrs(new)) {
        out.push(cause(CauseKind::Xattr, xattrs(old, new), xattrs(new, old)));
    }
    out
}

/// Whether no key would tell the two apart but for their paths.
pub(super) fn equal(before: &Item<'_>, now: &Item<'_>) -> bool {
    changes("", before, now, false).is_empty()
}

/// What a daemon's transfer does not notice: it compares type, mode, size, time, owner and link with what it kept from the
/// last build (fsutil, `diff_containerd.go`), and of a folder that it holds it never takes over a new header.
fn is_overlooked(before: &Item<'_>, now: &Item<'_>) -> bool {
    let (old, new) = (&before.entry.stat, &now.entry.stat);
    if old.is_dir() && new.is_dir() {
        return true;
    }
    let seen = |s: &Stat| (s.file_type, s.mode, s.size, s.mtime_ns, s.uid, s.gid, s.device());
    seen(old) == seen(new) && old.linkname() == new.linkname() && before.entry.hardlink == now.entry.hardlink
}

/// A socket counts as an empty file.
fn is_file(stat: &Stat) -> bool {
    matches!(stat.file_type, FileType::File | FileType::Socket)
}

fn contents_differ(before: &Item<'_>, now: &Item<'_>) -> bool {
    let (old, new) = (&before.entry.stat, &now.entry.stat);
    if old.file_type != FileType::File || new.file_type != FileType::File {
        return false;
    }
    match (before.content, now.content) {
        (Some(a), Some(b)) => a != b,
        // Nobody read it, or it could not be opened.
        (a, b) => old.size != new.size || a.is_some() != b.is_some() && old.size > 0,
    }
}

/// The names of both types, where a key tells them apart.
fn type_change(before: &Item<'_>, now: &Item<'_>) -> Option<(String, String)> {
    let (old, new) = (&before.entry.stat, &now.entry.stat);
    if old.file_type == new.file_type {
        let device = |s: &Stat| format!("{} {}:{}", type_name(s.file_type), s.device().0, s.device().1);
        return (old.device() != new.device()).then(|| (device(old), device(new)));
    }
    let empty = |s: &Stat| s.file_type == FileType::Socket || s.size == 0;
    if is_file(old) && is_file(new) && empty(old) && empty(new) {
        return None;
    }
    Some((type_name(old.file_type).to_owned(), type_name(new.file_type).to_owned()))
}

/// What people call a type.
pub(super) fn type_name(file_type: FileType) -> &'static str {
    match file_type {
        FileType::File => "file",
        FileType::Dir => "folder",
        FileType::Symlink => "symbolic link",
        FileType::Fifo => "named pipe",
        FileType::Socket => "socket",
        FileType::CharDevice => "character device",
        FileType::BlockDevice => "block device",
    }
}

/// Permission bits in octal.
pub(super) fn mode(stat: &Stat) -> String {
    format!("{:04o}", stat.mode)
}

fn bytes(size: u64) -> String {
    if size == 1 { "1 byte".to_owned() } else { format!("{size} bytes") }
}

/// The attributes of one side that the other lacks or has with another value.
fn xattrs(of: &Stat, other: &Stat) -> Option<String> {
    let other: Vec<_> = hashed_xattrs(other).collect();
    let own = hashed_xattrs(of).filter(|x| !other.contains(x));
    let texts: Vec<String> = own
        .map(|(name, value)| {
            let value: String =
                value.iter().flat_map(|b| std::ascii::escape_default(*b)).map(char::from).collect();
            let short: String = value.chars().take(40).collect();
            let more = if short.len() < value.len() { "…" } else { "" };
            format!("{}={short}{more}", String::from_utf8_lossy(name))
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}
