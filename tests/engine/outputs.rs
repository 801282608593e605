//! Results beside images: archives, folders, caches, and what is written about a build; equal to what buildx writes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde_json::Value;

use crate::build::{TREE, context, is_entirely_cached};
use crate::place::{Here, Place, on_every_engine};
use crate::support::engine::Engine;

on_every_engine! {
    archives_are_equal_to_buildx_s_byte_for_byte
    folders_are_equal_to_buildx_s
    what_is_written_about_a_build_is_what_buildx_writes
    a_cache_that_one_exports_is_imported_by_the_other
}

const DOCKERFILE: &str = "FROM scratch\nCOPY app /app\nCOPY --chmod=0750 --chown=7:8 app/m*.rs /bin/\nLABEL a=b\nWORKDIR /new\nCMD [\"/app/run\"]\n";

/// A context with names that are not ASCII, files of some size, and an attribute.
fn odd(place: &Place) -> Here<'_> {
    let folder = context(TREE, DOCKERFILE);
    let app = folder.path().join("app");
    fs::write(app.join("für"), "ü").expect("a file");
    fs::write(app.join("big"), vec![b'b'; 3 << 20]).expect("a file");
    fs::write(app.join("n".repeat(200)), "a long name").expect("a file");
    Here::new(place, folder)
}

/// Both orders, each with a context of its own.
fn in_both_orders(place: &Place, ask: impl Fn(&Here<'_>, bool)) {
    [true, false].into_iter().for_each(|ours_first| ask(&odd(place), ours_first));
}

fn archives_are_equal_to_buildx_s_byte_for_byte(place: &Place) {
    let kinds: &[&str] = if place.is_modern() { &["tar", "oci", "docker"] } else { &["tar"] };
    in_both_orders(place, |here, ours_first| {
        for kind in kinds {
            let output = |whose: &str| format!("type={kind},dest={}", here.at(&format!("{whose}.{kind}")));
            let (mine, theirs) = (output("mine"), output("theirs"));
            let args =
                |output| ["--build-arg", "SOURCE_DATE_EPOCH=1", "--provenance", "false", "--output", output];
            here.both(&args(&mine), &args(&theirs), ours_first);
            let [mine, theirs] = ["mine", "theirs"]
                .map(|whose| fs::read(here.at(&format!("{whose}.{kind}"))).expect("an archive"));
            assert!(mine.len() > 3 << 20 || *kind != "tar", "{}", mine.len());
            if place.is_modern() {
                assert!(mine == theirs, "{}: {kind}, ours first: {ours_first}", place.name);
            } else {
                // The moments of files that the build made.
                assert_eq!(entries(&mine), entries(&theirs), "{}: {kind}", place.name);
            }
        }
    });
}

/// Every entry of a tar but its time.
fn entries(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().expect("a tar").map(|entry| {
        let mut entry = entry.expect("an entry");
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).expect("its bytes");
        let head = entry.header();
        let (mode, kind) = (head.mode().expect("a mode"), head.entry_type());
        let owner = (head.uid().expect("an owner"), head.gid().expect("a group"));
        format!("{:?} {mode:o} {kind:?} {owner:?} {:?} {:?}", entry.path(), entry.link_name(), bytes.len())
    });
    entries.collect()
}

fn folders_are_equal_to_buildx_s(place: &Place) {
    in_both_orders(place, |here, ours_first| {
        let output = |whose: &str| format!("type=local,dest={}", here.at(whose));
        let (mine, theirs) = (output("mine"), output("theirs"));
        here.both(&["--output", &mine], &["--output", &theirs], ours_first);
        let [mine, theirs] = ["mine", "theirs"].map(|whose| {
            let mut found = BTreeMap::new();
            listed(Path::new(&here.at(whose)), Path::new(""), &mut found);
            found
        });
        assert!(mine.len() > 10, "{mine:#?}");
        assert_eq!(mine, theirs, "{}", place.name);
    });
}

