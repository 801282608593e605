//! A local source as the daemon's snapshot of it (`source/local`, fsutil's `diskwriter.go`).

use std::sync::Arc;

use super::disk::{drop_capability, edit_extra};
use crate::cache::tree::{Content, FileTree, Node};
use crate::entry::{Entry, FileType, Source, Stat};

/// The tree that arises when a listing is sent to the daemon: the root has mode 0755 whatever the client's has, sockets are
/// empty files, and so are files that can't be opened. `name` is what [`Content::Entry`] calls the source.
pub fn source_tree(name: &Arc<str>, source: &dyn Source) -> FileTree {
    let mut tree = FileTree::scratch();
    for (i, entry) in source.entries().iter().enumerate() {
        let path = entry.path.as_bytes();
        let cut = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
        let mut node = Node::file(received(&entry.stat), Content::Empty);
        if entry.stat.file_type == FileType::File && entry.stat.size > 0 {
            if opens(entry, source) {
                node.content = Content::Entry(name.clone(), i);
            } else {
                node.stat.size = 0;
            }
        }
        if let Some(folder) = tree.get_mut(&path[..cut]) {
            folder.insert(entry.path.name(), node);
        }
    }
    tree
}

/// A file that all may read is not tried: opening a hundred thousand files takes its time.
fn opens(entry: &Entry, source: &dyn Source) -> bool {
    entry.stat.mode & 0o004 != 0 || source.open(entry).is_ok()
}

/// The stat of what is written. Xattrs are set before the owner (`rewriteMetadata`), which takes the capability off again.
fn received(stat: &Stat) -> Stat {
    let mut stat = stat.clone();
    if stat.file_type == FileType::Socket {
        stat.file_type = FileType::File;
        stat.size = 0;
    }
    if stat.file_type != FileType::Dir {
        drop_capability(&mut stat);
    }
    if stat.extra.is_some() {
        let link = stat.file_type == FileType::Symlink;
        edit_extra(&mut stat, |extra| {
            extra.inode = None;
            if link {
                extra.xattrs.clear();
            }
        });
    }
    stat
}
