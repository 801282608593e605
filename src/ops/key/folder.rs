//! A whole local source as one digest, for the rare step that takes one in and has no content key for it: a bind mount of
//! a part of the context that the program may write to, a stage on a folder.

use super::super::analysis::Sent;
use super::Parts;
use crate::cache::CacheError;
use crate::digest::{self, Digest};
use crate::entry::{FileType, Source as _};
use crate::error::Error;
use crate::observer::Observer;

/// Paths, stats without times, and contents.
pub fn digest(sent: &Sent<'_>, observer: &dyn Observer) -> Result<Digest, Error> {
    let entries = sent.view.entries();
    let files: Vec<usize> =
        (0..entries.len()).filter(|i| entries[*i].stat.file_type == FileType::File).collect();
    let request = digest::Request { blake3: true, ..digest::Request::default() };
    let mut contents = vec![None; entries.len()];
    let mut errors = Vec::new();
    for (answer, i) in digest::hash_files(&sent.view, &files, request, observer).into_iter().zip(&files) {
        match answer {
            Ok(digests) => contents[*i] = digests.blake3,
            Err(e) => errors.push(*e),
        }
    }
    if !errors.is_empty() {
        return Err(CacheError::Hash(errors).into());
    }
    let mut parts = Parts::new("folder");
    for (entry, content) in entries.iter().zip(contents) {
        let stat = &entry.stat;
        let (major, minor) = stat.device();
        let numbers =
            format!("{} {} {} {} {major} {minor}", stat.file_type as u8, stat.mode, stat.uid, stat.gid);
        parts.add(entry.path.as_bytes());
        parts.add(numbers);
        parts.add(stat.linkname());
        for (name, value) in stat.xattrs() {
            parts.add(name);
            parts.add(value);
        }
        parts.add(content.map_or(Vec::new(), |c| c.bytes.to_vec()));
    }
    Ok(parts.digest())
}
