//! The walk alone: many small folders, one large folder, a deep tree, an ignore file that hides nearly everything, a request for
//! one file. The trees are seeded, so that every run has the same ones. `STOWAWAY_BENCH_LARGE=1` adds 100,000 small files.

use std::fs;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::PathBuf;

use divan::Bencher;
use divan::counter::ItemsCount;
use stowaway::context::{Context, ContextOptions, Folder, Request, Streamed};
use stowaway::observer::Silent;
use stowaway::pattern::IgnoreFile;

mod data;

const SMALL: data::Small = data::Small { files: 10_000, per_folder: 12, largest: 7_800 };
/// As the bench of plans has it.
const LARGE: data::Small = data::Small { files: 100_000, per_folder: 12, largest: 8_000 };
/// Files of the one large folder.
const FLAT: usize = 100_000;
/// Folders of the deep tree, one in the other, each with two files.
const DEEP: usize = 1_000;

fn main() {
    divan::main();
}

fn load(folder: &std::path::Path, ignore: Option<&str>, threads: usize) -> Context {
    let ignore = ignore.map(|text| IgnoreFile::parse(".dockerignore", text.as_bytes()).expect("patterns"));
    let options = ContextOptions { threads, ..ContextOptions::default() };
    Context::load(folder, ignore, &options, &Silent).expect("the tree can be read")
}

fn bench_load(bencher: Bencher<'_, '_>, folder: PathBuf, items: usize, threads: usize) {
    bencher.counter(ItemsCount::new(items)).bench(|| load(black_box(&folder), None, threads));
}

#[divan::bench(args = [1, 0])]
fn small_folders(bencher: Bencher<'_, '_>, threads: usize) {
    bench_load(bencher, SMALL.folder(), SMALL.files, threads);
}

#[divan::bench(args = [1, 0])]
fn large_tree(bencher: Bencher<'_, '_>, threads: usize) {
    if std::env::var_os("STOWAWAY_BENCH_LARGE").is_some() {
        bench_load(bencher, LARGE.folder(), LARGE.files, threads);
    }
}

#[divan::bench(args = [1, 0])]
fn one_large_folder(bencher: Bencher<'_, '_>, threads: usize) {
    let folder = data::made(&format!("flat-{FLAT}"), |dir| {
        let mut rng = fastrand::Rng::with_seed(43);
        for i in 0..FLAT {
            let name: String = (0..rng.usize(1..20)).map(|_| rng.alphanumeric()).collect();
            fs::write(dir.join(format!("{name}-{i}")), "").expect("writing a file");
        }
    });
    bench_load(bencher, folder, FLAT, threads);
}

#[divan::bench(args = [1, 0])]
fn deep_tree(bencher: Bencher<'_, '_>, threads: usize) {
    let folder = data::made(&format!("deep-{DEEP}"), |dir| {
        let mut folder = dir.to_path_buf();
        for _ in 0..DEEP {
            folder.push("d");
            fs::create_dir(&folder).expect("making a folder");
            for name in ["a", "z"] {
                fs::write(folder.join(name), name).expect("writing a file");
            }
        }
    });
    bench_load(bencher, folder, DEEP * 3, threads);
}

/// What is left is a hundredth; the time should be that of walking it alone.
#[divan::bench]
fn nearly_everything_is_hidden(bencher: Bencher<'_, '_>) {
    let folder = SMALL.folder();
    bencher.bench(|| load(black_box(&folder), Some("p*\n!p7\n"), 0));
}

/// The first block of a listing that is handed on while the walk goes on.
#[divan::bench]
fn first_block(bencher: Bencher<'_, '_>) {
    let folder = SMALL.folder();
    bencher.bench(|| {
        let mut blocks = 0;
        let take = &mut |_: Streamed<'_>| {
            blocks += 1;
            ControlFlow::Break(())
        };
        let stopped =
            Context::load_streaming(black_box(&folder), None, &ContextOptions::default(), &Silent, take);
        assert!(stopped.is_err() && blocks == 1);
    });
}

/// What an engine asks for before anything else.
#[divan::bench]
fn request_for_one_file(bencher: Bencher<'_, '_>) {
    let tree = Folder::find(&SMALL.folder()).expect("a folder that can be resolved").expect("a folder");
    let request = Request { follow_paths: vec![b".dockerignore".to_vec()], ..Request::default() };
    bencher.bench(|| request.list(black_box(&tree), &mut |_| ControlFlow::Continue(())));
}
