//! What is handed on during a walk is what the finished context lists, on random trees with random ignore files and any number
//! of threads; and the walk keeps its head when the tree doesn't.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::sync::Mutex;

use fastrand::Rng;

use super::filter::Filter;
use super::sieve::Sieve;
use super::*;
use crate::observer::{Event, Silent};
use crate::pattern::Matcher;

const NAMES: [&str; 9] = ["a", "b", "ab", "a-b", "a.b", "c.md", "d.rs", "é", "node_modules"];
const LINES: [&str; 17] = [
    "a",
    "!a",
    "a/b",
    "!a/b",
    "**/b",
    "!**/b",
    "*.md",
    "!c.md",
    "**/*.rs",
    "!**/d.rs",
    "a*",
    "!a/*/b",
    "*",
    "!*/a-b/**",
    "node_modules",
    "!node_modules/a/b",
    "a/**",
];

/// A tree of some dozens of files, folders, links, second names and pipes.
fn random_tree(rng: &mut Rng) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut folders = vec![dir.path().to_path_buf()];
    let mut files = Vec::new();
    for _ in 0..rng.usize(1..60) {
        let path = folders[rng.usize(..folders.len())].join(NAMES[rng.usize(..NAMES.len())]);
        if path.symlink_metadata().is_ok() {
            continue;
        }
        match rng.u8(..10) {
            0..4 => {
                fs::create_dir(&path).unwrap();
                folders.push(path);
            }
            4 if !files.is_empty() => fs::hard_link(&files[rng.usize(..files.len())], path).unwrap(),
            5 => std::os::unix::fs::symlink("a/b", path).unwrap(),
            6 => super::tests::make_fifo(&path),
            _ => {
                fs::write(&path, "x".repeat(rng.usize(..9))).unwrap();
                files.push(path);
            }
        }
    }
    dir
}

fn random_ignore(rng: &mut Rng) -> Option<String> {
    let lines: Vec<&str> = (0..rng.usize(..5)).map(|_| LINES[rng.usize(..LINES.len())]).collect();
    rng.u8(..8).checked_sub(1).map(|_| lines.join("\n"))
}

fn ignore(text: Option<&str>) -> Option<IgnoreFile> {
    text.map(|text| IgnoreFile::parse(".dockerignore", text.as_bytes()).unwrap())
}

/// The finished context, what was handed on, and in how many blocks.
fn stream(root: &Path, text: Option<&str>, threads: usize) -> (Context, Vec<Entry>, usize) {
    let options = ContextOptions { threads, ..ContextOptions::default() };
    let (mut handed, mut blocks) = (Vec::new(), 0);
    let context = Context::load_streaming(root, ignore(text), &options, &Silent, &mut |streamed| {
        if let Streamed::Entries(entries) = streamed {
            blocks += 1;
            handed.extend_from_slice(entries);
        }
        ControlFlow::Continue(())
    });
    (context.unwrap(), handed, blocks)
}

#[test]
fn what_is_handed_on_is_what_the_context_lists_whoever_walks() {
    let mut rng = Rng::with_seed(7);
    for round in 0..120 {
        let dir = random_tree(&mut rng);
        let text = random_ignore(&mut rng);
        let everything = Context::load(dir.path(), None, &ContextOptions::default(), &Silent).unwrap();
        let judge = everything.filtered(ignore(text.as_deref())).unwrap();
        for threads in [0, 1, 2, 5] {
            let (context, handed, _) = stream(dir.path(), text.as_deref(), threads);
            let case = format!("round {round}, {text:?}, {threads} threads");
            assert_eq!(handed, context.entries, "{case}");
            assert_eq!(context.entries, judge.entries, "{case}");
            assert_eq!(context.only_parents, judge.only_parents, "{case}");
            assert_eq!(context.warnings, judge.warnings, "{case}");
            assert_eq!(context.counts, judge.counts, "{case}");
            assert_eq!(context.hidden().unwrap(), judge.hidden().unwrap(), "{case}");
            assert_eq!(context.hidden().unwrap(), context.ignored(false).unwrap(), "{case}");
            assert_eq!(context.inodes.len(), context.entries.len(), "{case}");
        }
    }
}

