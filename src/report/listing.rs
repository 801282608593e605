//! `stowaway.ls/1`.

use serde::{Serialize, Serializer};

use super::path::{DestinationField, LinkField};
use super::{Cause, PathField, WarningReport};
use crate::digest::Digest;
use crate::entry::{Entry, FileType};

/// What `ls` found.
#[derive(Debug, Clone, Serialize)]
pub struct ListReport {
    /// The step whose sources are listed, for `--step`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The entries in fsutil's order.
    pub entries: Vec<EntryReport>,
    /// What surprises about them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningReport>,
}

/// One entry.
#[derive(Debug, Clone, Serialize)]
pub struct EntryReport {
    /// Its path below the context.
    #[serde(flatten)]
    pub path: PathField,
    /// `file`, `dir`, `symlink`, `hardlink`, `fifo`, `socket`, `char` or `block`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Permission bits with setuid, setgid and sticky.
    #[serde(serialize_with = "octal")]
    pub mode: u16,
    /// Bytes, of a regular file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// A symlink's text, a hard link's first name.
    #[serde(flatten)]
    pub linkname: Option<LinkField>,
    /// `--hash sha256`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "super::plan::digest")]
    pub sha256: Option<Digest>,
    /// `--hash blake3`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "super::plan::digest")]
    pub blake3: Option<Digest>,
    /// Whether digests were asked for: the columns of a listing stay aligned.
    #[serde(skip)]
    pub hash_asked: bool,
    /// What hides it, for `--ignored` and `--all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<Cause>,
    /// Where it lands in the image, for `--step`.
    #[serde(flatten)]
    pub destination: Option<DestinationField>,
}

impl EntryReport {
    /// True when a listing shows digests and this entry, a folder or the like, has none.
    pub(super) fn hashed(&self) -> bool {
        self.hash_asked && self.sha256.is_none() && self.blake3.is_none()
    }

    /// The report of `entry`, without digests and verdicts.
    pub fn new(entry: &Entry) -> Self {
        let stat = &entry.stat;
        let hardlink = entry.hardlink.as_ref().filter(|_| stat.file_type == FileType::File);
        let linkname = match (stat.file_type, hardlink) {
            (FileType::Symlink, _) => Some(LinkField(stat.linkname().to_vec())),
            (_, Some(first)) => Some(LinkField(first.as_bytes().to_vec())),
            _ => None,
        };
        Self {
            path: PathField::new(entry.path.as_bytes()),
            kind: if hardlink.is_some() { "hardlink" } else { type_name(stat.file_type) },
            mode: stat.mode,
            size: (stat.file_type == FileType::File).then_some(stat.size),
            linkname,
            sha256: None,
            blake3: None,
            hash_asked: false,
            ignored: None,
            destination: None,
        }
    }
}

/// The name of a type in JSON.
pub fn type_name(file_type: FileType) -> &'static str {
    match file_type {
        FileType::File => "file",
        FileType::Dir => "dir",
        FileType::Symlink => "symlink",
        FileType::Fifo => "fifo",
        FileType::Socket => "socket",
        FileType::CharDevice => "char",
        FileType::BlockDevice => "block",
    }
}

/// `"0644"`.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn octal<S: Serializer>(mode: &u16, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}
