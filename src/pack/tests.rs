//! Archives read back, compared over threads and sinks, and what happens when files change meanwhile.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::testing::{Tree, bytes, entry, everything};
use super::*;
use crate::digest::{Algorithm, Digest};
use crate::entry::{Entry, Extra, FileType, Source as _};
use crate::observer::{Event, Observer, Silent};

/// A member as the `tar` crate reads it.
#[derive(Debug, PartialEq, Clone)]
struct Member {
    name: Vec<u8>,
    kind: u8,
    mode: u32,
    mtime: u64,
    link: Vec<u8>,
    content: Vec<u8>,
}

fn read(archive: &[u8]) -> Vec<Member> {
    let mut archive = tar::Archive::new(archive);
    let members = archive.entries().unwrap().map(|member| {
        let mut member = member.unwrap();
        let header = member.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        assert_eq!((header.username_bytes(), header.groupname_bytes()), (Some(&b""[..]), Some(&b""[..])));
        let (kind, mode) = (header.entry_type().as_byte(), header.mode().unwrap());
        let (mtime, name) = (header.mtime().unwrap(), member.path_bytes().into_owned());
        let link = member.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
        let mut content = Vec::new();
        member.read_to_end(&mut content).unwrap();
        Member { name, kind, mode, mtime, link, content }
    });
    members.collect()
}

/// What an entry is to become.
fn expected(tree: &Tree, entry: &Entry) -> Member {
    let mut name = entry.path.as_bytes().to_vec();
    name.extend(entry.stat.is_dir().then_some(b'/'));
    let (kind, link) = match (&entry.hardlink, entry.stat.file_type) {
        (Some(first), _) => (b'1', first.as_bytes()),
        (None, FileType::File | FileType::Socket) => (b'0', &b""[..]),
        (None, FileType::Symlink) => (b'2', entry.stat.linkname()),
        (None, FileType::CharDevice) => (b'3', &b""[..]),
        (None, FileType::BlockDevice) => (b'4', &b""[..]),
        (None, FileType::Dir) => (b'5', &b""[..]),
        (None, FileType::Fifo) => (b'6', &b""[..]),
    };
    let is_file = entry.stat.file_type == FileType::File && entry.hardlink.is_none();
    let content = if is_file { tree.content(entry.path.as_bytes()).to_vec() } else { Vec::new() };
    Member { name, kind, mode: entry.stat.mode.into(), mtime: 0, link: link.to_vec(), content }
}

fn assert_round_trip(tree: &Tree, archive: &[u8]) {
    let want: Vec<Member> = tree.entries().iter().map(|e| expected(tree, e)).collect();
    let found = read(archive);
    assert_eq!(found.len(), want.len());
    for (found, want) in found.iter().zip(&want) {
        // Not one `assert_eq`, which would print contents of megabytes.
        assert!(found == want, "{:?}", String::from_utf8_lossy(&want.name));
    }
}

/// Files of all sizes at which something changes.
fn sizes() -> Tree {
    let edges = [512, 256 * 1024, 512 * 1024, 2 << 20];
    let around = edges.iter().flat_map(|edge| [edge - 1, *edge, edge + 1]);
    let sizes = [0, 1, 2, 1023, 1024, 1025, 3 * 512 * 1024 + 5, (9 << 20) + 77].into_iter().chain(around);
    let mut tree = Tree::default();
    for (i, size) in sizes.enumerate() {
        // Names out of the order of sizes, and small files between large ones.
        let number = (i * 7) % 20;
        tree = tree.file(format!("{number:02}-{size}").as_bytes(), &bytes(size));
        tree = tree.file(format!("{number:02}-small").as_bytes(), &bytes(i * 31));
    }
    tree
}

#[test]
fn one_of_everything_comes_back_from_the_archive() {
    let tree = everything();
    // The tar crate can't read records whose value has a line feed; verify can, see there.
    let tree = tree.change(b"attributes", |e| e.stat.extra = None);
    let (archive, summary) = tree.pack(&Options::default());
    assert_round_trip(&tree, &archive);
    let counts = (summary.files, summary.dirs, summary.symlinks, summary.special);
    assert_eq!(counts, (9, 3, 2, 3));
    assert_eq!(summary.bytes, (8 + 16 + 4 + 7 + 7 + 1) as u64);
    assert_eq!((summary.tar_bytes, summary.written), (archive.len() as u64, archive.len() as u64));
    assert_eq!((summary.digest, summary.tar_digest), (None, None));
    assert!(archive.len() % 512 == 0 && archive[archive.len() - 1024..].iter().all(|b| *b == 0));
    assert!(
        archive[archive.len() - 1536..archive.len() - 1024].iter().any(|b| *b != 0),
        "two zero blocks, no more"
    );
}

