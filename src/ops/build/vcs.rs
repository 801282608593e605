//! What an engine is told of the repository that the context is in: it goes into the provenance, and with `BUILDX_GIT_LABELS` into labels (buildx
//! `build/git.go`). No step hangs on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::inputs::Inputs;
use super::offer::Surroundings;
use super::options::{Options, boolean};
use crate::git::{GitError, WorkTree};

/// The beginning of the attributes that only describe a build.
pub const PREFIX: &str = "vcs:";

/// What is wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    info: bool,
    labels: bool,
    dirty: bool,
}

impl Wanted {
    /// `BUILDX_GIT_INFO`, `BUILDX_GIT_LABELS` and `BUILDX_GIT_CHECK_DIRTY`; what is neither true nor false is passed over.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let switch = |name: &str| variable(name).and_then(|value| boolean(&value));
        let full = variable("BUILDX_GIT_LABELS").as_deref() == Some("full");
        Self {
            info: switch("BUILDX_GIT_INFO").unwrap_or(true),
            labels: full || switch("BUILDX_GIT_LABELS").unwrap_or(false),
            dirty: switch("BUILDX_GIT_CHECK_DIRTY").unwrap_or(false),
        }
    }
}

/// The repository of a build's context.
#[derive(Debug)]
pub struct Vcs {
    wanted: Wanted,
    tree: WorkTree,
    folder: PathBuf,
}

impl Vcs {
    /// Asks git; `None` where there is no repository, or nothing of it is wanted.
    ///
    /// # Errors
    /// [`GitError`] where there should be one and git doesn't tell.
    pub fn of(context: &str, surroundings: &Surroundings) -> Result<Option<Self>, GitError> {
        let wanted = Wanted::of(|name| surroundings.variable(name).map(str::to_owned));
        if !(wanted.info || wanted.labels) || context.is_empty() {
            return Ok(None);
        }
        let folder = std::path::absolute(context).unwrap_or_else(|_| context.into());
        Ok(WorkTree::of(&folder, wanted.dirty)?.map(|tree| Self { wanted, tree, folder }))
    }

    /// The attributes; a label of the same name that somebody gave is replaced.
    pub fn attrs(&self, options: &Options, inputs: &Inputs) -> BTreeMap<String, String> {
        let Wanted { info, labels, .. } = self.wanted;
        let mut attrs = BTreeMap::new();
        let mut tell = |label: &str, key: &str, value: &Option<String>| {
            let Some(value) = value else { return };
            if labels {
                attrs.insert(format!("label:org.opencontainers.image.{label}"), value.clone());
            }
            if info {
                attrs.insert(format!("{PREFIX}{key}"), value.clone());
            }
        };
        tell("revision", "revision", &self.tree.commit);
        tell("source", "source", &self.tree.remote);
        if labels {
            let file = options.file.as_deref().map_or_else(
                || self.folder.join("Dockerfile"),
                |file| std::path::absolute(file).unwrap_or_else(|_| file.into()),
            );
            let entrypoint = below(&self.tree.root, &file);
            attrs.extend(entrypoint.map(|p| ("label:com.docker.image.source.entrypoint".to_owned(), p)));
        }
        if info {
            for (name, path) in &inputs.locals {
                let place = path.canonicalize().ok().and_then(|path| below(&self.tree.root, &path));
                attrs.extend(place.map(|place| (format!("{PREFIX}localdir:{name}"), place)));
            }
        }
        attrs
    }
}

/// Where a path is below the top, in Go's words (`filepath.Rel`, of which what begins with `..` is dropped).
fn below(root: &Path, path: &Path) -> Option<String> {
    let rest = clean(path).strip_prefix(root).ok()?.to_string_lossy().into_owned();
    match rest.as_str() {
        "" => Some(".".into()),
        _ => (!rest.starts_with("..")).then_some(rest),
    }
}

/// An absolute path without `.` and `..`, by its words alone.
fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(out.pop()),
            std::path::Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::options::Flags;
    use super::*;

    fn attrs(wanted: Wanted, root: &str, file: Option<&str>, locals: &[(&str, PathBuf)]) -> Vec<String> {
        let tree =
            WorkTree { root: root.into(), commit: Some("c1".into()), remote: Some("https://h/r".into()) };
        let vcs = Vcs { wanted, tree, folder: Path::new(root).join("ctx") };
        let flags = Flags { file: file.map(str::to_owned), ..Flags::default() };
        let options = Options::parse(&flags, &|_| None).unwrap();
        let locals = locals.iter().map(|(n, p)| ((*n).to_owned(), p.clone())).collect();
        let inputs = Inputs { locals, ..Inputs::default() };
        vcs.attrs(&options, &inputs).into_iter().map(|(k, v)| format!("{k}={v}")).collect()
    }

    const INFO: Wanted = Wanted { info: true, labels: false, dirty: false };
    const LABELS: Wanted = Wanted { info: false, labels: true, dirty: false };

    #[test]
    fn commit_remote_and_places_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("ctx")).unwrap();
        std::fs::create_dir_all(root.join("..ctx")).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let locals = [
            ("context", root.join("ctx")),
            ("dockerfile", root.clone()),
            ("named", elsewhere.path().to_owned()),
            ("odd", root.join("..ctx")),
        ];
        let told = attrs(INFO, root.to_str().unwrap(), None, &locals);
        assert_eq!(
            told,
            [
                "vcs:localdir:context=ctx",
                "vcs:localdir:dockerfile=.",
                "vcs:revision=c1",
                "vcs:source=https://h/r"
            ]
        );
    }

    #[test]
    fn labels_name_the_dockerfile_below_the_top() {
        let fixed = [
            "label:org.opencontainers.image.revision=c1",
            "label:org.opencontainers.image.source=https://h/r",
        ];
        let with = |entrypoint: Option<&str>| -> Vec<String> {
            let entrypoint = entrypoint.map(|e| format!("label:com.docker.image.source.entrypoint={e}"));
            entrypoint.into_iter().chain(fixed.map(str::to_owned)).collect()
        };
        assert_eq!(attrs(LABELS, "/repo", None, &[]), with(Some("ctx/Dockerfile")));
        assert_eq!(
            attrs(LABELS, "/repo", Some("/repo/a/../b/x.Dockerfile"), &[]),
            with(Some("b/x.Dockerfile"))
        );
        assert_eq!(attrs(LABELS, "/repo", Some("/elsewhere/Dockerfile"), &[]), with(None));
    }

    #[test]
    fn variables_say_what_is_wanted() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs: BTreeMap<_, _> = pairs.iter().copied().collect();
            let Wanted { info, labels, dirty } = Wanted::of(|name| pairs.get(name).map(|v| (*v).to_owned()));
            (info, labels, dirty)
        };
        assert_eq!(of(&[]), (true, false, false));
        assert_eq!(of(&[("BUILDX_GIT_INFO", "0"), ("BUILDX_GIT_LABELS", "full")]), (false, true, false));
        assert_eq!(of(&[("BUILDX_GIT_INFO", "no"), ("BUILDX_GIT_LABELS", "yes")]), (true, false, false));
        assert_eq!(of(&[("BUILDX_GIT_CHECK_DIRTY", "1"), ("BUILDX_GIT_LABELS", "T")]), (true, true, true));
    }
}