/// What a walk with both lists hands on, in portions of three entries.
fn asked(root: &Path, include: &Matcher, exclude: &Matcher, threads: usize, ahead: usize) -> Vec<Entry> {
    let sieve = Sieve::new(Some(Filter::include(include)), Some(Filter::exclude(exclude)));
    let options = ContextOptions { threads, ..ContextOptions::default() };
    let portions = disk::Portions { entries: 3, ahead };
    let mut handed = Vec::new();
    disk::walk(root, &sieve, &options, &Silent, portions, &mut |next| {
        match next {
            disk::Handed::Entries(entries) => handed.extend(entries),
            disk::Handed::Problem(problem) => panic!("{problem}"),
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    handed
}

#[test]
fn a_walk_for_some_paths_brings_what_a_view_of_everything_has() {
    let mut rng = Rng::with_seed(11);
    for round in 0..120 {
        let dir = random_tree(&mut rng);
        let text = random_ignore(&mut rng).unwrap_or_default();
        let pick = |rng: &mut Rng| {
            ["a", "b", "a/b", "**/b", "*.md", "a*/*", "c.md"][rng.usize(..7)].as_bytes().to_vec()
        };
        let paths: Vec<Vec<u8>> = (0..rng.usize(1..4)).map(|_| pick(&mut rng)).collect();
        let context =
            Context::load(dir.path(), ignore(Some(&text)), &ContextOptions::default(), &Silent).unwrap();
        let view = context.view(&paths).unwrap();
        let include = Matcher::new(view.include_patterns().unwrap()).unwrap();
        let exclude = ignore(Some(&text)).unwrap().into_matcher();
        let mut serial = Vec::new();
        let root = Folder::resolved(context.root.clone());
        Request::list_serially(&root, Some(&include), Some(&exclude), &mut |entry| {
            serial.push(entry);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(serial, view.entries(), "round {round} {text:?} {paths:?}");
        for (threads, ahead) in [(1, usize::MAX), (3, usize::MAX), (1, 4), (4, 0)] {
            let handed = asked(&context.root, &include, &exclude, threads, ahead);
            assert_eq!(handed, view.entries(), "round {round} {text:?} {paths:?} {threads} {ahead}");
        }
    }
}

#[test]
fn a_walk_for_one_file_looks_into_no_other_folder() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..40 {
        fs::create_dir_all(dir.path().join(format!("d{i}/e"))).unwrap();
    }
    fs::write(dir.path().join("d7/e/file"), "").unwrap();
    let matcher = Matcher::new(&["d7/e/file"]).unwrap();
    let seen = Seen::default();
    let sieve = Sieve::new(Some(Filter::include(&matcher)), None);
    let portions = disk::Portions { entries: 100, ahead: 100 };
    let mut handed = Vec::new();
    let take = &mut |next| {
        if let disk::Handed::Entries(entries) = next {
            handed.extend(entries.iter().map(|e| e.path.to_string()));
        }
        ControlFlow::Continue(())
    };
    disk::walk(dir.path(), &sieve, &ContextOptions::default(), &seen, portions, take).unwrap();
    assert_eq!(handed, ["d7", "d7/e", "d7/e/file"]);
    assert_eq!(*seen.0.lock().unwrap(), 42);
}

#[derive(Default)]
struct Seen(Mutex<u64>);

impl Observer for Seen {
    fn event(&self, event: Event) {
        if let Event::Walked(count) = event {
            *self.0.lock().unwrap() += count;
        }
    }
}

#[test]
fn large_folders_come_in_blocks_of_some_hundred() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..3000 {
        fs::write(dir.path().join(format!("f{i}")), "").unwrap();
    }
    let (context, handed, blocks) = stream(dir.path(), None, 2);
    assert_eq!((handed.len(), blocks), (3000, 3000_usize.div_ceil(disk::PORTION)));
    assert_eq!(handed, context.entries);
}

#[test]
fn who_wants_no_more_gets_no_more() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..2000 {
        fs::write(dir.path().join(format!("f{i}")), "").unwrap();
    }
    for threads in [1, 4] {
        let mut blocks = 0;
        let options = ContextOptions { threads, ..ContextOptions::default() };
        let context = Context::load_streaming(dir.path(), None, &options, &Silent, &mut |_| {
            blocks += 1;
            ControlFlow::Break(())
        });
        assert!(matches!(context, Err(ContextError::Stopped)));
        assert_eq!(blocks, 1);
    }
}

#[test]
fn many_folders_on_the_way_down_need_few_open_ones() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = BTreeSet::new();
    let mut folder = String::new();
    for _ in 0..120 {
        for name in ["a", "b", "m", "x", "y"] {
            let path = format!("{folder}{name}");
            fs::create_dir(dir.path().join(&path)).unwrap();
            expected.insert(ContextPath::new(path.into_bytes()).unwrap());
        }
        folder.push_str("m/");
    }
    for threads in [1, 6] {
        let (_, handed, _) = stream(dir.path(), None, threads);
        assert!(handed.iter().map(|e| &e.path).eq(expected.iter()), "{threads} threads");
    }
}

#[test]
fn a_folder_that_goes_away_meanwhile_is_listed_empty_and_told() {
    struct Remover(std::path::PathBuf);
    impl Observer for Remover {
        fn event(&self, event: Event) {
            if let Event::Walked(1..) = event {
                let _ = fs::remove_dir_all(&self.0);
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a")).unwrap();
    fs::create_dir_all(dir.path().join("z/in")).unwrap();
    for i in 0..600 {
        fs::write(dir.path().join(format!("a/{i}")), "").unwrap();
    }
    let options = ContextOptions { threads: 1, ..ContextOptions::default() };
    let context = Context::load(dir.path(), None, &options, &Remover(dir.path().join("z"))).unwrap();
    assert_eq!(context.entries().len(), 602);
    let warnings: Vec<_> = context.warnings().iter().map(|w| (&w.path[..], w.code)).collect();
    assert_eq!(warnings, [(&b"z"[..], WarningCode::Vanished)]);
    assert!(context.check().is_ok());
}

#[test]
fn a_problem_is_told_in_its_place_and_nothing_after_it() {
    use rustix::fs::{Mode, OFlags, mkdirat, open, openat};
    let dir = tempfile::tempdir().unwrap();
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    fs::write(dir.path().join("a"), "").unwrap();
    fs::write(dir.path().join("z"), "").unwrap();
    let mut folder = open(dir.path(), flags, Mode::empty()).unwrap();
    let name = "n".repeat(255);
    for _ in 0..20 {
        mkdirat(&folder, &name, Mode::RWXU).unwrap();
        folder = openat(&folder, &name, flags, Mode::empty()).unwrap();
    }
    for threads in [1, 3] {
        let mut told = Vec::new();
        let options = ContextOptions { threads, ..ContextOptions::default() };
        let context = Context::load_streaming(dir.path(), None, &options, &Silent, &mut |streamed| {
            match streamed {
                Streamed::Entries(entries) => told.extend(entries.iter().map(|e| e.path.to_string())),
                Streamed::Problem(problem) => told.push(problem.to_string()),
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(told.pop(), Some(context.check().unwrap_err().to_string()));
        let listed: Vec<String> = context.entries().iter().map(|e| e.path.to_string()).collect();
        assert_eq!(listed.last().map(String::as_str), Some("z"));
        assert_eq!(told, listed[..listed.len() - 1]);
    }
}

#[test]
fn names_of_any_bytes_and_the_greatest_length_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let names: BTreeSet<Vec<u8>> =
        (1..=255).filter(|b| *b != b'/').map(|b| [vec![b], vec![b'n'; 254]].concat()).collect();
    for name in &names {
        fs::write(dir.path().join(OsStr::from_bytes(name)), "").unwrap();
    }
    let (_, handed, _) = stream(dir.path(), None, 2);
    assert!(handed.iter().map(|e| e.path.as_bytes()).eq(names.iter().map(Vec::as_slice)));
}
