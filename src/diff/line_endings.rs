//! Files of which only the line endings differ: told for certain, from the bytes that are here and the digest of those that
//! were there.

use super::{Cause, CauseKind};
use crate::digest::Digest;

/// How the detail of such a cause begins.
pub(super) const PREFIX: &str = "only in their line endings";

/// What to do about it.
pub(super) const FIX: &str = "let git give every machine the same bytes: `* text=auto eol=lf` in .gitattributes, then `git add --renormalize .`";

/// Marks a content cause when `now`, with its line endings turned round, has the digest `before`. Says whether it does.
pub fn mark_line_endings(cause: &mut Cause, before: &Digest, now: &[u8]) -> bool {
    let detail = match turned(before, now) {
        Some(true) => format!("{PREFIX}: CRLF here, LF there"),
        Some(false) => format!("{PREFIX}: LF here, CRLF there"),
        None => return false,
    };
    let is_content = cause.kind == CauseKind::Content;
    if is_content {
        cause.detail = Some(detail);
    }
    is_content
}

/// Whether CRLF is what is here; `None` when the bytes differ otherwise.
fn turned(before: &Digest, now: &[u8]) -> Option<bool> {
    let mut lf = Vec::with_capacity(now.len());
    for (i, byte) in now.iter().enumerate() {
        if *byte != b'\r' || now.get(i + 1) != Some(&b'\n') {
            lf.push(*byte);
        }
    }
    if lf.len() < now.len() && Digest::blake3(&lf) == *before {
        return Some(true);
    }
    let mut crlf = Vec::with_capacity(lf.len() * 2);
    for byte in &lf {
        if *byte == b'\n' {
            crlf.push(b'\r');
        }
        crlf.push(*byte);
    }
    (crlf.len() > now.len() && Digest::blake3(&crlf) == *before).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(before: &str, now: &str) -> Option<String> {
        let mut cause = Cause::new(CauseKind::Content);
        mark_line_endings(&mut cause, &Digest::blake3(before), now.as_bytes());
        cause.detail
    }

    #[test]
    fn both_ways_are_told_and_other_changes_are_not() {
        assert!(detail("a\nb\n", "a\r\nb\r\n").unwrap().ends_with("CRLF here, LF there"));
        assert!(detail("a\r\nb\r\n", "a\nb\n").unwrap().ends_with("LF here, CRLF there"));
        assert_eq!(detail("a\nb\n", "a\r\nc\r\n"), None);
        assert_eq!(detail("a", "b"), None);
    }
}
