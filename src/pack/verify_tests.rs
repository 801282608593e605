//! Archives compared with listings: our own, those of others, spoilt ones.

use super::testing::{Tree, bytes, everything};
use super::*;
use crate::entry::{Extra, FileType, Source as _};

fn differences(tree: &Tree, archive: &[u8]) -> Vec<String> {
    let found = verify(tree, &mut &archive[..], &Options::default()).unwrap();
    found.iter().map(ToString::to_string).collect()
}

fn packed(tree: &Tree) -> Vec<u8> {
    tree.pack(&Options::default()).0
}

#[test]
fn what_was_packed_is_what_is_there() {
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd(3)] {
        for tree in [everything(), everything().on_disk()] {
            let tree = tree.file(b"large", &bytes(700_000));
            let (archive, _) = tree.pack(&Options { compression, ..Options::default() });
            assert_eq!(differences(&tree, &archive), [""; 0], "{compression}");
        }
    }
}

#[test]
fn every_difference_is_told_alone_and_by_name() {
    let fresh = || everything().file(b"zz", &bytes(600_000));
    let other = |length: usize, at: usize| {
        let mut content = bytes(length);
        content[at] ^= 1;
        content
    };
    let extra =
        |xattr: &[u8]| Extra { xattrs: vec![(b"user.a".to_vec(), xattr.to_vec())], ..Extra::default() };
    let rows: Vec<(Tree, &str)> = vec![
        (fresh().file(b"more", b"x"), "more: only in the archive"),
        (fresh().change(b"d/file", |e| e.stat.mode = 0o644), "d/file: mode 6751, in the archive 0644"),
        (fresh().now(b"zz", &other(600_000, 0)), "zz: other content from byte 0 on"),
        (fresh().now(b"zz", &other(600_000, 599_999)), "zz: other content from byte 599999 on"),
        (fresh().now(b"zz", &other(600_000, 262_144)), "zz: other content from byte 262144 on"),
        (
            fresh().change(b"zz", |e| e.stat.size = 5).now(b"zz", &bytes(5)),
            "zz: 600000 bytes, in the archive 5",
        ),
        (
            fresh().change(b"d/hard", |e| e.hardlink = None),
            "d/hard: a hard link to d/file, in the archive a file of its own",
        ),
        (
            fresh().change(b"d/link", |e| e.stat.extra.as_mut().unwrap().linkname = b"f".to_vec()),
            "d/link: a link to \"file\", in the archive to \"f\"",
        ),
        (
            fresh().change(b"pipe", |e| e.stat.file_type = FileType::Socket),
            "pipe: a pipe, in the archive a regular file",
        ),
        (
            fresh().change(b"char", |e| e.stat.extra.as_mut().unwrap().devmajor = 5),
            "char: device 4:1048575, in the archive 5:1048575",
        ),
        (
            fresh().change(b"attributes", |e| e.stat.extra = Some(Box::new(extra(b"1\n2\0=")))),
            "attributes: other extended attributes: user.b=c%25",
        ),
        (
            fresh().change(b"zz", |e| e.stat.extra = Some(Box::new(extra(b"")))).now(b"zz", &bytes(600_000)),
            "zz: other extended attributes: user.a",
        ),
    ];
    for (changed, want) in rows {
        let found = differences(&fresh(), &packed(&changed));
        assert_eq!(found, [want]);
    }
    let missing = differences(&fresh().dir(b"new"), &packed(&fresh()));
    assert_eq!(missing, ["new: not in the archive"]);
    let hard = Tree::default().file(b"a", b"x").file(b"b", b"x");
    let linked = Tree::default().file(b"a", b"x").hard(b"b", b"a");
    assert_eq!(
        differences(&hard, &packed(&linked)),
        ["b: a file of its own, in the archive a hard link to a"]
    );
}

/// A builder of another make: GNU headers, long names in GNU's way.
fn gnu(rows: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in rows {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(if *kind == tar::EntryType::Directory { 0o755 } else { 0o644 });
        header.set_uid(0);
        header.set_gid(0);
        if kind.is_hard_link() || kind.is_symlink() {
            header.set_size(0);
            builder.append_link(&mut header, name, std::str::from_utf8(content).unwrap()).unwrap();
        } else {
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, name, *content).unwrap();
        }
    }
    builder.into_inner().unwrap()
}

