//! One question for each room on the way from a folder to keys, on a tree of 10,000 small files (39 MB).

use std::hint::black_box;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use stowaway::cache::{self, Inputs};
use stowaway::context::{Context, ContextOptions};
use stowaway::digest::{Request, hash_files};
use stowaway::entry::{FileType, Source as _};
use stowaway::observer::Silent;
use stowaway::pattern::IgnoreFile;
use stowaway::plan::{
    CopyAction, FileAction, FileActionKind, Graph, LocalSource, Op, Plan, Source, Vertex, VertexId,
};

mod data;

const TREE: data::Small = data::Small { files: 10_000, per_folder: 12, largest: 7_800 };

/// Patterns of the kind that projects have: names at any depth, endings, a way back.
const IGNORE: &[u8] =
    b"**/__pycache__/\n**/*.pyc\n**/node_modules\n**/.git\n*.log\nbuild\n!build/keep\n**/docs/**/*.md\n";

fn main() {
    divan::main();
}

fn load(ignore: Option<&[u8]>) -> Context {
    let ignore = ignore.map(|bytes| IgnoreFile::parse(".dockerignore", bytes).expect("well-formed patterns"));
    Context::load(&TREE.folder(), ignore, &ContextOptions::default(), &Silent).expect("the tree can be read")
}

#[divan::bench(args = [1, 0])]
fn walk(bencher: Bencher<'_, '_>, threads: usize) {
    let folder = TREE.folder();
    let options = ContextOptions { threads, ..ContextOptions::default() };
    bencher
        .counter(ItemsCount::new(TREE.files))
        .bench(|| Context::load(black_box(&folder), None, &options, &Silent).expect("the tree can be read"));
}

#[divan::bench]
fn walk_with_patterns(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(TREE.files)).bench(|| load(Some(IGNORE)));
}

#[divan::bench]
fn match_paths(bencher: Bencher<'_, '_>) {
    let context = load(None);
    let file = IgnoreFile::parse(".dockerignore", IGNORE).expect("well-formed patterns");
    bencher.counter(ItemsCount::new(context.entries().len())).bench(|| {
        let ignored =
            |e: &&stowaway::entry::Entry| file.matcher().matches_or_parent(e.path.as_bytes()) == Ok(true);
        context.entries().iter().filter(ignored).count()
    });
}

#[divan::bench(args = ["sha256", "blake3", "both"])]
fn hash(bencher: Bencher<'_, '_>, which: &str) {
    let context = load(None);
    let files: Vec<usize> = (0..context.entries().len())
        .filter(|i| context.entries()[*i].stat.file_type == FileType::File)
        .collect();
    let request = Request { headed: false, sha256: which != "blake3", blake3: which != "sha256" };
    bencher
        .counter(BytesCount::new(context.counts().bytes))
        .bench(|| hash_files(&context, black_box(&files), request, &Silent));
}

#[divan::bench]
fn content_hash_of_everything(bencher: Bencher<'_, '_>) {
    let context = load(None);
    let plan = copy_everything();
    let view = context.view(&[]).expect("the tree can be read");
    bencher.counter(BytesCount::new(context.counts().bytes)).bench(|| {
        let mut inputs = Inputs::new();
        inputs.add(&everything(), &view);
        cache::keys(black_box(&plan), &inputs, &Silent).expect("the files can be read")
    });
}

fn everything() -> LocalSource {
    LocalSource { name: "context".into(), follow_paths: Vec::new() }
}

/// `FROM scratch`, `COPY . /`.
fn copy_everything() -> Plan {
    let copy = CopyAction {
        src: "/".into(),
        dest: "/".into(),
        owner: None,
        mode: -1,
        mode_str: String::new(),
        follow_symlink: true,
        dir_copy_contents: true,
        attempt_unpack: false,
        create_dest_path: true,
        allow_wildcard: true,
        allow_empty_wildcard: true,
        timestamp: -1,
        include_patterns: Vec::new(),
        exclude_patterns: Vec::new(),
        required_paths: Vec::new(),
        always_replace: false,
    };
    let action = FileAction { input: -1, secondary: 0, output: 0, kind: FileActionKind::Copy(copy) };
    let vertex = |op, inputs| Vertex {
        op,
        inputs,
        platform: stowaway::image::Platform::default(),
        open: Vec::new(),
        paths_open: false,
    };
    let vertices = vec![
        vertex(Op::Source(Source::Local(everything())), vec![]),
        vertex(Op::File(vec![action]), vec![VertexId(0)]),
    ];
    Plan {
        graph: Graph { vertices },
        target: Some(VertexId(1)),
        target_name: "0".into(),
        image: stowaway::plan::TargetImage::default(),
        steps: Vec::new(),
        errors: Vec::new(),
        warnings: Vec::new(),
        lints: Vec::new(),
        versions: stowaway::buildkit::Versions::default(),
    }
}
