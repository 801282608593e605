//! Core functions on fixed, small inputs, for `benches/instructions`, which counts their instructions: a regression shows without
//! a clock.
//!
//! `instructions CASE REPETITIONS` works; without arguments the cases are listed. Two runs that differ by one repetition differ by what
//! one costs, preparations left out.

use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use stowaway::cache::{self, Inputs};
use stowaway::context::{Context, ContextOptions, Listed, MemoryTree};
use stowaway::digest::{Request, hash_files};
use stowaway::dockerfile::Dockerfile;
use stowaway::entry::{ContextPath, FileType, Source as _};
use stowaway::image::ImageStore;
use stowaway::observer::Silent;
use stowaway::pack::{self, Sink};
use stowaway::pattern::IgnoreFile;
use stowaway::plan::{Op, Plan, PlanOptions, Source};

/// Does its work so many times.
type Case = fn(usize);

const CASES: &[(&str, Case)] = &[
    ("parse-ignore-file", parse_ignore_file),
    ("match-paths", match_paths),
    ("filter-listing", filter_listing),
    ("walk", walk),
    ("parse-dockerfile", parse_dockerfile),
    ("plan", plan),
    ("hash", hash),
    ("keys", keys),
    ("pack", pack_to_nowhere),
];

/// Files of the tree in memory, and of that on disk.
const FILES: usize = 1_000;
const ON_DISK: usize = 200;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (name, repetitions) = (arguments.next(), arguments.next().and_then(|n| n.parse().ok()));
    match (name.and_then(|name| CASES.iter().find(|(n, _)| *n == name)), repetitions) {
        (Some((_, case)), Some(repetitions)) => case(repetitions),
        _ => {
            let names: String = CASES.iter().map(|(name, _)| format!("{name}\n")).collect();
            io::stdout().write_all(names.as_bytes()).expect("writing the names");
        }
    }
}

fn repeat<T>(times: usize, mut work: impl FnMut() -> T) {
    for _ in 0..times {
        black_box(work());
    }
}

/// Names, endings, folders at any depth, exceptions: 120 lines.
fn ignore_text() -> String {
    let mut text =
        String::from("**/__pycache__/\n**/*.pyc\n**/node_modules\n.git\n*.log\nbuild\n!build/keep\n");
    for i in 0..113 {
        text.push_str(&match i % 4 {
            0 => format!("p{i}/d{i}\n"),
            1 => format!("**/name-{i}\n"),
            2 => format!("docs/*/{i}-?.md\n"),
            _ => format!("**/*.ending{i}\n"),
        });
    }
    text
}

fn ignore_file() -> IgnoreFile {
    IgnoreFile::parse(".dockerignore", ignore_text().as_bytes()).expect("well-formed patterns")
}

fn path(i: usize) -> String {
    let extension = ["py", "pyc", "js", "txt"][i % 4];
    format!("p{}/d{}/f{i}.{extension}", i / 12 % 7, i / 12)
}

/// Small files; the tenth of them is of 10 kB.
fn tree() -> MemoryTree {
    (0..FILES).fold(MemoryTree::new(), |tree, i| {
        let content = vec![i as u8; if i % 10 == 0 { 10_000 } else { 100 + i }];
        tree.file(ContextPath::new(path(i).into_bytes()).expect("a path"), 0o644, &content)
    })
}

fn context(ignore: Option<IgnoreFile>, tree: &Arc<MemoryTree>) -> Context {
    Context::of(Path::new("/context"), Listed::new(tree.clone()), ignore, &Silent).expect("a listing")
}

fn parse_ignore_file(times: usize) {
    let text = ignore_text();
    repeat(times, || IgnoreFile::parse(".dockerignore", black_box(text.as_bytes())));
}

fn match_paths(times: usize) {
    let file = ignore_file();
    let paths: Vec<String> = (0..FILES).map(path).collect();
    repeat(times, || {
        let hidden = |p: &&String| file.matcher().matches_or_parent(black_box(p.as_bytes())) == Ok(true);
        paths.iter().filter(hidden).count()
    });
}

fn filter_listing(times: usize) {
    let tree = Arc::new(tree());
    repeat(times, || context(Some(ignore_file()), &tree));
}

fn walk(times: usize) {
    let dir = tempfile::tempdir().expect("a folder");
    for i in 0..ON_DISK {
        let file = dir.path().join(path(i));
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        std::fs::write(file, "").expect("a file");
    }
    let options = ContextOptions { threads: 1, ..ContextOptions::default() };
    repeat(times, || Context::load(dir.path(), Some(ignore_file()), &options, &Silent).expect("a listing"));
}

fn dockerfile_text() -> String {
    let mut text = String::from("# syntax=docker/dockerfile:1\nARG VERSION=1\n");
    for stage in 0..8 {
        text.push_str(&format!("FROM scratch AS s{stage}\nARG VERSION\nENV V=$VERSION PATH=/bin:$PATH\n"));
        for i in 0..6 {
            text.push_str(&format!("COPY --chown=1:1 p{i}/d* /to/${{VERSION}}/{i}/\n"));
        }
        text.push_str("RUN --mount=type=cache,target=/c echo one && \\\n    echo two\n");
        if stage > 0 {
            text.push_str(&format!("COPY --from=s{} /to /from\n", stage - 1));
        }
    }
    text
}

fn parse_dockerfile(times: usize) {
    let text = dockerfile_text();
    repeat(times, || Dockerfile::parse(black_box(text.as_bytes())).expect("a Dockerfile"));
}

fn resolved(text: &str) -> Plan {
    let file = Dockerfile::parse(text.as_bytes()).expect("a Dockerfile");
    Plan::resolve(&file, &PlanOptions::default(), &ImageStore::new()).expect("a plan")
}

fn plan(times: usize) {
    let file = Dockerfile::parse(dockerfile_text().as_bytes()).expect("a Dockerfile");
    repeat(times, || Plan::resolve(&file, &PlanOptions::default(), &ImageStore::new()).expect("a plan"));
}

fn hash(times: usize) {
    let tree = tree();
    let is_file = |i: &usize| tree.entries()[*i].stat.file_type == FileType::File;
    let files: Vec<usize> = (0..tree.entries().len()).filter(is_file).collect();
    let request = Request { headed: false, sha256: true, blake3: true };
    repeat(times, || hash_files(&tree, black_box(&files), request, &Silent));
}

fn keys(times: usize) {
    let context = context(None, &Arc::new(tree()));
    let plan = resolved("FROM scratch\nCOPY . /\nCOPY p1/d*/*.js /js/\n");
    let local = plan.graph.vertices.iter().find_map(|v| match &v.op {
        Op::Source(Source::Local(local)) => Some(local),
        _ => None,
    });
    let local = local.expect("a local source");
    let view = context.view(&local.follow_paths).expect("a view");
    repeat(times, || {
        let mut inputs = Inputs::new();
        inputs.add(local, &view);
        cache::keys(black_box(&plan), &inputs, &Silent).expect("keys")
    });
}

fn pack_to_nowhere(times: usize) {
    let tree = tree();
    repeat(times, || {
        let options = pack::Options::default();
        pack::write(&tree, &options, Sink::Writer(&mut io::sink()), &Silent).expect("a tar")
    });
}
