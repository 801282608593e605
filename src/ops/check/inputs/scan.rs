//! What lies below a folder that says what is built.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::check::project::looks_like_dockerfile;
use crate::project::join;

/// So many entries are looked at, and so deep.
const MOST: usize = 200_000;
const DEEPEST: usize = 12;
/// Folders of others: what they hold isn't built here.
const PASSED_OVER: [&str; 9] = [
    "__pycache__",
    "bower_components",
    "fixtures",
    "node_modules",
    "site-packages",
    "target",
    "testdata",
    "vendor",
    "venv",
];
/// Hidden folders in which people keep such files.
const HIDDEN: [&str; 4] = [".ci", ".devcontainer", ".docker", ".github"];

/// The files below a folder, each list in order.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// Dockerfiles by their names, and files with one of the wanted names.
    pub dockerfiles: Vec<PathBuf>,
    /// Compose files.
    pub compose: Vec<PathBuf>,
    /// Bake files.
    pub bake: Vec<PathBuf>,
    /// Folders.
    pub folders: Vec<PathBuf>,
}

/// Looks below a folder. Links are not followed; what can't be listed is left out.
pub fn below(folder: &Path, wanted: &BTreeSet<String>) -> Scan {
    let mut scan = Scan::default();
    let mut left = MOST;
    visit(folder, wanted, 0, &mut left, &mut scan);
    scan
}

fn visit(folder: &Path, wanted: &BTreeSet<String>, depth: usize, left: &mut usize, scan: &mut Scan) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().take(*left).collect();
    *left -= entries.len();
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut folders = Vec::new();
    for entry in entries {
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else { continue };
        let path = join(folder, &name);
        if kind.is_dir() {
            let hidden = name.starts_with('.') && !HIDDEN.contains(&name.as_str());
            if !hidden && !PASSED_OVER.contains(&name.as_str()) {
                folders.push(path);
            }
        } else if is_compose(&name) {
            scan.compose.push(path);
        } else if is_bake(&name) {
            scan.bake.push(path);
        } else if looks_like_dockerfile(&name) || wanted.contains(&name) {
            scan.dockerfiles.push(path);
        }
    }
    scan.folders.extend(folders.iter().cloned());
    if depth < DEEPEST {
        folders.iter().for_each(|f| visit(f, wanted, depth + 1, left, scan));
    }
}

/// `compose.yaml`, `docker-compose.staging.yml` and the like.
pub fn is_compose(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let Some(stem) = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")) else { return false };
    let rest = stem.strip_prefix("docker-").unwrap_or(stem).strip_prefix("compose");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
}

/// `docker-bake.hcl` and the like.
fn is_bake(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".hcl").or_else(|| name.strip_suffix(".json"));
    stem.and_then(|s| s.strip_prefix("docker-bake"))
        .is_some_and(|r| r.is_empty() || r.starts_with(['.', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_names() {
        for name in
            ["compose.yaml", "docker-compose.yml", "docker-compose.staging.alpine.yml", "compose-dev.yaml"]
        {
            assert!(is_compose(name), "{name}");
        }
        for name in ["composer.yml", "compose.json", "my-compose.yml", "docker.yml"] {
            assert!(!is_compose(name), "{name}");
        }
        assert!(is_bake("docker-bake.hcl") && is_bake("docker-bake.override.json") && !is_bake("bake.hcl"));
    }

    #[test]
    fn folders_of_others_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            "a/api.Dockerfile",
            "node_modules/x/Dockerfile",
            ".git/Dockerfile",
            "compose.yml",
            ".devcontainer/Dockerfile",
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let scan = below(dir.path(), &BTreeSet::new());
        let of = |paths: &[PathBuf]| -> Vec<String> {
            paths.iter().map(|p| p.strip_prefix(dir.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(of(&scan.dockerfiles), [".devcontainer/Dockerfile", "a/api.Dockerfile"]);
        assert_eq!(of(&scan.compose), ["compose.yml"]);
    }
}
