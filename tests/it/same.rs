//! The same tree gives the same answer, however it came to be and however many threads look at it.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use crate::support::cli;
use crate::support::entry::set_mtime;
use crate::support::generate::{Abilities, Build};
use crate::support::tree::{Kind, Tree};

/// `plan` and `ls` of a context, with this many threads.
fn answers(context: &Path, threads: &str) -> Vec<(i32, Vec<u8>)> {
    let ask = |args: &[&str]| {
        let run = cli::run(cli::command().current_dir(context).env("RAYON_NUM_THREADS", threads).args(args));
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        (run.code, run.stdout)
    };
    vec![
        ask(&["plan", "--format", "json"]),
        ask(&["ls", "--format", "json", "--hash", "sha256"]),
        ask(&["ls", "--all"]),
    ]
}

fn write(build: &Build, tree: &Tree, dir: &Path) {
    tree.write(dir);
    fs::write(dir.join("Dockerfile"), build.dockerfile_text()).expect("writing the Dockerfile");
    fs::write(dir.join(".dockerignore"), build.ignore.join("\n")).expect("writing the ignore file");
}

/// The same entries in another order. Hard links stay behind the file that they name.
fn reversed(tree: &Tree) -> Tree {
    let is_hard = |l: &&crate::support::tree::Line| matches!(l.kind, Kind::Hard { .. });
    let others = tree.lines.iter().rev().filter(|l| !is_hard(l));
    Tree { lines: others.chain(tree.lines.iter().filter(is_hard)).cloned().collect() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_thread_and_many_give_the_same_answers(seed in 0_u64..1_000_000) {
        let build = Build::from_seed(seed, Abilities::ALL);
        let dir = tempfile::tempdir().expect("a temporary folder");
        write(&build, &build.tree, dir.path());
        prop_assert_eq!(answers(dir.path(), "1"), answers(dir.path(), "8"), "{}", build);
    }

    #[test]
    fn order_of_creation_and_times_do_not_count(seed in 0_u64..1_000_000) {
        let build = Build::from_seed(seed, Abilities::ALL);
        let (a, b) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        write(&build, &build.tree, a.path());
        write(&build, &reversed(&build.tree), b.path());
        for line in &build.tree.lines {
            use std::os::unix::ffi::OsStrExt;
            set_mtime(&b.path().join(std::ffi::OsStr::from_bytes(&line.path)), 1_000_000_007);
        }
        prop_assert_eq!(answers(a.path(), "4"), answers(b.path(), "4"), "{}", build);
    }
}

/// The fast way is what people run: all threads, an index that knows every file. The slow way reads everything, one file after the
/// other.
#[test]
fn the_fast_way_and_the_slow_way_give_the_same_plan() {
    let folders: Vec<(Build, tempfile::TempDir)> = (0..40)
        .map(|seed| {
            let build = Build::from_seed(seed, Abilities::ALL);
            let dir = tempfile::tempdir().expect("a folder");
            write(&build, &build.tree, dir.path());
            (build, dir)
        })
        .collect();
    let plan = |dir: &Path, threads: &str, more: &[&std::ffi::OsStr]| {
        let mut command = cli::command();
        command.current_dir(dir).env("RAYON_NUM_THREADS", threads).args(["plan", "--format", "json"]);
        let run = cli::run(command.args(more));
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        (run.code, run.stdout)
    };
    // What was written just now isn't remembered.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let indexes = tempfile::tempdir().expect("a folder");
    let index: [&std::ffi::OsStr; 2] = ["--index".as_ref(), indexes.path().as_os_str()];
    for (build, dir) in &folders {
        let slow = plan(dir.path(), "1", &["--no-index".as_ref()]);
        assert_eq!(plan(dir.path(), "4", &index), slow, "with an index to fill: {build}");
        assert_eq!(plan(dir.path(), "4", &index), slow, "with an index that knows: {build}");
    }
}
