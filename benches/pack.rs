//! Packing beside the tools that people use: 100,000 small files (390 MB), and 2 GB in eight files, to a pipe that another
//! program empties, and to a file.
//!
//! Each bench is one archive from the walk to the last byte; those of `stowaway` are made in this process, with a walk each.
//! Tools that aren't installed are left out. `cargo bench --bench pack -- --sample-count 7`.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use divan::Bencher;
use stowaway::context::{Context, ContextOptions};
use stowaway::digest::Algorithm;
use stowaway::observer::Silent;
use stowaway::pack::{self, Compression, Options, Sink, Summary};

mod data;

const SMALL: data::Small = data::Small { files: 100_000, per_folder: 12, largest: 7_800 };

fn main() {
    divan::main();
}

/// Eight files of 256 MiB.
fn large() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("large-8-268435456");
    let marker = dir.with_extension("complete");
    if !marker.exists() {
        std::fs::create_dir_all(&dir).expect("making a folder");
        let mut rng = fastrand::Rng::with_seed(43);
        let mut block = vec![0; 1 << 20];
        for i in 0..8 {
            let mut file = File::create(dir.join(format!("f{i}"))).expect("making a file");
            for _ in 0..256 {
                rng.fill(&mut block[..1 << 19]);
                file.write_all(&block).expect("writing a file");
            }
        }
        std::fs::write(&marker, "").expect("writing the marker");
    }
    dir
}

fn folder(which: &str) -> PathBuf {
    if which == "small" { SMALL.folder() } else { large() }
}

const DATA: [&str; 2] = ["small", "large"];

fn archive(folder: &Path, options: &Options<'_>, sink: Sink<'_>) -> Summary {
    let context =
        Context::load(folder, None, &ContextOptions::default(), &Silent).expect("the tree can be read");
    pack::write(&context, options, sink, &Silent).expect("the tree can be packed")
}

/// Packs into `cat > /dev/null`.
fn to_pipe(folder: &Path, options: &Options<'_>) -> Summary {
    let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat runs");
    let pipe = cat.stdin.take().expect("a pipe");
    let summary = archive(folder, options, Sink::Descriptor(pipe.as_fd()));
    drop(pipe);
    assert!(cat.wait().expect("cat ends").success());
    summary
}

fn shell(folder: &Path, line: &str) {
    let status = Command::new("sh").arg("-c").arg(line).current_dir(folder).status().expect("sh runs");
    assert!(status.success(), "{line}");
}

fn is_there(tool: &str) -> bool {
    Command::new(tool).arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// One line of a shell, when its tool is there.
fn peer(bencher: Bencher<'_, '_>, which: &str, tool: &str, line: &str) {
    let folder = folder(which);
    if is_there(tool) {
        bencher.bench(|| shell(&folder, line));
    }
}

#[divan::bench(args = DATA)]
fn pipe(bencher: Bencher<'_, '_>, which: &str) {
    let folder = folder(which);
    bencher.bench(|| to_pipe(&folder, &Options::default()));
}

#[divan::bench(args = DATA)]
fn pipe_with_sha256(bencher: Bencher<'_, '_>, which: &str) {
    let folder = folder(which);
    bencher.bench(|| to_pipe(&folder, &Options { digest: Some(Algorithm::Sha256), ..Options::default() }));
}

#[divan::bench(args = DATA)]
fn pipe_with_blake3(bencher: Bencher<'_, '_>, which: &str) {
    let folder = folder(which);
    bencher.bench(|| to_pipe(&folder, &Options { digest: Some(Algorithm::Blake3), ..Options::default() }));
}

#[divan::bench(args = DATA)]
fn pipe_zstd(bencher: Bencher<'_, '_>, which: &str) {
    let folder = folder(which);
    bencher.bench(|| to_pipe(&folder, &Options { compression: Compression::Zstd(3), ..Options::default() }));
}

#[divan::bench(args = DATA)]
fn file(bencher: Bencher<'_, '_>, which: &str) {
    let folder = folder(which);
    bencher.bench(|| {
        let file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("making a file");
        archive(&folder, &Options::default(), Sink::Descriptor(file.as_fd()))
    });
}

#[divan::bench(args = DATA)]
fn gnu_tar_pipe(bencher: Bencher<'_, '_>, which: &str) {
    peer(bencher, which, "tar", "tar -c . | cat > /dev/null");
}

#[divan::bench(args = DATA)]
fn gnu_tar_pipe_zstd(bencher: Bencher<'_, '_>, which: &str) {
    peer(bencher, which, "zstd", "tar -c . | zstd -q -3 -T0 | cat > /dev/null");
}

#[divan::bench(args = DATA)]
fn bsdtar_pipe(bencher: Bencher<'_, '_>, which: &str) {
    peer(bencher, which, "bsdtar", "bsdtar -cf - . | cat > /dev/null");
}
