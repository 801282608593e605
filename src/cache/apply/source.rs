//! A local source as the daemon's snapshot of it (`source/local`, fsutil's `diskwriter.go`).

use std::sync::Arc;

use super::disk::{drop_capability, edit_extra};
use crate::cache::tree::{Content, FileTree, Node, folder_stat};
use crate::entry::{Entry, FileType, Source, Stat};

/// The tree that arises when a listing is sent to the daemon: the root has mode 0755 whatever the client's has, sockets are
/// empty files, and so are files that can't be opened. `name` is what [`Content::Entry`] calls the source; `opened` tells of
/// an entry whether it could be opened, where somebody knows.
pub fn source_tree(name: &Arc<str>, source: &dyn Source, opened: &dyn Fn(usize) -> Option<bool>) -> FileTree {
    let mut folders = vec![Folder::new(b"", folder_stat(0o755))];
    for (i, entry) in source.entries().iter().enumerate() {
        let path = entry.path.as_bytes();
        let cut = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
        close(&mut folders, &path[..cut]);
        let mut stat = received(&entry.stat);
        let mut content = Content::Empty;
        if entry.stat.file_type == FileType::File && entry.stat.size > 0 {
            if opens(entry, source, || opened(i)) {
                content = Content::Entry(name.clone(), i);
            } else {
                stat.size = 0;
            }
        }
        match folders.last_mut() {
            _ if stat.is_dir() => folders.push(Folder::new(path, stat)),
            Some(folder) => folder.add(entry.path.name(), Node::file(stat, content)),
            None => {}
        }
    }
    close(&mut folders, b"");
    folders.pop().map_or_else(FileTree::scratch, |root| FileTree::new(Node::holding(root.stat, root.entries)))
}

/// A folder whose entries come one after another.
struct Folder<'a> {
    path: &'a [u8],
    stat: Stat,
    entries: Vec<(Arc<[u8]>, Arc<Node>)>,
}

impl<'a> Folder<'a> {
    fn new(path: &'a [u8], stat: Stat) -> Self {
        Self { path, stat, entries: Vec::new() }
    }

    fn add(&mut self, name: &[u8], node: Node) {
        self.entries.push((name.into(), node.into()));
    }
}

/// Closes the folders behind `parent`: in the order of a listing nothing more comes in them.
fn close(folders: &mut Vec<Folder<'_>>, parent: &[u8]) {
    while let Some(done) = folders.pop_if(|f| f.path != parent && !f.path.is_empty()) {
        let name = &done.path[done.path.iter().rposition(|b| *b == b'/').map_or(0, |cut| cut + 1)..];
        if let Some(above) = folders.last_mut() {
            above.add(name, Node::holding(done.stat, done.entries));
        }
    }
}

/// A file that all may read is not tried: opening a hundred thousand files takes its time.
fn opens(entry: &Entry, source: &dyn Source, opened: impl Fn() -> Option<bool>) -> bool {
    entry.stat.mode & 0o004 != 0 || opened().unwrap_or_else(|| source.open(entry).is_ok())
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
