//! Trees from text, for the tests of this room.

use std::io::{self, Read};
use std::sync::Arc;

use super::ContentReader;
use super::disk::{file_stat, symlink_stat};
use crate::cache::tree::{Content, FileTree, Node, folder_stat};
use crate::entry::FileType;

/// `a/` is a folder, `a -> b` a link, `a` a file that holds its own name, `a = text` another; `@0700` and `@0700,1:2` at the
/// end set mode and owner.
pub(crate) fn tree(lines: &[&str]) -> FileTree {
    let mut tree = FileTree::scratch();
    for line in lines {
        let (line, meta) = line.rsplit_once(" @").unwrap_or((line, ""));
        let (path, mut node) = if let Some((path, target)) = line.split_once(" -> ") {
            (path, Node::file(symlink_stat(target.as_bytes()), Content::Empty))
        } else if let Some(path) = line.strip_suffix('/') {
            (path, Node::folder(folder_stat(0o755)))
        } else {
            let (path, text) = line.split_once(" = ").unwrap_or((line, line));
            let content = Content::Bytes(Arc::from(text.as_bytes()));
            (path, Node::file(file_stat(0o644, text.len() as u64), content))
        };
        if !meta.is_empty() {
            let (mode, owner) = meta.split_once(',').unwrap_or((meta, "0:0"));
            let (uid, gid) = owner.split_once(':').expect("uid:gid");
            node.stat.mode = u16::from_str_radix(mode, 8).expect("octal");
            node.stat.uid = uid.parse().expect("uid");
            node.stat.gid = gid.parse().expect("gid");
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        tree.get_mut(folder.as_bytes()).expect("parents come first").insert(name.as_bytes(), node);
    }
    tree
}

/// One line for each file, as [`tree`] reads them; mode and owner where they aren't the usual ones.
pub(crate) fn show(tree: &FileTree) -> Vec<String> {
    let show = |(path, node): (crate::entry::ContextPath, &Node)| {
        let stat = &node.stat;
        let (what, usual) = match stat.file_type {
            FileType::Dir => (format!("{path}/"), 0o755),
            FileType::Symlink => (format!("{path} -> {}", String::from_utf8_lossy(stat.linkname())), 0o777),
            FileType::File => (format!("{path} = {}", text(&node.content)), 0o644),
            other => (format!("{path} {other:?} {:?}", stat.device()), 0o644),
        };
        let owner = if (stat.uid, stat.gid) == (0, 0) {
            String::new()
        } else {
            format!(",{}:{}", stat.uid, stat.gid)
        };
        let mode = format!(" @{:04o}{owner}", stat.mode);
        if stat.mode == usual && owner.is_empty() { what } else { what + &mode }
    };
    tree.files().into_iter().map(show).collect()
}

pub(crate) fn text(content: &Content) -> String {
    String::from_utf8_lossy(&bytes(content)).into_owned()
}

pub(crate) fn bytes(content: &Content) -> Vec<u8> {
    let mut bytes = Vec::new();
    InMemory.open(content).expect("in memory").read_to_end(&mut bytes).expect("in memory");
    bytes
}

pub(crate) struct InMemory;

impl ContentReader for InMemory {
    fn open<'c>(&'c self, content: &'c Content) -> io::Result<Box<dyn Read + 'c>> {
        super::open_content(content).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// A tar archive of lines as [`tree`] reads them; `a => b` is a hard link.
pub(crate) fn archive(lines: &[&str]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for line in lines {
        let (line, meta) = line.rsplit_once(" @").unwrap_or((line, ""));
        let mut header = tar::Header::new_gnu();
        header.set_mode(if line.ends_with('/') { 0o755 } else { 0o644 });
        header.set_uid(0);
        header.set_gid(0);
        if !meta.is_empty() {
            let (mode, owner) = meta.split_once(',').unwrap_or((meta, "0:0"));
            let (uid, gid) = owner.split_once(':').expect("uid:gid");
            header.set_mode(u32::from_str_radix(mode, 8).expect("octal"));
            header.set_uid(uid.parse().expect("uid"));
            header.set_gid(gid.parse().expect("gid"));
        }
        header.set_size(0);
        let mut data = &b""[..];
        let path = if let Some((path, target)) = line.split_once(" => ") {
            header.set_entry_type(tar::EntryType::Link);
            header.set_link_name_literal(target).expect("short");
            path
        } else if let Some((path, target)) = line.split_once(" -> ") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_link_name_literal(target).expect("short");
            path
        } else if line.ends_with('/') {
            header.set_entry_type(tar::EntryType::Directory);
            line
        } else {
            let (path, text) = line.split_once(" = ").unwrap_or((line, line));
            data = text.as_bytes();
            header.set_size(data.len() as u64);
            path
        };
        header.as_gnu_mut().expect("gnu").name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        out.append(&header, data).expect("in memory");
    }
    out.into_inner().expect("in memory")
}
