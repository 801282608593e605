//! What a builder wrote into its caches is what `plan` says of the same build.

use std::path::{Path, PathBuf};

use stowaway::image::LayoutSpec;
use stowaway::imported::ImportedCache;

use crate::support::cli::stowaway_in;
use crate::support::records::{Link, Record, differences, parse};
use crate::support::registry;
use crate::support::tree::on_disk;

/// The build that `fixtures/imported` are caches of.
const CONTEXT: &str = r##"
file Dockerfile 0644 "FROM scratch AS build\nWORKDIR /src\nCOPY a.txt ./\nADD dir /dir\n\nFROM scratch\nCOPY --from=build /src /out\nCOPY --chown=7:8 dir /dir/\nCOPY --link a.txt /linked/\n"
file a.txt 0644 "alpha\n"
dir  dir 0755
file dir/b.sh 0755 "#!/bin/sh\necho b\n"
hard dir/hard = a.txt
link dir/link -> ../a.txt
"##;

fn planned() -> Vec<Record> {
    let context = on_disk(CONTEXT);
    let run = stowaway_in(context.path(), ["plan", ".", "--format", "json", "--platform", "linux/amd64"]);
    parse(&run.expect_code(0).json().expect("JSON")["records"]).expect("records")
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/imported").join(name)
}

fn imported(name: &str) -> ImportedCache {
    let folder = fixture(name);
    ImportedCache::open_folder(&LayoutSpec { folder, digest: None, tag: None }).expect("a cache")
}

fn records(cache: &ImportedCache, part: usize) -> Vec<Record> {
    let part = cache.parts[part].records.clone();
    let all = &cache.remembered.records;
    let link = |l: &stowaway::cache::RememberedLink| Link {
        digest: all[l.record].digest.to_string(),
        selector: l.selector.map(|s| s.to_string()).unwrap_or_default(),
        record: Some(l.record - part.start),
    };
    let record = |r: &stowaway::cache::RememberedRecord| Record {
        digest: r.digest.to_string(),
        inputs: r.inputs.iter().map(|i| i.iter().map(link).collect()).collect(),
    };
    all[part.clone()].iter().map(record).collect()
}

#[test]
fn the_records_of_every_kind_of_cache_are_those_of_the_plan() {
    let want = planned();
    assert_eq!(want.len(), 10);
    for name in ["max", "min", "index", "docker", "zstd", "uncompressed", "inline"] {
        let bad = differences(&records(&imported(name), 0), &want);
        assert!(bad.is_empty(), "{name}:\n{}", bad.join("\n"));
    }
    let platforms = imported("inline-platforms");
    for part in 0..2 {
        let bad = differences(&records(&platforms, part), &want);
        assert!(bad.is_empty(), "part {part}:\n{}", bad.join("\n"));
    }
}

fn on_base(reference: &str) -> tempfile::TempDir {
    on_disk(&format!(
        "file Dockerfile 0644 \"FROM {reference}\\nCOPY a.txt /\\n\"\nfile a.txt 0644 \"alpha\\n\""
    ))
}

#[test]
fn a_base_image_is_looked_up_in_its_registry_when_that_is_asked_for() {
    let layout = fixture("image");
    let reference = format!("{}/app:1", registry::serve(&layout));
    let context = on_base(&reference);
    let key = |options: &[&str]| {
        let args = ["plan", ".", "--format", "json", "--platform", "linux/amd64"];
        let run = stowaway_in(context.path(), args.iter().chain(options)).expect_code(0);
        run.json().expect("JSON")["steps"][0]["cache_key"].clone()
    };
    let base = format!("{reference}={}", layout.display());
    assert!(key(&[]).is_null(), "nothing is asked for without the option");
    assert!(key(&["--resolve-bases"]).is_string());
    assert_eq!(key(&["--resolve-bases"]), key(&["--base", &base]));
}

#[test]
fn a_registry_that_does_not_answer_ends_with_3() {
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let context = on_base(&format!("{closed}/app"));
    let run = stowaway_in(context.path(), ["plan", ".", "--resolve-bases"]).expect_code(3);
    assert!(run.stderr.contains(&format!("asking {closed}: connection refused")), "{}", run.stderr);
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
}
