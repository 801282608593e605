//! What an answer gains from the files themselves: whether only line endings differ, and advice that was tried.

use std::collections::BTreeMap;
use std::io::Read as _;

use super::analysis::Read;
use crate::diff::{self, CauseKind, Comparison, Hint};
use crate::digest::Digest;
use crate::entry::{ContextPath, FileType, Source as _};
use crate::snapshot::Snapshot;

/// Files larger than this are no text that a checkout converts.
const LARGEST: u64 = 4 << 20;

/// So many files are read again at most; more of them would be folded into one line anyway.
const MOST: usize = 2_000;

/// Marks the causes of which only the line endings changed, and gives the advice that would have kept a layer.
pub fn hints(read: &Read, before: &Snapshot, now: &Snapshot, comparison: &mut Comparison) -> Vec<Hint> {
    let mut texts: BTreeMap<(String, Vec<u8>), Option<Vec<u8>>> = BTreeMap::new();
    let causes = comparison.steps.iter_mut().flat_map(|s| &mut s.causes);
    // Other line endings are another size.
    for cause in causes.filter(|c| c.kind == CauseKind::Content && c.before != c.after) {
        let Some(path) = cause.path.clone() else { continue };
        let Some(old) = content(before, &cause.source, &path) else { continue };
        if texts.len() >= MOST {
            break;
        }
        let source = cause.source.clone();
        let bytes = texts.entry((source, path)).or_insert_with_key(|(source, path)| text(read, source, path));
        if let Some(bytes) = bytes {
            diff::mark_line_endings(cause, &old, bytes);
        }
    }
    diff::hints(before, now, comparison)
}

/// The digest of a file's content in a snapshot.
fn content(snapshot: &Snapshot, local: &str, path: &[u8]) -> Option<Digest> {
    snapshot.sources.iter().filter(|s| s.local == local).find_map(|source| {
        let by_path = |e: &crate::entry::Entry| ContextPath::compare(e.path.as_bytes(), path);
        let at = source.entries.binary_search_by(by_path).ok()?;
        source.contents.get(at).copied().flatten()
    })
}

/// The bytes of a file that may be a text.
fn text(read: &Read, local: &str, path: &[u8]) -> Option<Vec<u8>> {
    let context = &read.local(local)?.context;
    let entry = context.get(path).filter(|e| e.stat.file_type == FileType::File && e.stat.size <= LARGEST)?;
    let mut bytes = Vec::new();
    context.open(entry).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
    let is_text = bytes.contains(&b'\n') && !bytes.contains(&0);
    is_text.then_some(bytes)
}
