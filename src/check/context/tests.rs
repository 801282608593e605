//! Each rule on a small build: one that fires and one that doesn't.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::check::{
    Asked, Finding, FolderFacts, IgnoreFacts, Looked, OddMode, Peeked, StepFacts, Taken, finding::Findings,
};
use crate::context::{Context, ContextOptions};
use crate::dockerfile::Dockerfile;
use crate::entry::{Entry, Source as _};
use crate::image::{Image, Platform};
use crate::observer::Silent;
use crate::pattern::IgnoreFile;
use crate::plan::{Images, Op, Plan, PlanOptions, Source};

/// Knows no image.
struct NoImages;

impl Images for NoImages {
    fn image(&self, _: &str, _: &Platform) -> Result<Option<Image>, String> {
        Ok(None)
    }

    fn named(&self, name: &str, _: &Platform) -> Result<Image, String> {
        Err(name.to_owned())
    }
}

/// A build: its Dockerfile, its ignore file, paths with their contents.
#[derive(Default)]
struct Trial<'t> {
    dockerfile: &'t str,
    ignore: &'t str,
    files: &'t [(&'t str, &'t str)],
    asked: Asked,
    odd_modes: bool,
}

impl Trial<'_> {
    fn find(&self) -> Vec<Finding> {
        let dir = tempfile::tempdir().unwrap();
        for (path, content) in self.files {
            write(dir.path(), path, content);
        }
        let ignore = IgnoreFile::parse(".dockerignore", self.ignore.as_bytes()).unwrap();
        let context = Context::load(dir.path(), Some(ignore), &ContextOptions::default(), &Silent).unwrap();
        let parsed = Dockerfile::parse(self.dockerfile.as_bytes()).unwrap();
        let plan = Plan::resolve(&parsed, &PlanOptions::default(), &NoImages).unwrap();
        let name = (!self.ignore.is_empty()).then_some(".dockerignore");
        let ignore =
            IgnoreFacts { name, bytes: self.ignore.as_bytes(), reason: "", overridden: None, unread: None };
        let hidden = context.ignored(false).unwrap();
        let folder = FolderFacts { name: "context", path: ".".into(), context: &context, ignore, hidden };
        let facts = Facts {
            dockerfile: "Dockerfile",
            bytes: self.dockerfile.as_bytes(),
            parsed: Some(&parsed),
            plan: Some(&plan),
            folders: vec![folder],
            steps: steps(&plan, &context),
            asked: self.asked.clone(),
            looked: self.looked(&context),
            ..Facts::default()
        };
        let mut found = Findings::default();
        find(&facts, &mut found);
        found.0
    }

    fn looked(&self, context: &Context) -> Looked {
        let content = |e: &Entry| {
            let path = e.path.as_str().unwrap_or_default();
            self.files.iter().find(|(p, _)| *p == path).map_or("", |(_, content)| content)
        };
        let peek = |e: &Entry| {
            let may = may_hold_secret(e.path.as_bytes(), e.stat.size);
            let verdict = may.then(|| secret_in(e.path.as_bytes(), content(e).as_bytes())).flatten()?;
            Some(Peeked { folder: 0, path: e.path.as_bytes().to_vec(), verdict })
        };
        let entries = context.entries();
        let odd = |(entry, _): (usize, &Entry)| OddMode { folder: 0, entry, fresh: 0o600 };
        let modes = if self.odd_modes { entries.iter().enumerate().map(odd).collect() } else { Vec::new() };
        Looked { peeked: entries.iter().filter_map(peek).collect(), modes }
    }

    fn codes(&self) -> Vec<&'static str> {
        self.find().iter().map(|f| f.rule.code).collect()
    }

    #[track_caller]
    fn one(&self) -> Finding {
        let mut found = self.find();
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }
}

fn write(root: &Path, path: &str, content: &str) {
    let at = root.join(path);
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    fs::write(&at, content).unwrap();
    fs::set_permissions(&at, fs::Permissions::from_mode(0o644)).unwrap();
}

/// What each step takes: all that is at or below its sources, which have no wildcards here.
fn steps<'a>(plan: &'a Plan, context: &'a Context) -> Vec<StepFacts<'a>> {
    let all = context.entries();
    let of_step = |step: &'a crate::plan::Step| {
        let vertex = &plan.graph.vertices[step.vertex.0];
        let local =
            |i: usize| matches!(plan.graph.vertices[vertex.inputs[i].0].op, Op::Source(Source::Local(_)));
        let mut taken = Vec::new();
        for source in step.sources.iter().filter(|s| s.input.is_some_and(local)) {
            let path = source.path.trim_matches('/').as_bytes();
            let takes = |e: &&Entry| path.is_empty() || e.path.as_bytes() == path || e.path.is_below(path);
            let runs: Vec<&'a [Entry]> = all.iter().filter(takes).map(std::slice::from_ref).collect();
            taken.extend((!runs.is_empty()).then_some(Taken { folder: 0, entries: runs }));
        }
        StepFacts { step, taken }
    };
    plan.steps.iter().map(of_step).collect()
}

