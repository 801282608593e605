//! Files that tell what a folder is: `build` beside `build.gradle` is what Gradle wrote, `env` with `pyvenv.cfg` in it a virtual
//! environment.

use rustc_hash::FxHashMap;

use crate::entry::{Entry, FileType};
use crate::litter::Kind;

/// What stands in a folder: one bit a marker.
type Bits = u16;

const CARGO: Bits = 1;
const MAVEN: Bits = 1 << 1;
const GRADLE: Bits = 1 << 2;
const NODE: Bits = 1 << 3;
const PYTHON: Bits = 1 << 4;
const DOTNET: Bits = 1 << 5;
const VENV: Bits = 1 << 6;
const RUSTC: Bits = 1 << 7;
const COVERAGE: Bits = 1 << 8;
const WHEEL: Bits = 1 << 9;

/// The markers of every folder that has any.
#[derive(Debug, Default)]
pub(super) struct Markers<'e> {
    folders: FxHashMap<&'e [u8], Bits>,
    /// Some step runs a build of a Node project.
    node_is_built: bool,
}

impl<'e> Markers<'e> {
    /// Looks at all names once. `node_is_built`: some step runs a build of a Node project, so that what lies in `dist` is made anew.
    pub fn of(entries: &'e [Entry], node_is_built: bool) -> Self {
        let mut folders: FxHashMap<&[u8], Bits> = FxHashMap::default();
        for entry in entries.iter().filter(|e| e.stat.file_type == FileType::File) {
            let path = entry.path.as_bytes();
            let (folder, name) = split(path);
            if let Some(bit) = bit(name) {
                *folders.entry(folder).or_default() |= bit;
            }
        }
        Self { folders, node_is_built }
    }

    /// What a folder is by what is in it and beside it.
    pub fn of_folder(&self, path: &[u8]) -> Option<Kind> {
        if self.folders.is_empty() {
            return None;
        }
        let (parent, name) = split(path);
        let (inside, beside) = (self.has(path), self.has(parent));
        if inside & VENV != 0 {
            return Some(Kind::VirtualEnvironment);
        }
        let built = match name {
            b"target" => (beside & CARGO != 0 && inside & RUSTC != 0) || beside & MAVEN != 0,
            b"build" if beside & GRADLE != 0 => true,
            b"bin" | b"obj" => beside & DOTNET != 0,
            b"dist" if beside & PYTHON != 0 => inside & WHEEL != 0,
            b"dist" | b"build" | b"out" | b".output" => beside & NODE != 0 && self.node_is_built,
            b"coverage" if inside & COVERAGE != 0 => return Some(Kind::Coverage),
            _ => false,
        };
        built.then_some(Kind::BuildOutput)
    }

    fn has(&self, folder: &[u8]) -> Bits {
        self.folders.get(folder).copied().unwrap_or_default()
    }
}

/// What a file says about its folder.
fn bit(name: &[u8]) -> Option<Bits> {
    Some(match name {
        b"Cargo.toml" => CARGO,
        b"pom.xml" => MAVEN,
        b"build.gradle" | b"build.gradle.kts" => GRADLE,
        b"package.json" => NODE,
        b"pyproject.toml" | b"setup.py" | b"setup.cfg" => PYTHON,
        b"pyvenv.cfg" => VENV,
        b".rustc_info.json" | b"CACHEDIR.TAG" => RUSTC,
        b"lcov.info" | b"clover.xml" | b"coverage-final.json" => COVERAGE,
        _ if name.ends_with(b".csproj") || name.ends_with(b".fsproj") => DOTNET,
        _ if name.ends_with(b".whl") => WHEEL,
        _ => return None,
    })
}

/// A path's folder (empty at the top) and its name.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::MemoryTree;
    use crate::entry::{ContextPath, Source as _};

    fn kind(files: &[&str], folder: &str, node_is_built: bool) -> Option<Kind> {
        let path = |p: &str| ContextPath::new(p.as_bytes()).unwrap();
        let tree = files.iter().fold(MemoryTree::new(), |tree, f| tree.file(path(f), 0o644, b"x"));
        Markers::of(tree.entries(), node_is_built).of_folder(folder.as_bytes())
    }

    #[test]
    fn what_is_beside_or_inside_decides() {
        assert_eq!(
            kind(&["Cargo.toml", "target/.rustc_info.json"], "target", false),
            Some(Kind::BuildOutput)
        );
        assert_eq!(kind(&["a/pom.xml", "a/target/x"], "a/target", false), Some(Kind::BuildOutput));
        assert_eq!(kind(&["env/pyvenv.cfg"], "env", false), Some(Kind::VirtualEnvironment));
        assert_eq!(kind(&["coverage/lcov.info"], "coverage", false), Some(Kind::Coverage));
        assert_eq!(kind(&["package.json", "dist/a.js"], "dist", true), Some(Kind::BuildOutput));
    }

    #[test]
    fn the_name_alone_is_not_enough() {
        assert_eq!(kind(&["Cargo.toml", "target/x86.json"], "target", false), None);
        assert_eq!(kind(&["package.json", "dist/a.js"], "dist", false), None, "nothing makes it anew");
        assert_eq!(kind(&["dist/a.js"], "dist", true), None);
        assert_eq!(kind(&["bin/start.sh"], "bin", false), None);
        assert_eq!(kind(&["coverage/README.md"], "coverage", false), None);
    }
}
