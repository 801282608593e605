//! Why a COPY source isn't there: asked of the folder itself, in the words that help most.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use super::local::hidden;
use super::similar::same_but_for_composition;
use crate::context::Context;
use crate::gopath;
use crate::report::{Cause, shown};

/// The folder in which something is missed.
pub struct Folder<'a>(pub &'a Context);

/// Why a source is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A sentence that goes on behind "COPY source `x` ".
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The pattern to blame.
    pub cause: Option<Cause>,
}

impl Reason {
    fn new(message: impl Into<String>, hint: Option<String>) -> Self {
        Self { message: message.into(), hint, cause: None }
    }
}

impl Folder<'_> {
    /// Why `path` (as the engine names it: absolute, `..` clamped) is missing; `written` is what the Dockerfile says.
    pub fn why(&self, written: &str, path: &[u8]) -> Reason {
        let relative = path.strip_prefix(b"/").unwrap_or(path);
        let found = self.find(relative);
        match found {
            Found::There(steps) => self.there(&steps, relative),
            Found::NotFolder(prefix) => {
                Reason::new(format!("does not exist: `{}` is no folder", shown(&prefix)), None)
            }
            Found::Loop => Reason::new("is a loop of links", None),
            Found::Dangling(link, target) => {
                let message = format!(
                    "does not exist: the link `{}` points to `{}`, which is not there",
                    shown(&link),
                    shown(&target)
                );
                Reason::new(message, Some("links are followed inside the context only".into()))
            }
            Found::Absent(prefix, name) => self.absent(written, relative, &prefix, &name),
        }
    }

    /// Whether a path leads round in circles.
    pub fn is_loop(&self, path: &[u8]) -> bool {
        matches!(self.find(path.strip_prefix(b"/").unwrap_or(path)), Found::Loop)
    }

    /// It is on disk, so that something hides it.
    fn there(&self, places: &[Vec<u8>], relative: &[u8]) -> Reason {
        for place in places {
            if let Some(cause) = hidden(self.0, place) {
                let through =
                    if place == relative { String::new() } else { format!(" (as `{}`)", shown(place)) };
                let Cause { ignore_file, line, pattern } = &cause;
                let message =
                    format!("exists{through} but `{ignore_file}` line {line} (`{pattern}`) hides it");
                let hint = format!(
                    "add `!{}` below line {line} of `{ignore_file}`, or remove that pattern",
                    shown(place)
                );
                return Reason { message, hint: Some(hint), cause: Some(cause) };
            }
        }
        if places.len() > 1 {
            let real = places.last().map_or_else(String::new, |p| shown(p));
            let message = "exists, but of several sources below one link the engine asks only for the one that sorts first";
            return Reason::new(message, Some(format!("name the real path, `{real}`")));
        }
        Reason::new("exists, but is not sent", None)
    }

    /// It is not on disk: something like it may be.
    fn absent(&self, written: &str, relative: &[u8], prefix: &[u8], name: &[u8]) -> Reason {
        if let Some(other) = self.0.same_but_for_case(relative) {
            let other = shown(other.as_bytes());
            let hint = Some(format!("did you mean `{other}`?"));
            return Reason::new(format!("does not exist: `{other}` differs only in case"), hint);
        }
        let mut beside = self.0.children(prefix).map(|e| &e.path);
        if let Some(other) = beside.find(|p| same_but_for_composition(p.name(), name)) {
            let message = format!(
                "does not exist: a name that looks the same, `{}`, has other code points ({})",
                shown(other.as_bytes()),
                other.name().escape_ascii()
            );
            return Reason::new(message, Some("rename the file, or type the name as it is on disk".into()));
        }
        if written.split('/').any(|part| part == "..") {
            let relative = shown(relative);
            let message =
                format!("lies outside the context: it is looked up as `{relative}`, which does not exist");
            let hint =
                "move the file into the context, take a folder above as the context, or add --build-context";
            return Reason::new(message, Some(hint.into()));
        }
        // A name of a letter or two is near to every other.
        let base = gopath::base(relative);
        let proposed = self.0.near(relative).into_iter().filter(|p| base.len() > 2 || p.name() == base);
        let near: Vec<String> = proposed.map(|p| format!("`{}`", shown(p.as_bytes()))).collect();
        let hint = (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")));
        Reason::new("does not exist", hint)
    }

    /// Follows `relative` on disk, clamped to the folder.
    fn find(&self, relative: &[u8]) -> Found {
        let mut rest: Vec<Vec<u8>> = parts(relative);
        let mut done: Vec<Vec<u8>> = Vec::new();
        let mut places = vec![relative.to_vec()];
        let mut last_link: Option<(Vec<u8>, Vec<u8>)> = None;
        while let Some(part) = rest.pop() {
            if part == b".." {
                done.pop();
                continue;
            }
            let prefix = done.join(&b'/');
            done.push(part.clone());
            let here = done.join(&b'/');
            let Ok(meta) = fs::symlink_metadata(self.0.on_disk(&here)) else {
                if let Some((link, target)) = last_link {
                    return Found::Dangling(link, target);
                }
                let folder = prefix.is_empty() || self.0.on_disk(&prefix).is_dir();
                return if folder { Found::Absent(prefix, part) } else { Found::NotFolder(prefix) };
            };
            if !meta.is_symlink() {
                continue;
            }
            if places.len() > 255 {
                return Found::Loop;
            }
            let target = fs::read_link(self.0.on_disk(&here))
                .map(|t| t.as_os_str().as_bytes().to_vec())
                .unwrap_or_default();
            done.pop();
            if target.starts_with(b"/") {
                done.clear();
            }
            rest.extend(parts(&target));
            let mut place = done.clone();
            place.extend(rest.iter().rev().cloned());
            places.push(gopath::clean(&[b"/", &place.join(&b'/')[..]].concat())[1..].to_vec());
            last_link = Some((here, target));
        }
        Found::There(places)
    }
}

