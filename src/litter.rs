//! What tools leave behind, told by name alone: one table for all who hide it, count it or explain a missed cache with it.

/// A kind of litter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What an interpreter compiled.
    Bytecode,
    /// Repositories.
    VersionControl,
    /// Packages of Node and Bower.
    NodeModules,
    /// Python's virtual environments.
    VirtualEnvironment,
    /// What a build wrote.
    BuildOutput,
    /// Caches of tests, linters and build tools.
    Cache,
    /// Coverage data.
    Coverage,
    /// Logs.
    Log,
    /// What an editor, a merge or a program left: swap files, backups, sockets.
    Leftover,
    /// Settings of editors.
    Editor,
    /// What a desktop left.
    Desktop,
    /// Archives and disk images: no tool leaves them, but people do.
    Archive,
    /// Terraform's working folder.
    Terraform,
}

/// How sure a name makes that nobody misses what is called like that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It may well be a project's own.
    Maybe,
    /// A tool made it; an image may still be meant to have it.
    Likely,
    /// A tool made it, and no image needs it.
    Sure,
}

/// What is called so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// A folder of that name.
    Folder(&'static str),
    /// A folder with a longer name that ends so.
    FolderEnding(&'static str),
    /// A file of that name.
    File(&'static str),
    /// A file with a longer name that ends so.
    Ending(&'static str),
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Litter {
    /// What is called so.
    pub name: Name,
    /// Its kind.
    pub kind: Kind,
    /// How sure that is.
    pub certainty: Certainty,
    /// What it is, in words.
    pub what: &'static str,
}

const fn row(name: Name, kind: Kind, certainty: Certainty, what: &'static str) -> Litter {
    Litter { name, kind, certainty, what }
}

use Certainty::{Likely, Maybe, Sure};
use Kind::{
    BuildOutput, Bytecode, Cache, Coverage, Desktop, Editor, Leftover, Log, NodeModules, Terraform,
    VersionControl, VirtualEnvironment,
};
use Name::{Ending, File, Folder, FolderEnding};

/// Every name, folders first.
pub const TABLE: &[Litter] = &[
    row(Folder(".git"), VersionControl, Sure, "the repository"),
    row(Folder(".hg"), VersionControl, Sure, "the repository"),
    row(Folder(".svn"), VersionControl, Sure, "the repository"),
    row(Folder(".bzr"), VersionControl, Likely, "the repository"),
    row(Folder(".jj"), VersionControl, Likely, "the repository"),
    row(Folder("node_modules"), NodeModules, Sure, "packages that the build installs itself"),
    row(Folder("bower_components"), NodeModules, Likely, "packages of Bower"),
    row(Folder(".venv"), VirtualEnvironment, Sure, "a virtual environment of this machine"),
    row(Folder("__pycache__"), Bytecode, Sure, "compiled Python"),
    row(Folder(".next"), BuildOutput, Likely, "output of Next.js"),
    row(Folder(".nuxt"), BuildOutput, Likely, "output of Nuxt"),
    row(Folder(".svelte-kit"), BuildOutput, Likely, "output of SvelteKit"),
    row(FolderEnding(".egg-info"), BuildOutput, Likely, "metadata of setuptools"),
    row(Folder(".mypy_cache"), Cache, Sure, "a cache of mypy"),
    row(Folder(".pytest_cache"), Cache, Sure, "a cache of pytest"),
    row(Folder(".ruff_cache"), Cache, Sure, "a cache of ruff"),
    row(Folder(".hypothesis"), Cache, Likely, "examples of Hypothesis"),
    row(Folder(".tox"), Cache, Sure, "environments of tox"),
    row(Folder(".nox"), Cache, Sure, "environments of nox"),
    row(Folder(".eggs"), Cache, Sure, "packages of setuptools"),
    row(Folder(".ipynb_checkpoints"), Cache, Sure, "copies of notebooks"),
    row(Folder(".parcel-cache"), Cache, Sure, "a cache of Parcel"),
    row(Folder(".turbo"), Cache, Sure, "a cache of Turborepo"),
    row(Folder(".angular"), Cache, Likely, "a cache of Angular"),
    row(Folder(".gradle"), Cache, Sure, "a cache of Gradle"),
    row(Folder(".cache"), Cache, Maybe, "a cache"),
    row(Folder(".nyc_output"), Coverage, Sure, "coverage of a test run"),
    row(Folder("htmlcov"), Coverage, Sure, "coverage of a test run"),
    row(Folder("coverage"), Coverage, Maybe, "coverage of a test run"),
    row(Folder(".terraform"), Terraform, Sure, "plugins of Terraform"),
    row(Folder(".idea"), Editor, Sure, "settings of an editor"),
    row(Folder(".vscode"), Editor, Sure, "settings of an editor"),
    row(Folder(".vs"), Editor, Sure, "settings of an editor"),
    row(File(".DS_Store"), Desktop, Sure, "notes of the Finder"),
    row(File("Thumbs.db"), Desktop, Sure, "thumbnails of Windows"),
    row(File("desktop.ini"), Desktop, Likely, "settings of a Windows folder"),
    row(File(".coverage"), Coverage, Sure, "coverage of a test run"),
    row(File(".eslintcache"), Cache, Likely, "a cache of ESLint"),
    row(File(".stylelintcache"), Cache, Likely, "a cache of Stylelint"),
    row(Ending(".pyc"), Bytecode, Sure, "compiled Python"),
    row(Ending(".pyo"), Bytecode, Sure, "compiled Python"),
    row(Ending(".class"), Bytecode, Likely, "compiled Java"),
    row(Ending(".o"), BuildOutput, Maybe, "compiled objects"),
    row(Ending(".obj"), BuildOutput, Maybe, "compiled objects"),
    row(Ending(".tsbuildinfo"), Cache, Likely, "a cache of TypeScript"),
    row(Ending(".swp"), Leftover, Sure, "an editor's open file"),
    row(Ending(".swo"), Leftover, Sure, "an editor's open file"),
    row(Ending("~"), Leftover, Sure, "an editor's copy"),
    row(Ending(".orig"), Leftover, Sure, "what a merge left"),
    row(Ending(".rej"), Leftover, Sure, "what a patch left"),
    row(Ending(".bak"), Leftover, Likely, "backups"),
    row(Ending(".tmp"), Leftover, Likely, "temporary files"),
    row(Ending(".pid"), Leftover, Likely, "a running program's number"),
    row(Ending(".sock"), Leftover, Maybe, "a running program's socket"),
    row(Ending(".log"), Log, Sure, "logs"),
];

/// What a folder is by its name, at least that sure.
pub fn folder(name: &[u8], least: Certainty) -> Option<&'static Litter> {
    find(least, |row| match row {
        Folder(n) => n.as_bytes() == name,
        FolderEnding(end) => ends(name, end),
        _ => false,
    })
}

/// What a file is by its name, at least that sure.
pub fn file(name: &[u8], least: Certainty) -> Option<&'static Litter> {
    find(least, |row| match row {
        File(n) => n.as_bytes() == name,
        Ending(end) => ends(name, end),
        _ => false,
    })
}

fn find(least: Certainty, is: impl Fn(Name) -> bool) -> Option<&'static Litter> {
    TABLE.iter().find(|row| row.certainty >= least && is(row.name))
}

fn ends(name: &[u8], ending: &str) -> bool {
    name.len() > ending.len() && name.ends_with(ending.as_bytes())
}

impl Litter {
    /// The ignore line that hides it wherever it is. A repository `at_top` is hidden by its name alone: one further down is a submodule's, or
    /// of a package that was cloned.
    pub fn line(&self, at_top: bool) -> String {
        match self.name {
            Folder(name) if at_top && self.kind == VersionControl => name.to_owned(),
            Folder(name) | File(name) => format!("**/{name}"),
            FolderEnding(end) | Ending(end) => format!("**/*{end}"),
        }
    }
}

/// Whether a command may look at the repository: one that names git, or a tool that stamps versions from it. One that installs git doesn't.
pub fn asks_repository(command: &str) -> bool {
    let command = command.to_ascii_lowercase();
    command.split(['&', ';', '|', '\n']).any(asks)
}

fn asks(command: &str) -> bool {
    const PACKAGES: &[&str] = &["apk", "apt", "apt-get", "dnf", "microdnf", "pacman", "yum", "zypper"];
    let installs = command.split_whitespace().any(|word| PACKAGES.contains(&word));
    let mut words = command.split(|c: char| !c.is_ascii_alphanumeric());
    let named = words.any(|w| ["git", "hg", "svn", "scm", "versioneer", "vergen"].contains(&w));
    // Go stamps binaries with the revision, Maven and Gradle plugins write it into resources.
    let stamps = ["go build", "go install", "goreleaser", "lerna", "semantic-release"];
    named && !installs || stamps.iter().any(|w| command.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_names_that_only_look_like_them() {
        let line = |name: &str| file(name.as_bytes(), Likely).map(|l| l.line(false));
        assert_eq!(line("a.cpython-312.pyc").as_deref(), Some("**/*.pyc"));
        assert_eq!(line("main.py~").as_deref(), Some("**/*~"));
        assert_eq!(line(".DS_Store").as_deref(), Some("**/.DS_Store"));
        for plain in ["main.py", "~", ".log", "changelog", "logo.svg", "app.logs", "pyc", "a.o"] {
            assert_eq!(line(plain), None, "{plain}");
        }
        let line = |name: &str, top| folder(name.as_bytes(), Likely).map(|l| l.line(top));
        assert_eq!(line("__pycache__", true).as_deref(), Some("**/__pycache__"));
        assert_eq!(line(".git", true).as_deref(), Some(".git"));
        assert_eq!(line(".git", false).as_deref(), Some("**/.git"));
        assert_eq!(line("a.egg-info", true).as_deref(), Some("**/*.egg-info"));
        for plain in
            ["src", "dist", "build", "target", "bin", "env", "coverage", "logs", ".egg-info", ".github"]
        {
            assert_eq!(line(plain, true), None, "{plain}");
        }
    }

    #[test]
    fn certainty_is_asked_for() {
        assert!(folder(b"coverage", Maybe).is_some() && folder(b"coverage", Likely).is_none());
        assert!(file(b"A.class", Likely).is_some() && file(b"A.class", Sure).is_none());
    }

    #[test]
    fn every_name_stands_once() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(TABLE[..at].iter().all(|other| other.name != row.name), "{:?}", row.name);
        }
    }

    #[test]
    fn who_asks_the_repository_needs_it() {
        assert!(asks_repository("RUN git describe --tags") && asks_repository("RUN go build ./..."));
        assert!(asks_repository("RUN pip install setuptools_scm") && !asks_repository("RUN make digits"));
        assert!(!asks_repository("RUN apt-get update && apt-get install -y git"));
        assert!(asks_repository("RUN apk add git && git describe"));
    }
}