#[test]
fn contents_of_every_length_come_back_from_streams_and_files() {
    for tree in [sizes(), sizes().on_disk()] {
        let (archive, _) = tree.pack(&Options::default());
        assert_round_trip(&tree, &archive);
    }
}

#[test]
fn an_empty_listing_is_an_archive_without_members() {
    let (archive, summary) = Tree::default().pack(&Options::default());
    assert_eq!(archive, [0; 1024]);
    assert_eq!(summary, Summary { tar_bytes: 1024, written: 1024, ..Summary::default() });
}

/// The bytes in a file and behind a pipe.
fn into_descriptors(tree: &Tree, options: &Options<'_>) -> [Vec<u8>; 2] {
    let mut file = tempfile::tempfile().unwrap();
    write(tree, options, Sink::Descriptor(file.as_fd()), &Silent).unwrap();
    let mut filed = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut filed).unwrap();
    let (mut reader, writer) = io::pipe().unwrap();
    let piped = std::thread::scope(|scope| {
        let read = scope.spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            all
        });
        write(tree, options, Sink::Descriptor(writer.as_fd()), &Silent).unwrap();
        drop(writer);
        read.join().unwrap()
    });
    [filed, piped]
}

#[test]
fn threads_sinks_sources_and_digests_make_no_difference_to_the_bytes() {
    let trees = [sizes(), sizes().on_disk()];
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd(3)] {
        let options = Options { compression, threads: 1, ..Options::default() };
        let (reference, _) = trees[0].pack(&options);
        for tree in &trees {
            for (threads, digest) in
                [(1, None), (2, None), (5, Some(Algorithm::Sha256)), (3, Some(Algorithm::Blake3))]
            {
                let options = Options { threads, digest, ..options };
                assert!(tree.pack(&options).0 == reference, "{compression} {threads}");
                let [filed, piped] = into_descriptors(tree, &options);
                assert!(filed == reference, "{compression} {threads} into a file");
                assert!(piped == reference, "{compression} {threads} into a pipe");
            }
        }
    }
}

#[test]
fn compressed_archives_hold_the_same_archive_and_name_their_digests() {
    let tree = sizes();
    let (plain, _) = tree.pack(&Options::default());
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd(3), Compression::Zstd(9)] {
        let (archive, summary) =
            tree.pack(&Options { compression, digest: Some(Algorithm::Sha256), ..Options::default() });
        let mut unpacked = Vec::new();
        match compression {
            Compression::None => unpacked = archive.clone(),
            // One member: a reader that takes the first alone gets everything.
            Compression::Gzip => {
                let mut gzip = flate2::bufread::GzDecoder::new(&archive[..]);
                gzip.read_to_end(&mut unpacked).unwrap();
                assert!(gzip.into_inner().is_empty());
                assert_eq!(archive[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
            }
            Compression::Zstd(_) => unpacked = zstd::decode_all(&archive[..]).unwrap(),
        }
        assert!(unpacked == plain, "{compression}");
        assert_eq!((summary.written, summary.tar_bytes), (archive.len() as u64, plain.len() as u64));
        assert_eq!(summary.digest, Some(Digest::sha256(&archive)));
        assert_eq!(summary.tar_digest, Some(Digest::sha256(&plain)));
        assert!(
            compression == Compression::None || archive.len() < plain.len() / 2,
            "{compression}: {}",
            archive.len()
        );
    }
    let (_, summary) = tree.pack(&Options { digest: Some(Algorithm::Blake3), ..Options::default() });
    assert_eq!(summary.digest, Some(Digest::blake3(&plain)));
}

#[test]
fn incompressible_contents_survive_compression() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut noise = vec![0; (9 << 20) + 3];
    rng.fill(&mut noise);
    let tree = Tree::default().file(b"noise", &noise);
    let (gzip, _) = tree.pack(&Options { compression: Compression::Gzip, ..Options::default() });
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&gzip[..]).read_to_end(&mut unpacked).unwrap();
    assert_round_trip(&tree, &unpacked);
    let (zstd, _) = tree.pack(&Options { compression: Compression::Zstd(3), ..Options::default() });
    assert_round_trip(&tree, &zstd::decode_all(&zstd[..]).unwrap());
}