const ALL: &str = "FROM scratch\nCOPY . /app\n";

#[test]
fn litter_is_folded_by_kind_and_steps() {
    let files = [
        ("app/main.py", "x"),
        ("app/__pycache__/main.cpython-312.pyc", "12345"),
        ("app/__pycache__/b.pyc", "12345"),
        ("lib/__pycache__/c.pyc", "12345"),
        ("old.pyc", "1"),
    ];
    let found = Trial { dockerfile: ALL, files: &files, ..Trial::default() }.one();
    assert_eq!(found.rule.code, "context-caches");
    assert_eq!(
        found.message,
        "compiled bytecode: 1 `*.pyc` file and 3 `*.pyc` files in 2 `__pycache__` folders, 16 B, taken by [1/1] COPY . /app"
    );
    assert_eq!((found.labels[0].line, found.amount.unwrap().files), (2, 4));
    let fix = found.help[0].fix.as_ref().unwrap();
    assert_eq!((fix.file.as_str(), fix.edits[0].line), (".dockerignore", 1));
    assert_eq!(fix.edits[0].insert, ["**/*.pyc", "**/__pycache__"]);
}

#[test]
fn what_an_instruction_names_is_wanted() {
    let files = [("dist/app.js", "x"), ("package.json", "{}"), ("node_modules/a/i.js", "x"), ("a.log", "x")];
    let dockerfile =
        "FROM scratch\nCOPY node_modules /m\nCOPY dist /d\nCOPY a.log /\nRUN npm run build\nCOPY . /app\n";
    assert_eq!(Trial { dockerfile, files: &files, ..Trial::default() }.codes(), [""; 0]);
    let other = "FROM scratch AS a\nCOPY node_modules /m\nFROM scratch\nCOPY . /app\n";
    assert_eq!(Trial { dockerfile: other, files: &files[2..3], ..Trial::default() }.codes(), [""; 0]);
}

#[test]
fn each_kind_has_its_rule() {
    let large = "x".repeat(1 << 20);
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[(".git/HEAD", "ref")], "context-vcs"),
        (&[("web/node_modules/a/i.js", "x")], "context-deps"),
        (&[("env/pyvenv.cfg", "x"), ("env/bin/python", "x")], "context-deps"),
        (&[("Cargo.toml", "x"), ("target/.rustc_info.json", "x")], "context-build-output"),
        (&[(".pytest_cache/v", "x")], "context-caches"),
        (&[("htmlcov/index.html", "x")], "context-caches"),
        (&[("debug.log", "x")], "context-leftovers"),
        (&[("src/.DS_Store", "x")], "context-leftovers"),
        (&[(".idea/x.xml", "x")], "context-editor"),
        (&[("backup.zip", &large)], "context-archives"),
    ];
    for (files, code) in cases {
        assert_eq!(Trial { dockerfile: ALL, files, ..Trial::default() }.codes(), [*code], "{files:?}");
    }
}

#[test]
fn a_healthy_context_is_left_alone() {
    let files = [
        ("src/main.rs", "fn main() {}"),
        ("Cargo.toml", "[package]"),
        ("dist/a", "x"),
        ("build/Makefile", "x"),
        ("bin/start.sh", "x"),
        ("logs/.gitkeep", ""),
        ("coverage/README.md", "x"),
        ("testdata/small.zip", "PK"),
        (".env.example", "PASSWORD=hunter2hunter"),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\n"),
        ("env/settings.py", "x"),
        (".gitignore", "x"),
    ];
    assert_eq!(Trial { dockerfile: ALL, files: &files, ..Trial::default() }.codes(), [""; 0]);
}

#[test]
fn a_repository_that_a_step_asks_is_wanted() {
    let files = [(".git/HEAD", "ref")];
    let asks = "FROM scratch\nCOPY . /app\nRUN echo $(git describe --tags) > /v\n";
    assert_eq!(Trial { dockerfile: asks, files: &files, ..Trial::default() }.codes(), [""; 0]);
    let installs = "FROM scratch\nRUN apk add git\nCOPY . /app\n";
    assert_eq!(Trial { dockerfile: installs, files: &files, ..Trial::default() }.codes(), ["context-vcs"]);
}

