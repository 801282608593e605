//! What is probably meant by a path that leads nowhere.

use std::path::{Component, Path, PathBuf};

use crate::dockerfile::suggest;

/// Whether a file's name is one that Dockerfiles have.
pub fn looks_like_dockerfile(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_ignore_file = name.ends_with(".dockerignore");
    let named = ["dockerfile", "containerfile"].iter().any(|stem| {
        name == *stem
            || name.strip_prefix(stem).is_some_and(|r| r.starts_with(['.', '-', '_']))
            || name.strip_suffix(stem).is_some_and(|r| r.ends_with(['.', '-', '_']))
    });
    named
        && !is_ignore_file
        && ![".md", ".txt", ".bak", ".orig", "~", ".j2", ".tmpl", ".template", ".erb"]
            .iter()
            .any(|e| name.ends_with(e))
}

/// How a file's name answers to the wanted one; the smaller, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// The same name.
    Same,
    /// The same but for upper and lower case.
    Case,
    /// `api.Dockerfile` for `Dockerfile.api`.
    Turned,
    /// A few letters differ.
    Near,
}

/// The paths that `wanted` may mean, the likeliest first: of the best likeness only, and of those with most folders in common.
/// `hint` is a name that a folder of the file may have: the build's.
pub(super) fn dockerfiles(wanted: &Path, hint: &str, there: &[PathBuf]) -> Vec<PathBuf> {
    let Some(name) = name_of(wanted) else { return Vec::new() };
    let mut alike: Vec<(Likeness, &PathBuf)> = there
        .iter()
        .filter_map(|path| Some((likeness(&name, &name_of(path)?)?, path)))
        .filter(|(_, path)| !is_plain(&name) || is_close(wanted, path, hint))
        .collect();
    let Some(best) = alike.iter().map(|(likeness, _)| *likeness).min() else { return Vec::new() };
    alike.retain(|(likeness, _)| *likeness == best);
    let mut paths: Vec<&PathBuf> = alike.into_iter().map(|(_, path)| path).collect();
    paths.sort_by_key(|path| {
        (std::cmp::Reverse(common(wanted, path, hint)), path.components().count(), path.as_path())
    });
    paths.into_iter().cloned().collect()
}

/// The folders that `wanted` may mean, the likeliest first.
pub(super) fn folders(wanted: &Path, there: &[PathBuf]) -> Vec<PathBuf> {
    let Some(name) = name_of(wanted) else { return Vec::new() };
    let mut alike: Vec<(Likeness, &PathBuf)> =
        there.iter().filter_map(|path| Some((likeness(&name, &name_of(path)?)?, path))).collect();
    alike.sort_by_key(|(likeness, path)| (*likeness, path.components().count(), path.as_path()));
    let best = alike.first().map(|(likeness, _)| *likeness);
    alike.into_iter().filter(|(l, _)| Some(*l) == best).map(|(_, path)| path.clone()).collect()
}

/// The path that leads from a folder to a file.
pub(super) fn relative(from: &Path, to: &Path) -> Option<String> {
    if from.is_absolute() != to.is_absolute() {
        return None;
    }
    let parts = |path: &Path| -> Vec<std::ffi::OsString> {
        path.components().filter(|c| *c != Component::CurDir).map(|c| c.as_os_str().to_owned()).collect()
    };
    let (from, to) = (parts(from), parts(to));
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if from[same..].iter().any(|part| part == "..") {
        return None;
    }
    let ups = std::iter::repeat_n("..".into(), from.len() - same);
    let path: PathBuf = ups.chain(to[same..].iter().cloned()).collect();
    path.into_os_string().into_string().ok().filter(|p| !p.is_empty())
}

fn name_of(path: &Path) -> Option<String> {
    path.file_name()?.to_str().map(str::to_owned)
}

fn is_plain(name: &str) -> bool {
    ["dockerfile", "containerfile"].iter().any(|plain| name.eq_ignore_ascii_case(plain))
}

