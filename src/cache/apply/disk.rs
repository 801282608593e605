//! A tree that changes by what looks like system calls, with Linux's rules (as root, umask 0).

use std::collections::HashMap;
use std::sync::Arc;

use super::error::Errno;
use crate::cache::tree::{Content, FileTree, Node, folder_stat};
use crate::entry::{Extra, FileType, Stat};
use crate::gopath;

/// Linux's `PATH_MAX` without the final NUL and BuildKit's mount point (`/tmp/buildkit-mount` and ten digits).
pub(super) const PATH_MAX: usize = 4095 - 29;
const NAME_MAX: usize = 255;
/// How many links Linux follows in one lookup.
const MAX_LINKS: usize = 40;
pub(super) const CAPABILITY: &[u8] = b"security.capability";

/// A tree under change. Paths are absolute.
pub(super) struct Disk {
    pub tree: FileTree,
    /// True where the tree is the process's root (`chroot`): absolute links and `..` stay inside. Otherwise they leave the
    /// mount, and there is nothing.
    jail: bool,
    links: Links,
}

/// Names made by `link(2)` since the disk was mounted: they are one file.
#[derive(Default)]
struct Links {
    group_of: HashMap<Vec<u8>, usize>,
    members: Vec<Vec<Vec<u8>>>,
}

impl Links {
    fn join(&mut self, old: &[u8], new: &[u8]) {
        let group = *self.group_of.entry(old.to_vec()).or_insert_with(|| {
            self.members.push(vec![old.to_vec()]);
            self.members.len() - 1
        });
        self.members[group].push(new.to_vec());
        self.group_of.insert(new.to_vec(), group);
    }

    fn forget(&mut self, path: &[u8]) {
        if self.group_of.is_empty() {
            return;
        }
        let gone = |p: &Vec<u8>| p == path || (p.starts_with(path) && p.get(path.len()) == Some(&b'/'));
        self.group_of.retain(|p, _| !gone(p));
        for members in &mut self.members {
            members.retain(|p| !gone(p));
        }
    }

    fn names(&self, path: &[u8]) -> Vec<Vec<u8>> {
        self.group_of.get(path).map_or_else(|| vec![path.to_vec()], |group| self.members[*group].clone())
    }
}

/// Looks up an absolute path as the kernel does; gives the path without links, and the file.
pub(super) fn lookup<'t>(
    tree: &'t FileTree,
    path: &[u8],
    follow: bool,
    jail: bool,
) -> Result<(Vec<u8>, &'t Node), Errno> {
    if path.len() > PATH_MAX {
        return Err(Errno::NameTooLong);
    }
    if let Some(node) = straight(tree, path, follow) {
        return Ok((gopath::join(&[b"/", path]), node));
    }
    let mut rest: Vec<Vec<u8>> = split(path).rev().map(<[u8]>::to_vec).collect();
    let mut folder = path.ends_with(b"/") || path.ends_with(b"/.");
    let mut trail: Vec<(Vec<u8>, &Node)> = Vec::new();
    let mut links = 0;
    while let Some(part) = rest.pop() {
        let here = trail.last().map_or(tree.root(), |(_, n)| n);
        if !here.stat.is_dir() {
            return Err(Errno::NotDir);
        }
        if part == b".." {
            if trail.pop().is_none() && !jail {
                return Err(Errno::NoEntry);
            }
            continue;
        }
        if part.len() > NAME_MAX {
            return Err(Errno::NameTooLong);
        }
        let node = here.entry(&part).ok_or(Errno::NoEntry)?;
        if node.stat.file_type != FileType::Symlink || (rest.is_empty() && !follow && !folder) {
            trail.push((part, node));
            continue;
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(Errno::Loop);
        }
        let target = node.stat.linkname();
        if target.starts_with(b"/") {
            if !jail {
                return Err(Errno::NoEntry);
            }
            trail.clear();
        }
        folder |= rest.is_empty() && target.ends_with(b"/");
        rest.extend(split(target).rev().map(<[u8]>::to_vec));
    }
    let node = trail.last().map_or(tree.root(), |(_, n)| n);
    if folder && !node.stat.is_dir() {
        return Err(Errno::NotDir);
    }
    let mut out = Vec::new();
    for (part, _) in &trail {
        out.push(b'/');
        out.extend_from_slice(part);
    }
    if out.is_empty() {
        out.push(b'/');
    }
    Ok((out, node))
}

/// The usual case: a clean path without links on the way.
fn straight<'t>(tree: &'t FileTree, path: &[u8], follow: bool) -> Option<&'t Node> {
    if path.ends_with(b"/") || path.ends_with(b"/.") {
        return None;
    }
    let mut node = tree.root();
    for part in split(path) {
        if !node.stat.is_dir() || part == b".." {
            return None;
        }
        node = node.entry(part)?;
    }
    (node.stat.file_type != FileType::Symlink || !follow).then_some(node)
}

