//! `index.json` of an OCI layout: which manifest a tag means (`client/ociindex`).

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

const NAME: &str = "io.containerd.image.name";
const TAG: &str = "org.opencontainers.image.ref.name";
/// No index is longer, in bytes.
const MAX_LENGTH: u64 = 16 << 20;

/// Why a layout's index can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A file can't be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no index.
    #[error("{}: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Somebody else is writing it.
    #[error("could not lock {}", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
}

/// How a manifest is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// By a tag alone: caches, and images without a name.
    Tag(String),
    /// By an image's whole name.
    Image(String),
}

/// The digest of the manifest that a tag or a name means; `None` where there is none.
///
/// # Errors
/// No index, or one that can't be read.
pub fn find(folder: &Path, tag: &str) -> Result<Option<String>, LayoutError> {
    let index = read(&folder.join("index.json"))?.unwrap_or_default();
    let manifests = manifests(&index);
    let by = |key: &str| manifests.iter().find(|m| m["annotations"][key] == tag);
    Ok(by(NAME).or_else(|| by(TAG)).and_then(|m| m["digest"].as_str()).map(str::to_owned))
}

/// The digest of a layout's only manifest; `None` where there are several or none.
///
/// # Errors
/// As [`find`].
pub fn only(folder: &Path) -> Result<Option<String>, LayoutError> {
    let index = read(&folder.join("index.json"))?.unwrap_or_default();
    Ok(match manifests(&index) {
        [one] => one["digest"].as_str().map(str::to_owned),
        _ => None,
    })
}

/// Enters a manifest under names; what had one of them before goes. `descriptor` is JSON, as the engine's
/// `cache.manifest` has it.
///
/// # Errors
/// A descriptor without digest, an index that can't be read or written, or that somebody else is writing.
pub fn put(folder: &Path, descriptor: &str, names: &[Name]) -> Result<(), LayoutError> {
    let path = folder.join("index.json");
    let damaged = |why: &str| LayoutError::Damaged { path: path.clone(), why: why.into() };
    let descriptor: Map<String, Value> =
        serde_json::from_str(descriptor).map_err(|_| damaged("the engine's descriptor is no JSON object"))?;
    let digest = descriptor.get("digest").and_then(Value::as_str).and_then(super::BlobDigest::parse);
    digest.ok_or_else(|| damaged("the engine's descriptor has no digest"))?;
    let lock = Lock::take(folder)?;
    write(&folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#.as_bytes())?;
    let mut index = match read(&path) {
        Err(LayoutError::File { error, .. }) if error.kind() == io::ErrorKind::NotFound => Map::new(),
        other => other?.unwrap_or_default(),
    };
    index.entry("schemaVersion").or_insert(json!(2));
    index.entry("mediaType").or_insert(json!("application/vnd.oci.image.index.v1+json"));
    let mut all = manifests(&index).to_vec();
    if names.is_empty() {
        all.push(Value::Object(descriptor.clone()));
    }
    for name in names {
        insert(&mut all, &descriptor, name);
    }
    index.insert("manifests".into(), Value::Array(all));
    let bytes = serde_json::to_vec(&index).map_err(|e| damaged(&e.to_string()))?;
    write(&path, &bytes)?;
    drop(lock);
    Ok(())
}

fn insert(all: &mut Vec<Value>, descriptor: &Map<String, Value>, name: &Name) {
    let (image, tag) = match name {
        Name::Tag(tag) => (None, tag.as_str()),
        Name::Image(image) => (Some(image.as_str()), tag_of(image)),
    };
    let mut descriptor = Value::Object(descriptor.clone());
    if !descriptor["annotations"].is_object() {
        descriptor["annotations"] = json!({});
    }
    if let Some(image) = image {
        descriptor["annotations"][NAME] = json!(image);
    }
    descriptor["annotations"][TAG] = json!(tag);
    all.retain(|m| {
        let has = |key: &str| m["annotations"][key].as_str().unwrap_or_default();
        has(TAG) != tag || has(NAME) != image.unwrap_or_default()
    });
    all.push(descriptor);
}

/// What follows the repository in an image's name; a name without a registry is all of it (`ociReferenceName`).
fn tag_of(image: &str) -> &str {
    let Some((host, path)) = image.split_once('/') else { return image };
    if host.is_empty() {
        return image;
    }
    match path.find([':', '@']) {
        Some(at) => path[at..].strip_prefix(':').unwrap_or(&path[at..]),
        None => "",
    }
}

fn manifests(index: &Map<String, Value>) -> &[Value] {
    index.get("manifests").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `None` for an empty file.
fn read(path: &Path) -> Result<Option<Map<String, Value>>, LayoutError> {
    let mut bytes = Vec::new();
    let found = File::open(path).and_then(|file| file.take(MAX_LENGTH).read_to_end(&mut bytes));
    found.map_err(|error| LayoutError::File { path: path.into(), error })?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let index = serde_json::from_slice(&bytes);
    index.map(Some).map_err(|e| LayoutError::Damaged { path: path.into(), why: format!("no index: {e}") })
}

/// Whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mode = fs::Permissions::from_mode(0o644);
    let write = || {
        let mut file = tempfile::Builder::new().prefix(".index-").permissions(mode).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|e| e.error).map(|_| ())
    };
    write().map_err(|error| LayoutError::File { path: path.into(), error })
}

