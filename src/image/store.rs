//! [`ImageStore`]: the images that a caller has on disk, by reference and by the name of a context.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::config::parse_either;
use super::layout::{Layout, Wanted, read_limited};
use super::manifest::MAX_BLOB;
use super::{Image, ImageError, Platform};
use crate::digest::Digest;

/// An image in an OCI layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutSpec {
    /// The layout's folder.
    pub folder: PathBuf,
    /// `@sha256:…`: digest of the manifest or index.
    pub digest: Option<Digest>,
    /// `:TAG`; `None` for `latest` or the only image.
    pub tag: Option<String>,
}

impl LayoutSpec {
    /// Reads `DIR[:TAG][@sha256:…]`, with or without `oci-layout://` before it. As for buildx, the folder ends at the first
    /// `@` or `:`.
    ///
    /// ```
    /// let spec = stowaway::image::LayoutSpec::parse("oci-layout://out:edge").unwrap();
    /// assert_eq!((spec.folder.to_str(), spec.tag.as_deref()), (Some("out"), Some("edge")));
    /// ```
    ///
    /// # Errors
    /// [`ImageError::Spec`] for an empty folder and for a digest that is no sha256.
    pub fn parse(spec: &str) -> Result<Self, ImageError> {
        let wrong = |why: &str| ImageError::Spec { spec: spec.into(), why: why.into() };
        let rest = spec.strip_prefix("oci-layout://").unwrap_or(spec);
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (rest, None),
        };
        let (folder, tag) = match rest.split_once(':') {
            Some((folder, tag)) => (folder, Some(tag.to_owned())),
            None => (rest, None),
        };
        if folder.is_empty() {
            return Err(wrong("expected oci-layout://DIR[:TAG][@sha256:DIGEST]"));
        }
        let parse =
            |d| Digest::parse(d).ok_or_else(|| wrong("the digest has to be sha256: and 64 hex digits"));
        Ok(Self { folder: folder.into(), digest: digest.map(parse).transpose()?, tag })
    }
}

/// The images that are known offline.
#[derive(Debug, Clone, Default)]
pub struct ImageStore {
    bases: BTreeMap<String, PathBuf>,
    named: BTreeMap<String, LayoutSpec>,
}

impl ImageStore {
    /// Knows no image.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says where the image of a reference is (`--base REF=PATH`): an OCI layout's folder (`DIR[:TAG][@sha256:…]`), or a file
    /// with an image config or the output of `docker image inspect`. The reference need not be normalised.
    pub fn add_base(&mut self, reference: &str, path: impl Into<PathBuf>) {
        self.bases.insert(normalize(reference), path.into());
    }

    /// Says which image a context is (`--build-context NAME=oci-layout://…`).
    pub fn add_named(&mut self, name: &str, layout: LayoutSpec) {
        self.named.insert(name.to_owned(), layout);
    }

    /// The image that a normalised reference names; `None` when nobody said where it is.
    ///
    /// A reference with a digest finds every base of that repository that may have it.
    ///
    /// # Errors
    /// [`ImageError`] when it can't be read, or isn't for the platform.
    pub fn image(&self, reference: &str, platform: &Platform) -> Result<Option<Image>, ImageError> {
        let (name, digest) = split_digest(reference);
        let base = self.bases.get(reference).or_else(|| self.bases.get(name));
        let base = base.map(|path| (name, path)).or_else(|| self.by_repository(reference));
        let Some((name, path)) = base else { return Ok(None) };
        read_base(reference, name, path, digest, platform)
    }

    /// The image behind a context.
    ///
    /// # Errors
    /// [`ImageError`] when it can't be read, isn't for the platform, or when no context of that name was given.
    pub fn named(&self, name: &str, platform: &Platform) -> Result<Image, ImageError> {
        let Some(spec) = self.named.get(name) else {
            let why = "no OCI layout was given for this context".into();
            return Err(ImageError::Spec { spec: name.into(), why });
        };
        let wanted = Wanted { digest: spec.digest, tag: spec.tag.as_deref(), ..Wanted::default() };
        let shown = format!("{name} (oci-layout://{})", spec.folder.display());
        Layout { folder: &spec.folder }.image(&shown, &wanted, platform)
    }

    /// With a digest, the tag doesn't matter.
    fn by_repository(&self, reference: &str) -> Option<(&str, &PathBuf)> {
        let (name, digest) = split_digest(reference);
        digest?;
        let same = |base: &&str| repository(split_digest(base).0) == repository(name);
        self.bases.iter().map(|(base, path)| (base.as_str(), path)).find(|(base, _)| same(base))
    }
}

fn read_base(
    reference: &str,
    name: &str,
    path: &Path,
    digest: Option<Digest>,
    platform: &Platform,
) -> Result<Option<Image>, ImageError> {
    if path.is_file() {
        return read_config(reference, path, digest).map(Some);
    }
    let spec = if path.is_dir() {
        LayoutSpec { folder: path.into(), digest: None, tag: None }
    } else {
        LayoutSpec::parse(&path.to_string_lossy())?
    };
    let layout = Layout { folder: &spec.folder };
    if digest.is_some_and(|d| !layout.has(&d)) {
        return Ok(None);
    }
    let tag = spec.tag.as_deref().or_else(|| tag(name));
    let wanted = Wanted { digest: digest.or(spec.digest), tag, name: Some(name), ..Wanted::default() };
    let shown = format!("{reference} ({})", path.display());
    layout.image(&shown, &wanted, platform).map(Some)
}

/// An image of which only the config is known. Its root digest is known when the reference names it, or when the output of
/// `docker image inspect` has just one.
fn read_config(reference: &str, path: &Path, digest: Option<Digest>) -> Result<Image, ImageError> {
    let (config, digests) = parse_either(&read_limited(path, MAX_BLOB)?, path)?;
    let only = digests.first().filter(|first| digests.iter().all(|d| d == *first)).copied();
    Ok(Image {
        name: format!("{reference} ({})", path.display()),
        root_digest: digest.or(only),
        config,
        layers: None,
    })
}

fn split_digest(reference: &str) -> (&str, Option<Digest>) {
    match reference.split_once('@') {
        Some((name, digest)) => (name, Digest::parse(digest)),
        None => (reference, None),
    }
}

fn tag(name: &str) -> Option<&str> {
    name.rsplit('/').next()?.split_once(':').map(|(_, tag)| tag)
}

fn repository(name: &str) -> &str {
    tag(name).map_or(name, |tag| &name[..name.len() - tag.len() - 1])
}

/// `alpine` → `docker.io/library/alpine:latest` (`distribution/reference`, `ParseNormalizedNamed` and `TagNameOnly`).
fn normalize(reference: &str) -> String {
    let (domain, rest) = match reference.split_once('/') {
        Some((domain, rest)) if is_domain(domain) => (domain, rest.to_owned()),
        _ => ("docker.io", reference.to_owned()),
    };
    let domain = if domain == "index.docker.io" { "docker.io" } else { domain };
    let library = if domain == "docker.io" && !rest.contains('/') { "library/" } else { "" };
    let bare = tag(split_digest(&rest).0).is_none() && !rest.contains('@');
    format!("{domain}/{library}{rest}{}", if bare { ":latest" } else { "" })
}

fn is_domain(part: &str) -> bool {
    part == "localhost" || part.contains(['.', ':']) || part.to_lowercase() != part
}
