//! Conversions on trees, compared with what the crate says, and with git itself.

use super::*;
use crate::context::MemoryTree;
use crate::entry::ContextPath;
use crate::ops::ignore::attribute::hiding_lines;
use crate::pattern::IgnoreFile;

fn tree(paths: &[&str]) -> MemoryTree {
    let path = |p: &str| ContextPath::new(p.as_bytes()).unwrap();
    paths.iter().fold(MemoryTree::new(), |tree, p| match p.strip_suffix('/') {
        Some(folder) => tree.dir(path(folder), 0o755),
        None => tree.file(path(p), 0o644, b"x"),
    })
}

fn file(folder: &str, text: &str) -> File {
    let name = format!("{folder}/.gitignore").trim_start_matches('/').as_bytes().to_vec();
    File { name, place: Place::Below(folder.as_bytes().to_vec()), lines: lines(text.as_bytes()) }
}

/// The conversion, and whether its lines hide what git ignores.
fn converted(files: &[File], paths: &[&str]) -> (Vec<String>, Converted) {
    let tree = tree(paths);
    let made = convert(files, tree.entries());
    let lines: Vec<String> = made.lines.iter().map(|(l, _)| l.clone()).collect();
    let hidden =
        hiding_lines(tree.entries(), &IgnoreFile::parse("i", (lines.join("\n") + "\n").as_bytes()).unwrap());
    let ignored = Judge::of(files).ignored(tree.entries());
    let same = tree
        .entries()
        .iter()
        .enumerate()
        .all(|(at, e)| e.stat.is_dir() || hidden[at].is_some() == ignored[at].is_some());
    assert_eq!(same, made.exact, "{lines:?}");
    (lines, made)
}

fn lines_of(text: &str, paths: &[&str]) -> Vec<String> {
    let (lines, made) = converted(&[file("", text)], paths);
    assert!(made.exact, "{lines:?} {:?}", made.remarks);
    lines
}

#[test]
fn the_usual_lines_are_converted_one_by_one() {
    let text = "# c\n*.log\n!keep.log\n/dist\nnode_modules/\ndoc/*.txt\na/**/z\n\\!odd\nx[!ab]\n";
    let paths = [
        "a.log",
        "keep.log",
        "dist/x",
        "s/dist/x",
        "s/node_modules/y",
        "doc/a.txt",
        "doc/b/a.txt",
        "a/b/z",
        "!odd",
        "xc",
        "xa",
    ];
    assert_eq!(
        lines_of(text, &paths),
        [
            "**/*.log",
            "!**/keep.log",
            "dist",
            "**/node_modules",
            "doc/*.txt",
            "a/**/z",
            "**/!odd",
            "**/x[^/ab]"
        ]
    );
}

#[test]
fn a_folder_rule_spares_files_of_that_name() {
    let (lines, made) = converted(&[file("", "build/\n")], &["build", "s/build/x"]);
    assert!(made.exact && lines == ["**/build/**"], "{lines:?}");
    assert!(made.remarks[0].contains("files of that name stay in view"), "{:?}", made.remarks);
    let (lines, made) = converted(&[file("", "build/\n")], &["s/build/x"]);
    assert!(made.exact && lines == ["**/build"], "{lines:?}");
    assert!(made.remarks[0].contains("git means folders alone"), "{:?}", made.remarks);
}

#[test]
fn nothing_comes_back_below_an_ignored_folder() {
    let (lines, made) = converted(&[file("", "build/\n!build/keep\n")], &["build/keep", "build/x"]);
    assert!(made.exact && lines == ["**/build", "!build/keep", "**/build/**"], "{lines:?}");
    assert!(made.remarks.iter().any(|r| r.contains("brings nothing back")), "{:?}", made.remarks);
}

