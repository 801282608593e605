//! The staircase: which room may import from which. Read upwards, this table is the design.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may import from, from the ground floor up. A room imports only from rooms above it in
/// this list.
const ARROWS: &[(&str, &[&str])] = &[
    ("entry", &[]),
    ("gopath", &[]),
    ("buildkit", &[]),
    ("observer", &[]),
    ("wording", &[]),
    ("litter", &[]),
    ("credentials", &[]),
    ("progress", &[]),
    ("engine", &["wording"]),
    ("log", &["progress"]),
    ("digest", &["entry", "observer"]),
    ("index", &["digest"]),
    ("pattern", &["gopath"]),
    ("dockerfile", &[]),
    ("project", &["gopath"]),
    ("image", &["digest"]),
    ("context", &["entry", "gopath", "index", "observer", "pattern"]),
    ("git", &["context", "entry", "gopath"]),
    ("pack", &["digest", "entry", "observer"]),
    ("session", &["context", "credentials", "entry", "observer", "pattern", "wording"]),
    ("plan", &["buildkit", "digest", "dockerfile", "gopath", "image", "pattern"]),
    (
        "cache",
        &["buildkit", "digest", "dockerfile", "entry", "gopath", "image", "observer", "pattern", "plan"],
    ),
    ("snapshot", &["buildkit", "cache", "digest", "entry"]),
    ("diff", &["cache", "digest", "entry", "gopath", "litter", "pattern", "snapshot", "wording"]),
    ("imported", &["cache", "credentials", "digest", "image"]),
    (
        "check",
        &[
            "context",
            "dockerfile",
            "entry",
            "gopath",
            "image",
            "litter",
            "observer",
            "pattern",
            "plan",
            "project",
            "wording",
        ],
    ),
    ("report", &["check", "diff", "digest", "entry", "wording"]),
    (
        "error",
        &[
            "cache", "context", "engine", "git", "image", "imported", "pack", "pattern", "plan", "snapshot",
            "wording",
        ],
    ),
    (
        "ops",
        &[
            "buildkit",
            "cache",
            "check",
            "context",
            "credentials",
            "diff",
            "digest",
            "dockerfile",
            "engine",
            "entry",
            "error",
            "git",
            "gopath",
            "image",
            "imported",
            "index",
            "litter",
            "log",
            "observer",
            "pack",
            "pattern",
            "plan",
            "progress",
            "project",
            "report",
            "session",
            "snapshot",
            "wording",
        ],
    ),
    (
        "cli",
        &[
            "buildkit", "check", "digest", "engine", "error", "image", "imported", "observer", "ops", "pack",
            "plan", "progress", "project", "report", "snapshot",
        ],
    ),
];

/// Files that belong to no room: the front door and the program.
const DOORS: &[&str] = &["lib.rs", "main.rs"];

#[test]
fn the_table_itself_runs_one_way() {
    let mut below = BTreeSet::new();
    for (room, imports) in ARROWS {
        for import in *imports {
            assert!(
                below.contains(import),
                "the table lets {room} import {import}, which does not stand above it there"
            );
        }
        assert!(below.insert(*room), "{room} stands twice in the table");
    }
}

#[test]
fn every_room_is_in_the_table_and_every_room_of_the_table_is_there() {
    let listed: BTreeSet<String> = ARROWS.iter().map(|(room, _)| (*room).to_owned()).collect();
    let there: BTreeSet<String> = rooms().into_keys().collect();
    let unlisted: Vec<_> = there.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&there).collect();
    assert!(unlisted.is_empty(), "rooms that are not in the table of tests/it/arrows.rs: {unlisted:?}");
    assert!(gone.is_empty(), "rooms of the table that are not in src/: {gone:?}");
}

#[test]
fn rooms_import_only_what_the_table_lists() {
    let mut bad = String::new();
    for (room, files) in rooms() {
        let allowed = allowed(&room);
        for file in files {
            for (line, import) in imports(&file) {
                if import != room && !allowed.contains(&import.as_str()) {
                    bad.push_str(&format!("{}:{line}: {room} imports from {import}\n", file.display()));
                }
            }
        }
    }
    assert!(bad.is_empty(), "imports that the table of tests/it/arrows.rs does not list:\n{bad}");
}

#[test]
fn every_arrow_of_the_table_is_used() {
    let mut unused = String::new();
    for (room, files) in rooms() {
        let used: BTreeSet<String> =
            files.iter().flat_map(|f| imports(f)).map(|(_, import)| import).collect();
        for import in allowed(&room).iter().filter(|i| !used.contains(**i)) {
            unused.push_str(&format!("{room} imports nothing from {import}\n"));
        }
    }
    assert!(unused.is_empty(), "arrows of the table that nothing uses:\n{unused}");
}

fn allowed(room: &str) -> &'static [&'static str] {
    ARROWS.iter().find(|(name, _)| *name == room).map_or(&[], |(_, imports)| imports)
}

/// Each room with its files.
fn rooms() -> BTreeMap<String, Vec<PathBuf>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut rooms: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for path in list(&src) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            rooms.entry(name).or_default().extend(rust_files(&path));
        } else if !DOORS.contains(&name.as_str()) {
            let room = name.strip_suffix(".rs").unwrap_or_else(|| panic!("not Rust: src/{name}"));
            rooms.entry(room.to_owned()).or_default().push(path);
        }
    }
    rooms
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let deeper = |p: PathBuf| if p.is_dir() { rust_files(&p) } else { vec![p] };
    list(dir).into_iter().flat_map(deeper).filter(|p| p.extension().is_some_and(|e| e == "rs")).collect()
}

fn list(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(dir).expect("a folder").map(|f| f.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// The rooms that a file names as `crate::room`, with the line: also those in braces, `crate::{room, other::Thing}`.
fn imports(file: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(file).expect("source text");
    imports_of(&without_comments(&text))
}

fn imports_of(text: &str) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    for (at, start) in text.match_indices("crate::") {
        let own_word =
            text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '$');
        if !own_word {
            continue;
        }
        let line = text[..at].matches('\n').count() + 1;
        let rest = &text[at + start.len()..];
        let names = rest.strip_prefix('{').map_or_else(|| vec![first_word(rest)], first_words_in_braces);
        out.extend(names.into_iter().map(|name| (line, name)));
    }
    out
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// `room, other::{A, B}, third}` → room, other, third.
fn first_words_in_braces(text: &str) -> Vec<String> {
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            _ if depth == 0 => parts.last_mut().expect("never empty").push(c),
            _ => {}
        }
    }
    parts.iter().map(|p| first_word(p)).filter(|w| !w.is_empty()).collect()
}

/// Blanks out line comments, so that the documentation may point anywhere.
fn without_comments(text: &str) -> String {
    let code = |line: &str| if line.trim_start().starts_with("//") { String::new() } else { line.to_owned() };
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

#[test]
fn imports_are_found_in_every_spelling() {
    let text = "use crate::entry::Stat;\nuse crate::{digest, plan::{Op, Graph}, image::Image};\n\
                // crate::cli is a comment\nlet x = crate::gopath::clean(p);\nlet y = my_crate::cli;";
    let found: Vec<String> =
        imports_of(&without_comments(text)).into_iter().map(|(l, n)| format!("{l} {n}")).collect();
    assert_eq!(found, ["1 entry", "2 digest", "2 plan", "2 image", "4 gopath"]);
}
