//! Caches that a builder wrote (`fixtures/imported`), and hostile ones made on the spot.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::cache::LayerFile;
use crate::image::LayoutSpec;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/imported").join(name)
}

fn open(folder: &Path, tag: Option<&str>) -> Result<ImportedCache, ImportError> {
    let tag = tag.map(str::to_owned);
    ImportedCache::open_folder(&LayoutSpec { folder: folder.into(), digest: None, tag })
}

fn read(name: &str) -> ImportedCache {
    open(&fixture(name), None).unwrap()
}

fn platform(os: &str, architecture: &str) -> Platform {
    Platform { os: os.into(), architecture: architecture.into(), ..Platform::default() }
}

/// The record whose digest starts so.
fn record(cache: &ImportedCache, hex: &str) -> usize {
    cache.remembered.records.iter().position(|r| r.digest.hex().starts_with(hex)).unwrap()
}

const COPY_FROM_STAGE: &str = "f40dd1604e05";
const COPY_DIR: &str = "9f3996254e3d";
const LINKED: &str = "5dbfbafede47";

fn put(entry: &LayerEntry) -> &LayerFile {
    match entry {
        LayerEntry::Put(file) => file,
        other => panic!("{other:?}"),
    }
}

fn paths(entries: &[LayerEntry]) -> Vec<String> {
    entries.iter().map(|e| String::from_utf8_lossy(&put(e).path).into_owned()).collect()
}

#[test]
fn every_form_of_an_export_has_the_same_records() {
    let want = read("max");
    assert_eq!((want.kind, want.remembered.records.len(), want.layers.len()), (CacheKind::Manifest, 10, 7));
    assert_eq!(want.unusable(Some(&platform("linux", "amd64"))), None);
    for (name, kind) in [
        ("index", CacheKind::Index),
        ("docker", CacheKind::Index),
        ("zstd", CacheKind::Manifest),
        ("uncompressed", CacheKind::Manifest),
    ] {
        let cache = read(name);
        assert_eq!((cache.kind, &cache.remembered), (kind, &want.remembered), "{name}");
    }
}

#[test]
fn every_compression_holds_the_same_files() {
    let cache = read("max");
    let of = |name: &str| {
        let cache = read(name);
        cache.layer_entries(record(&cache, COPY_DIR)).unwrap().unwrap()
    };
    let want = of("max");
    assert_eq!(paths(&want), ["dir", "dir/b.sh", "dir/hard", "dir/link"]);
    assert_eq!(of("zstd"), want);
    assert_eq!(of("uncompressed"), want);
    let script = put(&want[1]);
    assert_eq!((script.stat.mode, script.stat.uid, script.stat.gid), (0o755, 7, 8));
    assert_eq!(script.blake3, Some(Digest::blake3("#!/bin/sh\necho b\n")));
    assert_eq!(put(&want[3]).stat.linkname(), b"../a.txt");
    assert_eq!(cache.layers.iter().filter(|l| l.diff_id.is_none()).count(), 0);
}

#[test]
fn a_records_own_layers_are_those_that_its_inputs_do_not_have() {
    let cache = read("max");
    let whole = |hex| cache.chain(cache.result(record(&cache, hex)).unwrap()).len();
    let own = |hex| paths(&cache.layer_entries(record(&cache, hex)).unwrap().unwrap());
    assert_eq!((whole(COPY_FROM_STAGE), whole(COPY_DIR), whole(LINKED)), (1, 2, 3));
    assert_eq!(own(COPY_FROM_STAGE), ["out", "out/a.txt"]);
    assert_eq!(own(LINKED), ["linked", "linked/a.txt"]);
}

#[test]
fn a_cache_of_results_alone_has_keys_without_results() {
    let cache = read("min");
    assert_eq!(cache.remembered.records.len(), 10);
    let with_result = |c: &ImportedCache| c.remembered.records.iter().filter(|r| r.result).count();
    assert_eq!((with_result(&cache), with_result(&read("max"))), (4, 6));
    let keys = |c: &ImportedCache| {
        c.remembered.records.iter().map(|r| (r.digest, r.inputs.clone())).collect::<Vec<_>>()
    };
    assert_eq!(keys(&cache), keys(&read("max")));
    assert_eq!(cache.layer_entries(record(&cache, "aedbb2c9a938")).unwrap(), None);
}