/// Everything below a folder, with all that can be seen of it but when it was made.
fn listed(root: &Path, at: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(root.join(at)).expect("a folder").map(|e| e.expect("an entry")) {
        let (path, meta) = (entry.path(), entry.metadata().expect("a stat"));
        let name = at.join(entry.file_name());
        let content = match meta.file_type() {
            kind if kind.is_symlink() => format!("{:?}", fs::read_link(&path).expect("a link")),
            kind if kind.is_file() => format!("{:x?}", blake3(&fs::read(&path).expect("a file"))),
            _ => String::new(),
        };
        // Of a link no time is sent.
        let time = if meta.is_symlink() { (0, 0) } else { (meta.mtime(), meta.mtime_nsec()) };
        let (mode, owner, links) = (meta.mode(), (meta.uid(), meta.gid()), meta.nlink());
        found.insert(name.display().to_string(), format!("{mode:o} {owner:?} {links} {time:?} {content}"));
        if meta.is_dir() {
            listed(root, &name, found);
        }
    }
}

fn blake3(bytes: &[u8]) -> String {
    stowaway::digest::Digest::blake3(bytes).to_string()
}

fn what_is_written_about_a_build_is_what_buildx_writes(place: &Place) {
    in_both_orders(place, |here, ours_first| {
        let (image, at) =
            (place.image("written"), |whose: &str, what: &str| here.at(&format!("{whose}-{what}")));
        let common = ["--build-arg", "SOURCE_DATE_EPOCH=1", "--provenance", "false", "-t", &image.name];
        let files = ["mine", "theirs"].map(|whose| [at(whose, "iid"), at(whose, "metadata")]);
        let [mine, theirs] = files
            .each_ref()
            .map(|[iid, metadata]| [&common[..], &["--iidfile", iid, "--metadata-file", metadata]].concat());
        here.both(&mine, &theirs, ours_first);
        let iid = |whose: &str| fs::read_to_string(at(whose, "iid")).expect("an id");
        assert!(
            iid("mine").starts_with("sha256:") && iid("mine") == iid("theirs"),
            "{} {}",
            iid("mine"),
            iid("theirs")
        );
        let metadata = |whose: &str| {
            let bytes = fs::read(at(whose, "metadata")).expect("a file");
            let mut fields: BTreeMap<String, Value> = serde_json::from_slice(&bytes).expect("JSON");
            // What the client adds of itself.
            fields.retain(|name, _| !name.starts_with("buildx."));
            fields
        };
        assert!(!metadata("mine").is_empty());
        assert_eq!(metadata("mine"), metadata("theirs"), "{}", place.name);
    });
}

fn a_cache_that_one_exports_is_imported_by_the_other(place: &Place) {
    if !place.is_modern() {
        // It says so, as buildx does.
        let here = odd(place);
        let to = format!("type=local,dest={}", here.at("cache"));
        let run = crate::support::cli::run(&mut here.command(&["--cache-to", &to]));
        assert!(run.code == 2 && run.stderr.contains("docker driver"), "{}: {}", run.code, run.stderr);
        return assert!(!Path::new(&here.at("cache")).exists());
    }
    let engine = Engine { can: crate::support::generate::Abilities::NEWEST };
    in_both_orders(place, |here, ours_first| {
        let to = format!("type=local,dest={},mode=max", here.at("cache"));
        let from = format!("type=local,src={}", here.at("cache"));
        let (export, import) =
            (["--cache-to", &to, "--progress", "rawjson"], ["--cache-from", &from, "--progress", "rawjson"]);
        let _ = if ours_first { here.mine(&export) } else { here.theirs(&export) };
        assert!(Path::new(&here.at("cache/index.json")).exists());
        engine.prune();
        let second = if ours_first { here.theirs(&import) } else { here.mine(&import) };
        is_entirely_cached(&second.stderr);
    });
    // The same build exports the same cache, whoever asks for it.
    let here = odd(place);
    let to = |whose: &str| format!("type=local,dest={},mode=max", here.at(whose));
    here.both(&["--cache-to", &to("mine")], &["--cache-to", &to("theirs")], true);
    let [mine, theirs] = ["mine", "theirs"].map(|whose| {
        let mut found = BTreeMap::new();
        listed(Path::new(&here.at(whose)), Path::new(""), &mut found);
        found.keys().cloned().collect::<Vec<_>>()
    });
    assert_eq!(mine, theirs);
}
