//! The context of a Dockerfile that no project builds.

use std::path::{Path, PathBuf};

use crate::dockerfile::{Dockerfile, InstructionKind};
use crate::project::{folder_of, join};

/// The folder that was asked about, unless the Dockerfile's own folder has more of what it copies.
pub fn context_of(dockerfile: &Path, asked: &Path) -> PathBuf {
    let own = folder_of(dockerfile);
    let Some(file) = std::fs::read(dockerfile).ok().and_then(|bytes| Dockerfile::parse(&bytes).ok()) else {
        return asked.to_owned();
    };
    let sources = sources(&file);
    let missing = |folder: &Path| sources.iter().filter(|s| !is_there(folder, s)).count();
    if missing(&own) < missing(asked) { own } else { asked.to_owned() }
}

/// The sources that it takes of the context, as far as they are written plainly.
fn sources(file: &Dockerfile) -> Vec<String> {
    let instructions = file.stages.iter().flat_map(|s| &s.instructions);
    let copies = instructions.filter_map(|i| match &i.kind {
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) if copy.from.is_none() => Some(copy),
        _ => None,
    });
    copies
        .flat_map(|c| &c.sources)
        .filter(|s| !s.contains('$') && !s.contains("://") && !s.starts_with("git@"))
        .cloned()
        .collect()
}

/// Whether a source is there: of one with a wildcard, the folders before it.
fn is_there(folder: &Path, source: &str) -> bool {
    let plain: Vec<&str> =
        source.trim_start_matches('/').split('/').take_while(|p| !p.contains(['*', '?', '['])).collect();
    join(folder, &plain.join("/")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_that_has_what_is_copied_is_the_context() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("api/src/main.go", "");
        write("api/Dockerfile", "FROM a\nCOPY src /x\nCOPY --from=b /y /y\n");
        write("docker/web.Dockerfile", "FROM a\nCOPY api/src /x\n");
        write("docker/none.Dockerfile", "FROM a\nCOPY nowhere /x\n");
        let of = |path: &str| context_of(&dir.path().join(path), dir.path());
        assert_eq!(of("api/Dockerfile"), dir.path().join("api"));
        assert_eq!(of("docker/web.Dockerfile"), dir.path());
        assert_eq!(of("docker/none.Dockerfile"), dir.path());
    }
}