#[test]
fn inline_cache_is_read_from_the_images_config() {
    let cache = read("inline");
    assert_eq!((cache.kind, cache.remembered.records.len(), cache.layers.len()), (CacheKind::Inline, 10, 3));
    assert_eq!(cache.parts[0].platform, Some(platform("linux", "amd64")));
    assert_eq!(cache.layers[2].parent, Some(1));
    assert_eq!(cache.layers[2].description.as_deref(), Some("COPY a.txt /linked/ # buildkit"));
    let own = cache.layer_entries(record(&cache, LINKED)).unwrap().unwrap();
    assert_eq!(paths(&own), ["linked", "linked/a.txt"]);
    assert_eq!(cache.result(record(&cache, "d6cddbd10b9d")).unwrap().chain, Chain::List(vec![2]));
}

#[test]
fn the_caches_of_all_images_below_an_index_count() {
    let cache = read("inline-platforms");
    let platforms: Vec<_> = cache.parts.iter().map(|p| p.platform.clone().unwrap()).collect();
    assert_eq!(platforms, [platform("linux", "amd64"), platform("linux", "arm64")]);
    assert_eq!((cache.remembered.records.len(), cache.layers.len()), (20, 6));
    assert_eq!(cache.parts[1].records, 10..20);
    let links = cache.remembered.records[10..].iter().flat_map(|r| r.inputs.iter().flatten());
    assert!(links.into_iter().all(|l| (10..20).contains(&l.record)));
    assert_eq!(
        paths(&cache.layer_entries(10 + record(&cache, LINKED)).unwrap().unwrap()),
        ["linked", "linked/a.txt"]
    );
    assert_eq!(cache.unusable(Some(&platform("linux", "arm64"))), None);
}

#[test]
fn an_image_of_another_platform_is_told() {
    let why = read("inline").unusable(Some(&platform("linux", "s390x"))).unwrap();
    assert_eq!(why.to_string(), "the cache is for linux/amd64, not for linux/s390x");
    assert!(!why.is_certain());
}

#[test]
fn an_image_without_a_cache_is_none() {
    let why = read("image").unusable(None).unwrap();
    assert_eq!(why, Unusable::NoInlineCache);
    assert!(why.is_certain() && why.hint().contains("type=inline"));
}

#[test]
fn a_tag_chooses_and_layers_that_are_gone_are_told() {
    let folder = fixture("tags");
    let cache = open(&folder, Some("tagtwo")).unwrap();
    assert_eq!(cache.unusable(None), Some(Unusable::NoLayers { missing: cache.layers.len() }));
    assert!(cache.remembered.records.iter().all(|r| !r.result));
    let shown = |tag| open(&folder, tag).unwrap_err().to_string();
    assert!(shown(None).contains(r#"tag "latest" is not in"#) && shown(None).contains(r#"tag "tagone""#));
    assert!(
        open(&fixture("max"), Some("other")).unwrap_err().to_string().contains(r#"tag "other" is not in"#)
    );
}

#[test]
fn an_empty_folder_is_a_cache_without_records() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("ingest")).unwrap();
    let cache = open(folder.path(), None).unwrap();
    assert!(cache.remembered.records.is_empty());
    assert!(cache.unusable(None).unwrap().to_string().starts_with("no cache: "));
}

#[test]
fn a_folder_that_is_no_cache_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("README.md"), "hello").unwrap();
    let error = open(folder.path(), None).unwrap_err();
    assert_eq!(error.to_string(), format!("no index.json in {}", folder.path().display()));
    assert!(error.hint().unwrap().contains("--cache-to type=local,dest=…"));
    assert!(open(&folder.path().join("nowhere"), None).unwrap_err().to_string().contains("nowhere"));
    assert!(open(&folder.path().join("README.md"), None).is_err());
}

/// A cache with a config and some layers (their contents), made by hand.
struct Made(tempfile::TempDir);