/// `index.json.lock`, which buildx takes, too.
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    fn take(folder: &Path) -> Result<Self, LayoutError> {
        let path = folder.join("index.json.lock");
        let opened = File::options().create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(|error| LayoutError::File { path: path.clone(), error })?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { path, _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(LayoutError::Locked { path }),
            Err(error) => Err(LayoutError::File { path, error: error.into() }),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    const TWO: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

    fn descriptor(digest: &str) -> String {
        json!({"mediaType": "m", "digest": digest, "size": 3, "annotations": {"kept": "k"}}).to_string()
    }

    fn tag(name: &str) -> [Name; 1] {
        [Name::Tag(name.into())]
    }

    #[test]
    fn a_tag_means_what_was_put_last_under_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(find(folder, "latest").is_err());
        put(folder, &descriptor(ONE), &tag("latest")).unwrap();
        assert_eq!(only(folder).unwrap().unwrap(), ONE);
        put(folder, &descriptor(ONE), &tag("other")).unwrap();
        put(folder, &descriptor(TWO), &tag("latest")).unwrap();
        assert_eq!(find(folder, "latest").unwrap().unwrap(), TWO);
        assert_eq!(find(folder, "other").unwrap().unwrap(), ONE);
        assert_eq!((find(folder, "none").unwrap(), only(folder).unwrap()), (None, None));
        let index = fs::read_to_string(folder.join("index.json")).unwrap();
        let index: Value = serde_json::from_str(&index).unwrap();
        assert_eq!(index["schemaVersion"], 2);
        assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
        assert_eq!(index["manifests"][1]["annotations"], json!({"kept": "k", TAG: "latest"}));
        assert_eq!(fs::read(folder.join("oci-layout")).unwrap(), br#"{"imageLayoutVersion":"1.0.0"}"#);
        assert_eq!(fs::read_dir(folder).unwrap().count(), 2, "no lock, no half-written file");
    }

    #[test]
    fn images_have_a_name_and_a_tag() {
        let folder = tempfile::tempdir().unwrap();
        let name = "docker.io/library/a:1";
        put(folder.path(), &descriptor(ONE), &[Name::Image(name.into())]).unwrap();
        put(folder.path(), &descriptor(TWO), &tag("1")).unwrap();
        assert_eq!(find(folder.path(), name).unwrap().unwrap(), ONE);
        assert_eq!(find(folder.path(), "1").unwrap().unwrap(), ONE, "the first");
        for (name, want) in [
            ("docker.io/library/a:1", "1"),
            ("r.io:5000/a@sha256:1", "@sha256:1"),
            ("r.io/a", ""),
            ("a:1", "a:1"),
        ] {
            assert_eq!(tag_of(name), want, "{name}");
        }
    }

    #[test]
    fn what_cant_be_entered_leaves_the_index_alone() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &descriptor(ONE), &tag("a")).unwrap();
        let before = fs::read(folder.path().join("index.json")).unwrap();
        for bad in ["", "[]", "{}", r#"{"digest":"../x"}"#] {
            assert!(put(folder.path(), bad, &tag("a")).is_err(), "{bad}");
        }
        let lock = Lock::take(folder.path()).unwrap();
        assert!(matches!(put(folder.path(), &descriptor(TWO), &tag("a")), Err(LayoutError::Locked { .. })));
        drop(lock);
        assert_eq!(fs::read(folder.path().join("index.json")).unwrap(), before);
        fs::write(folder.path().join("index.json"), "{").unwrap();
        assert!(matches!(put(folder.path(), &descriptor(TWO), &tag("a")), Err(LayoutError::Damaged { .. })));
    }
}