fn likeness(wanted: &str, name: &str) -> Option<Likeness> {
    if wanted == name {
        return Some(Likeness::Same);
    }
    if wanted.eq_ignore_ascii_case(name) {
        return Some(Likeness::Case);
    }
    if turned(wanted).is_some_and(|t| t.eq_ignore_ascii_case(name)) {
        return Some(Likeness::Turned);
    }
    // Short names are near to everything.
    let enough = wanted.len() > 4 && !is_plain(wanted);
    (enough && suggest(wanted, &[name], false).is_some()).then_some(Likeness::Near)
}

/// `Dockerfile.api` for `api.Dockerfile`, and the other way round.
fn turned(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("dockerfile.") {
        return Some(format!("{rest}.dockerfile"));
    }
    lower.strip_suffix(".dockerfile").map(|rest| format!("dockerfile.{rest}"))
}

/// A file of the plain name is meant only where a folder's name says so: every other build has one too.
fn is_close(wanted: &Path, path: &Path, hint: &str) -> bool {
    let folder = wanted.parent().and_then(name_of);
    let own = path.parent().and_then(name_of);
    own.is_some_and(|own| Some(&own) == folder.as_ref() || own == hint)
}

/// How many folder names two paths share, the build's name counted.
fn common(wanted: &Path, path: &Path, hint: &str) -> usize {
    let parts = |p: &Path| -> Vec<String> {
        p.parent()
            .into_iter()
            .flat_map(Path::components)
            .filter_map(|c| c.as_os_str().to_str().map(str::to_owned))
            .collect()
    };
    let wanted = parts(wanted);
    parts(path).iter().filter(|p| wanted.contains(p) || *p == hint).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(wanted: &str, hint: &str, there: &[&str]) -> Vec<String> {
        let there: Vec<PathBuf> = there.iter().map(PathBuf::from).collect();
        dockerfiles(Path::new(wanted), hint, &there).iter().map(|p| p.display().to_string()).collect()
    }

    #[test]
    fn the_same_name_elsewhere_is_meant_before_a_similar_one() {
        let there = ["dockerfiles/a.Dockerfile", "dockerfiles/b.Dockerfile", "a.dockerfile"];
        assert_eq!(near("docker/a.Dockerfile", "a", &there), ["dockerfiles/a.Dockerfile"]);
        assert_eq!(near("docker/A.dockerfile", "a", &there), ["a.dockerfile", "dockerfiles/a.Dockerfile"]);
        assert_eq!(near("docker/Dockerfile.b", "b", &there), ["dockerfiles/b.Dockerfile"]);
        assert_eq!(near("docker/load-tester.Dockerfile", "l", &there), [""; 0]);
    }

    #[test]
    fn a_plain_dockerfile_is_meant_only_where_a_folder_says_so() {
        let there = ["docker/api/Dockerfile", "docker/web/Dockerfile", "other/Dockerfile"];
        assert_eq!(near("api/Dockerfile", "x", &there), ["docker/api/Dockerfile"]);
        assert_eq!(near("src/Dockerfile", "web", &there), ["docker/web/Dockerfile"]);
        assert_eq!(near("src/Dockerfile", "x", &there), [""; 0]);
    }

    #[test]
    fn a_path_leads_from_a_folder_to_a_file() {
        for (from, to, path) in [
            (".", "dockerfiles/a", Some("dockerfiles/a")),
            ("api", "docker/a", Some("../docker/a")),
            ("p/api", "p/api/x/a", Some("x/a")),
            ("/p", "/p/a", Some("a")),
            ("../x", "a", None),
            ("../x", "../x/a", Some("a")),
            ("/p", "a", None),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)).as_deref(), path, "{from} {to}");
        }
    }

    #[test]
    fn dockerfiles_are_known_by_their_names() {
        for name in
            ["Dockerfile", "dockerfile", "a.Dockerfile", "Dockerfile.dev", "Containerfile", "Dockerfile-api"]
        {
            assert!(looks_like_dockerfile(name), "{name}");
        }
        for name in ["Dockerfile.dockerignore", "Dockerfiles", "dockerfile.md", "main.rs", "mydockerfile"] {
            assert!(!looks_like_dockerfile(name), "{name}");
        }
    }
}
