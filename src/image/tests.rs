//! Layouts made for the occasion.

use std::fs;
use std::path::Path;

use super::{Image, ImageError, ImageStore, LayoutSpec, Platform};
use crate::digest::Digest;

struct Made {
    folder: tempfile::TempDir,
}

impl Made {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
        fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn blob(&self, text: &str) -> Digest {
        let digest = Digest::sha256(text);
        fs::write(self.path().join("blobs/sha256").join(digest.hex()), text).unwrap();
        digest
    }

    fn manifest(&self, os_arch: (&str, &str), layer: Option<&str>) -> Digest {
        let (os, arch) = os_arch;
        let diff = Digest::sha256("diff");
        let config = format!(
            r#"{{"os":"{os}","architecture":"{arch}","config":{{"User":"{arch}"}},"rootfs":{{"type":"layers","diff_ids":["{diff}"]}}}}"#
        );
        let (config, size) = (self.blob(&config), config.len());
        let layers =
            layer.map(|l| format!(r#"{{"mediaType":"t","digest":"{}","size":{}}}"#, self.blob(l), l.len()));
        self.blob(&format!(
            r#"{{"config":{{"digest":"{config}","size":{size}}},"layers":[{}]}}"#,
            layers.unwrap_or_default()
        ))
    }

    fn index(&self, manifests: &[(Digest, &str)]) -> String {
        let list: Vec<String> = manifests
            .iter()
            .map(|(digest, more)| {
                let size = fs::metadata(self.path().join("blobs/sha256").join(digest.hex())).unwrap().len();
                format!(r#"{{"digest":"{digest}","size":{size}{more}}}"#)
            })
            .collect();
        format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, list.join(","))
    }

    fn write_index(&self, manifests: &[(Digest, &str)]) {
        fs::write(self.path().join("index.json"), self.index(manifests)).unwrap();
    }

    fn read(&self, suffix: &str) -> Result<Image, ImageError> {
        let spec = LayoutSpec::parse(&format!("oci-layout://{}{suffix}", self.path().display()))?;
        let mut store = ImageStore::new();
        store.add_named("base", spec);
        store.named("base", &amd64())
    }
}

fn amd64() -> Platform {
    Platform { os: "linux".into(), architecture: "amd64".into(), ..Platform::default() }
}

const ARM: &str = r#","platform":{"os":"linux","architecture":"arm64"}"#;
const AMD: &str = r#","platform":{"os":"linux","architecture":"amd64"}"#;
const EDGE: &str = r#","annotations":{"org.opencontainers.image.ref.name":"edge"}"#;
const FULL: &str = r#","annotations":{"io.containerd.image.name":"docker.io/library/app:1","org.opencontainers.image.ref.name":"1"}"#;

#[test]
fn the_only_manifest_is_the_image_whatever_its_platform() {
    let made = Made::new();
    let manifest = made.manifest(("windows", "arm64"), Some("layer"));
    made.write_index(&[(manifest, "")]);
    let image = made.read("").unwrap();
    assert_eq!((image.root_digest, image.config.user.as_str()), (Some(manifest), "arm64"));
    let layers = image.layers.unwrap();
    assert_eq!((layers.len(), layers[0].digest), (1, Some(Digest::sha256("layer"))));
    assert_eq!(made.read(&format!("@{manifest}")).unwrap().root_digest, Some(manifest));
}

#[test]
fn of_an_index_the_fitting_manifest_is_taken_and_the_index_is_the_root() {
    let made = Made::new();
    let (arm, amd) = (made.manifest(("linux", "arm64"), None), made.manifest(("linux", "amd64"), None));
    let inner = made.blob(&made.index(&[(arm, ARM), (amd, AMD)]));
    let outer = made.blob(&made.index(&[(inner, "")]));
    made.write_index(&[(outer, "")]);
    let image = made.read("").unwrap();
    assert_eq!((image.root_digest, image.config.user.as_str()), (Some(outer), "amd64"));
}

#[test]
fn a_manifest_without_platform_counts_when_its_config_fits() {
    let made = Made::new();
    let (arm, amd) = (made.manifest(("linux", "arm64"), None), made.manifest(("linux", "amd64"), None));
    let index = made.blob(&made.index(&[(amd, ""), (arm, ARM)]));
    made.write_index(&[(index, "")]);
    assert_eq!(made.read("").unwrap().config.user, "amd64");
    let index = made.blob(&made.index(&[(arm, "")]));
    made.write_index(&[(index, "")]);
    assert!(matches!(made.read(""), Err(ImageError::Platform { .. })));
}

#[test]
fn no_fitting_platform_is_an_error_that_says_what_there_is() {
    let made = Made::new();
    let arm = made.manifest(("linux", "arm64"), None);
    let index = made.blob(&made.index(&[(arm, ARM)]));
    made.write_index(&[(index, "")]);
    let error = made.read("").unwrap_err().to_string();
    assert!(
        error.contains("no match for platform linux/amd64") && error.ends_with("it has linux/arm64"),
        "{error}"
    );
}

#[test]
fn tags_are_looked_up_by_either_annotation() {
    let made = Made::new();
    let (one, two) = (made.manifest(("linux", "arm64"), None), made.manifest(("linux", "amd64"), None));
    made.write_index(&[(one, EDGE), (two, FULL)]);
    assert_eq!(made.read(":edge").unwrap().root_digest, Some(one));
    assert_eq!(made.read(":1").unwrap().root_digest, Some(two));
    let error = made.read("").unwrap_err().to_string();
    assert!(
        error.contains(r#"tag "latest" is not in this OCI layout; it has tag "edge", tag "1""#),
        "{error}"
    );

    let mut store = ImageStore::new();
    store.add_base("app:1", made.path());
    let image = |reference: &str| store.image(reference, &amd64()).unwrap();
    assert_eq!(image("docker.io/library/app:1").unwrap().root_digest, Some(two));
    assert_eq!(image(&format!("docker.io/library/app@{one}")).unwrap().root_digest, Some(one));
    assert_eq!(image(&format!("docker.io/library/app@{}", Digest::sha256("none"))), None);
    assert_eq!(image("docker.io/library/app:2"), None);
}

#[test]
fn damaged_and_missing_blobs_are_named() {
    let made = Made::new();
    let manifest = made.manifest(("linux", "amd64"), Some("layer"));
    made.write_index(&[(manifest, "")]);
    let blob = |digest: &Digest| made.path().join("blobs/sha256").join(digest.hex());
    fs::remove_file(blob(&Digest::sha256("layer"))).unwrap();
    assert_eq!(made.read("").unwrap().layers, None);
    made.blob("layer");
    fs::write(blob(&Digest::sha256("layer")), "longer layer").unwrap();
    assert!(matches!(made.read(""), Err(ImageError::Size { .. })));
    let text = fs::read_to_string(blob(&manifest)).unwrap();
    fs::write(blob(&manifest), text.replace("config", "CONFIG")).unwrap();
    assert!(matches!(made.read(""), Err(ImageError::Digest { .. })));
    fs::remove_file(blob(&manifest)).unwrap();
    assert!(matches!(made.read(""), Err(ImageError::Missing { .. })));
    fs::remove_file(made.path().join("oci-layout")).unwrap();
    assert!(matches!(made.read(""), Err(ImageError::NotLayout { .. })));
}

#[test]
fn a_config_alone_gives_the_layers_but_not_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let diff = Digest::sha256("diff");
    fs::write(&path, format!(r#"{{"rootfs":{{"type":"layers","diff_ids":["{diff}"]}}}}"#)).unwrap();
    let mut store = ImageStore::new();
    store.add_base("localhost/app", &path);
    let image = store.image("localhost/app:latest", &amd64()).unwrap().unwrap();
    assert_eq!((image.root_digest, image.config.diff_ids, image.layers), (None, vec![diff], None));
    let pinned = store.image(&format!("localhost/app@{diff}"), &amd64()).unwrap().unwrap();
    assert_eq!(pinned.root_digest, Some(diff));
}

#[test]
fn specs_are_read_as_buildx_reads_them() {
    let digest = Digest::sha256("x");
    let spec = LayoutSpec::parse(&format!("oci-layout://dir:tag@{digest}")).unwrap();
    assert_eq!(
        (spec.folder.to_str(), spec.tag.as_deref(), spec.digest),
        (Some("dir"), Some("tag"), Some(digest))
    );
    assert!(LayoutSpec::parse("oci-layout://").is_err());
    assert!(LayoutSpec::parse("oci-layout://d@sha256:1").is_err());
}