#[test]
fn archives_by_others_are_read() {
    use tar::EntryType::{Directory, Link, Regular, Symlink};
    let long = "l".repeat(180);
    let tree = Tree::default()
        .dir(b"d")
        .file(b"d/a", b"content")
        .hard(b"d/b", b"d/a")
        .file(long.as_bytes(), b"x")
        .link(b"s", long.as_bytes());
    // Another order, dots in front, the hard link the other way around.
    let rows: [(&str, tar::EntryType, &[u8]); 6] = [
        ("./", Directory, b""),
        (&format!("./{long}"), Regular, b"x"),
        ("./d/", Directory, b""),
        ("./d/b", Regular, b"content"),
        ("./d/a", Link, b"./d/b"),
        ("./s", Symlink, long.as_bytes()),
    ];
    assert_eq!(differences(&tree, &gnu(&rows)), [""; 0]);
    let without = differences(&tree, &gnu(&rows[..3]));
    assert_eq!(without, ["d/a: not in the archive", "d/b: not in the archive", "s: not in the archive"]);
    let twice = differences(&tree, &gnu(&[&rows[..], &rows[1..2]].concat()));
    assert_eq!(twice, [format!("{long}: more than once in the archive")]);
    let loose =
        differences(&tree, &gnu(&[&rows[..4], &[("d/a", Link, &b"nowhere"[..])], &rows[5..]].concat()));
    assert_eq!(loose.len(), 1, "{loose:?}");
    assert_eq!(loose[0], "d/a: a regular file, in the archive a hard link to what isn't there");
}

#[test]
fn owners_other_than_root_are_told() {
    let tree = Tree::default().file(b"a", b"");
    let mut archive = packed(&tree);
    archive[108..115].copy_from_slice(b"0001750");
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes().copy_from_slice(&archive[..512]);
    header.set_cksum();
    archive[..512].copy_from_slice(header.as_bytes());
    assert_eq!(differences(&tree, &archive), ["a: owner 0:0, in the archive 1000:0"]);
}

#[test]
fn modes_are_compared_as_they_would_be_packed() {
    let modes = |_: &crate::entry::Entry| 0o600;
    let options = Options { modes: Some(&modes), ..Options::default() };
    let tree = everything();
    let (archive, _) = tree.pack(&options);
    assert_eq!(verify(&tree, &mut &archive[..], &options).unwrap(), []);
    assert!(!verify(&tree, &mut &archive[..], &Options::default()).unwrap().is_empty());
}

#[test]
fn every_cut_and_every_flipped_bit_of_a_header_is_noticed() {
    let tree = everything();
    let archive = packed(&tree);
    for end in (1..archive.len() - 1024).step_by(97) {
        let answer = verify(&tree, &mut &archive[..end], &Options::default());
        assert!(answer.is_err() || !answer.unwrap().is_empty(), "cut at {end}");
    }
    for at in 0..512 {
        let mut spoilt = archive.clone();
        spoilt[at] ^= 0x10;
        let answer = verify(&tree, &mut &spoilt[..], &Options::default());
        // The last three bytes of the checksum's field say nothing.
        assert!(answer.is_err() || (154..156).contains(&at), "byte {at}");
    }
}

#[test]
fn no_bytes_make_it_panic_or_take_much_memory() {
    let tree = everything();
    let archive = packed(&tree);
    let mut rng = fastrand::Rng::with_seed(3);
    let mut failed = 0;
    for _ in 0..3000 {
        let mut spoilt = archive.clone();
        let block = rng.usize(..spoilt.len() / 512) * 512;
        for _ in 0..rng.usize(1..4) {
            spoilt[block + rng.usize(..512)] = rng.u8(..);
        }
        // With the right sum the rest of a header gets read.
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes().copy_from_slice(&spoilt[block..block + 512]);
        header.set_cksum();
        spoilt[block..block + 512].copy_from_slice(header.as_bytes());
        failed += usize::from(verify(&tree, &mut &spoilt[..], &Options::default()).is_err());
    }
    assert!(failed > 50, "{failed}");
    let mut huge = tar::Header::new_ustar();
    huge.set_entry_type(tar::EntryType::XHeader);
    huge.set_size(1 << 40);
    huge.set_cksum();
    let error = verify(&tree, &mut &huge.as_bytes()[..], &Options::default()).unwrap_err();
    assert!(error.to_string().contains("an extended header of 1099511627776 bytes"), "{error}");
}

#[test]
fn sparse_files_are_refused_by_name() {
    let tree = Tree::default().file(b"holes", b"");
    let mut header = tar::Header::new_gnu();
    header.set_path("holes").unwrap();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_size(0);
    header.set_mode(0o644);
    header.set_cksum();
    header.set_cksum();
    let error = verify(&tree, &mut &header.as_bytes()[..], &Options::default()).unwrap_err();
    assert!(matches!(error, VerifyError::Sparse { ref name } if name == "holes"), "{error}");
}

#[test]
fn what_is_no_archive_is_refused() {
    let tree = Tree::default().file(b"a", b"");
    let long_text = "not a tar at all, but long enough ".repeat(40);
    for bad in [long_text.as_bytes(), b"short", b"\x1f\x8b\x08garbage", b"\x28\xb5\x2f\xfdgarbage"] {
        assert!(verify(&tree, &mut &bad[..], &Options::default()).is_err());
    }
    assert_eq!(differences(&tree, b""), ["a: not in the archive"]);
    assert_eq!(tree.entries().len(), 1);
}

#[test]
fn comparing_can_be_cancelled() {
    let flag = std::sync::atomic::AtomicBool::new(true);
    let archive = packed(&everything());
    let options = Options { cancel: Some(&flag), ..Options::default() };
    let error = verify(&everything(), &mut &archive[..], &options).unwrap_err();
    assert!(matches!(error, VerifyError::Cancelled));
}