#[test]
fn the_bytes_of_a_small_tree_are_those_of_yesterday() {
    let digest = |options: &Options<'_>| Digest::sha256(everything().pack(options).0).to_string();
    let with = |compression| Options { compression, ..Options::default() };
    insta::assert_snapshot!(digest(&Options::default()), @"sha256:238201116c99d926a8586ec18b1ca07c6314208e059d77110539419f164c97a7");
    insta::assert_snapshot!(digest(&Options { mtime: Mtime::Fixed(1_700_000_000), ..Options::default() }), @"sha256:b4b8a6e85b52ab6ec06489f17bb43c72962694be20e85062b3dd95ac27b2a5db");
    insta::assert_snapshot!(digest(&with(Compression::Gzip)), @"sha256:7254849e16563a7e2ca4be42b1ef5b8b17d12078ef382c2eca9e7344621d2afe");
    insta::assert_snapshot!(digest(&with(Compression::Zstd(3))), @"sha256:588346710719c22da60efcb14c2d5aad5ce236962425a8d6e17f9100ad6070dd");
}

#[test]
fn names_and_link_targets_of_every_length_come_back() {
    let lengths = [1, 99, 100, 101, 154, 155, 156, 157, 254, 255, 256, 257, 1000, 4000];
    for folder in [0, 1, 99, 100, 101, 154, 155, 156, 255] {
        let mut tree = Tree::default();
        let below = |name: &[u8]| {
            if folder == 0 { name.to_vec() } else { [&vec![b'd'; folder][..], b"/", name].concat() }
        };
        if folder > 0 {
            tree = tree.dir(&vec![b'd'; folder]);
        }
        for length in lengths {
            tree = tree.file(&below(&vec![b'f'; length]), &bytes(length));
            tree = tree.link(&below(format!("s{length}").as_bytes()), &vec![b't'; length]);
            tree = tree.dir(&below(&vec![b'g'; length]));
        }
        for length in lengths {
            tree = tree.hard(&below(format!("z{length}").as_bytes()), &below(&vec![b'f'; length]));
        }
        let (archive, _) = tree.pack(&Options::default());
        assert_round_trip(&tree, &archive);
    }
}

/// The records of the only entry.
fn records(archive: &[u8]) -> String {
    assert_eq!(archive[156], b'x', "has records");
    let size = tar::Header::from_byte_slice(&archive[..512]).entry_size().unwrap() as usize;
    String::from_utf8_lossy(&archive[512..512 + size]).into_owned()
}

fn one(entry: Entry) -> Vec<u8> {
    let mut out = Vec::new();
    header::push(&mut out, &entry, &Options::default()).unwrap();
    out
}

#[test]
fn records_stand_only_where_ustar_cannot_say_it() {
    assert_eq!(one(entry(b"plain", FileType::File, 0o644)).len(), 512);
    assert_eq!(records(&one(entry("ä".as_bytes(), FileType::File, 0o644))), "11 path=ä\n");
    assert_eq!(records(&one(entry("ä".as_bytes(), FileType::Dir, 0o755))), "12 path=ä/\n");
    let bytes = records(&one(entry(b"\xff", FileType::File, 0o644)));
    assert_eq!(bytes, "21 hdrcharset=BINARY\n9 path=\u{fffd}\n", "names are bytes, said before the first");
    let link = Extra { linkname: b"\xfe".to_vec(), ..Extra::default() };
    let mut symlink = entry(b"l", FileType::Symlink, 0o777);
    symlink.stat.extra = Some(Box::new(link));
    assert_eq!(records(&one(symlink)), "21 hdrcharset=BINARY\n14 linkpath=\u{fffd}\n");
}

