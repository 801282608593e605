//! Names that ignore files list whether or not there is such a file: what tools leave behind, and what is about the project.

use crate::litter::{self, Certainty, Kind, Litter, Name};

/// Whole names, besides those of litter.
const NAMES: &[&str] = &[
    ".aws",
    ".bash_history",
    ".bundle",
    ".circleci",
    ".classpath",
    ".dart_tool",
    ".devcontainer",
    ".direnv",
    ".docker",
    ".dockerignore",
    ".editorconfig",
    ".env",
    ".envrc",
    ".eslintignore",
    ".eslintrc",
    ".factorypath",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".gitkeep",
    ".gitlab-ci.yml",
    ".gitmodules",
    ".history",
    ".husky",
    ".npm",
    ".npmrc",
    ".output",
    ".phpunit.result.cache",
    ".pnp",
    ".pnpm-store",
    ".pre-commit-config.yaml",
    ".project",
    ".python-version",
    ".ropeproject",
    ".sass-cache",
    ".secrets",
    ".serverless",
    ".settings",
    ".ssh",
    ".tmp",
    ".travis.yml",
    ".vagrant",
    ".vercel",
    ".yarn",
    ".yarnrc",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Containerfile",
    "Dockerfile",
    "ENV",
    "Jenkinsfile",
    "LICENSE",
    "Makefile",
    "Pipfile.lock",
    "README.md",
    "Vagrantfile",
    "__mocks__",
    "__pypackages__",
    "__tests__",
    "_build",
    "artifacts",
    "bin",
    "build",
    "cache",
    "charts",
    "compose.yaml",
    "compose.yml",
    "cypress",
    "data",
    "debug",
    "deploy",
    "deployment",
    "deps",
    "develop-eggs",
    "dist",
    "doc",
    "docker",
    "docker-compose.yaml",
    "docker-compose.yml",
    "docs",
    "downloads",
    "e2e",
    "eggs",
    "env",
    "env.bak",
    "examples",
    "fixtures",
    "helm",
    "infra",
    "k8s",
    "kubernetes",
    "lib",
    "lib64",
    "log",
    "logs",
    "nohup.out",
    "npm-debug.log",
    "obj",
    "out",
    "parts",
    "pip-delete-this-directory.txt",
    "pip-log.txt",
    "playwright-report",
    "pnpm-debug.log",
    "release",
    "screenshots",
    "scripts",
    "sdist",
    "secrets.dev.yaml",
    "site",
    "spec",
    "storybook-static",
    "target",
    "temp",
    "terraform",
    "test",
    "test-results",
    "tests",
    "tmp",
    "values.dev.yaml",
    "vendor",
    "venv",
    "venv.bak",
    "wheels",
    "yarn-debug.log",
    "yarn-error.log",
];

/// Names of folders and files besides litter that lie wherever people and tools work, so that a pattern for the top level alone misses most
/// of them.
const EVERYWHERE: &[&str] = &[".dart_tool", ".env", ".npmrc", "venv"];

/// Endings of files that tools make wherever they work, besides those of litter.
const ENDINGS: &[&str] = &[".pyd", ".seed", ".swn", ".temp"];

/// Endings of names that ignore files list whether or not there is such a file.
const USUAL_ENDINGS: &[&str] = &[
    ".a",
    ".cover",
    ".crt",
    ".csproj.user",
    ".db",
    ".dbmdl",
    ".dll",
    ".egg",
    ".egg-info",
    ".env",
    ".exe",
    ".gem",
    ".gz",
    ".iml",
    ".jar",
    ".jfm",
    ".key",
    ".local",
    ".manifest",
    ".md",
    ".mo",
    ".out",
    ".pem",
    ".pot",
    ".so",
    ".spec",
    ".sqlite",
    ".sqlite3",
    ".suo",
    ".tar",
    ".test",
    ".tgz",
    ".user",
    ".war",
    ".zip",
];

/// The last part of a pattern or path, without `**/`, `/**` and `/*`.
fn last(pattern: &str) -> &str {
    let mut rest = pattern.trim_matches('/');
    while let Some(shorter) = rest.strip_suffix("/**").or_else(|| rest.strip_suffix("/*")) {
        rest = shorter;
    }
    rest.rsplit('/').next().unwrap_or(rest)
}

