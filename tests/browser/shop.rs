//! A small project with a history: several stages, hidden files, commits that touch some files more than others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::cli::{command, run};

/// The project in a repository of its own; gone when dropped.
pub struct Shop {
    dir: tempfile::TempDir,
}

const DOCKERFILE: &str = "\
FROM scratch AS base
COPY package.json package-lock.json /app/

FROM base AS deps
WORKDIR /app
RUN npm ci

FROM deps AS web
COPY assets /app/assets
COPY src/web /app/src/web
RUN npm run build:web

FROM deps AS api
COPY . /app
RUN npm run build:api

FROM base AS release
COPY --from=web /app/dist /srv/www
COPY --from=api /app/build /srv/api
COPY VERSION /srv/
CMD [\"node\", \"/srv/api\"]
";

/// Files and their sizes.
const FILES: &[(&str, usize)] = &[
    ("src/api/index.js", 9_000),
    ("src/api/routes/cart.js", 12_000),
    ("src/api/routes/orders.js", 26_000),
    ("src/api/routes/people.js", 7_000),
    ("src/api/routes/search.js", 5_000),
    ("src/api/routes/stock.js", 3_000),
    ("src/web/app.jsx", 64_000),
    ("src/web/style.css", 31_000),
    ("src/web/state.js", 18_000),
    ("package.json", 1_800),
    ("package-lock.json", 120_000),
    ("assets/img/hero.png", 150_000),
    ("assets/img/logo.svg", 6_000),
    ("assets/fonts.woff2", 90_000),
    ("docs/guide.md", 34_000),
    ("docs/changes.md", 48_000),
    ("tests/api.test.js", 52_000),
    ("tests/web.test.js", 23_000),
    ("README.md", 5_000),
    ("VERSION", 6),
    ("node_modules/express/lib/express.js", 220_000),
    ("node_modules/express/lib/router.js", 140_000),
    ("node_modules/left-pad/index.js", 3_000),
];

/// What each commit but the first touches.
const COMMITS: &[&[&str]] = &[
    &["tests/api.test.js"],
    &["src/web/app.jsx"],
    &["docs/guide.md", "README.md"],
    &["src/web/app.jsx", "src/web/style.css"],
    &["tests/api.test.js", "src/api/routes/cart.js"],
    &["VERSION"],
    &["package-lock.json"],
    &["tests/web.test.js"],
    &["src/api/routes/orders.js"],
    &["docs/guide.md"],
    &["src/web/style.css"],
    &["tests/api.test.js"],
];

impl Shop {
    pub fn new() -> Self {
        let shop =
            Self { dir: tempfile::Builder::new().prefix("stowaway-shop-").tempdir().expect("a folder") };
        for (path, bytes) in FILES {
            shop.write(path, &format!("{path}\n").repeat(bytes / (path.len() + 1) + 1).as_bytes()[..*bytes]);
        }
        shop.write("Dockerfile", DOCKERFILE.as_bytes());
        shop.write(".dockerignore", b"node_modules\n*.md\n.git*\n");
        shop.write(".gitignore", b"node_modules\n");
        shop.git(&["init", "-q", "-b", "main", "."]);
        shop.commit("Shop, first version", 0);
        for (day, paths) in COMMITS.iter().enumerate() {
            paths.iter().for_each(|path| shop.append(path, &format!("{day}\n")));
            shop.commit(&format!("Work on {}", paths[0]), day + 1);
        }
        // What is not committed yet.
        shop.append("src/web/app.jsx", "more\n");
        shop.write("src/api/routes/new.js", b"new\n");
        shop
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, bytes).expect("a file");
    }

    fn append(&self, path: &str, text: &str) {
        let file = self.path().join(path);
        let bytes = [fs::read(&file).expect("a file"), text.into()].concat();
        fs::write(file, bytes).expect("a file");
    }

    fn commit(&self, message: &str, day: usize) {
        self.git(&["add", "-A"]);
        let date = format!("2026-01-{:02}T09:00:00Z", day + 1);
        let mut git = self.command(&["commit", "-qm", message]);
        let status = git.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date).status();
        assert!(status.expect("git").success(), "{message}");
    }

    fn git(&self, args: &[&str]) {
        assert!(self.command(args).status().expect("git").success(), "git {args:?}");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.path()).args(args).stdin(Stdio::null());
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
        }
        command
    }

    /// The page of a verb, beside the project.
    pub fn page(&self, args: &[&str], code: i32) -> Page {
        page(self.path(), args, code)
    }
}

/// A page in a folder of its own.
pub struct Page {
    dir: tempfile::TempDir,
}

impl Page {
    pub fn file(&self) -> PathBuf {
        self.dir.path().join("page.html")
    }
}

/// The page that the program writes in `folder`.
pub fn page(folder: &Path, args: &[&str], code: i32) -> Page {
    let page = Page { dir: tempfile::tempdir().expect("a folder") };
    let mut program = command();
    program.current_dir(folder).args(args).args(["--format", "html", "--platform", "linux/amd64", "-o"]);
    run(program.arg(page.file())).expect_code(code);
    page
}