#[test]
fn everything_but_some_files_is_converted() {
    let paths = ["a.c", "b.txt", "s/a.c", "s/b.txt"];
    assert_eq!(lines_of("*\n!*/\n!*.c\n", &paths), ["**/*", "!**/*.c"]);
    assert_eq!(lines_of("/*\n!/s\n", &paths), ["*", "!s"]);
    // Git looks at what a folder holds again, Moby does not.
    let lines = lines_of("*\n!s\n", &["s/a", "t/a"]);
    assert_eq!(lines[..2], ["**/*", "!**/s"]);
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[test]
fn inner_files_have_the_last_word_below_their_folder() {
    let files = [file("", "*.log\n"), file("s", "!*.log\n/x\n"), file("s/t", "*.log\n")];
    let (lines, made) = converted(&files, &["a.log", "s/a.log", "s/t/a.log", "s/x", "x", "s/t/x"]);
    assert!(made.exact, "{lines:?}");
    assert_eq!(lines, ["**/*.log", "!s/**/*.log", "s/x", "s/t/**/*.log"]);
}

#[test]
fn lines_that_match_nothing_are_told() {
    let (lines, made) = converted(&[file("", "a[\nb\n")], &["a", "b"]);
    assert!(lines == ["**/b"] && made.remarks[0].contains(".gitignore:1"), "{:?}", made.remarks);
}

const WORDS: &[&str] = &["a", "b", "c", "ab", "a.c", "b.c", "x y", "d", "e1", "build"];
const RULES: &[&str] = &[
    "a",
    "b",
    "*.c",
    "a/",
    "b/",
    "/a",
    "/b/",
    "a/b",
    "*/c",
    "**/d",
    "a/**",
    "a/**/c",
    "[a-b]",
    "[!a]",
    "?",
    "*",
    "*/",
    "/*",
    "ab*",
    "x\\ y",
    "x y",
    "build/",
    "b?",
    "e[0-9]",
    "/a/*",
    "**/a/b",
    "a/*/",
    "d/**/a.c",
    "[[:digit:]]*",
    "*.[ch]",
];

fn random_files(rng: &mut fastrand::Rng) -> (Vec<File>, Vec<String>) {
    let mut paths: Vec<String> = Vec::new();
    let mut folders = vec![String::new()];
    for _ in 0..rng.usize(1..25) {
        let folder = folders[rng.usize(..folders.len())].clone();
        let path = format!("{folder}{}", WORDS[rng.usize(..WORDS.len())]);
        if paths.iter().any(|p| p.trim_end_matches('/') == path) {
            continue;
        }
        if rng.bool() {
            folders.push(format!("{path}/"));
            paths.push(format!("{path}/"));
        } else {
            paths.push(path);
        }
    }
    let mut text = || -> String {
        let line = |rng: &mut fastrand::Rng| {
            let bang = if rng.u8(..3) == 0 { "!" } else { "" };
            format!("{bang}{}\n", RULES[rng.usize(..RULES.len())])
        };
        (0..rng.usize(1..6)).map(|_| line(rng)).collect()
    };
    let mut files = vec![file("", &text())];
    for folder in folders.iter().skip(1).take(2) {
        files.push(file(folder.trim_end_matches('/'), &text()));
    }
    files.sort_by_key(|f| f.name.iter().filter(|b| **b == b'/').count());
    (files, paths)
}

#[test]
fn random_files_on_random_trees_are_converted_exactly() {
    for seed in 0..3_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (files, paths) = random_files(&mut rng);
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let (lines, made) = converted(&files, &paths);
        assert!(made.exact, "seed {seed}: {files:?} on {paths:?} gave {lines:?}: {:?}", made.remarks);
    }
}

#[test]
fn git_itself_agrees() {
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(1_000_000 + seed);
        let (files, paths) = random_files(&mut rng);
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for path in paths.iter().filter(|p| p.ends_with('/')) {
            std::fs::create_dir_all(root.join(path)).unwrap();
        }
        for path in paths.iter().filter(|p| !p.ends_with('/')) {
            std::fs::write(root.join(path), "x").unwrap();
        }
        for file in &files {
            std::fs::write(root.join(std::ffi::OsStr::from_bytes(&file.name)), file.lines.join("\n"))
                .unwrap();
        }
        let git = |args: &[&str]| {
            let mut command = std::process::Command::new("git");
            command.current_dir(root).args(["-c", "core.excludesFile=/dev/null"]).args(args);
            command.output().expect("git runs")
        };
        assert!(git(&["init", "-q"]).status.success());
        let said = git(&["ls-files", "-z", "--others", "--ignored", "--exclude-standard"]).stdout;
        let ignored: std::collections::BTreeSet<Vec<u8>> =
            said.split(|b| *b == 0).filter(|p| !p.is_empty()).map(<[u8]>::to_vec).collect();
        let refs: Vec<&str> = paths.iter().map(String::as_str).collect();
        let tree = tree(&refs);
        let made = convert(&files, tree.entries());
        let text: String = made.lines.iter().map(|(l, _)| format!("{l}\n")).collect();
        let hidden = hiding_lines(tree.entries(), &IgnoreFile::parse("i", text.as_bytes()).unwrap());
        for (at, entry) in tree.entries().iter().enumerate().filter(|(_, e)| !e.stat.is_dir()) {
            assert_eq!(
                hidden[at].is_some(),
                ignored.contains(entry.path.as_bytes()),
                "seed {seed}: {} by {files:?} as {text:?}",
                entry.path
            );
        }
    }
}