#[test]
fn litter_that_no_step_takes_is_told_when_there_is_much() {
    let names: Vec<String> = (0..1000).map(|i| format!("node_modules/p{i}.js")).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "x")).collect();
    files.push(("src/a", "x"));
    let dockerfile = "FROM scratch\nCOPY src /app\n";
    let found = Trial { dockerfile, files: &files, ..Trial::default() }.one();
    assert_eq!((found.rule.code, found.severity), ("context-unused-litter", Severity::Note));
    assert!(
        found.message.contains("1,000 files in `node_modules`")
            || found.message.contains("1,000 files in 1 `node_modules` folder"),
        "{}",
        found.message
    );
    assert_eq!(Trial { dockerfile, files: &files[900..], ..Trial::default() }.codes(), [""; 0]);
}

#[test]
fn hidden_litter_is_told_where_a_negation_makes_every_build_walk_it() {
    let names: Vec<String> = (0..12).map(|i| format!("a/__pycache__/m{i}.pyc")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "x")).collect();
    let ignore = "**/__pycache__\n!docs/**/*.md\n";
    let found = Trial { dockerfile: ALL, ignore, files: &files, ..Trial::default() }.one();
    assert_eq!((found.rule.code, found.labels[0].line), ("context-walked-litter", 2));
    assert!(found.message.contains("12 `*.pyc` files in 1 `__pycache__` folder"), "{}", found.message);
    let closed = Trial { dockerfile: ALL, ignore: "**/__pycache__\n", files: &files, ..Trial::default() };
    assert_eq!(closed.codes(), [""; 0]);
}

const SECRET: (&str, &str) = (".env", "DB_PASSWORD=hunter2hunter\n");

#[test]
fn a_secret_in_the_image_is_an_error() {
    let found = Trial { dockerfile: ALL, files: &[SECRET], ..Trial::default() }.one();
    assert_eq!((found.rule.code, found.severity), ("secret-in-image", Severity::Error));
    assert_eq!(
        found.message,
        "`.env` holds passwords or tokens, and [1/1] COPY . /app puts it into the image"
    );
    assert!(!format!("{found:?}").contains("hunter2"), "contents are never told");
    assert_eq!(found.help[0].fix.as_ref().unwrap().edits[0].insert, [".env"]);
    let linked = "FROM scratch\nCOPY --link . /app\n";
    assert_eq!(
        Trial { dockerfile: linked, files: &[SECRET], ..Trial::default() }.codes(),
        ["secret-in-image"]
    );
    let based = "FROM scratch AS base\nCOPY . /app\nFROM base\nRUN make\n";
    assert_eq!(
        Trial { dockerfile: based, files: &[SECRET], ..Trial::default() }.codes(),
        ["secret-in-image"]
    );
}

#[test]
fn a_secret_that_stays_out_of_the_image_is_less() {
    let earlier = "FROM scratch AS build\nCOPY . /app\nFROM scratch\nCOPY --from=build /app/x /x\n";
    assert_eq!(
        Trial { dockerfile: earlier, files: &[SECRET], ..Trial::default() }.codes(),
        ["secret-in-build"]
    );
    let mounted = "FROM scratch\nRUN --mount=target=/c make\n";
    assert_eq!(
        Trial { dockerfile: mounted, files: &[SECRET], ..Trial::default() }.codes(),
        ["secret-in-build"]
    );
    let untaken = "FROM scratch\nCOPY src /app\n";
    let found = Trial { dockerfile: untaken, files: &[SECRET, ("src/a", "x")], ..Trial::default() }.one();
    assert_eq!((found.rule.code, found.severity), ("secret-in-context", Severity::Note));
    let hidden =
        Trial { dockerfile: ALL, ignore: ".env\n", files: &[SECRET, ("a", "x")], ..Trial::default() };
    assert_eq!(hidden.codes(), [""; 0]);
}

#[test]
fn settings_and_keys_of_tests_are_notes() {
    let found = Trial { dockerfile: ALL, files: &[(".env", "PORT=80\n")], ..Trial::default() }.one();
    assert_eq!((found.rule.code, found.severity), ("secret-in-image", Severity::Note));
    let of_tests = [("internal/testdata/.env", SECRET.1)];
    assert_eq!(
        Trial { dockerfile: ALL, files: &of_tests, ..Trial::default() }.one().severity,
        Severity::Note
    );
    let untaken = "FROM scratch\nCOPY src /app\n";
    let files = [(".env", "PORT=80\n"), ("src/a", "x")];
    assert_eq!(Trial { dockerfile: untaken, files: &files, ..Trial::default() }.codes(), [""; 0]);
}

