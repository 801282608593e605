//! `stowaway.pack/1`.

use std::io::{self, Write};

use serde::Serialize;

use super::{Document, Look, PathField, WarningReport, human, json, shown};
use crate::digest::Digest;

/// What `pack` wrote.
#[derive(Debug, Clone, Serialize)]
pub struct PackReport {
    /// The tar's file; `None` for standard output.
    #[serde(flatten)]
    pub path: Option<PathField>,
    /// The digest of what was written; `None` where none was asked for.
    #[serde(serialize_with = "text")]
    pub digest: Option<Digest>,
    /// Bytes that were written.
    pub written: u64,
    /// The digest of the tar before it was compressed; the same as `digest` where it isn't.
    #[serde(serialize_with = "text")]
    pub tar_digest: Option<Digest>,
    /// Bytes of the tar before it was compressed.
    pub tar_bytes: u64,
    /// `none`, `gzip` or `zstd`, perhaps with a level.
    pub compression: String,
    /// Regular files, hard links and sockets among them.
    pub files: u64,
    /// Folders.
    pub dirs: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Pipes and devices.
    pub special: u64,
    /// Bytes of the files' contents; those of hard links count once.
    pub bytes: u64,
    /// The Dockerfile in the tar.
    pub dockerfile: Option<PackedDockerfile>,
    /// What surprises about it.
    pub warnings: Vec<WarningReport>,
}

/// Where the Dockerfile is in a tar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackedDockerfile {
    /// Its path in the tar.
    #[serde(flatten)]
    pub path: PathField,
    /// Whether it was added, because it is not in view or lies outside of the context.
    pub added: bool,
    /// Whether an engine finds it without `-f`.
    pub found: bool,
}

fn text<S: serde::Serializer>(digest: &Option<Digest>, serializer: S) -> Result<S::Ok, S::Error> {
    digest.map(|d| d.to_string()).serialize(serializer)
}

impl Document for PackReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        let to = self.path.as_ref().map_or("standard output".to_owned(), |p| shown(&p.0));
        let (files, content) = (human::count(self.files, "file"), human::size(self.bytes));
        writeln!(out, "packed {files} ({content}): {to} ({})", human::size(self.written))?;
        if let Some(digest) = self.digest {
            writeln!(out, "{digest}")?;
        }
        if let Some(digest) = self.tar_digest.filter(|d| look.verbose && self.digest != Some(*d)) {
            writeln!(out, "{digest} before compression ({})", human::size(self.tar_bytes))?;
        }
        match &self.dockerfile {
            Some(dockerfile) if !dockerfile.found => {
                let name = shown(&dockerfile.path.0);
                writeln!(
                    out,
                    "the Dockerfile is not called Dockerfile: build it with `docker build -f {name} -`"
                )
            }
            _ => Ok(()),
        }
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.pack/1", self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> PackReport {
        PackReport {
            path: Some(PathField::new("out.tar")),
            digest: Some(Digest::sha256("x")),
            written: 10_240,
            tar_digest: Some(Digest::sha256("x")),
            tar_bytes: 10_240,
            compression: "none".into(),
            files: 1,
            dirs: 0,
            symlinks: 0,
            special: 0,
            bytes: 5,
            dockerfile: None,
            warnings: Vec::new(),
        }
    }

    fn human(document: &impl Document) -> String {
        let mut out = Vec::new();
        document.human(&mut out, &Look::default()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_says_how_much_and_where_and_the_digest() {
        let text = human(&report());
        assert_eq!(text, format!("packed 1 file (5 B): out.tar (10.0 KiB)\n{}\n", Digest::sha256("x")));
    }

    #[test]
    fn a_dockerfile_that_no_engine_would_find_is_named() {
        let path = PathField::new(".dockerfile.1");
        let dockerfile = Some(PackedDockerfile { path, added: true, found: false });
        let text = human(&PackReport { dockerfile, digest: None, ..report() });
        assert!(text.ends_with("build it with `docker build -f .dockerfile.1 -`\n"), "{text}");
    }

    #[test]
    fn digests_in_json_are_texts_or_null() {
        let value = serde_json::to_value(PackReport { tar_digest: None, ..report() }).unwrap();
        assert_eq!(value["digest"], Digest::sha256("x").to_string());
        assert!(value["tar_digest"].is_null());
    }
}
