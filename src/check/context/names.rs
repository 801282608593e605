//! Names that other systems can't have, or can't tell apart.

use rustc_hash::FxHashMap;

use super::super::text::{list, name};
use super::super::{Amount, Facts, Findings};
use super::litter::within;
use super::{CLASH, PORTABLE};
use crate::entry::{Entry, Source as _};

/// Windows takes no longer paths, unless it is told to.
const LONGEST: usize = 260;
/// No more pairs than this are named.
const PAIRS: usize = 3;

/// Folders whose names nobody here chose.
const FOREIGN: &[&[u8]] = &[b"node_modules", b".git", b"site-packages", b".venv"];

/// Looks at all names of one folder.
pub(super) fn find(facts: &Facts<'_>, number: usize, found: &mut Findings) {
    let folder = &facts.folders[number];
    let entries = folder.context.entries();
    let own = |e: &&Entry| !foreign(e.path.as_bytes());
    let pairs = clashes(entries.iter().filter(own));
    if let Some((a, b)) = pairs.first() {
        let more = match pairs.len() - 1 {
            0 => String::new(),
            1 => " and 1 more pair".to_owned(),
            more => format!(" and {more} more pairs"),
        };
        let message = format!(
            "{}`{}` and `{}`{more} differ only in case or in how accents are written: macOS and Windows take them for one",
            within(folder),
            name(a),
            name(b)
        );
        let finding = found.add(&CLASH, message);
        finding.paths = pairs.iter().take(PAIRS).flat_map(|(a, b)| [a.to_vec(), b.to_vec()]).collect();
        finding.amount = Some(Amount { files: 2 * pairs.len() as u64, ..Amount::default() });
    }
    let mut bad: Vec<(&'static str, Vec<Vec<u8>>, usize)> = Vec::new();
    for entry in entries.iter().filter(own) {
        let path = entry.path.as_bytes();
        let Some(why) = not_portable(path) else { continue };
        let at = bad.iter().position(|(w, ..)| *w == why).unwrap_or_else(|| {
            bad.push((why, Vec::new(), 0));
            bad.len() - 1
        });
        bad[at].2 += 1;
        if bad[at].1.len() < PAIRS {
            bad[at].1.push(path.to_vec());
        }
    }
    for (why, paths, all) in bad {
        let finding = found.add(&PORTABLE, format!("{}{}: {why}", within(folder), list(&paths, all)));
        finding.paths = paths;
        finding.amount = Some(Amount { files: all as u64, ..Amount::default() });
    }
}

/// Whether a path lies in a folder of installed packages or the like.
fn foreign(path: &[u8]) -> bool {
    path.split(|b| *b == b'/').any(|part| FOREIGN.contains(&part))
}

/// Pairs of paths that are equal when case and the composition of accents don't count.
fn clashes<'e>(entries: impl Iterator<Item = &'e Entry>) -> Vec<(&'e [u8], &'e [u8])> {
    let mut seen: FxHashMap<Vec<u8>, &[u8]> = FxHashMap::default();
    let mut pairs = Vec::new();
    let mut above: Option<&[u8]> = None;
    for entry in entries {
        let path = entry.path.as_bytes();
        // Of two folders that clash, not all that is in them is told, too.
        if above.is_some_and(|folder| entry.path.is_below(folder)) {
            continue;
        }
        above = None;
        match seen.entry(folded(path)) {
            std::collections::hash_map::Entry::Occupied(first) => {
                pairs.push((*first.get(), path));
                above = entry.stat.is_dir().then_some(path);
            }
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(path);
            }
        }
    }
    pairs
}