impl Made {
    fn new(config: &str, blobs: &[&[u8]]) -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(made.0.path().join("blobs/sha256")).unwrap();
        let layer = |bytes: &&[u8]| format!(r#"{{"digest":"{}","size":{}}}"#, made.blob(bytes), bytes.len());
        let layers: Vec<String> = blobs.iter().map(layer).collect();
        let (digest, size) = (made.blob(config.as_bytes()), config.len());
        let kind = "application/vnd.buildkit.cacheconfig.v0";
        made.index(&format!(
            r#"{{"config":{{"mediaType":"{kind}","digest":"{digest}","size":{size}}},"layers":[{}]}}"#,
            layers.join(",")
        ));
        made
    }

    fn blob(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        fs::write(self.0.path().join("blobs/sha256").join(digest.hex()), bytes).unwrap();
        digest
    }

    fn index(&self, manifest: &str) {
        let digest = self.blob(manifest.as_bytes());
        fs::write(self.0.path().join("index.json"), format!(r#"{{"manifests":[{{"digest":"{digest}"}}]}}"#))
            .unwrap();
    }

    fn open(&self) -> Result<ImportedCache, ImportError> {
        open(self.0.path(), None)
    }
}

#[test]
fn hostile_layers_are_refused_in_buildkits_words() {
    let blob = Digest::sha256(b"x");
    let layer = |parent: &str| format!(r#"{{"blob":"{blob}"{parent}}}"#);
    for (layers, results, want) in [
        (layer(""), r#""layers":[{}]"#, "invalid looping layer"),
        (layer(r#","parent":7"#), r#""layers":[{}]"#, "invalid layer index 7"),
        (layer(r#","parent":-2"#), r#""layers":[{}]"#, "invalid layer index -2"),
        (layer(r#","parent":-1"#), r#""layers":[{"layer":1}]"#, "invalid layer index 1"),
        (layer(r#","parent":-1"#), r#""chains":[{"layers":[0,-1]}]"#, "invalid layer index -1"),
        (layer(r#","parent":1"#) + "," + &layer(""), r#""layers":[{}]"#, "invalid looping layer"),
    ] {
        let config = format!(r#"{{"layers":[{layers}],"records":[{{{results}}}]}}"#);
        let error = Made::new(&config, &[b"x"]).open().unwrap_err().to_string();
        assert!(error.starts_with("reading the cache records in ") && error.ends_with(want), "{error}");
    }
}

#[test]
fn a_result_needs_all_its_layers() {
    let (here, other) = (Digest::sha256(b"here"), Digest::sha256(b"other"));
    let layers =
        format!(r#"{{"blob":"{here}","parent":-1}},{{"blob":"{other}"}},{{"blob":"{here}","parent":1}}"#);
    let records = r#"{"layers":[{}]},{"layers":[{"layer":1}]},{"layers":[{"layer":2}]},{"chains":[{"layers":[0,1]}]},{"chains":[{}]}"#;
    let config = format!(r#"{{"layers":[{layers}],"records":[{records}]}}"#);
    let results =
        |made: &Made| made.open().unwrap().remembered.records.iter().map(|r| r.result).collect::<Vec<_>>();
    let both = Made::new(&config, &[b"here", b"other"]);
    assert_eq!(results(&both), [true; 5]);
    fs::remove_file(both.0.path().join("blobs/sha256").join(other.hex())).unwrap();
    assert_eq!(results(&both), [true, false, false, false, true]);
    let cache = both.open().unwrap();
    assert_eq!(cache.results[1][0].availability, Availability::Missing);
    let unlisted = Made::new(&config, &[b"here"]);
    assert_eq!(results(&unlisted), [true, false, false, false, true]);
    assert_eq!(unlisted.open().unwrap().results[2][0].availability, Availability::Unlisted);
}

#[test]
fn the_newest_result_comes_first() {
    let blob = Digest::sha256(b"x");
    let config = format!(
        r#"{{"layers":[{{"blob":"{blob}","parent":-1}}],"records":[{{"layers":[
        {{"createdAt":"2026-01-01T00:00:00.3Z"}},{{"createdAt":"0001-01-01T00:00:00Z"}},{{"createdAt":"2026-01-01T00:00:00.301Z"}}]}}]}}"#
    );
    let cache = Made::new(&config, &[b"x"]).open().unwrap();
    let times: Vec<_> = cache.results[0].iter().map(|r| r.created_at.as_deref()).collect();
    assert_eq!(times, [Some("2026-01-01T00:00:00.301Z"), Some("2026-01-01T00:00:00.3Z"), None]);
}

#[test]
fn a_cache_without_records_is_empty_and_keys_alone_load_nothing() {
    let why = |config: &str| Made::new(config, &[]).open().unwrap().unusable(None).unwrap();
    assert_eq!(why("{}"), Unusable::NoRecords);
    assert_eq!(why(r#"{"records":[{}]}"#), Unusable::NoResults);
}

#[test]
fn a_config_that_builders_refuse_is_too_long() {
    let config = format!(r#"{{"records":[]{}}}"#, " ".repeat(1 << 20));
    let error = Made::new(&config, &[]).open().unwrap_err().to_string();
    assert!(error.contains("longer than 1048576 bytes"), "{error}");
}

#[test]
fn damaged_blobs_are_told_with_their_digests() {
    let made = Made::new(r#"{"records":[{}]}"#, &[]);
    let config = made.0.path().join("blobs/sha256").join(Digest::sha256(r#"{"records":[{}]}"#).hex());
    fs::write(&config, r#"{"records":[[]]}"#).unwrap();
    let error = made.open().unwrap_err().to_string();
    assert!(error.contains("but its content is sha256:"), "{error}");
    fs::remove_file(config).unwrap();
    assert!(made.open().unwrap_err().to_string().contains("cache config sha256:"));
    made.index(r#"{"mediaType":"application/vnd.oci.image.index.v1+json","layers":[]}"#);
    assert!(made.open().unwrap_err().to_string().contains("does not match manifest contents"));
}

#[test]
fn a_layer_that_is_damaged_or_no_archive_is_told() {
    let noise: Vec<u8> = (0..2048_u32).map(|i| (i * 7 % 251) as u8).collect();
    let config = format!(
        r#"{{"layers":[{{"blob":"{}","parent":-1}}],"records":[{{"layers":[{{}}]}}]}}"#,
        Digest::sha256(&noise)
    );
    let made = Made::new(&config, &[&noise]);
    let cache = made.open().unwrap();
    let error = cache.layer_entries(0).unwrap_err().to_string();
    assert!(error.starts_with("reading layer ") && error.ends_with("invalid tar header"), "{error}");
    let blob = made.0.path().join("blobs/sha256").join(Digest::sha256(&noise).hex());
    fs::write(&blob, vec![0; 2048]).unwrap();
    assert!(cache.layer_entries(0).unwrap_err().to_string().contains("but its content is"));
    fs::remove_file(&blob).unwrap();
    assert!(cache.layer_entries(0).unwrap_err().to_string().starts_with("reading "));
}

#[test]
fn a_damaged_inline_cache_is_told() {
    for (cache, want) in [("!", "Invalid"), ("bm8=", "expected"), ("bnVsbA==", "")] {
        let made = Made(tempfile::tempdir().unwrap());
        fs::create_dir_all(made.0.path().join("blobs/sha256")).unwrap();
        let blob = made.blob(b"x");
        let config = format!(r#"{{"rootfs":{{"diff_ids":["{blob}"]}},"moby.buildkit.cache.v0":"{cache}"}}"#);
        let config = made.blob(config.as_bytes());
        made.index(&format!(r#"{{"config":{{"digest":"{config}"}},"layers":[{{"digest":"{blob}"}}]}}"#));
        match made.open() {
            Ok(read) => assert_eq!((want, read.unusable(None)), ("", Some(Unusable::NoRecords))),
            Err(error) => {
                let error = error.to_string();
                assert!(error.starts_with("reading the inline cache in ") && error.contains(want), "{error}");
            }
        }
    }
}
