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

/// Go's `path.Match`: whether the shell pattern matches the whole of `name`; `*` and `?` stop at `/`.
///
/// Works on runes as Go does: in bytes that are no UTF-8, each byte is one rune. The time is at most proportional to the
/// product of both lengths.
///
/// # Errors
/// [`BadPattern`] when the pattern is malformed anywhere, also behind the place where the match failed.
pub fn matches(pattern: &[u8], name: &[u8]) -> Result<bool, BadPattern> {
    let (matched, untested) = match_stars(pattern, name)?;
    let mut rest = untested;
    while !rest.is_empty() {
        let chunk = Chunk::first(rest);
        chunk.strip_from(b"")?;
        rest = chunk.rest;
    }
    Ok(matched)
}

/// The error of Go's `filepath.Match(pattern, ".")`, which is all that Moby asks of a pattern up front
/// (`patternmatcher.New`). It stops at the first chunk that doesn't match, so what stands behind that isn't checked.
///
/// # Errors
/// [`BadPattern`] when the part that was looked at is malformed.
pub fn check_syntax(pattern: &[u8]) -> Result<(), BadPattern> {
    match_stars(pattern, b".").map(|_| ())
}

/// Matches chunk by chunk; gives the answer and the part of the pattern that was not looked at.
fn match_stars<'p>(pattern: &'p [u8], name: &[u8]) -> Result<(bool, &'p [u8]), BadPattern> {
    let (mut pattern, mut name) = (pattern, name);
    while !pattern.is_empty() {
        let chunk = Chunk::first(pattern);
        pattern = chunk.rest;
        if chunk.star && chunk.text.is_empty() {
            return Ok((!name.contains(&b'/'), pattern));
        }
        match chunk.find_in(name)? {
            Some(rest) => name = rest,
            None => return Ok((false, pattern)),
        }
    }
    Ok((name.is_empty(), pattern))
}

/// A piece of a pattern without `*`, the star that stands before it, and what follows.
struct Chunk<'p> {
    star: bool,
    text: &'p [u8],
    rest: &'p [u8],
}

impl<'p> Chunk<'p> {
    fn first(pattern: &'p [u8]) -> Self {
        let stars = pattern.iter().take_while(|b| **b == b'*').count();
        let pattern = &pattern[stars..];
        let (mut at, mut in_class) = (0, false);
        while at < pattern.len() {
            match pattern[at] {
                b'\\' => at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'*' if !in_class => break,
                _ => {}
            }
            at += 1;
        }
        let (text, rest) = pattern.split_at(at.min(pattern.len()));
        Self { star: stars > 0, text, rest }
    }

    /// What of `name` is left behind this chunk; the last chunk has to reach the end. A star tries every start up to the
    /// next slash, and the first one that fits is taken for good (later chunks never come back to it).
    fn find_in<'n>(&self, name: &'n [u8]) -> Result<Option<&'n [u8]>, BadPattern> {
        let last = self.rest.is_empty();
        let fits = |rest: &&[u8]| rest.is_empty() || !last;
        if let Some(rest) = self.strip_from(name)?.filter(fits) {
            return Ok(Some(rest));
        }
        if self.star {
            let stop = name.iter().position(|b| *b == b'/').unwrap_or(name.len());
            for skip in 1..=stop {
                if let Some(rest) = self.strip_from(&name[skip..])?.filter(fits) {
                    return Ok(Some(rest));
                }
            }
        }
        Ok(None)
    }

    /// Takes this chunk off the start of `name`. After a mismatch the chunk is still read to its end for its errors.
    fn strip_from<'n>(&self, name: &'n [u8]) -> Result<Option<&'n [u8]>, BadPattern> {
        let mut chunk = self.text;
        let mut name = Some(name);
        while let [first, tail @ ..] = chunk {
            let here = name.filter(|n| !n.is_empty());
            (name, chunk) = match first {
                b'[' => {
                    let rune = here.map(first_rune);
                    let (inside, after) = class_contains(tail, rune.map_or(0, |(r, _)| r))?;
                    (here.zip(rune).filter(|_| inside).map(|(n, (_, len))| &n[len..]), after)
                }
                b'?' => (here.filter(|n| n[0] != b'/').map(|n| &n[first_rune(n).1..]), tail),
                b'\\' => {
                    let (escaped, after) = tail.split_first().ok_or(BadPattern)?;
                    (here.filter(|n| n[0] == *escaped).map(|n| &n[1..]), after)
                }
                literal => (here.filter(|n| n[0] == *literal).map(|n| &n[1..]), tail),
            };
        }
        Ok(name)
    }
}

/// Reads a class from behind its `[`: whether it holds `rune`, and what follows the `]`.
fn class_contains(class: &[u8], rune: u32) -> Result<(bool, &[u8]), BadPattern> {
    let negated = class.first() == Some(&b'^');
    let mut rest = &class[usize::from(negated)..];
    let (mut inside, mut ranges) = (false, 0);
    loop {
        if ranges > 0 && rest.first() == Some(&b']') {
            return Ok((inside != negated, &rest[1..]));
        }
        let (low, after) = class_rune(rest)?;
        let (high, after) = if after[0] == b'-' { class_rune(&after[1..])? } else { (low, after) };
        inside |= (low..=high).contains(&rune);
        rest = after;
        ranges += 1;
    }
}