/// A path in lower case, with accents of Latin letters taken apart.
fn folded(path: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(path) else { return path.to_vec() };
    if text.is_ascii() {
        return path.to_ascii_lowercase();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars().flat_map(char::to_lowercase) {
        match apart(c) {
            Some((letter, accent)) => out.extend([letter, accent]),
            None => out.push(c),
        }
    }
    out.into_bytes()
}

/// The letter and the combining accent of the Latin letters that keyboards have.
fn apart(c: char) -> Option<(char, char)> {
    const TABLE: &[(&str, char, &str)] = &[
        ("aeiounwy", '\u{300}', "àèìòùǹẁỳ"),
        ("aceilnorsuyz", '\u{301}', "áćéíĺńóŕśúýź"),
        ("aceghijosuwyz", '\u{302}', "âĉêĝĥîĵôŝûŵŷẑ"),
        ("ainou", '\u{303}', "ãĩñõũ"),
        ("aehiouwxy", '\u{308}', "äëḧïöüẅẍÿ"),
        ("au", '\u{30a}', "åů"),
        ("cdenrstz", '\u{30c}', "čďěňřšťž"),
        ("cgklnrst", '\u{327}', "çģķļņŗşţ"),
        ("aeiu", '\u{328}', "ąęįų"),
        ("ou", '\u{30b}', "őű"),
    ];
    TABLE.iter().find_map(|(letters, accent, composed)| {
        let at = composed.chars().position(|x| x == c)?;
        letters.chars().nth(at).map(|letter| (letter, *accent))
    })
}

/// Why another system can't have a path; looks at its last component, since its folders are entries of their own.
fn not_portable(path: &[u8]) -> Option<&'static str> {
    let last = super::markers::split(path).1;
    if last.iter().any(|b| *b < 0x20 || b"<>:\"|?*\\".contains(b)) {
        return Some("Windows can't have a name with a control character or one of < > : \" | ? * \\");
    }
    if last.ends_with(b".") || last.ends_with(b" ") {
        return Some("Windows drops a dot or blank at the end of a name");
    }
    if reserved(last) {
        return Some("Windows keeps this name for a device");
    }
    (path.len() > LONGEST).then_some("a path of more than 260 bytes is too long for Windows")
}

/// `CON`, `nul.txt`, `COM1`.
fn reserved(name: &[u8]) -> bool {
    let stem = name.split(|b| *b == b'.').next().unwrap_or_default();
    let numbered = |word: &[u8]| {
        stem.len() == 4 && stem[..3].eq_ignore_ascii_case(word) && (b'1'..=b'9').contains(&stem[3])
    };
    [&b"con"[..], b"prn", b"aux", b"nul"].iter().any(|w| stem.eq_ignore_ascii_case(w))
        || numbered(b"com")
        || numbered(b"lpt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::MemoryTree;
    use crate::entry::ContextPath;

    fn pairs(names: &[&str]) -> usize {
        let path = |p: &str| ContextPath::new(p.as_bytes()).unwrap();
        let tree = names.iter().fold(MemoryTree::new(), |t, n| t.file(path(n), 0o644, b""));
        clashes(tree.entries().iter()).len()
    }

    #[test]
    fn names_that_differ_in_case_or_composition_clash() {
        assert_eq!(pairs(&["README.md", "readme.md"]), 1);
        assert_eq!(pairs(&["src/A/x", "src/a/x"]), 1, "the folders, once");
        assert_eq!(pairs(&["gr\u{fc}n", "gru\u{308}n"]), 1);
        assert_eq!(pairs(&["a/x", "b/X", "c"]), 0);
        assert_eq!(pairs(&["grun", "gr\u{fc}n"]), 0);
    }

    #[test]
    fn each_accent_stands_over_its_letter() {
        for (composed, letter) in
            [('é', 'e'), ('ñ', 'n'), ('ů', 'u'), ('ž', 'z'), ('ç', 'c'), ('õ', 'o'), ('ũ', 'u'), ('ỳ', 'y')]
        {
            assert_eq!(apart(composed).map(|(l, _)| l), Some(letter), "{composed}");
        }
        assert_eq!((apart('e'), apart(' ')), (None, None));
    }

    #[test]
    fn what_windows_cant_have_is_told() {
        for bad in ["aux", "src/NUL.txt", "com1", "a:b", "a.", "a ", "w?t", "b\\c"] {
            assert!(not_portable(bad.as_bytes()).is_some(), "{bad}");
        }
        assert!(not_portable("d/".repeat(131).as_bytes().strip_suffix(b"/").unwrap()).is_some());
        for good in ["auxiliary.c", "com10", "console", "a.b.c", ".env", "naïve.txt", "com", "lpt0"] {
            assert_eq!(not_portable(good.as_bytes()), None, "{good}");
        }
    }
}
