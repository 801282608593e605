//! What is junk in a context even where a broad COPY takes it: what tools leave behind, and what the build makes itself.

use crate::plan::Plan;

/// A kind of litter.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    name: Name,
    made: Made,
    /// What it is, in words.
    pub what: &'static str,
}

#[derive(Debug, PartialEq, Eq)]
enum Name {
    /// A folder of that name, anywhere.
    Folder(&'static str),
    /// A folder of that name at the top.
    Top(&'static str),
    /// A file of that name, anywhere.
    File(&'static str),
    /// A file with this ending, anywhere.
    Ending(&'static str),
}

#[derive(Debug, PartialEq, Eq)]
enum Made {
    /// No program in an image misses it.
    Junk,
    /// Junk unless a program in the build asks the version control.
    Repository,
    /// The build makes its own with one of these programs.
    By(&'static [&'static str]),
}

const fn folder(name: &'static str, what: &'static str) -> Kind {
    Kind { name: Name::Folder(name), made: Made::Junk, what }
}

const fn file(name: &'static str, what: &'static str) -> Kind {
    Kind { name: Name::File(name), made: Made::Junk, what }
}

const fn ending(ending: &'static str, what: &'static str) -> Kind {
    Kind { name: Name::Ending(ending), made: Made::Junk, what }
}

const NODE: &[&str] = &["npm", "yarn", "pnpm", "bun"];
const PYTHON: &[&str] = &["pip", "pip3", "uv", "poetry", "pipenv", "virtualenv", "pdm"];

/// Every kind, folders first.
pub const KINDS: &[Kind] = &[
    Kind { name: Name::Top(".git"), made: Made::Repository, what: "the repository" },
    Kind { name: Name::Top(".hg"), made: Made::Repository, what: "the repository" },
    Kind { name: Name::Top(".svn"), made: Made::Repository, what: "the repository" },
    Kind {
        name: Name::Folder("node_modules"),
        made: Made::By(NODE),
        what: "packages that the build installs itself",
    },
    Kind {
        name: Name::Folder(".venv"),
        made: Made::By(PYTHON),
        what: "a virtual environment of this machine",
    },
    folder("__pycache__", "compiled Python"),
    folder(".mypy_cache", "a cache of mypy"),
    folder(".pytest_cache", "a cache of pytest"),
    folder(".ruff_cache", "a cache of ruff"),
    folder(".tox", "environments of tox"),
    folder(".nox", "environments of nox"),
    folder(".eggs", "packages of setuptools"),
    folder(".ipynb_checkpoints", "copies of notebooks"),
    folder(".nyc_output", "coverage of a test run"),
    folder("htmlcov", "coverage of a test run"),
    folder(".parcel-cache", "a cache of Parcel"),
    folder(".turbo", "a cache of Turborepo"),
    folder(".gradle", "a cache of Gradle"),
    folder(".terraform", "plugins of Terraform"),
    folder(".idea", "settings of an editor"),
    folder(".vscode", "settings of an editor"),
    folder(".vs", "settings of an editor"),
    file(".DS_Store", "notes of the Finder"),
    file("Thumbs.db", "thumbnails of Windows"),
    file(".coverage", "coverage of a test run"),
    ending(".pyc", "compiled Python"),
    ending(".pyo", "compiled Python"),
    ending(".swp", "an editor's open file"),
    ending(".swo", "an editor's open file"),
    ending("~", "an editor's copy"),
    ending(".orig", "what a merge left"),
    ending(".rej", "what a patch left"),
    ending(".log", "logs"),
];

/// The ignore file and its backups, for builds that take them along.
pub const OWN: Kind = file("", "the ignore file itself");

/// The kind that a path below the context is litter of.
pub fn kind(path: &[u8], is_dir: bool) -> Option<&'static Kind> {
    let parts = path.iter().filter(|b| **b == b'/').count();
    for (depth, part) in path.split(|b| *b == b'/').enumerate() {
        let folder = depth < parts || is_dir;
        let named = |k: &&Kind| match k.name {
            Name::Folder(name) => folder && name.as_bytes() == part,
            Name::Top(name) => depth == 0 && name.as_bytes() == part,
            Name::File(_) | Name::Ending(_) => false,
        };
        if let Some(kind) = KINDS.iter().find(named) {
            return Some(kind);
        }
    }
    let name = path.rsplit(|b| *b == b'/').next()?;
    let is = |k: &&Kind| match k.name {
        Name::File(file) => file.as_bytes() == name,
        Name::Ending(ending) => name.len() > ending.len() && name.ends_with(ending.as_bytes()),
        Name::Folder(_) | Name::Top(_) => false,
    };
    KINDS.iter().find(is).filter(|_| !is_dir)
}

impl Kind {
    /// The line that hides it.
    pub fn line(&self) -> String {
        match self.name {
            Name::Top(name) => name.to_owned(),
            Name::Folder(name) | Name::File(name) => format!("**/{name}"),
            Name::Ending(ending) => format!("**/*{ending}"),
        }
    }

    /// Whether a build that takes it can do without.
    pub fn is_junk_for(&self, plan: &Plan) -> bool {
        let runs = || plan.steps.iter().filter(|s| s.instruction == "RUN").map(|s| s.text.as_str());
        match self.made {
            Made::Junk => true,
            Made::Repository => !runs().any(asks_repository),
            Made::By(programs) => runs().any(|text| programs.iter().any(|p| installs(text, p))),
        }
    }
}

/// Whether a command may look at the repository: one that names git, or a tool that stamps versions from it.
fn asks_repository(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let named = words.into_iter().any(|w| ["git", "hg", "svn", "scm", "versioneer", "vergen"].contains(&w));
    // Go stamps binaries with the revision, Maven and Gradle plugins write it into resources.
    named
        || ["go build", "go install", "goreleaser", "lerna", "semantic-release"]
            .iter()
            .any(|w| text.contains(w))
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
        kind(path.as_bytes(), false).map(Kind::line)
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
        assert_eq!(kind(b"a.log", true), None);
        assert_eq!(kind(b"__pycache__", true).map(Kind::line).unwrap(), "**/__pycache__");
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

    #[test]
    fn who_asks_the_repository_needs_it() {
        assert!(asks_repository("RUN git describe --tags") && asks_repository("RUN go build ./..."));
        assert!(asks_repository("RUN pip install setuptools_scm") && !asks_repository("RUN make digits"));
    }
}
