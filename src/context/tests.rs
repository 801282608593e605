//! The room as a whole: recorded answers of BuildKit's client code, and a slow walk that judges the fast one.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::*;
use crate::observer::Silent;
use crate::pattern::{Info, Matcher};

fn load(root: &Path, ignore: &str) -> Context {
    let file = IgnoreFile::parse(".dockerignore", ignore.as_bytes()).unwrap();
    Context::load(root, Some(file), &ContextOptions::default(), &Silent).unwrap()
}

fn paths(source: &dyn Source) -> Vec<String> {
    source.entries().iter().map(|e| e.path.to_string()).collect()
}

fn write(root: &Path, files: &[&str]) {
    for file in files {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, *file).unwrap();
    }
}

fn tree(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), files);
    dir
}

fn bytes(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

/// One tree, one ignore file, one request, and what fsutil sends; all paths in base64.
#[derive(Deserialize)]
struct Row {
    /// Type, path, then: mode of a file or folder (and the file's size), text of a link, first name of a hard link.
    tree: Vec<Vec<serde_json::Value>>,
    ignore: String,
    follow: Vec<String>,
    error: Option<String>,
    /// Path, link or hard link, size.
    #[serde(default)]
    sent: Vec<(String, String, u64)>,
}

fn materialise(root: &Path, entry: &[serde_json::Value]) {
    let field = |i: usize| entry.get(i).and_then(|v| v.as_str()).unwrap_or_default();
    let at = |path: &str| root.join(OsStr::from_bytes(&bytes(path)));
    let path = at(field(1));
    let set_mode = || {
        let mode = u32::from_str_radix(field(2), 8).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    match field(0) {
        "dir" => {
            fs::create_dir(&path).unwrap();
            set_mode();
        }
        "file" => {
            fs::write(&path, vec![b'x'; entry[3].as_u64().unwrap() as usize]).unwrap();
            set_mode();
        }
        "link" => symlink(OsStr::from_bytes(&bytes(field(2))), path).unwrap(),
        "hard" => fs::hard_link(at(field(2)), path).unwrap(),
        "fifo" => make_fifo(&path),
        "socket" => drop(std::os::unix::net::UnixListener::bind(path).unwrap()),
        other => panic!("type {other}"),
    }
}

pub(super) fn make_fifo(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

fn rows() -> impl Iterator<Item = (usize, Row, tempfile::TempDir)> {
    let text = include_str!("../../fixtures/client/views.jsonl");
    text.lines().enumerate().map(|(i, line)| {
        let row: Row = serde_json::from_str(line).unwrap();
        let dir = tempfile::tempdir().unwrap();
        row.tree.iter().for_each(|entry| materialise(dir.path(), entry));
        (i + 1, row, dir)
    })
}

fn load_row(row: &Row, dir: &tempfile::TempDir) -> Context {
    let ignore = IgnoreFile::parse(".dockerignore", &bytes(&row.ignore)).unwrap();
    Context::load(dir.path(), Some(ignore), &ContextOptions::default(), &Silent).unwrap()
}

#[test]
fn recorded_requests_bring_what_fsutil_sends() {
    for (number, row, dir) in rows() {
        let context = load_row(&row, &dir);
        let follow: Vec<Vec<u8>> = row.follow.iter().map(|p| bytes(p)).collect();
        let view = context.view(&follow);
        assert_eq!(view.as_ref().err().map(ToString::to_string), row.error, "row {number}");
        let Ok(view) = view else { continue };
        let link = |e: &Entry| match &e.hardlink {
            Some(first) => STANDARD.encode(first.as_bytes()),
            None => STANDARD.encode(e.stat.linkname()),
        };
        let sent: Vec<_> = view
            .entries()
            .iter()
            .map(|e| (STANDARD.encode(e.path.as_bytes()), link(e), e.stat.size))
            .collect();
        assert_eq!(sent, row.sent, "row {number}");
    }
}

#[test]
fn what_is_not_sent_is_explained() {
    for (number, row, dir) in rows().filter(|(_, row, _)| row.follow.is_empty() && row.error.is_none()) {
        let context = load_row(&row, &dir);
        for entry in &row.tree {
            let path = bytes(entry[1].as_str().unwrap());
            let verdict = context.explain(&path).unwrap();
            let sent = matches!(verdict.state, PathState::Sent | PathState::SentAsParent);
            assert_eq!(sent, context.get(&path).is_some(), "row {number} {path:?}");
            assert!(sent || verdict.state == PathState::Ignored, "row {number} {verdict:?}");
            let ignored = verdict.cause.as_ref().is_some_and(|c| !c.negated);
            assert_eq!(ignored, verdict.state != PathState::Sent, "row {number} {verdict:?}");
        }
    }
}

#[test]
fn the_list_of_the_ignored_is_what_is_not_sent() {
    for (number, row, dir) in rows().filter(|(_, row, _)| row.error.is_none()) {
        let context = load_row(&row, &dir);
        let mut all: Vec<Vec<u8>> = row.tree.iter().map(|e| bytes(e[1].as_str().unwrap())).collect();
        all.retain(|path| context.get(path).is_none());
        all.sort_by(|a, b| ContextPath::compare(a, b));
        let ignored = context.ignored(true).unwrap();
        let listed: Vec<Vec<u8>> = ignored.iter().map(|i| i.path.as_bytes().to_vec()).collect();
        assert_eq!(listed, all, "row {number}");
        assert_eq!(context.ignored(false).unwrap().len() as u64, context.counts().ignored, "row {number}");
        assert_eq!(context.hidden().unwrap(), context.ignored(false).unwrap(), "row {number}");
    }
}

/// fsutil's walk with an exclude list, said as plainly as possible.
fn slow_walk(
    root: &Path,
    folder: &str,
    matcher: &Matcher,
    parent: Option<&Info>,
    out: &mut Vec<(String, bool)>,
) {
    let mut names: Vec<_> =
        fs::read_dir(root.join(folder)).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    for name in names {
        let name = name.to_str().unwrap();
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let (hidden, info) = matcher.matches_with_parent(path.as_bytes(), parent).unwrap();
        let is_dir = fs::symlink_metadata(root.join(&path)).unwrap().is_dir();
        let before = out.len();
        out.push((path.clone(), hidden));
        if is_dir {
            slow_walk(root, &path, matcher, Some(&info), out);
        }
        if hidden && out[before..].iter().all(|(_, hidden)| *hidden) {
            out.truncate(before);
        }
    }
}

#[test]
fn the_parallel_walk_finds_what_a_plain_one_finds() {
    let mut files = Vec::new();
    for (a, b, c) in (0..6).flat_map(|a| (0..6).flat_map(move |b| (0..6).map(move |c| (a, b, c)))) {
        files.push(format!("d{a}/e{b}/f{c}.{}", ["md", "rs", "py"][c % 3]));
    }
    let dir = tree(&files.iter().map(String::as_str).collect::<Vec<_>>());
    // Every list has an exception with a wildcard, so that BuildKit enters all folders, too.
    for ignore in [
        "!**/nothing*",
        "d1\n!d1/e*/f2.py",
        "**/*.md\n!d2/**/*.md\nd2/e3",
        "*\n!d*/e4/*.rs",
        "d?/e[1-3]\n!**/f0.md",
    ] {
        let mut slow = Vec::new();
        slow_walk(dir.path(), "", load(dir.path(), ignore).ignore_file().unwrap().matcher(), None, &mut slow);
        let slow: Vec<String> = slow.into_iter().map(|(path, _)| path).collect();
        for threads in [1, 4] {
            let file = IgnoreFile::parse("i", ignore.as_bytes()).unwrap();
            let context = Context::load(
                dir.path(),
                Some(file),
                &ContextOptions { threads, ..ContextOptions::default() },
                &Silent,
            )
            .unwrap();
            assert_eq!(paths(&context), slow, "{ignore:?} with {threads} threads");
        }
    }
}

#[test]
fn a_folder_of_many_entries_is_shared_out_and_listed_whole() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..5000 {
        std::fs::write(dir.path().join(format!("f{i}")), "x".repeat(i % 7)).unwrap();
    }
    for i in 0..3 {
        std::fs::create_dir(dir.path().join(format!("f1{i}d"))).unwrap();
        std::fs::write(dir.path().join(format!("f1{i}d/in")), "").unwrap();
    }
    symlink("f1", dir.path().join("link")).unwrap();
    let loaded = |threads| {
        let options = ContextOptions { threads, ..ContextOptions::default() };
        Context::load(dir.path(), None, &options, &Silent).unwrap()
    };
    let mut names: Vec<String> = (0..5000).map(|i| format!("f{i}")).collect();
    names.extend((0..3).flat_map(|i| [format!("f1{i}d"), format!("f1{i}d/in")]));
    names.push("link".to_owned());
    names.sort_by(|a, b| ContextPath::compare(a.as_bytes(), b.as_bytes()));
    for threads in [1, 3, 8] {
        let context = loaded(threads);
        assert_eq!(paths(&context), names, "{threads} threads");
        for entry in context.entries() {
            let asked = Stats::default().read(&context.on_disk(entry.path.as_bytes())).unwrap();
            assert_eq!(entry.stat, asked, "{}", entry.path);
        }
    }
}

#[test]
fn a_path_that_is_too_long_for_the_kernel_is_a_problem_where_a_client_has_one() {
    use rustix::fs::{Mode, OFlags, mkdirat, open, openat};
    let dir = tempfile::tempdir().unwrap();
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let mut folder = open(dir.path(), flags, Mode::empty()).unwrap();
    let name = "n".repeat(250);
    for _ in 0..20 {
        mkdirat(&folder, &name, Mode::RWXU).unwrap();
        folder = openat(&folder, &name, flags, Mode::empty()).unwrap();
    }
    let context = Context::load(dir.path(), None, &ContextOptions::default(), &Silent).unwrap();
    let root = dir.path().canonicalize().unwrap().as_os_str().len();
    // The NUL at the end counts, too.
    let listed = (1..20).take_while(|depth| root + depth * 251 < 4096).count();
    assert_eq!(context.entries().len(), listed);
    let problems: Vec<String> = context.problems().map(|p| p.to_string()).collect();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("File name too long"), "{problems:?}");
}

#[test]
fn a_folder_is_sent_for_what_is_in_it() {
    let dir = tree(&["docs/a/keep", "docs/b", "docs/c/x", "src/m"]);
    let context = load(dir.path(), "docs\n!docs/a/keep\n");
    assert_eq!(paths(&context), ["docs", "docs/a", "docs/a/keep", "src", "src/m"]);
    assert_eq!((context.counts().ignored, context.counts().hidden_folders), (2, 1));
    assert_eq!(context.explain(b"docs").unwrap().state, PathState::SentAsParent);
    assert_eq!(paths(&context.view(&[b"docs".to_vec()]).unwrap()), ["docs", "docs/a", "docs/a/keep"]);
}

#[test]
fn a_verdict_names_file_line_and_folder() {
    let dir = tree(&["a/b/c.yml", "a/keep.yml", "x"]);
    symlink("a", dir.path().join("l")).unwrap();
    let context = load(dir.path(), "# comment\n*.md\n\na/b/\n**/*.yml\n!a/keep.yml\n");
    let verdict = context.explain(b"/a/./b/c.yml").unwrap();
    let cause = verdict.cause.unwrap();
    assert_eq!((verdict.state, cause.ignore_file.as_str()), (PathState::Ignored, ".dockerignore"));
    assert_eq!((cause.line, cause.text.as_str(), cause.pattern.as_str()), (4, "a/b/", "a/b"));
    assert_eq!((cause.at, cause.not_entered), (b"a/b".to_vec(), Some(b"a/b".to_vec())));
    let kept = context.explain(b"a/keep.yml").unwrap();
    assert_eq!((kept.state, kept.cause.unwrap().line), (PathState::Sent, 6));
    let state = |path: &[u8]| context.explain(path).unwrap().state;
    assert_eq!(state(b"nope"), PathState::Missing);
    assert_eq!(state(b"x/y"), PathState::Missing);
    assert_eq!(state(b"../x"), PathState::Outside);
    assert_eq!(state(b"."), PathState::Sent);
    assert_eq!(state(b"l/keep.yml"), PathState::ThroughLink { link: b"l".to_vec(), target: b"a".to_vec() });
}

#[test]
fn hard_links_point_at_the_first_name_that_is_sent() {
    let dir = tree(&["a", "z"]);
    fs::hard_link(dir.path().join("a"), dir.path().join("b")).unwrap();
    fs::hard_link(dir.path().join("a"), dir.path().join("c")).unwrap();
    let link = |source: &dyn Source, i: usize| source.entries()[i].hardlink.as_ref().map(ToString::to_string);
    let context = load(dir.path(), "");
    assert_eq!((link(&context, 0), link(&context, 2)), (None, Some("a".into())));
    let hidden = load(dir.path(), "a");
    assert_eq!((link(&hidden, 0), link(&hidden, 1)), (None, Some("b".into())));
    let view = context.view(&[b"b".to_vec(), b"c".to_vec()]).unwrap();
    assert_eq!((link(&view, 0), link(&view, 1)), (None, Some("b".into())));
    assert_eq!((context.counts().files, context.counts().bytes), (4, 2));
}

#[test]
fn sockets_and_pipes_are_listed_with_a_warning_and_read_as_nothing() {
    let dir = tree(&["a"]);
    drop(std::os::unix::net::UnixListener::bind(dir.path().join("s")).unwrap());
    make_fifo(&dir.path().join("p"));
    fs::write(dir.path().join(OsStr::from_bytes(b"\xff")), "").unwrap();
    let context = load(dir.path(), "");
    let codes: Vec<_> = context.warnings().iter().map(|w| (w.path.clone(), w.code)).collect();
    assert_eq!(
        codes,
        [
            (b"p".to_vec(), WarningCode::Fifo),
            (b"s".to_vec(), WarningCode::Socket),
            (b"\xff".to_vec(), WarningCode::NameNotUtf8)
        ]
    );
    for name in [b"p", b"s"] {
        let mut content = Vec::new();
        context.open(context.get(name).unwrap()).unwrap().read_to_end(&mut content).unwrap();
        assert!(content.is_empty());
    }
    assert!(load(dir.path(), "p\ns\n?").warnings().is_empty());
}

#[test]
fn a_file_that_goes_away_is_an_error_and_one_that_changes_is_noticed() {
    let dir = tree(&["a", "b"]);
    let context = load(dir.path(), "");
    let (a, b) = (context.get(b"a").unwrap(), context.get(b"b").unwrap());
    assert!(!context.changed(a).unwrap());
    fs::write(dir.path().join("a"), "longer than before").unwrap();
    assert!(context.changed(a).unwrap());
    fs::remove_file(dir.path().join("b")).unwrap();
    assert_eq!(context.open(b).err().unwrap().kind(), io::ErrorKind::NotFound);
    fs::remove_file(dir.path().join("a")).unwrap();
    symlink("/etc/hostname", dir.path().join("a")).unwrap();
    assert!(context.file(a).is_err() && context.changed(a).unwrap());
}

#[test]
fn the_context_may_be_a_link_but_not_a_file_and_not_missing() {
    let dir = tree(&["real/x", "file"]);
    symlink("real", dir.path().join("link")).unwrap();
    assert_eq!(paths(&load(&dir.path().join("link"), "")), ["x"]);
    let error = |name: &str| {
        Context::load(&dir.path().join(name), None, &ContextOptions::default(), &Silent).unwrap_err()
    };
    assert!(matches!(error("file"), ContextError::NotADirectory { .. }));
    assert!(matches!(error("none"), ContextError::Root { .. }));
}

#[test]
fn paths_that_are_no_patterns_fail_with_the_engines_words() {
    let dir = tree(&["a[", "b"]);
    let context = load(dir.path(), "");
    let message = |path: &[u8]| context.view(&[path.to_vec()]).unwrap_err().engine_message();
    assert_eq!(
        message(b"a[").unwrap(),
        "rpc error: code = Unknown desc = invalid includepatterns: [a[]: syntax error in pattern"
    );
    assert!(message(b"a\tb").unwrap().contains("header key \"followpaths\""));
    assert_eq!(
        context.view(&[b"b[z-a]*".to_vec()]).unwrap_err().to_string(),
        "failed to match includepatterns: syntax error in pattern"
    );
}

#[test]
fn an_uncompilable_ignore_pattern_fails_only_where_it_is_tested() {
    let dir = tree(&["a/x", "b/y"]);
    let context = load(dir.path(), "a\nb*[z-a]\n");
    assert!(context.check().is_err());
    assert_eq!(paths(&context.view(&[b"a/x".to_vec()]).unwrap()), Vec::<String>::new());
    assert!(context.view(&[b"b/y".to_vec()]).is_err());
}

#[test]
fn near_paths_are_proposed() {
    let dir = tree(&["config/app.yaml", "config/other", "src/Main.rs", "lib/settings.toml"]);
    let context = load(dir.path(), "");
    let near = |path: &str| context.near(path.as_bytes()).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(near("config/app.yml"), ["config/app.yaml"]);
    assert_eq!(near("/settings.toml"), ["lib/settings.toml"]);
    assert_eq!(near("confg"), ["config"]);
    assert_eq!(context.same_but_for_case(b"/SRC/main.RS").unwrap().as_bytes(), b"src/Main.rs");
    assert_eq!(context.same_but_for_case(b"src/main"), None);
    assert_eq!(context.children(b"config").count(), 2);
}

#[test]
fn a_listing_is_seen_as_the_folder_that_it_stands_for() {
    let files = ["a", "docs/x.md", "docs/keep/y.md", "src/main.rs", "src/deep/er/z", "b-c", "b/c"];
    let dir = tree(&files);
    symlink("src/deep", dir.path().join("way")).unwrap();
    let mut memory = MemoryTree::new();
    for file in files {
        memory = memory.file(ContextPath::new(file.as_bytes()).unwrap(), 0o644, file.as_bytes());
    }
    memory = memory.link(ContextPath::new(&b"way"[..]).unwrap(), b"src/deep");
    let listed = Listed::new(std::sync::Arc::new(memory));
    for ignore in ["", "docs\n!docs/keep\n", "**/*.md\n", "*\n!src/*/er\n", "docs/**\nsrc\n"] {
        let file = || Some(IgnoreFile::parse(".dockerignore", ignore.as_bytes()).unwrap());
        let disk = load(dir.path(), ignore);
        let memory = Context::of(dir.path(), listed.clone(), file(), &Silent).unwrap();
        assert_eq!(paths(&memory), paths(&disk), "{ignore:?}");
        assert_eq!(memory.counts().ignored, disk.counts().ignored, "{ignore:?}");
        for follow in [vec![], vec![b"way/er".to_vec()], vec![b"s*".to_vec(), b"a".to_vec()]] {
            let seen = (paths(&memory.view(&follow).unwrap()), paths(&disk.view(&follow).unwrap()));
            assert_eq!(seen.0, seen.1, "{ignore:?} {follow:?}");
        }
        for path in ["a", "docs", "docs/x.md", "docs/keep/y.md", "way/er", "none"] {
            assert_eq!(
                memory.explain(path.as_bytes()).unwrap(),
                disk.explain(path.as_bytes()).unwrap(),
                "{path}"
            );
        }
        assert_eq!(memory.ignored(true).unwrap(), disk.ignored(true).unwrap(), "{ignore:?}");
        assert_eq!(memory.hidden().unwrap(), disk.ignored(false).unwrap(), "{ignore:?}");
    }
}
