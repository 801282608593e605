//! Names that ignore files list whether or not there is such a file: what tools leave behind, and what is about the project.

/// Whole names.
const NAMES: &[&str] = &[
    ".vagrant",
    "deploy",
    "deployment",
    "docker",
    "infra",
    "kubernetes",
    "terraform",
    ".DS_Store",
    ".aws",
    ".bash_history",
    ".bundle",
    ".bzr",
    ".cache",
    ".circleci",
    ".classpath",
    ".coverage",
    ".dart_tool",
    ".devcontainer",
    ".direnv",
    ".docker",
    ".dockerignore",
    ".editorconfig",
    ".eggs",
    ".env",
    ".envrc",
    ".eslintcache",
    ".eslintignore",
    ".eslintrc",
    ".factorypath",
    ".git",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".gitkeep",
    ".gitlab-ci.yml",
    ".gitmodules",
    ".gradle",
    ".hg",
    ".history",
    ".husky",
    ".idea",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".next",
    ".nox",
    ".npm",
    ".npmrc",
    ".nuxt",
    ".nyc_output",
    ".output",
    ".parcel-cache",
    ".phpunit.result.cache",
    ".pnp",
    ".pnpm-store",
    ".pre-commit-config.yaml",
    ".project",
    ".pytest_cache",
    ".python-version",
    ".ropeproject",
    ".ruff_cache",
    ".sass-cache",
    ".secrets",
    ".serverless",
    ".settings",
    ".ssh",
    ".svelte-kit",
    ".svn",
    ".terraform",
    ".tox",
    ".travis.yml",
    ".tmp",
    ".turbo",
    ".venv",
    ".vercel",
    ".vs",
    ".vscode",
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
    "Thumbs.db",
    "Vagrantfile",
    "__mocks__",
    "__pycache__",
    "__pypackages__",
    "__tests__",
    "_build",
    "artifacts",
    "bin",
    "bower_components",
    "build",
    "cache",
    "charts",
    "compose.yaml",
    "compose.yml",
    "coverage",
    "cypress",
    "data",
    "debug",
    "deps",
    "desktop.ini",
    "develop-eggs",
    "dist",
    "doc",
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
    "htmlcov",
    "k8s",
    "lib",
    "lib64",
    "log",
    "logs",
    "node_modules",
    "nohup.out",
    "npm-debug.log",
    "obj",
    "out",
    "parts",
    "pip-log.txt",
    "pip-delete-this-directory.txt",
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

/// Names of folders and files that tools make wherever they work, so that a pattern for the top level alone misses most of them.
const EVERYWHERE: &[&str] = &[
    ".DS_Store",
    ".cache",
    ".coverage",
    ".dart_tool",
    ".eggs",
    ".env",
    ".eslintcache",
    ".gradle",
    ".hypothesis",
    ".idea",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".next",
    ".nox",
    ".npmrc",
    ".nuxt",
    ".nyc_output",
    ".parcel-cache",
    ".pytest_cache",
    ".ruff_cache",
    ".terraform",
    ".tox",
    ".turbo",
    ".venv",
    ".vs",
    ".vscode",
    "Thumbs.db",
    "__pycache__",
    "bower_components",
    "coverage",
    "htmlcov",
    "node_modules",
    "venv",
];

/// Endings of files that tools make wherever they work.
const ENDINGS: &[&str] = &[
    ".bak",
    ".class",
    ".log",
    ".o",
    ".obj",
    ".orig",
    ".pid",
    ".pyc",
    ".pyd",
    ".pyo",
    ".rej",
    ".seed",
    ".sock",
    ".swn",
    ".swo",
    ".swp",
    ".temp",
    ".tmp",
    ".tsbuildinfo",
    "~",
];

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
        || starts.iter().any(|s| plain.starts_with(s))
        || is_ending(name, ENDINGS)
        || is_ending(name, USUAL_ENDINGS)
        || name.starts_with("*.") && name.contains('[')
}

/// True for what tools make wherever they work.
pub(super) fn is_everywhere(pattern: &str) -> bool {
    EVERYWHERE.contains(&pattern)
        || is_ending(pattern, ENDINGS)
        || pattern == "*.py[cod]"
        || pattern == "*.py[co]"
}

/// `*.log`
fn is_ending(name: &str, endings: &[&str]) -> bool {
    name.strip_prefix('*').is_some_and(|end| endings.contains(&end.trim_end_matches('*')))
}

/// True for a file that nobody misses in a folder that is copied: litter, tests, documents about the project.
pub(super) fn is_seldom_missed(path: &[u8]) -> bool {
    let text = String::from_utf8_lossy(path);
    // `**` and what stands before a first slash say nothing of a name.
    text.split('/').filter(|part| !part.trim_matches('*').is_empty()).any(|part| {
        let lower = part.to_ascii_lowercase();
        is_usual(part)
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