/// What a path is on disk.
enum Found {
    /// It exists; the path as asked for, and then after each link.
    There(Vec<Vec<u8>>),
    /// A component on the way is no folder.
    NotFolder(Vec<u8>),
    /// A link leads to nothing: the link and its text.
    Dangling(Vec<u8>, Vec<u8>),
    /// Links go round in circles.
    Loop,
    /// In this folder there is no such name.
    Absent(Vec<u8>, Vec<u8>),
}

/// The components of a path, last first.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> =
        path.split(|b| *b == b'/').filter(|p| !p.is_empty() && *p != b".").map(<[u8]>::to_vec).collect();
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::context::ContextOptions;
    use crate::observer::Silent;
    use crate::pattern::IgnoreFile;

    fn why(files: &[&str], links: &[(&str, &str)], written: &str, path: &str) -> Reason {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        for (link, target) in links {
            symlink(target, dir.path().join(link)).unwrap();
        }
        let ignore = IgnoreFile::parse(".dockerignore", b"\n\n\n**/*.yml\n").unwrap();
        let context = Context::load(dir.path(), Some(ignore), &ContextOptions::default(), &Silent).unwrap();
        Folder(&context).why(written, path.as_bytes())
    }

    #[test]
    fn a_hidden_source_names_file_line_and_pattern() {
        let reason = why(&["config/app.yml"], &[], "config/app.yml", "/config/app.yml");
        assert_eq!(reason.message, "exists but `.dockerignore` line 4 (`**/*.yml`) hides it");
        assert_eq!(reason.cause.unwrap().line, 4);
        let reason = why(&["a.yml"], &[("l", "a.yml")], "l", "/l");
        assert_eq!(reason.message, "exists (as `a.yml`) but `.dockerignore` line 4 (`**/*.yml`) hides it");
    }

    #[test]
    fn another_case_is_told() {
        let reason = why(&["src/a.txt"], &[], "src/A.TXT", "/src/A.TXT");
        assert_eq!(reason.message, "does not exist: `src/a.txt` differs only in case");
    }

    #[test]
    fn a_name_that_looks_the_same_is_told() {
        let reason = why(&["cafe\u{301}"], &[], "caf\u{e9}", "/caf\u{e9}");
        assert!(reason.message.contains("looks the same"), "{}", reason.message);
    }

    #[test]
    fn a_near_name_and_the_same_name_elsewhere_are_proposed() {
        let hint = |files, path| why(files, &[], path, &format!("/{path}")).hint;
        assert_eq!(
            hint(&["requirements.txt"], "requirement.txt").unwrap(),
            "did you mean `requirements.txt`?"
        );
        assert_eq!(hint(&["api/go.mod"], "go.mod").unwrap(), "did you mean `api/go.mod`?");
        assert_eq!(hint(&["src/main.go"], "scr/main.go").unwrap(), "did you mean `src/main.go`?");
        assert_eq!(hint(&["zebra"], "nope"), None);
    }

    #[test]
    fn outside_loops_danglers_and_files_as_folders_have_their_own_words() {
        let message =
            |links: &[(&str, &str)], written: &str, path: &str| why(&["a.txt"], links, written, path).message;
        assert!(message(&[], "../x", "/x").starts_with("lies outside the context"));
        assert_eq!(message(&[("a", "b"), ("b", "a")], "a", "/a"), "is a loop of links");
        assert!(message(&[("l", "gone")], "l", "/l").contains("points to `gone`"));
        assert_eq!(message(&[], "a.txt/x", "/a.txt/x"), "does not exist: `a.txt` is no folder");
    }

    #[test]
    fn two_sources_below_one_link_are_told() {
        let reason = why(&["real/a", "real/b"], &[("ln", "real")], "ln/b", "/ln/b");
        assert_eq!(reason.hint.unwrap(), "name the real path, `real/b`");
    }
}
