//! Base images for tests, made on the spot as OCI layouts, because no registry is needed for a file system with a shell in it.
//!
//! The shell is the static program that the recorded cases use: it knows `mkdir`, `cat`, `touch` and a few more, and accepts
//! every other command without doing anything. So `RUN npm ci` succeeds, and the same bytes stand in for every base image.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sha2::Digest as _;

use super::entry::unbase64;

/// The references that the projects and the generated builds name in FROM.
pub const BASES: &[&str] = &[
    "golang:1.23-alpine",
    "nginx:1.27-alpine",
    "node:20-alpine",
    "node:20-slim",
    "python:3.12-alpine",
    "python:3.12-slim",
    "rust:1.82-alpine",
];

/// An image layout on disk.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The folder.
    pub dir: PathBuf,
    /// Digest of the image's manifest.
    pub digest: String,
}

impl Layout {
    /// `NAME=oci-layout://DIR@DIGEST`, as `--build-context` takes it.
    pub fn as_context(&self, name: &str) -> String {
        format!("{name}=oci-layout://{}@{}", self.dir.display(), self.digest)
    }
}

/// `--build-context` options that stand in for the references of [`BASES`] that a Dockerfile names; the layouts are made
/// below `dir`. With another `salt` they are other images: an engine that knows an image already takes a shorter way.
pub fn stand_ins(dir: &Path, dockerfile: &str, salt: &str) -> Vec<String> {
    let named = |(_, name): &(usize, &&str)| {
        let (image, tag) = name.split_once(':').expect("a tag");
        dockerfile
            .lines()
            .any(|l| l.starts_with("FROM ") && l.contains(image) && (l.contains('$') || l.contains(tag)))
    };
    let make = |(i, name): (usize, &&str)| {
        base_image(&dir.join(format!("base-{i}")), &format!("{name}{salt}")).as_context(name)
    };
    let contexts = BASES.iter().enumerate().filter(named).map(make);
    contexts.flat_map(|context| ["--build-context".to_owned(), context]).collect()
}

/// Writes an image with a shell, a few folders, and users; `name` is in a file of it, so that two images differ.
pub fn base_image(dir: &Path, name: &str) -> Layout {
    let blobs = dir.join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("making the layout's folders");
    let layer = layer(name);
    let layer_digest = blob(&blobs, &layer);
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux",
        "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", format!("BASE={name}")]},
        "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
        "history": [{"created_by": "a test"}],
    });
    let config = config.to_string().into_bytes();
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &blob(&blobs, &config), config.len()),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer_digest, layer.len())],
    });
    let manifest = manifest.to_string().into_bytes();
    let digest = blob(&blobs, &manifest);
    let of_manifest = descriptor("application/vnd.oci.image.manifest.v1+json", &digest, manifest.len());
    let index = serde_json::json!({"schemaVersion": 2, "manifests": [of_manifest]});
    fs::write(dir.join("index.json"), index.to_string()).expect("writing the index");
    fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("writing the marker");
    Layout { dir: dir.to_owned(), digest }
}

fn descriptor(media_type: &str, digest: &str, size: usize) -> serde_json::Value {
    serde_json::json!({"mediaType": media_type, "digest": digest, "size": size})
}

fn blob(blobs: &Path, data: &[u8]) -> String {
    let hex: String = sha2::Sha256::digest(data).iter().map(|b| format!("{b:02x}")).collect();
    fs::write(blobs.join(&hex), data).expect("writing a blob");
    format!("sha256:{hex}")
}

fn layer(name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for dir in ["bin", "etc", "home", "home/netra", "root", "usr", "usr/bin", "usr/local", "var"] {
        add(&mut tar, dir, 0o755, None);
    }
    add(&mut tar, "tmp", 0o1777, None);
    add(&mut tar, "bin/sh", 0o755, Some(shell()));
    add(&mut tar, "etc/base-name", 0o644, Some(name.as_bytes()));
    add(
        &mut tar,
        "etc/passwd",
        0o644,
        Some(b"root:x:0:0:root:/root:/bin/sh\nnetra:x:1000:1000::/home/netra:/bin/sh\n"),
    );
    add(&mut tar, "etc/group", 0o644, Some(b"root:x:0:\nnetra:x:1000:\nstaff:x:50:\n"));
    tar.into_inner().expect("a tar in memory")
}

fn add(tar: &mut tar::Builder<Vec<u8>>, path: &str, mode: u32, file: Option<&[u8]>) {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(if file.is_some() { tar::EntryType::Regular } else { tar::EntryType::Directory });
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    let data = file.unwrap_or_default();
    header.set_size(data.len() as u64);
    tar.append_data(&mut header, path, data).expect("a tar in memory");
}

/// The stand-in for a shell, from a recorded case.
fn shell() -> &'static [u8] {
    static SHELL: OnceLock<Vec<u8>> = OnceLock::new();
    SHELL.get_or_init(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/buildkit/cases/run-fail.json");
        let case: serde_json::Value =
            serde_json::from_slice(&fs::read(file).expect("the case is there")).expect("the case is JSON");
        let files = case["files"].as_array().expect("files");
        let shell = files.iter().find(|f| f["path"] == "tools/sh").expect("the case has a shell");
        unbase64(shell["content_b64"].as_str().expect("its bytes"))
    })
}