#[test]
fn files_from_eight_gibibytes_on_have_their_size_in_a_record() {
    let sized = |size| {
        let mut file = entry(b"f", FileType::File, 0o644);
        file.stat.size = size;
        one(file)
    };
    let last = sized((8 << 30) - 1);
    assert_eq!((last.len(), &last[124..136]), (512, &b"77777777777\0"[..]));
    let first = sized(8 << 30);
    assert_eq!(records(&first), "19 size=8589934592\n");
    assert_eq!(first[1024 + 124..1024 + 136], *b"00000000000\0");
    assert_eq!(records(&sized(u64::MAX)), "29 size=18446744073709551615\n");
}

#[test]
fn times_are_those_that_were_asked_for() {
    let tree = Tree::default().file(b"a", b"");
    let with = |mtime| tree.pack(&Options { mtime, ..Options::default() }).0;
    let seconds = |archive: &[u8]| read(archive)[0].mtime;
    assert_eq!(seconds(&with(Mtime::Zero)), 0);
    assert_eq!(seconds(&with(Mtime::Fixed(1_700_000_000))), 1_700_000_000);
    let listed = with(Mtime::Of(&|e| e.stat.mtime_ns));
    assert_eq!(records(&listed), "13 mtime=1.5\n");
    assert_eq!(with(Mtime::Of(&|_| 3_000_000_000))[156], b'0', "whole seconds need no record");
    assert_eq!(records(&with(Mtime::Fixed(-5))), "12 mtime=-5\n");
    assert_eq!(records(&with(Mtime::Of(&|_| -500_000_000))), "14 mtime=-0.5\n");
}

#[test]
fn modes_can_be_replaced() {
    let modes = |e: &Entry| if e.stat.is_dir() { 0o700 } else { 0o4600 };
    let (archive, _) = everything().pack(&Options { modes: Some(&modes), ..Options::default() });
    let blocks: Vec<&[u8]> =
        archive.chunks(512).filter(|b| b[257..262] == *b"ustar" && b[156] != b'x').collect();
    let mode = |b: &[u8]| String::from_utf8_lossy(&b[100..107]).into_owned();
    assert_eq!(blocks.len(), everything().entries().len());
    assert!(blocks.iter().all(|b| mode(b) == if b[156] == b'5' { "0000700" } else { "0004600" }));
}

#[test]
fn what_no_tar_can_hold_is_refused_by_name() {
    let nul = Tree::default().file(b"a\0b", b"");
    assert!(nul.fails(&Options::default()).to_string().contains("a tar can't hold a NUL in a name"));
    let xattrs = vec![(b"user.much".to_vec(), vec![0; 1 << 20])];
    let much = Tree::default().special(b"f", FileType::Fifo, Extra { xattrs, ..Extra::default() });
    assert!(much.fails(&Options::default()).to_string().contains("packing f: a tar can't hold so many"));
}

/// A way to pack; what a fault says must not depend on it.
fn ways() -> Vec<Options<'static>> {
    let base = Options { threads: 2, ..Options::default() };
    let zstd = Options { compression: Compression::Zstd(1), ..base };
    vec![base, Options { digest: Some(Algorithm::Sha256), ..base }, zstd, Options { threads: 1, ..zstd }]
}

/// What is said when `f`, of so many bytes, is something else by the time it is read; into a writer and into a pipe, a
/// file and a writer.
fn faults(length: usize, disk: bool, spoil: impl Fn(&Tree), now: Option<&[u8]>) -> Vec<String> {
    let mut tree = Tree::default().file(b"a", b"before").file(b"f", &bytes(length)).file(b"z", b"behind");
    if disk {
        tree = tree.on_disk();
    }
    if let Some(now) = now {
        tree = tree.now(b"f", now);
    }
    spoil(&tree);
    let mut texts = Vec::new();
    for options in ways() {
        texts.push(tree.fails(&options).to_string());
        let file = tempfile::tempfile().unwrap();
        let result = write(&tree, &options, Sink::Descriptor(file.as_fd()), &Silent);
        texts.push(result.unwrap_err().to_string());
        let (mut reader, writer) = io::pipe().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || io::copy(&mut reader, &mut io::sink()));
            let result = write(&tree, &options, Sink::Descriptor(writer.as_fd()), &Silent);
            texts.push(result.unwrap_err().to_string());
            drop(writer);
        });
    }
    texts
}