fn split(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|p| !p.is_empty() && *p != b".")
}

impl Disk {
    /// Mounts a tree.
    pub fn mount(tree: FileTree) -> Self {
        Self { tree, jail: false, links: Links::default() }
    }

    /// Makes a tree the root of the process.
    pub fn jail(tree: FileTree) -> Self {
        Self { tree, jail: true, links: Links::default() }
    }

    pub fn lstat(&self, path: &[u8]) -> Result<&Stat, Errno> {
        Ok(&self.look(path, false)?.1.stat)
    }

    pub fn stat(&self, path: &[u8]) -> Result<&Stat, Errno> {
        Ok(&self.look(path, true)?.1.stat)
    }

    fn look(&self, path: &[u8], follow: bool) -> Result<(Vec<u8>, &Node), Errno> {
        lookup(&self.tree, path, follow, self.jail)
    }

    /// The folder without links in which `path` would be made, and its name there.
    fn place<'p>(&self, path: &'p [u8]) -> Result<(Vec<u8>, &'p [u8]), Errno> {
        let name = gopath::base(path);
        if name == b"/" {
            return Err(Errno::Exists);
        }
        let (folder, node) = self.look(&gopath::dir(path), true)?;
        if !node.stat.is_dir() {
            return Err(Errno::NotDir);
        }
        if name.len() > NAME_MAX || path.len() > PATH_MAX {
            return Err(Errno::NameTooLong);
        }
        if node.entry(name).is_some() || name == b".." || name == b"." {
            return Err(Errno::Exists);
        }
        Ok((folder, name))
    }

    /// Makes a file where there is none. It belongs to root, and to the group of a set-group-ID folder.
    pub fn create(&mut self, path: &[u8], mut node: Node) -> Result<(), Errno> {
        let (folder, name) = self.place(path)?;
        let parent = self.tree.get_mut(&folder).ok_or(Errno::NoEntry)?;
        node.stat.uid = 0;
        node.stat.gid = 0;
        if parent.stat.mode & 0o2000 != 0 {
            node.stat.gid = parent.stat.gid;
            if node.stat.is_dir() {
                node.stat.mode |= 0o2000;
            }
        }
        parent.insert(name, node);
        Ok(())
    }

    /// Puts a whole subtree where there is nothing, as it is.
    pub fn graft(&mut self, path: &[u8], node: Arc<Node>) -> Result<(), Errno> {
        let (folder, name) = self.place(path)?;
        self.tree.get_mut(&folder).ok_or(Errno::NoEntry)?.insert(name, node);
        Ok(())
    }

    /// `mkdir(2)`, which takes no set-ID bits.
    pub fn mkdir(&mut self, path: &[u8], mode: u16) -> Result<(), Errno> {
        self.create(path, Node::folder(folder_stat(mode & 0o1777)))
    }

    pub fn symlink(&mut self, target: &[u8], path: &[u8]) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::NoEntry);
        }
        if target.len() > 4095 {
            return Err(Errno::NameTooLong);
        }
        self.create(path, Node::file(symlink_stat(target), Content::Empty))
    }

    /// `link(2)`: does not follow a link that the old name is.
    pub fn link(&mut self, old: &[u8], new: &[u8]) -> Result<(), Errno> {
        let (old, node) = self.look(old, false)?;
        let node = node.clone();
        let (folder, name) = self.place(new)?;
        if node.stat.is_dir() {
            return Err(Errno::NotPermitted);
        }
        let new = gopath::join(&[&folder, name]);
        self.tree.get_mut(&folder).ok_or(Errno::NoEntry)?.insert(name, node);
        self.links.join(&old, &new);
        Ok(())
    }

    /// Overwrites a regular file's content.
    pub fn write(&mut self, path: &[u8], content: Content, size: u64) -> Result<(), Errno> {
        self.change(path, true, |node| {
            node.content = content.clone();
            node.stat.size = size;
            drop_capability(&mut node.stat);
        })
    }

    pub fn chmod(&mut self, path: &[u8], mode: u16) -> Result<(), Errno> {
        self.change(path, true, |node| node.stat.mode = mode & 0o7777)
    }

    /// `lchown(2)`; an id of all ones keeps what is there. A file loses its set-ID bits and capabilities.
    pub fn lchown(&mut self, path: &[u8], uid: u32, gid: u32) -> Result<(), Errno> {
        self.change(path, false, |node| chown_stat(&mut node.stat, uid, gid))
    }

    pub fn setxattr(&mut self, path: &[u8], name: &[u8], value: &[u8]) -> Result<(), Errno> {
        self.change(path, false, |node| set_xattr(&mut node.stat, name, value))
    }

    /// Sets an extended attribute of an archive, with the refusals of Linux's file systems.
    pub fn set_tar_xattr(&mut self, path: &[u8], name: &[u8], value: &[u8]) -> Result<(), Errno> {
        let file_type = self.lstat(path)?.file_type;
        let known = [&b"user."[..], b"trusted.", b"security.", b"system."];
        if !known.iter().any(|prefix| name.starts_with(prefix) && name.len() > prefix.len()) {
            return Err(Errno::NotSupported);
        }
        if name.starts_with(b"trusted.overlay.") || name.starts_with(b"system.") {
            return Err(Errno::NotSupported);
        }
        if name.starts_with(b"user.") && !matches!(file_type, FileType::File | FileType::Dir) {
            return Err(Errno::NotPermitted);
        }
        if name == CAPABILITY && !is_capability(value) {
            return Err(Errno::Invalid);
        }
        self.setxattr(path, name, value)
    }

    /// Puts a node in the place of the one at a path without links.
    pub fn replace(&mut self, path: &[u8], node: Node) -> Result<(), Errno> {
        self.links.forget(path);
        *self.tree.get_mut(path).ok_or(Errno::NoEntry)? = node;
        Ok(())
    }

    /// Removes a file or an empty folder.
    pub fn remove(&mut self, path: &[u8]) -> Result<(), Errno> {
        if !self.look(path, false)?.1.is_empty() {
            return Err(Errno::Exists);
        }
        self.remove_all(path)
    }

    /// Go's `os.RemoveAll`: removes a whole subtree; no error when there is nothing.
    pub fn remove_all(&mut self, path: &[u8]) -> Result<(), Errno> {
        let found = match self.look(path, false) {
            Ok((found, _)) => found,
            Err(Errno::NoEntry) => return Ok(()),
            Err(error) => return Err(error),
        };
        if found == b"/" {
            return Err(Errno::Busy);
        }
        self.links.forget(&found);
        let name = gopath::base(&found);
        if let Some(parent) = self.tree.get_mut(&gopath::dir(&found)) {
            parent.remove(name);
        }
        Ok(())
    }

    /// Changes a file under all its names.
    pub fn change(&mut self, path: &[u8], follow: bool, mut f: impl FnMut(&mut Node)) -> Result<(), Errno> {
        let (path, _) = self.look(path, follow)?;
        for name in self.links.names(&path) {
            if let Some(node) = self.tree.get_mut(&name) {
                f(node);
            }
        }
        Ok(())
    }
}

