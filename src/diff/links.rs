//! Links on the way to a source: a step that follows one takes other files when it points elsewhere.

use super::taken::{Item, Listing};
use super::{Cause, CauseKind, same};
use crate::entry::{ContextPath, Entry, FileType};
use crate::gopath;
use crate::snapshot::StepState;

/// More links than this on the way count as a loop (`cache/contenthash/path.go`).
const MAX_LINKS: usize = 255;

/// A link that a step's text names, and that leads elsewhere now.
pub(super) struct Moved {
    /// Where the old way led; `None` where it led nowhere.
    pub from: Option<Vec<u8>>,
    /// Where it leads now.
    pub to: Option<Vec<u8>>,
    /// The link.
    pub cause: Cause,
}

/// The links that changed and that lie on the way to what `text` names.
pub(super) fn moved(source: &str, text: &str, before: &Listing<'_>, now: &Listing<'_>) -> Vec<Moved> {
    let words = words(text);
    let mut paths: Vec<&ContextPath> = links(before).chain(links(now)).map(|e| &e.path).collect();
    paths.sort();
    paths.dedup();
    let named = paths.into_iter().filter(|p| words.iter().any(|w| leads_through(w, p.as_bytes())));
    named.filter_map(|path| one(source, path.as_bytes(), before, now)).collect()
}

fn one(source: &str, path: &[u8], before: &Listing<'_>, now: &Listing<'_>) -> Option<Moved> {
    let (old, new) = (before.find(path)?, now.find(path)?);
    let (old_type, new_type) = (old.entry.stat.file_type, new.entry.stat.file_type);
    if old_type == new_type && old.entry.stat.linkname() == new.entry.stat.linkname() {
        return None;
    }
    let text = |item: &Item<'_>| match item.entry.stat.file_type {
        FileType::Symlink => String::from_utf8_lossy(item.entry.stat.linkname()).into_owned(),
        other => same::type_name(other).to_owned(),
    };
    let kind = if old_type == new_type { CauseKind::Linkname } else { CauseKind::Type };
    let type_text = |item: &Item<'_>| same::type_name(item.entry.stat.file_type).to_owned();
    let shown = |item: &Item<'_>| if kind == CauseKind::Type { type_text(item) } else { text(item) };
    let cause = Cause {
        source: source.to_owned(),
        path: Some(path.to_vec()),
        before: Some(shown(&old)),
        after: Some(shown(&new)),
        ..Cause::new(kind)
    };
    Some(Moved { from: resolve(before, path), to: resolve(now, path), cause })
}

fn links<'a>(listing: &Listing<'a>) -> impl Iterator<Item = &'a Entry> {
    listing.entries().filter(|e| e.stat.file_type == FileType::Symlink)
}

/// What may be a path in an instruction, relative to the root.
pub(super) fn words(text: &str) -> Vec<Vec<u8>> {
    let cut = |c: char| c.is_whitespace() || "\"'[],=".contains(c);
    let clean = |word: &str| gopath::clean(&[b"/", word.as_bytes()].concat())[1..].to_vec();
    text.split(cut).filter(|w| !w.is_empty()).map(clean).filter(|w| !w.is_empty()).collect()
}

/// Whether a COPY or ADD names the root of what it copies from, or a mount may.
pub(super) fn takes_root(step: &StepState) -> bool {
    if !matches!(step.instruction.as_str(), "COPY" | "ADD") {
        return true;
    }
    let cut = |c: char| c.is_whitespace() || "\"'[],".contains(c);
    let mut words: Vec<&str> =
        step.text.split(cut).filter(|w| !w.is_empty() && !w.starts_with("--")).collect();
    words.pop(); // the destination
    let root = |word: &&str| gopath::clean(&[b"/", word.as_bytes()].concat()) == b"/";
    words.iter().skip(1).any(root)
}

/// Whether the way to `word` goes through `link`; a variable may stand for any name.
fn leads_through(word: &[u8], link: &[u8]) -> bool {
    let mut parts = word.split(|b| *b == b'/');
    link.split(|b| *b == b'/').all(|name| {
        parts.next().is_some_and(|part| {
            part == name || part.contains(&b'$') || gopath::matches(part, name).unwrap_or(false)
        })
    })
}

/// Where a path leads when every link on it is followed; links stay below the root.
pub(super) fn resolve(listing: &Listing<'_>, path: &[u8]) -> Option<Vec<u8>> {
    let mut todo: Vec<Vec<u8>> = components(path);
    let mut done: Vec<u8> = Vec::new();
    let mut followed = 0;
    while let Some(name) = todo.pop() {
        let here = if done.is_empty() { name } else { [&done[..], b"/", &name].concat() };
        let entry = listing.find(&here)?.entry;
        if entry.stat.file_type != FileType::Symlink {
            done = here;
            continue;
        }
        followed += 1;
        if followed > MAX_LINKS {
            return None;
        }
        let target = entry.stat.linkname();
        let folder = if target.starts_with(b"/") { Vec::new() } else { gopath::dir(&here) };
        let rest: Vec<u8> = todo.iter().rev().flat_map(|c| [b"/", &c[..]].concat()).collect();
        todo = components(&[b"/", &folder[..], b"/", target, &rest].concat());
        done.clear();
    }
    Some(done)
}

/// The components of a cleaned path, last first.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    let clean = gopath::clean(&[b"/", path].concat());
    clean.split(|b| *b == b'/').filter(|c| !c.is_empty()).rev().map(<[u8]>::to_vec).collect()
}