/// One rune of a class, possibly escaped, and what follows it, which is never empty (a class ends with `]`).
fn class_rune(class: &[u8]) -> Result<(u32, &[u8]), BadPattern> {
    let class = match class {
        [] | [b'-' | b']', ..] => return Err(BadPattern),
        [b'\\', escaped @ ..] => escaped,
        plain => plain,
    };
    if class.is_empty() {
        return Err(BadPattern);
    }
    let (rune, len) = first_rune(class);
    let rest = &class[len..];
    let invalid = rune == REPLACEMENT && len == 1;
    if invalid || rest.is_empty() { Err(BadPattern) } else { Ok((rune, rest)) }
}

/// Go's `utf8.RuneError`.
const REPLACEMENT: u32 = char::REPLACEMENT_CHARACTER as u32;

/// The first rune of non-empty bytes and its length; a byte that begins no valid sequence is one U+FFFD of length 1.
fn first_rune(bytes: &[u8]) -> (u32, usize) {
    let len = match bytes[0] {
        0..0x80 => return (u32::from(bytes[0]), 1),
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return (REPLACEMENT, 1),
    };
    let text = bytes.get(..len).and_then(|b| std::str::from_utf8(b).ok());
    text.and_then(|t| t.chars().next()).map_or((REPLACEMENT, 1), |c| (u32::from(c), len))
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

    fn answers(rows: &[(&str, &str, Option<bool>)]) {
        for (pattern, name, want) in rows {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()).ok(), *want, "{pattern:?} on {name:?}");
        }
    }

    #[test]
    fn stars_and_question_marks_stop_at_a_slash() {
        let (yes, no) = (Some(true), Some(false));
        answers(&[
            ("abc", "abc", yes),
            ("*", "abc", yes),
            ("*", "", yes),
            ("*c", "abc", yes),
            ("a*", "ab/c", no),
            ("a*/b", "abc/b", yes),
            ("a*/b", "a/c/b", no),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", yes),
            ("a*b?c*x", "abxbbxdbxebxczzx", yes),
            ("a?b", "a/b", no),
            ("a?b", "aéb", yes),
            ("", "", yes),
            ("", "x", no),
            ("a\\*b", "a*b", yes),
            ("a\\*b", "axb", no),
        ]);
    }

    #[test]
    fn classes_hold_runes_and_ranges() {
        let (yes, no) = (Some(true), Some(false));
        answers(&[
            ("ab[c]", "abc", yes),
            ("ab[^c]", "abc", no),
            ("ab[^e-g]", "abc", yes),
            ("a[!b]c", "a!c", yes),
            ("a???b", "aaéßb", yes),
            ("[a-ζ]*", "α", yes),
            ("*[a-ζ]", "A", no),
            ("[\\]a]", "]", yes),
            ("[\\-x]", "-", yes),
            ("[x\\-]", "z", no),
            ("[z-a]", "m", no),
            ("a[*]b", "a*b", yes),
            ("a[/]b", "a/b", yes),
        ]);
    }

    #[test]
    fn malformed_patterns_are_errors_also_behind_a_mismatch() {
        for bad in
            ["[", "[]a]", "[-]", "[x-]", "[-x]", "a[", "[^", "[^bc", "\\", "[a-b-c]", "[]", "x[", "*b["]
        {
            assert_eq!(matches(bad.as_bytes(), b"abc"), Err(BadPattern), "{bad:?}");
        }
        assert_eq!(matches(b"[\xff]", b"a"), Err(BadPattern));
    }

    #[test]
    fn bytes_that_are_no_utf8_are_one_rune_each() {
        assert_eq!(matches(b"a?b", b"a\xffb"), Ok(true));
        assert_eq!(matches(b"a?b", b"a\xe2\x82b"), Ok(false));
        assert_eq!(matches(b"a??b", b"a\xe2\x82b"), Ok(true));
        assert_eq!(matches("a[\u{fffd}]b".as_bytes(), b"a\xffb"), Ok(true));
        assert_eq!(matches(b"a\xff", b"a\xff"), Ok(true));
    }

    #[test]
    fn the_shallow_check_stops_at_the_first_chunk_that_does_not_match() {
        for bad in ["[", "a[", "*[", "a\\", "[]", ".*["] {
            assert_eq!(check_syntax(bad.as_bytes()), Err(BadPattern), "{bad:?}");
        }
        for passed in ["a*[", "ab*c\\", "", "**/a*[b]", "x*[]"] {
            assert_eq!(check_syntax(passed.as_bytes()), Ok(()), "{passed:?}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let (pattern, name) = ("a*".repeat(200) + "b", "a".repeat(5_000));
        assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), Ok(false));
    }
}
