//! The rules for the names that are sent: clean, in fsutil's order, each below folders that were sent, and hard links to files
//! that were sent (`fsutil`, `Validator` and `Hardlinks`). With them nothing is ever written below a link.

use std::collections::HashSet;

use bytes::Bytes;

use super::packet::{Kind, Stat};

/// What has been sent so far.
#[derive(Debug)]
pub(super) struct Order {
    /// The folders that lead to the last name, each with the last name in it.
    folders: Vec<(Vec<u8>, Vec<u8>)>,
    /// What hard links may point at.
    files: HashSet<Bytes>,
}

impl Default for Order {
    fn default() -> Self {
        Self { folders: vec![(Vec::new(), Vec::new())], files: HashSet::new() }
    }
}

impl Order {
    /// Takes the next name, or says why it can't be.
    pub fn next(&mut self, stat: &Stat) -> Result<(), String> {
        let path = &stat.path[..];
        if !is_clean(path) {
            return Err(format!("unclean path {:?}", path.escape_ascii().to_string()));
        }
        let (folder, name) = split(path);
        while self.folders.len() > 1 && self.folders.last().is_some_and(|(known, _)| known != folder) {
            self.folders.pop();
        }
        match self.folders.last_mut() {
            Some((known, last)) if known == folder && last[..] < *name => *last = name.to_vec(),
            _ => return Err(format!("changes out of order: {:?}", path.escape_ascii().to_string())),
        }
        match stat.kind() {
            Kind::Folder => self.folders.push((path.to_vec(), Vec::new())),
            Kind::Link => {}
            _ if stat.linkname.is_empty() => {
                self.files.insert(stat.path.clone());
            }
            _ if !self.files.contains(&stat.linkname) => {
                return Err(format!(
                    "invalid link {:?} to unknown path: {:?}",
                    path.escape_ascii().to_string(),
                    stat.linkname.escape_ascii().to_string()
                ));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The folder and the name in it.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

/// Relative, without `.`, `..`, empty names and NUL.
fn is_clean(path: &[u8]) -> bool {
    !path.contains(&0)
        && path.split(|b| *b == b'/').all(|name| !name.is_empty() && name != b"." && name != b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &'static [u8]) -> Stat {
        Stat { path: Bytes::from_static(path), mode: 0o644, ..Stat::default() }
    }

    fn folder(path: &'static [u8]) -> Stat {
        Stat { mode: 1 << 31 | 0o755, ..file(path) }
    }

    fn symlink(path: &'static [u8]) -> Stat {
        Stat { mode: 1 << 27 | 0o777, linkname: Bytes::from_static(b"/"), ..file(path) }
    }

    fn hard(path: &'static [u8], to: &'static [u8]) -> Stat {
        Stat { linkname: Bytes::from_static(to), ..file(path) }
    }

    fn all(stats: &[Stat]) -> Result<(), String> {
        let mut order = Order::default();
        stats.iter().try_for_each(|stat| order.next(stat))
    }

    #[test]
    fn names_come_in_order_below_their_folders() {
        all(&[
            folder(b"a"),
            file(b"a/b"),
            folder(b"a/c"),
            file(b"a/c/d"),
            file(b"a/e"),
            file(b"a.b"),
            file(b"z\xff"),
        ])
        .unwrap();
        for bad in [
            vec![file(b"b"), file(b"a")],
            vec![file(b"a"), file(b"a")],
            vec![file(b"a/b")],
            vec![file(b"a"), file(b"a/b")],
            vec![symlink(b"a"), file(b"a/b")],
            vec![folder(b"a"), file(b"b"), file(b"a/c")],
            vec![folder(b"a"), file(b"a/b/c")],
        ] {
            assert!(all(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for bad in [
            &b""[..],
            b"/",
            b"/etc/passwd",
            b".",
            b"..",
            b"../x",
            b"a/../../x",
            b"a//b",
            b"a/",
            b"./a",
            b"a/.",
            b"a\0b",
        ] {
            let stat = Stat { path: Bytes::copy_from_slice(bad), mode: 0o644, ..Stat::default() };
            assert!(all(&[folder(b"a"), stat]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn hard_links_point_at_what_was_sent() {
        all(&[file(b"a"), hard(b"b", b"a"), hard(b"c", b"a")]).unwrap();
        for to in [&b"x"[..], b"../x", b"/etc/passwd", b"l", b"d"] {
            let link = Stat { linkname: Bytes::copy_from_slice(to), ..file(b"z") };
            assert!(all(&[folder(b"d"), symlink(b"l"), link]).is_err(), "{to:?}");
        }
    }
}
