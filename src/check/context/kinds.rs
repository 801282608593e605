//! Litter that is there, and the ignore lines that hide it.

use super::markers::Markers;
use crate::litter::{self, Certainty, Kind};

/// Litter that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Litter {
    /// Its kind.
    pub kind: Kind,
    /// The ignore line that hides it, and whatever else is called like that.
    pub line: String,
}

/// What a folder is by its name, its neighbours and what it holds.
pub(super) fn folder(path: &[u8], name: &[u8], markers: &Markers<'_>) -> Option<Litter> {
    match litter::folder(name, Certainty::Likely) {
        Some(found) => Some(Litter { kind: found.kind, line: found.line(path.len() == name.len()) }),
        None => in_project(path, markers),
    }
}

/// Folders whose names say nothing alone: what is beside or in them decides, and the line names just the one.
fn in_project(path: &[u8], markers: &Markers<'_>) -> Option<Litter> {
    let kind = markers.of_folder(path)?;
    Some(Litter { kind, line: literal(path)? })
}

/// Endings of archives and disk images.
const ARCHIVES: &[&str] =
    &["zip", "tar", "tgz", "rar", "7z", "iso", "dmg", "tar.gz", "tar.xz", "tar.bz2", "tar.zst"];

/// What a file is by its name.
pub(super) fn file(name: &[u8]) -> Option<Litter> {
    if let Some(found) = litter::file(name, Certainty::Likely) {
        return Some(Litter { kind: found.kind, line: found.line(false) });
    }
    let is =
        |end: &&&str| name.strip_suffix(end.as_bytes()).is_some_and(|n| n.len() > 1 && n.ends_with(b"."));
    let end = ARCHIVES.iter().find(is)?;
    Some(Litter { kind: Kind::Archive, line: format!("**/*.{end}") })
}

/// The ignore line for just this path; `None` where no line can say it: a pattern's special bytes would need quoting, and a `#` or `!` in
/// front means something else.
pub(super) fn literal(path: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(path).ok()?;
    let plain =
        !text.contains(['*', '?', '[', '\\']) && !text.contains(char::is_control) && text.trim() == text;
    (plain && !text.starts_with(['#', '!'])).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(name: &str) -> Option<String> {
        file(name.as_bytes()).map(|l| l.line)
    }

    #[test]
    fn files_are_told_by_the_end_of_their_names() {
        assert_eq!(line_of("a.cpython-312.pyc").as_deref(), Some("**/*.pyc"));
        assert_eq!(line_of("a.tar.gz").as_deref(), Some("**/*.tar.gz"));
        assert_eq!(line_of("main.py~").as_deref(), Some("**/*~"));
        for plain in
            ["main.py", "a.gz", "~", ".log", "changelog", "logo.svg", "app.logs", "pyc", "data.sql.gz"]
        {
            assert_eq!(line_of(plain), None, "{plain}");
        }
    }

    #[test]
    fn folders_are_told_by_their_names() {
        let none = Markers::default();
        let line = |path: &str| {
            let name = path.rsplit('/').next().unwrap();
            folder(path.as_bytes(), name.as_bytes(), &none).map(|l| l.line)
        };
        assert_eq!(line("a/__pycache__").as_deref(), Some("**/__pycache__"));
        assert_eq!(line(".git").as_deref(), Some(".git"));
        assert_eq!(line("lib/.git").as_deref(), Some("**/.git"));
        assert_eq!(line("a.egg-info").as_deref(), Some("**/*.egg-info"));
        for plain in ["src", "dist", "build", "target", "bin", "env", "coverage", "logs", "vendor", ".github"]
        {
            assert_eq!(line(plain), None, "{plain}: it takes more than a name");
        }
    }

    #[test]
    fn a_path_that_a_line_cant_say_has_none() {
        assert_eq!(literal(b"a b/c").as_deref(), Some("a b/c"));
        for odd in [&b"a*"[..], b"[x]", b"#a", b"!a", b"a ", b"\xff", b"a\\b", b"a\nb"] {
            assert_eq!(literal(odd), None);
        }
    }
}