const LENGTHS: [usize; 4] = [100, 300 * 1024, 600 * 1024, (2 << 20) + 1];

fn assert_all(texts: &[String], wanted: &str) {
    assert_eq!(texts.len(), 12);
    for text in texts {
        assert!(text.starts_with("packing f: ") && text.contains(wanted), "{text}");
    }
}

#[test]
fn a_file_that_shrank_or_grew_is_named_and_nothing_is_made_up() {
    for length in LENGTHS {
        let resize = |by: i64| {
            move |tree: &Tree| {
                let file = File::options().write(true).open(tree.at(b"f")).unwrap();
                file.set_len((length as i64 + by) as u64).unwrap();
            }
        };
        assert_all(&faults(length, true, resize(-1), None), "it changed meanwhile (listed with");
        assert_all(&faults(length, true, resize(1), None), "it has more now");
        assert_all(&faults(length, true, resize(-(length as i64)), None), "0 now");
        assert_all(&faults(length, false, |_| {}, Some(&bytes(length - 1))), "now); pack again");
        assert_all(&faults(length, false, |_| {}, Some(&bytes(length + 1))), "it has more now");
    }
}

#[test]
fn a_file_that_is_gone_or_something_else_is_named() {
    for length in LENGTHS {
        let remove = |tree: &Tree| std::fs::remove_file(tree.at(b"f")).unwrap();
        assert_all(&faults(length, true, remove, None), "it changed meanwhile (it is gone)");
        let replace = |tree: &Tree| {
            std::fs::remove_file(tree.at(b"f")).unwrap();
            std::fs::create_dir(tree.at(b"f")).unwrap();
        };
        assert_all(&faults(length, true, replace, None), "packing f: ");
        let link = |tree: &Tree| {
            std::fs::remove_file(tree.at(b"f")).unwrap();
            std::os::unix::fs::symlink(tree.at(b"f"), tree.at(b"f")).unwrap();
        };
        assert_all(&faults(length, true, link, None), "it is a symbolic link now");
    }
}

#[test]
fn a_file_that_may_not_be_read_is_no_empty_member() {
    // Such a file comes as an empty stream, as an engine gets it.
    for length in LENGTHS {
        assert_all(&faults(length, false, |_| {}, Some(b"")), "it may not be read; make it readable");
    }
}

#[test]
fn a_large_file_that_is_written_to_meanwhile_is_named() {
    let tree = Tree::default().file(b"f", &bytes(3 << 20)).file(b"g", &bytes(64)).on_disk();
    let path = tree.at(b"f");
    struct Touch<'a>(&'a Path);
    impl Observer for Touch<'_> {
        fn event(&self, event: Event) {
            if let Event::Packed(_) = event {
                File::options()
                    .write(true)
                    .open(self.0)
                    .unwrap()
                    .set_modified(std::time::SystemTime::UNIX_EPOCH)
                    .unwrap();
            }
        }
    }
    let file = tempfile::tempfile().unwrap();
    // One thread and small steps: the file is opened before the first piece is written and checked after its last part.
    let options = Options { threads: 1, ..Options::default() };
    let large = large::Large::new(&tree.entries()[0]);
    let opened = match large.whole(&tree).unwrap() {
        large::Whole::File(opened) => opened,
        large::Whole::Stream(_) => panic!("a file on disk"),
    };
    opened.check(&tree.entries()[0]).unwrap();
    Touch(&path).event(Event::Packed(1));
    let error = opened.check(&tree.entries()[0]).unwrap_err().to_string();
    assert!(
        error.contains("packing f: it changed meanwhile (it was written to while it was read)"),
        "{error}"
    );
    write(&tree, &options, Sink::Descriptor(file.as_fd()), &Silent).unwrap();
}