#[test]
fn a_context_over_the_limit_is_told_with_its_largest() {
    let files = [("data/a", "12345678"), ("b", "12")];
    let asked = |max| Asked { max_context: Some(max), ..Asked::default() };
    let found = Trial { dockerfile: ALL, files: &files, asked: asked(9), ..Trial::default() }.one();
    assert_eq!((found.rule.code, found.severity), ("context-too-large", Severity::Error));
    assert_eq!(found.message, "the context holds more than the 9 B that --max-context allows");
    assert_eq!(found.help[0].message, "it holds 10 B (10 bytes) in 2 files, above all `data` 8 B, `b` 2 B");
    assert_eq!(
        Trial { dockerfile: ALL, files: &files, asked: asked(10), ..Trial::default() }.codes(),
        [""; 0]
    );
}

#[test]
fn a_required_path_has_to_be_in_the_context() {
    let files = [("a/x", "1"), ("b", "1")];
    let ask = |path: &str, ignore| {
        let asked = Asked { require: vec![path.as_bytes().to_vec()], ..Asked::default() };
        Trial { dockerfile: ALL, files: &files, asked, ignore, ..Trial::default() }.find()
    };
    for there in ["b", "./a/x", "a", "a/*"] {
        assert_eq!(ask(there, ""), [], "{there}");
    }
    assert_eq!(ask("c", "")[0].message, "`c` is required, and is not there");
    assert_eq!(ask("c/*", "")[0].rule.code, "required-path-missing");
    let hidden = ask("a/x", "# hides\na\n");
    assert_eq!(hidden[0].message, "`a/x` is required, and is hidden by line 2 of .dockerignore, `a`");
    assert_eq!(hidden[0].help[0].fix.as_ref().unwrap().edits[0].insert, ["!a/x"]);
    assert_eq!(hidden[0].help[0].fix.as_ref().unwrap().edits[0].line, 3);
}

#[test]
fn modes_of_no_fresh_checkout_are_told_with_the_steps_that_have_them() {
    let files = [("a", "1"), ("b", "1")];
    let dockerfile = "FROM scratch\nCOPY a /\n";
    let found = Trial { dockerfile, files: &files, odd_modes: true, ..Trial::default() }.one();
    assert_eq!(found.rule.code, "odd-modes");
    assert!(
        found.message.starts_with(
            "1 file has another mode than in a fresh checkout with umask 022 (1 0644 here, 0600 there)"
        ),
        "{}",
        found.message
    );
    assert_eq!(found.steps, ["[1/1] COPY a /"]);
    assert_eq!(Trial { dockerfile, files: &files, ..Trial::default() }.codes(), [""; 0]);
}

#[test]
fn names_of_other_systems_are_notes() {
    let files = [("README", "1"), ("readme", "1"), ("aux.c", "1")];
    assert_eq!(
        Trial { dockerfile: ALL, files: &files, ..Trial::default() }.codes(),
        ["names-clash", "name-not-portable"]
    );
    let foreign = [("node_modules/A", "1"), ("node_modules/a", "1")];
    let dockerfile = "FROM scratch\nCOPY node_modules /\n";
    assert_eq!(Trial { dockerfile, files: &foreign, ..Trial::default() }.codes(), [""; 0]);
}

#[test]
fn odd_entries_are_told_with_the_steps_that_take_them() {
    let dir = tempfile::tempdir().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("app.sock")).unwrap();
    let context = Context::load(dir.path(), None, &ContextOptions::default(), &Silent).unwrap();
    let parsed = Dockerfile::parse(ALL.as_bytes()).unwrap();
    let plan = Plan::resolve(&parsed, &PlanOptions::default(), &NoImages).unwrap();
    let ignore = IgnoreFacts { name: None, bytes: b"", reason: "", overridden: None, unread: None };
    let folder =
        FolderFacts { name: "context", path: ".".into(), context: &context, ignore, hidden: Vec::new() };
    let steps = steps(&plan, &context);
    let facts = Facts {
        dockerfile: "Dockerfile",
        plan: Some(&plan),
        folders: vec![folder],
        steps,
        ..Facts::default()
    };
    let mut found = Findings::default();
    find(&facts, &mut found);
    assert_eq!((found.0.len(), found.0[0].rule.code), (1, "socket"));
    assert_eq!(found.0[0].steps, ["[1/1] COPY . /app"]);
}

#[test]
fn every_rule_has_a_code_of_its_own_and_a_page() {
    let mut codes: Vec<&str> = RULES.iter().map(|r| r.code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), RULES.len());
    assert!(RULES.iter().all(|r| r.page.len() > 80 && !r.summary.ends_with('.')));
}
