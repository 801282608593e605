//! Go's `path` package on bytes (unix flavour): BuildKit's arithmetic is written in its terms.

/// A pattern that `path.Match` rejects: `syntax error in pattern`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// Go's `path.Clean`: the shortest equivalent path; `.` for the empty one.
pub fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.first() == Some(&b'/');
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|p| *p != b"..") => {
                parts.pop();
            }
            b".." if rooted => {}
            _ => parts.push(part),
        }
    }
    let mut out = if rooted { vec![b'/'] } else { Vec::new() };
    out.extend_from_slice(&parts.join(&b'/'));
    if out.is_empty() { b".".to_vec() } else { out }
}

/// Go's `path.Join`: the non-empty parts joined with `/` and cleaned; empty when all parts are empty.
pub fn join(parts: &[&[u8]]) -> Vec<u8> {
    let parts: Vec<&[u8]> = parts.iter().copied().filter(|p| !p.is_empty()).collect();
    if parts.is_empty() { Vec::new() } else { clean(&parts.join(&b'/')) }
}

/// Go's `path.Base`: the last component; `.` for the empty path, `/` for slashes alone.
pub fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |i| i + 1);
    let path = &path[..end];
    if path.is_empty() {
        return b"/";
    }
    &path[path.iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1)..]
}

/// Go's `path.Dir`: everything but the last component, cleaned.
pub fn dir(path: &[u8]) -> Vec<u8> {
    clean(&path[..path.iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1)])
}

/// True when `path` has one of `* ? [` that no backslash precedes (fsutil's and llb's `containsWildcards`).
pub fn has_wildcard(path: &[u8]) -> bool {
    let mut bytes = path.iter();
    while let Some(b) = bytes.next() {
        match b {
            b'\\' => {
                bytes.next();
            }
            b'*' | b'?' | b'[' => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_gives_the_shortest_path() {
        for (path, want) in [
            ("", "."),
            ("/", "/"),
            ("a//b", "a/b"),
            ("./a/.", "a"),
            ("a/../b", "b"),
            ("../a", "../a"),
            ("/../a", "/a"),
            ("a/..", "."),
            ("../../a/..", "../.."),
            ("/a/b/../../..", "/"),
        ] {
            assert_eq!(clean(path.as_bytes()), want.as_bytes(), "{path:?}");
        }
    }

    #[test]
    fn join_base_and_dir() {
        assert_eq!(join(&[b"/", b"", b"a/../b"]), b"/b");
        assert_eq!(join(&[b"", b""]), b"");
        assert_eq!(
            (base(b""), base(b"//"), base(b"a/b/"), base(b"b")),
            (&b"."[..], &b"/"[..], &b"b"[..], &b"b"[..])
        );
        assert_eq!((dir(b"/a"), dir(b"a"), dir(b"a/b")), (b"/".to_vec(), b".".to_vec(), b"a".to_vec()));
    }

    #[test]
    fn an_escaped_star_is_no_wildcard() {
        assert!(
            has_wildcard(b"a*") && has_wildcard(b"[") && !has_wildcard(b"a\\*b") && has_wildcard(b"\\\\*")
        );
    }
}