/// True for a pattern that people write without looking whether there is such a file: nothing needs to be said when there is none.
pub(super) fn is_usual(pattern: &str) -> bool {
    let name = last(pattern);
    let plain = name.trim_matches('*');
    let starts = [
        "Dockerfile",
        "dockerfile",
        "docker-compose",
        "compose",
        ".env",
        ".git",
        "npm-debug",
        "yarn-",
        "README",
        "LICENSE",
        ".coverage",
    ];
    plain.is_empty()
        || NAMES.iter().chain(EVERYWHERE).any(|n| n.eq_ignore_ascii_case(plain))
        || litter::TABLE
            .iter()
            .any(|l| matches!(l.name, Name::Folder(n) | Name::File(n) if n.eq_ignore_ascii_case(plain)))
        || starts.iter().any(|s| plain.starts_with(s))
        || name
            .strip_prefix('*')
            .is_some_and(|end| is_left(end) || USUAL_ENDINGS.contains(&end.trim_end_matches('*')))
        || name.starts_with("*.") && name.contains('[')
}

/// True for what tools make wherever they work. A repository is not: it lies at the top.
pub(super) fn is_everywhere(pattern: &str) -> bool {
    let named = |l: &Litter| match l.name {
        Name::Folder(name) | Name::File(name) => l.kind != Kind::VersionControl && name == pattern,
        Name::FolderEnding(_) | Name::Ending(_) => false,
    };
    EVERYWHERE.contains(&pattern)
        || litter::TABLE.iter().any(named)
        || pattern.strip_prefix('*').is_some_and(is_left)
        || pattern == "*.py[cod]"
        || pattern == "*.py[co]"
}

/// `.log`, and `.log*` as well
fn is_left(ending: &str) -> bool {
    let ending = ending.trim_end_matches('*');
    let of_table =
        |l: &Litter| matches!(l.name, Name::Ending(end) | Name::FolderEnding(end) if end == ending);
    ENDINGS.contains(&ending) || litter::TABLE.iter().any(of_table)
}

/// True for a file that nobody misses in a folder that is copied: litter, tests, documents about the project.
pub(super) fn is_seldom_missed(path: &[u8]) -> bool {
    let text = String::from_utf8_lossy(path);
    // `**` and what stands before a first slash say nothing of a name.
    text.split('/').filter(|part| !part.trim_matches('*').is_empty()).any(|part| {
        let lower = part.to_ascii_lowercase();
        is_usual(part)
            || litter::file(lower.as_bytes(), Certainty::Maybe).is_some()
            || ENDINGS.iter().chain(&[".md"]).any(|e| lower.ends_with(e))
            || ["test", "spec", "stories", "mock", "example", "sample"].iter().any(|w| lower.contains(w))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_always_list_is_usual() {
        for pattern in [
            "node_modules",
            "**/node_modules",
            "*.log",
            ".git",
            ".env*",
            "**/*.pyc",
            "dist/",
            ".env.local",
            "**/.DS_Store",
            "npm-debug.log*",
        ] {
            assert!(is_usual(pattern), "{pattern}");
        }
        for pattern in ["config/prod.yml", "legacy", "src/generated", "assets/raw/*.psd"] {
            assert!(!is_usual(pattern), "{pattern}");
        }
    }

    #[test]
    fn some_litter_lies_everywhere() {
        assert!(is_everywhere("node_modules") && is_everywhere("*.pyc") && is_everywhere("*.py[cod]"));
        assert!(!is_everywhere("dist") && !is_everywhere("*.md") && !is_everywhere("docs"));
    }

    #[test]
    fn tests_and_documents_are_seldom_missed() {
        assert!(is_seldom_missed(b"src/app.test.js") && is_seldom_missed(b"src/README.md"));
        assert!(is_seldom_missed(b"src/node_modules/a/b.js"));
        assert!(!is_seldom_missed(b"config/app.yml"));
    }
}
