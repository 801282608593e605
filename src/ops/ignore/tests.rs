//! The verb on small contexts.

use std::fs;
use std::path::Path;

use super::*;
use crate::observer::Silent;

/// A context with these files.
fn context(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn run(dir: &Path, options: &IgnoreOptions) -> IgnoreReport {
    let request = Request { context: dir.to_owned(), ..Request::default() };
    ignore(&request, options, &Silent).unwrap()
}

fn propose(dir: &Path) -> IgnoreReport {
    run(dir, &IgnoreOptions::default())
}

fn lines(report: &IgnoreReport) -> Vec<(&str, &str)> {
    report.lines.iter().map(|l| (l.line.as_str(), l.kind.as_str())).collect()
}

#[test]
fn what_no_step_takes_is_proposed_and_moves_no_key() {
    let dir = context(&[
        ("Dockerfile", "FROM scratch\nCOPY src /src\n"),
        ("src/m", "m"),
        ("docs/a.md", "docs"),
        ("docs/b.md", "docs"),
    ]);
    let report = propose(dir.path());
    assert_eq!(lines(&report), [("docs", "unneeded")]);
    assert_eq!((report.saved.files, report.saved.bytes, report.changes.len()), (2, 8, 0));
    assert!(report.differs && report.written.is_none() && !dir.path().join(".dockerignore").exists());
}

#[test]
fn bind_mounts_and_add_take_files() {
    let dir = context(&[
        (
            "Dockerfile",
            "FROM alpine\nRUN --mount=type=bind,source=lib,target=/l true\nADD data /data\nRUN --mount=source=w,target=/w,rw true\n",
        ),
        ("lib/a", "1"),
        ("data/a", "2"),
        ("w/a", "3"),
        ("other/a", "4"),
    ]);
    // What a writable mount takes has no key, so that all that is sent for it counts.
    let report = propose(dir.path());
    assert!(report.lines.iter().all(|l| l.line == "other"), "{:?}", lines(&report));
    fs::write(
        dir.path().join("Dockerfile"),
        "FROM alpine\nRUN --mount=source=lib,target=/l true\nADD data /data\n",
    )
    .unwrap();
    let report = propose(dir.path());
    let mut names: Vec<&str> = report.lines.iter().map(|l| l.line.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["other", "w"]);
}

#[test]
fn litter_changes_the_keys_of_those_that_take_it_and_of_what_stands_on_them() {
    let dir = context(&[
        ("Dockerfile", "FROM alpine\nCOPY a /a\nCOPY . /all\nRUN make\n"),
        ("a", "1"),
        ("src/m.py", "m"),
        ("src/__pycache__/m.pyc", "junk"),
        ("lib/__pycache__/m.pyc", "junk"),
    ]);
    let report = propose(dir.path());
    // The new file would be taken by `COPY .` itself.
    assert_eq!(lines(&report), [("**/__pycache__", "litter"), (".dockerignore*", "unneeded")]);
    assert_eq!(report.lines[0].steps.iter().map(|s| s.line).collect::<Vec<_>>(), [3]);
    assert_eq!(report.changes.iter().map(|s| (s.line, s.own)).collect::<Vec<_>>(), [(3, true), (4, false)]);
}

#[test]
fn what_a_build_makes_itself_is_litter_only_where_it_does() {
    let files = |run: &str| {
        let file = format!("FROM node\nWORKDIR /a\nCOPY . .\nRUN {run}\n");
        context(&[
            ("Dockerfile", &file),
            ("package.json", "{}"),
            ("node_modules/x/i.js", "x"),
            (".git/HEAD", "ref"),
        ])
    };
    let of = |run: &str| {
        let report = propose(files(run).path());
        let mut lines: Vec<String> = report.lines.into_iter().map(|l| l.line).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(of("npm ci"), ["**/node_modules", ".dockerignore*", ".git"]);
    assert_eq!(of("node ."), [".dockerignore*", ".git"]);
    assert_eq!(of("npm ci && git describe > version"), ["**/node_modules", ".dockerignore*"]);
}

#[test]
fn every_build_that_reads_the_file_has_to_stay_right() {
    let dir = context(&[
        ("Dockerfile", "FROM scratch\nCOPY src /src\n"),
        ("other.Dockerfile", "FROM scratch AS dev\nCOPY tests /t\nFROM scratch\nCOPY docs /docs\n"),
        ("own.Dockerfile", "FROM scratch\nCOPY big /big\n"),
        ("own.Dockerfile.dockerignore", "x\n"),
        (
            "compose.yaml",
            "services:\n  s:\n    build:\n      context: .\n      dockerfile_inline: |\n        FROM scratch\n        COPY c /c\n",
        ),
        ("src/m", "m"),
        ("docs/m", "m"),
        ("tests/m", "m"),
        ("big/m", "m"),
        ("c/m", "m"),
    ]);
    let report = propose(dir.path());
    let names: Vec<&str> =
        report.lines.iter().map(|l| l.line.as_str()).filter(|l| *l != "compose.yaml").collect();
    assert_eq!(names, ["big"]);
    assert_eq!(report.aside.len(), 1, "{:?}", report.aside);
    assert!(report.builds.iter().any(|b| b.build.as_deref() == Some("target dev")), "{:?}", report.builds);
    let own = IgnoreOptions {
        dockerfiles: vec![DockerfileInput::Path(dir.path().join("own.Dockerfile"))],
        ..IgnoreOptions::default()
    };
    let report = run(dir.path(), &own);
    assert!(report.ignore_file.ends_with("own.Dockerfile.dockerignore"), "{}", report.ignore_file);
    assert!(report.lines.iter().all(|l| !l.line.starts_with("big")), "{:?}", lines(&report));
}

#[test]
fn paths_that_instructions_name_are_never_hidden_even_when_they_are_missing() {
    let dir = context(&[
        ("Dockerfile", "FROM scratch\nCOPY src /src\nCOPY dist/app /app\n"),
        ("src/m", "m"),
        ("dist/map", "m"),
    ]);
    let report = propose(dir.path());
    assert!(report.lines.iter().all(|l| l.line != "dist"), "{:?}", lines(&report));
    assert!(!report.builds[0].fails.is_empty());
}

#[test]
fn nothing_is_proposed_for_what_can_not_be_read() {
    let dir = context(&[("Dockerfile", "FROM scratch\nCOPPY a /\n"), ("docs/a", "a")]);
    let report = propose(dir.path());
    assert!(report.lines.is_empty() && !report.differs && report.remarks.len() == 1, "{:?}", report.remarks);
}

#[test]
fn a_second_run_changes_nothing_and_a_later_one_only_its_own_block() {
    let dir = context(&[
        ("Dockerfile", "FROM scratch\nCOPY src /src\n"),
        (".dockerignore", "*.log\r\n"),
        ("src/m", "m"),
        ("docs/a", "a"),
    ]);
    let write = IgnoreOptions { write: true, ..IgnoreOptions::default() };
    let first = run(dir.path(), &write);
    let written = first.written.unwrap();
    assert!(written.backup.unwrap().ends_with(".dockerignore.bak"));
    let file = || fs::read_to_string(dir.path().join(".dockerignore")).unwrap();
    assert_eq!(file(), "*.log\r\n# >>> stowaway ignore\r\ndocs\r\n# <<< stowaway ignore\r\n");
    let second = run(dir.path(), &write);
    assert_eq!((second.differs, second.written, second.kept), (false, None, vec!["docs".to_owned()]));
    fs::write(dir.path().join(".dockerignore"), file() + "mine\r\n").unwrap();
    fs::create_dir(dir.path().join("tests")).unwrap();
    fs::write(dir.path().join("tests/t"), "t").unwrap();
    let third = run(dir.path(), &write);
    assert!(third.written.unwrap().backup.unwrap().ends_with(".bak.1"));
    assert_eq!(
        file(),
        "*.log\r\n# >>> stowaway ignore\r\ndocs\r\ntests\r\n# <<< stowaway ignore\r\nmine\r\n"
    );
    // The Dockerfile takes what an earlier run hid: that line goes, the others stay.
    fs::write(dir.path().join("Dockerfile"), "FROM scratch\nCOPY src /src\nCOPY docs /docs\n").unwrap();
    let fourth = run(dir.path(), &write);
    assert_eq!((fourth.dropped, fourth.kept), (vec!["docs".to_owned()], vec!["tests".to_owned()]));
    assert_eq!(file(), "*.log\r\n# >>> stowaway ignore\r\ntests\r\n# <<< stowaway ignore\r\nmine\r\n");
}

#[test]
fn an_edited_file_is_tried_out() {
    let dir = context(&[
        ("Dockerfile", "FROM scratch\nCOPY src /src\nCOPY a.txt /\n"),
        (".dockerignore", "docs\n"),
        ("src/m", "m"),
        ("src/gen/x", "xx"),
        ("a.txt", "a"),
        ("docs/a", "aaa"),
    ]);
    let test = |text: &str| {
        let mode = IgnoreMode::Test { name: "new".into(), bytes: text.as_bytes().to_vec() };
        run(dir.path(), &IgnoreOptions { mode, ..IgnoreOptions::default() })
    };
    let report = test("src/gen\n");
    let (added, removed) = (report.added.unwrap(), report.removed.unwrap());
    assert_eq!((added.total.files, added.groups[0].path.0.as_slice()), (1, &b"docs"[..]));
    assert_eq!((removed.total.bytes, removed.groups[0].path.0.as_slice()), (2, &b"src/gen"[..]));
    assert_eq!(report.changes.iter().map(|s| (s.line, s.own)).collect::<Vec<_>>(), [(2, true), (3, false)]);
    assert!(report.failures.is_empty());
    let report = test("*.txt\n");
    assert_eq!(report.failures.iter().map(|f| f.line).collect::<Vec<_>>(), [Some(3)]);
    let report = test("a[\n");
    assert_eq!(report.failures[0].code, "ignore-file");
}

#[test]
fn gitignore_files_are_converted_and_written_to_a_block_of_their_own() {
    let dir = context(&[
        ("Dockerfile", "FROM scratch\nCOPY . /\n"),
        (".gitignore", "*.log\n!keep.log\nbuild/\n"),
        ("sub/.gitignore", "/gen\n"),
        ("a.log", ""),
        ("keep.log", ""),
        ("build/x", ""),
        ("sub/gen/x", ""),
        ("gen/x", ""),
    ]);
    let options = IgnoreOptions { mode: IgnoreMode::FromGitignore, write: true, ..IgnoreOptions::default() };
    let report = run(dir.path(), &options);
    assert_eq!(report.exact, Some(true));
    let file = fs::read_to_string(dir.path().join(".dockerignore")).unwrap();
    assert_eq!(
        file,
        "# >>> stowaway ignore --from-gitignore\n**/*.log\n!**/keep.log\n**/build\nsub/gen\n# <<< stowaway ignore --from-gitignore\n"
    );
    assert!(!run(dir.path(), &options).differs);
}