#[test]
fn a_closed_pipe_is_told_as_such() {
    for tree in [everything(), sizes(), sizes().on_disk()] {
        for options in ways() {
            let (reader, writer) = io::pipe().unwrap();
            drop(reader);
            let result = write(&tree, &options, Sink::Descriptor(writer.as_fd()), &Silent);
            assert!(matches!(result, Err(PackError::Closed)), "{result:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_as_such() {
    for tree in [everything(), sizes().on_disk()] {
        for options in ways() {
            let full = File::options().write(true).open("/dev/full").unwrap();
            let error = write(&tree, &options, Sink::Descriptor(full.as_fd()), &Silent).unwrap_err();
            let PackError::Write(error) = error else { panic!("{error}") };
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
    }
}

#[test]
fn what_is_only_readable_cannot_be_written() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let read_only = File::open(file.path()).unwrap();
    let tree = sizes().on_disk();
    let error = write(&tree, &Options::default(), Sink::Descriptor(read_only.as_fd()), &Silent).unwrap_err();
    assert!(error.to_string().starts_with("writing the archive: "), "{error}");
    assert_eq!(file.as_file().metadata().unwrap().permissions().mode() & 0o400, 0o400);
}

#[test]
fn an_archive_is_appended_to_what_is_there() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"before").unwrap();
    let append = File::options().append(true).open(file.path()).unwrap();
    let tree = sizes().on_disk();
    write(&tree, &Options::default(), Sink::Descriptor(append.as_fd()), &Silent).unwrap();
    let bytes = std::fs::read(file.path()).unwrap();
    assert!(bytes[..6] == *b"before" && bytes[6..] == tree.pack(&Options::default()).0);
}

#[test]
fn a_cancelled_run_ends() {
    let flag = AtomicBool::new(true);
    for options in ways() {
        let error = sizes().fails(&Options { cancel: Some(&flag), ..options });
        assert!(matches!(error, PackError::Cancelled), "{error}");
    }
}

#[test]
fn the_observer_hears_of_every_byte() {
    #[derive(Default)]
    struct Sum(std::sync::atomic::AtomicU64, std::sync::atomic::AtomicU64);
    impl Observer for Sum {
        fn event(&self, event: Event) {
            match event {
                Event::PackStarted { bytes } => self.0.store(bytes, std::sync::atomic::Ordering::Relaxed),
                Event::Packed(n) => drop(self.1.fetch_add(n, std::sync::atomic::Ordering::Relaxed)),
                _ => {}
            }
        }
    }
    for options in ways() {
        let (sum, file) = (Sum::default(), tempfile::tempfile().unwrap());
        let summary = write(&sizes().on_disk(), &options, Sink::Descriptor(file.as_fd()), &sum).unwrap();
        assert_eq!((sum.0.into_inner(), sum.1.into_inner()), (summary.bytes, summary.tar_bytes));
        assert_eq!(file.metadata().unwrap().len(), summary.written);
    }
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let name =
        prop::collection::vec(any::<u8>().prop_filter("no separator", |b| !b"/\0\n".contains(b)), 1..130);
    let path = prop::collection::vec(name, 1..4).prop_map(|parts| parts.join(&b'/'));
    let file = (path, 0..4_u8, prop::collection::vec(any::<u8>(), 0..1500));
    prop::collection::vec(file, 0..12).prop_map(|rows| {
        let mut tree = Tree::default();
        let mut seen = std::collections::BTreeSet::new();
        for (path, kind, content) in rows {
            let clean = crate::entry::ContextPath::new(&path[..]).is_ok();
            let mut target = content.clone();
            target.retain(|b| !b"\0\n".contains(b));
            if !clean || !seen.insert(path.clone()) {
                continue;
            }
            tree = match kind {
                0 => tree.dir(&path),
                1 if !target.is_empty() => tree.link(&path, &target),
                _ => tree.file(&path, &content),
            };
        }
        tree
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_tree_comes_back(tree in any_tree()) {
        let (archive, _) = tree.pack(&Options { threads: 2, ..Options::default() });
        assert_round_trip(&tree, &archive);
    }
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.entries()).finish()
    }
}

#[test]
fn an_archive_that_begins_with_records_can_begin_with_the_top_folder() {
    let options = Options { top: true, ..Options::default() };
    for (name, top) in [(&b"plain"[..], false), ("\u{e4}".as_bytes(), true), (&[b'l'; 300], true)] {
        let tree = Tree::default().file(name, b"x");
        let (archive, _) = tree.pack(&options);
        let mut names: Vec<Vec<u8>> = read(&archive).into_iter().map(|m| m.name).collect();
        if top {
            assert_eq!(names.remove(0), b"./");
        }
        assert_eq!(names, [name]);
    }
}
