//! What tools leave behind, told by name: the kinds, and the ignore lines that hide them.

use std::borrow::Cow;

use super::markers::Markers;

/// A kind of litter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
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
    /// What an editor or a merge left: swap files, backups.
    Leftover,
    /// Settings of editors.
    Editor,
    /// What a desktop left.
    Desktop,
    /// Archives and disk images.
    Archive,
    /// Terraform's working folder.
    Terraform,
}

/// Litter that a name tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Litter {
    /// Its kind.
    pub kind: Kind,
    /// The ignore line that hides it, and whatever else is called like that.
    pub line: Cow<'static, str>,
}

impl Litter {
    const fn any(kind: Kind, line: &'static str) -> Self {
        Self { kind, line: Cow::Borrowed(line) }
    }
}

/// What a folder is by its name, its neighbours and what it holds.
pub(super) fn folder(path: &[u8], name: &[u8], markers: &Markers<'_>) -> Option<Litter> {
    let found = match name {
        b"__pycache__" => Litter::any(Kind::Bytecode, "**/__pycache__"),
        // The repository is at the top; one further down is a submodule's, or of a package that was cloned.
        b".git" if path.len() == name.len() => Litter::any(Kind::VersionControl, ".git"),
        b".git" => Litter::any(Kind::VersionControl, "**/.git"),
        b".hg" => Litter::any(Kind::VersionControl, "**/.hg"),
        b".svn" => Litter::any(Kind::VersionControl, "**/.svn"),
        b".bzr" => Litter::any(Kind::VersionControl, "**/.bzr"),
        b".jj" => Litter::any(Kind::VersionControl, "**/.jj"),
        b"node_modules" => Litter::any(Kind::NodeModules, "**/node_modules"),
        b"bower_components" => Litter::any(Kind::NodeModules, "**/bower_components"),
        b".venv" => Litter::any(Kind::VirtualEnvironment, "**/.venv"),
        b".next" => Litter::any(Kind::BuildOutput, "**/.next"),
        b".nuxt" => Litter::any(Kind::BuildOutput, "**/.nuxt"),
        b".svelte-kit" => Litter::any(Kind::BuildOutput, "**/.svelte-kit"),
        b".output" => return in_project(path, markers),
        b".gradle" => Litter::any(Kind::Cache, "**/.gradle"),
        b".mypy_cache" => Litter::any(Kind::Cache, "**/.mypy_cache"),
        b".pytest_cache" => Litter::any(Kind::Cache, "**/.pytest_cache"),
        b".ruff_cache" => Litter::any(Kind::Cache, "**/.ruff_cache"),
        b".hypothesis" => Litter::any(Kind::Cache, "**/.hypothesis"),
        b".ipynb_checkpoints" => Litter::any(Kind::Cache, "**/.ipynb_checkpoints"),
        b".tox" => Litter::any(Kind::Cache, "**/.tox"),
        b".nox" => Litter::any(Kind::Cache, "**/.nox"),
        b".eggs" => Litter::any(Kind::Cache, "**/.eggs"),
        b".parcel-cache" => Litter::any(Kind::Cache, "**/.parcel-cache"),
        b".turbo" => Litter::any(Kind::Cache, "**/.turbo"),
        b".angular" => Litter::any(Kind::Cache, "**/.angular"),
        b".nyc_output" => Litter::any(Kind::Coverage, "**/.nyc_output"),
        b"htmlcov" => Litter::any(Kind::Coverage, "**/htmlcov"),
        b".idea" => Litter::any(Kind::Editor, "**/.idea"),
        b".vscode" => Litter::any(Kind::Editor, "**/.vscode"),
        b".vs" => Litter::any(Kind::Editor, "**/.vs"),
        b".terraform" => Litter::any(Kind::Terraform, "**/.terraform"),
        _ if name.ends_with(b".egg-info") => Litter::any(Kind::BuildOutput, "**/*.egg-info"),
        _ => return in_project(path, markers),
    };
    Some(found)
}

/// Folders whose names say nothing alone: what is beside or in them decides, and the line names just the one.
fn in_project(path: &[u8], markers: &Markers<'_>) -> Option<Litter> {
    let kind = markers.of_folder(path)?;
    Some(Litter { kind, line: Cow::Owned(literal(path)?) })
}

/// What a file is by its name.
pub(super) fn file(name: &[u8]) -> Option<Litter> {
    let whole = match name {
        b".DS_Store" => Litter::any(Kind::Desktop, "**/.DS_Store"),
        b"Thumbs.db" => Litter::any(Kind::Desktop, "**/Thumbs.db"),
        b"desktop.ini" => Litter::any(Kind::Desktop, "**/desktop.ini"),
        b".coverage" => Litter::any(Kind::Coverage, "**/.coverage"),
        b".eslintcache" => Litter::any(Kind::Cache, "**/.eslintcache"),
        b".stylelintcache" => Litter::any(Kind::Cache, "**/.stylelintcache"),
        _ => return by_ending(name),
    };
    Some(whole)
}

