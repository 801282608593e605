//! Files that tools leave behind, and files about the project that an image seldom needs: which ignore line hides them.

use crate::litter::{self, Certainty, Name};

/// What describes a project rather than being part of what runs: names at the top of a context.
const ABOUT: &[&str] = &[
    ".dockerignore",
    ".editorconfig",
    ".env",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".gitlab-ci.yml",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "Jenkinsfile",
    "README.md",
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
    "docs",
];

/// An ignore line that hides a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Litter {
    /// The line.
    pub line: String,
    /// How much of the path is the folder that the line names; `None` for a line that names files.
    pub folder: Option<usize>,
    /// Tools make it: nobody has to think about whether the image needs it.
    pub made: bool,
}

/// The line that hides what tools left at `path`.
pub(super) fn made_by_tools(path: &[u8]) -> Option<Litter> {
    let mut end = 0;
    for part in path.split(|b| *b == b'/') {
        end += part.len();
        if let Some(litter) = litter::folder(part, Certainty::Maybe) {
            // A tool's folder at the top is the project's one; others have theirs further down.
            let at_top = end == part.len();
            let line = match litter.name {
                Name::Folder(name) if at_top && name.starts_with('.') => name.to_owned(),
                _ => litter.line(at_top),
            };
            return Some(Litter { line, folder: Some(end), made: true });
        }
        end += 1;
    }
    let name = path.rsplit(|b| *b == b'/').next()?;
    let line = litter::file(name, Certainty::Maybe)?.line(false);
    Some(Litter { line, folder: None, made: true })
}

/// The line that hides what is about the project.
pub(super) fn about_the_project(path: &[u8]) -> Option<Litter> {
    let top = path.split(|b| *b == b'/').next()?;
    let name = ABOUT.iter().find(|n| n.as_bytes() == top)?;
    let folder = (path.len() > top.len()).then_some(top.len());
    Some(Litter { line: (*name).to_owned(), folder, made: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn litter_has_a_line_that_hides_it() {
        let line = |path: &str| made_by_tools(path.as_bytes()).map(|l| l.line);
        assert_eq!(line("src/__pycache__/a.pyc").unwrap(), "**/__pycache__");
        assert_eq!(line(".git/HEAD").unwrap(), ".git");
        assert_eq!(line("src/a.pyc").unwrap(), "**/*.pyc");
        assert_eq!(line("a/.DS_Store").unwrap(), "**/.DS_Store");
        assert_eq!(line("src/main.py"), None);
        assert_eq!(about_the_project(b"docs/a.md").unwrap().line, "docs");
        assert_eq!(about_the_project(b"src/docs/a.md"), None);
    }
}