/// The stat of a link that belongs to root.
pub(super) fn symlink_stat(target: &[u8]) -> Stat {
    let extra = Extra { linkname: target.to_vec(), ..Extra::default() };
    Stat {
        file_type: FileType::Symlink,
        mode: 0o777,
        uid: 0,
        gid: 0,
        size: target.len() as u64,
        mtime_ns: 0,
        extra: Some(Box::new(extra)),
    }
}

/// The stat of a regular file that belongs to root.
pub(super) fn file_stat(mode: u16, size: u64) -> Stat {
    Stat { file_type: FileType::File, size, ..folder_stat(mode) }
}

/// `chown_common` of Linux's `fs/open.c`.
fn chown_stat(stat: &mut Stat, uid: u32, gid: u32) {
    if uid != u32::MAX {
        stat.uid = uid;
    }
    if gid != u32::MAX {
        stat.gid = gid;
    }
    if stat.is_dir() {
        return;
    }
    stat.mode &= !0o4000;
    if stat.mode & 0o10 != 0 {
        stat.mode &= !0o2000;
    }
    drop_capability(stat);
}

/// Takes the file capability off, as Linux does when a file changes its owner or content.
pub(super) fn drop_capability(stat: &mut Stat) {
    if stat.xattrs().iter().any(|(name, _)| name == CAPABILITY) {
        edit_extra(stat, |extra| extra.xattrs.retain(|(name, _)| name != CAPABILITY));
    }
}

/// `cap_convert_nscap`: revision 2 has 20 bytes, revision 3 has 24.
fn is_capability(value: &[u8]) -> bool {
    matches!((value.len(), value.get(3)), (20, Some(2)) | (24, Some(3)))
}

fn set_xattr(stat: &mut Stat, name: &[u8], value: &[u8]) {
    edit_extra(stat, |extra| match extra.xattrs.binary_search_by(|(n, _)| n.as_slice().cmp(name)) {
        Ok(i) => extra.xattrs[i].1 = value.to_vec(),
        Err(i) => extra.xattrs.insert(i, (name.to_vec(), value.to_vec())),
    });
}

/// Changes the rare parts of a stat; keeps none where all are empty.
pub(super) fn edit_extra(stat: &mut Stat, f: impl FnOnce(&mut Extra)) {
    let mut extra = stat.extra.take().unwrap_or_default();
    f(&mut extra);
    stat.extra = (*extra != Extra::default()).then_some(extra);
}