/// What a file is by the end of its name.
fn by_ending(name: &[u8]) -> Option<Litter> {
    if name.len() > 1 && name.ends_with(b"~") {
        return Some(Litter::any(Kind::Leftover, "**/*~"));
    }
    let dot = name.iter().rposition(|b| *b == b'.').filter(|at| *at > 0)?;
    let (kind, line) = match &name[dot + 1..] {
        b"pyc" => (Kind::Bytecode, "**/*.pyc"),
        b"pyo" => (Kind::Bytecode, "**/*.pyo"),
        b"class" => (Kind::Bytecode, "**/*.class"),
        b"log" => (Kind::Log, "**/*.log"),
        b"swp" => (Kind::Leftover, "**/*.swp"),
        b"swo" => (Kind::Leftover, "**/*.swo"),
        b"bak" => (Kind::Leftover, "**/*.bak"),
        b"orig" => (Kind::Leftover, "**/*.orig"),
        b"rej" => (Kind::Leftover, "**/*.rej"),
        b"tmp" => (Kind::Leftover, "**/*.tmp"),
        b"pid" => (Kind::Leftover, "**/*.pid"),
        b"tsbuildinfo" => (Kind::Cache, "**/*.tsbuildinfo"),
        b"zip" => (Kind::Archive, "**/*.zip"),
        b"tar" => (Kind::Archive, "**/*.tar"),
        b"tgz" => (Kind::Archive, "**/*.tgz"),
        b"rar" => (Kind::Archive, "**/*.rar"),
        b"7z" => (Kind::Archive, "**/*.7z"),
        b"iso" => (Kind::Archive, "**/*.iso"),
        b"dmg" => (Kind::Archive, "**/*.dmg"),
        b"gz" if name.ends_with(b".tar.gz") => (Kind::Archive, "**/*.tar.gz"),
        b"xz" if name.ends_with(b".tar.xz") => (Kind::Archive, "**/*.tar.xz"),
        b"bz2" if name.ends_with(b".tar.bz2") => (Kind::Archive, "**/*.tar.bz2"),
        b"zst" if name.ends_with(b".tar.zst") => (Kind::Archive, "**/*.tar.zst"),
        _ => return None,
    };
    Some(Litter::any(kind, line))
}

/// The ignore line for just this path; `None` where no line can say it: a pattern's special bytes would need quoting, and a `#` or `!` in
/// front means something else.
pub(super) fn literal(path: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(path).ok()?;
    let plain =
        !text.contains(['*', '?', '[', '\\']) && !text.contains(char::is_control) && text.trim() == text;
    (plain && !text.starts_with(['#', '!'])).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(name: &str) -> Option<String> {
        file(name.as_bytes()).map(|l| l.line.into_owned())
    }

    #[test]
    fn files_are_told_by_the_end_of_their_names() {
        assert_eq!(line_of("a.cpython-312.pyc").as_deref(), Some("**/*.pyc"));
        assert_eq!(line_of("a.tar.gz").as_deref(), Some("**/*.tar.gz"));
        assert_eq!(line_of("main.py~").as_deref(), Some("**/*~"));
        for plain in
            ["main.py", "a.gz", "~", ".log", "changelog", "logo.svg", "app.logs", "pyc", "data.sql.gz"]
        {
            assert_eq!(line_of(plain), None, "{plain}");
        }
    }

    #[test]
    fn folders_are_told_by_their_names() {
        let none = Markers::default();
        let line = |path: &str| {
            let name = path.rsplit('/').next().unwrap();
            folder(path.as_bytes(), name.as_bytes(), &none).map(|l| l.line.into_owned())
        };
        assert_eq!(line("a/__pycache__").as_deref(), Some("**/__pycache__"));
        assert_eq!(line(".git").as_deref(), Some(".git"));
        assert_eq!(line("lib/.git").as_deref(), Some("**/.git"));
        assert_eq!(line("a.egg-info").as_deref(), Some("**/*.egg-info"));
        for plain in ["src", "dist", "build", "target", "bin", "env", "coverage", "logs", "vendor", ".github"]
        {
            assert_eq!(line(plain), None, "{plain}: it takes more than a name");
        }
    }

    #[test]
    fn a_path_that_a_line_cant_say_has_none() {
        assert_eq!(literal(b"a b/c").as_deref(), Some("a b/c"));
        for odd in [&b"a*"[..], b"[x]", b"#a", b"!a", b"a ", b"\xff", b"a\\b", b"a\nb"] {
            assert_eq!(literal(odd), None);
        }
    }
}
