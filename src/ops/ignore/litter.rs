//! What is junk in a context even where a broad COPY takes it: what tools leave behind, and what the build makes itself.

use crate::litter::{self, Certainty, Kind, Litter, asks_repository};
use crate::plan::Plan;

const NODE: &[&str] = &["npm", "yarn", "pnpm", "bun"];
const PYTHON: &[&str] = &["pip", "pip3", "uv", "poetry", "pipenv", "virtualenv", "pdm"];

/// What a path below the context is litter of.
pub fn of(path: &[u8], is_dir: bool) -> Option<&'static Litter> {
    let parts = path.iter().filter(|b| **b == b'/').count();
    for (depth, part) in path.split(|b| *b == b'/').enumerate() {
        let folder = depth < parts || is_dir;
        let found = litter::folder(part, Certainty::Sure).filter(|_| folder);
        // A repository further down is a submodule's.
        if let Some(found) = found.filter(|l| depth == 0 || l.kind != Kind::VersionControl) {
            return Some(found);
        }
    }
    let name = path.rsplit(|b| *b == b'/').next()?;
    litter::file(name, Certainty::Sure).filter(|_| !is_dir)
}

/// The line that hides it.
pub fn line(litter: &Litter) -> String {
    litter.line(true)
}

/// Whether a build that takes it can do without.
pub fn is_junk_for(litter: &Litter, plan: &Plan) -> bool {
    let runs = || plan.steps.iter().filter(|s| s.instruction == "RUN").map(|s| s.text.as_str());
    let installed = |programs: &[&str]| runs().any(|text| programs.iter().any(|p| installs(text, p)));
    match litter.kind {
        Kind::VersionControl => !runs().any(asks_repository),
        // The build makes its own.
        Kind::NodeModules => installed(NODE),
        Kind::VirtualEnvironment => installed(PYTHON),
        // No program in an image misses it.
        _ => true,
    }
}

/// Whether a command calls a program that installs packages.
fn installs(text: &str, program: &str) -> bool {
    let verbs = ["install", "ci", "i", "add", "sync", "fetch"];
    let mut words =
        text.split(|c: char| c.is_whitespace() || "\"',;&|()[]".contains(c)).filter(|w| !w.is_empty());
    while let Some(word) = words.next() {
        if word != program && !word.ends_with(&format!("/{program}")) {
            continue;
        }
        let next = words.clone().find(|w| !w.starts_with('-'));
        // `yarn` alone installs.
        if next.is_none_or(|w| verbs.contains(&w)) || program == "yarn" && next.is_none() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(path: &str) -> Option<String> {
        of(path.as_bytes(), false).map(super::line)
    }

    #[test]
    fn litter_is_known_by_its_name() {
        assert_eq!(line("src/__pycache__/a.pyc").unwrap(), "**/__pycache__");
        assert_eq!(line(".git/HEAD").unwrap(), ".git");
        assert_eq!(line("src/a.pyc").unwrap(), "**/*.pyc");
        assert_eq!(line("a/.DS_Store").unwrap(), "**/.DS_Store");
        assert_eq!(line("a/node_modules/x/y.js").unwrap(), "**/node_modules");
        assert_eq!(line("src/main.py"), None);
        assert_eq!(line("lib/.git"), None);
        assert_eq!(of(b"a.log", true), None);
        assert_eq!(of(b"__pycache__", true).map(super::line).unwrap(), "**/__pycache__");
    }

    #[test]
    fn installations_are_told_from_other_uses_of_a_program() {
        assert!(
            installs("RUN npm ci --omit=dev", "npm") && installs("RUN cd a && npm --silent install", "npm")
        );
        assert!(
            installs("RUN [\"npm\", \"ci\"]", "npm") && installs("RUN /opt/bin/pip install -r r.txt", "pip")
        );
        assert!(installs("RUN yarn", "yarn") && installs("RUN uv sync", "uv"));
        assert!(!installs("RUN npm run build", "npm") && !installs("RUN npm test", "npm"));
    }
}
