//! fsutil's copy (`copy/copy.go`, `copy_linux.go`, `copy_nowindows.go`) on trees.

use std::cell::OnceCell;
use std::sync::Arc;

use super::chmod::ModeChange;
use super::disk::{Disk, PATH_MAX, file_stat, lookup};
use super::error::{ApplyError, Errno, mounted};
use super::filter::{Filter, Parents, Verdict};
use super::mkdir::{Ids, mkdir_all};
use super::rootpath::{root_path, root_path_follow};
use crate::cache::tree::{Content, FileTree, Node, folder_stat};
use crate::entry::{FileType, Stat};
use crate::gopath;

/// The mode that is set on what is copied.
#[derive(Debug, Clone)]
pub(super) enum Chmod {
    /// The source's own.
    Keep,
    /// This one.
    Bits(u16),
    /// The source's own, changed.
    Change(ModeChange),
}

/// What a copy does beyond copying.
pub(super) struct CopyOptions<'a> {
    pub owner: Option<Ids>,
    pub chmod: Chmod,
    /// The mode of folders that are made for the destination.
    pub parent_mode: u16,
    pub patterns: Patterns<'a>,
    pub dir_contents: bool,
    pub follow_links: bool,
    pub always_replace: bool,
}

/// Patterns that are read when they are needed: what fails before that fails first.
pub(super) struct Patterns<'a> {
    pub include: &'a [String],
    pub exclude: &'a [String],
    pub read: OnceCell<Filter>,
}

impl Patterns<'_> {
    fn filter(&self) -> Result<&Filter, ApplyError> {
        if self.read.get().is_none() {
            let _ = self.read.set(Filter::new(self.include, self.exclude)?);
        }
        Ok(self.read.get_or_init(Filter::default))
    }
}

impl CopyOptions<'_> {
    /// The stat that the copy of a file gets (`copyFileInfo`, `copyXAttrs`).
    fn restat(&self, stat: &Stat) -> Stat {
        let mut new = stat.clone();
        if let Some(Ids { uid, gid }) = self.owner {
            (new.uid, new.gid) = (uid, gid);
        }
        if stat.file_type != FileType::Symlink {
            new.mode = self.mode(stat);
        }
        new
    }

    fn mode(&self, stat: &Stat) -> u16 {
        match &self.chmod {
            Chmod::Keep => stat.mode,
            Chmod::Bits(bits) => *bits & 0o7777,
            Chmod::Change(change) => change.apply(stat.mode, stat.is_dir()),
        }
    }
}

/// The first thing that fsutil's `Copy` does: makes the folders that the destination names.
pub(super) fn make_parents(
    dest: &mut Disk,
    to: &[u8],
    mode: u16,
    owner: Option<Ids>,
) -> Result<(), ApplyError> {
    let last = &to[to.iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1)..];
    let parents = if last.is_empty() || last == b"." { to } else { &to[..to.len() - last.len()] };
    if parents.is_empty() {
        return Ok(());
    }
    let parents = root_path(&dest.tree, parents)?;
    mkdir_all(dest, &parents, mode, owner)
}

/// Copies `from` in one tree to `to` in another (the rest of fsutil's `Copy`).
pub(super) fn copy(
    source: &FileTree,
    from: &[u8],
    dest: &mut Disk,
    to: &[u8],
    options: &CopyOptions<'_>,
) -> Result<(), ApplyError> {
    let to = root_path(&dest.tree, &gopath::clean(to))?;
    let filter = options.patterns.filter()?;
    let followed = root_path_follow(source, from, options.follow_links)?;
    let (_, node) = lookup(source, &followed, false, false).map_err(|e| e.at("lstat", &followed))?;
    let target = prepare_target(node, from, dest, to, options)?;
    let mut copier = Copier { dest, options, filter, waiting: Vec::new() };
    copier.copy(node, b"", &target, false, &Parents::default())
}

/// Where the copy goes; makes the folder that holds it (`prepareTargetDir`).
fn prepare_target(
    node: &Node,
    from: &[u8],
    dest: &mut Disk,
    mut to: Vec<u8>,
    options: &CopyOptions<'_>,
) -> Result<Vec<u8>, ApplyError> {
    let is_dir = node.stat.is_dir();
    let there = match dest.stat(&to) {
        Ok(stat) => Some(stat.is_dir()),
        Err(Errno::NoEntry) => None,
        Err(error) => return Err(error.at("stat", &to).wrap("failed to lstat destination path")),
    };
    let into = if is_dir { !options.dir_contents && there.is_some() } else { there == Some(true) };
    if into {
        to = gopath::join(&[&to, gopath::base(from)]);
    }
    let whole = options.dir_contents && is_dir && there.is_none();
    let folder = if whole { to.clone() } else { gopath::dir(&to) };
    mkdir_all(dest, &folder, options.parent_mode, options.owner)?;
    Ok(to)
}

struct Copier<'a> {
    dest: &'a mut Disk,
    options: &'a CopyOptions<'a>,
    filter: &'a Filter,
    /// The folders that are being copied, outermost first.
    waiting: Vec<Waiting<'a>>,
}

/// A folder that is made as soon as something in it is copied (`parentDir`).
struct Waiting<'a> {
    node: &'a Node,
    target: Vec<u8>,
    made: bool,
}

impl<'a> Copier<'a> {
    /// `path` is relative to the source, empty for the source itself; `overwrite` gives existing folders the source's
    /// metadata (`copier.copy`).
    fn copy(
        &mut self,
        node: &'a Node,
        path: &[u8],
        target: &[u8],
        overwrite: bool,
        parents: &Parents,
    ) -> Result<(), ApplyError> {
        let filter = self.filter;
        let verdict = if path.is_empty() { Verdict::all() } else { filter.decide(path, parents)? };
        let is_dir = node.stat.is_dir();
        if filter.skips(&verdict) || (!verdict.included && !is_dir) {
            return Ok(());
        }
        let there = match self.dest.lstat(target) {
            Ok(stat) => Some(stat.is_dir()),
            Err(Errno::NoEntry) => None,
            Err(error) => {
                let what = format!("failed to stat {}", mounted(target));
                return Err(error.at("lstat", target).wrap(&what));
            }
        };
        if verdict.included {
            if self.options.always_replace && there.is_some_and(|dir| !(dir && is_dir)) {
                self.dest.remove_all(target).map_err(|e| e.at("unlinkat", target))?;
            }
            self.make_waiting(overwrite)?;
            if is_dir && self.filter.is_empty() && self.graft(node, target)? {
                return Ok(());
            }
        }
        if !is_dir {
            self.empty_target(target)?;
            self.make_file(node, target)?;
            return self.copy_info(node, target);
        }
        let created = self.copy_folder(node, path, target, overwrite, &verdict)?;
        if if overwrite { verdict.included } else { created } {
            self.copy_info(node, target)?;
        }
        Ok(())
    }

    /// Where nothing is, the whole folder goes at once: what is shared stays shared.
    fn graft(&mut self, node: &Node, target: &[u8]) -> Result<bool, ApplyError> {
        let keeps = self.options.owner.is_some_and(|ids| ids.uid == u32::MAX || ids.gid == u32::MAX);
        if keeps || self.dest.lstat(target) != Err(Errno::NoEntry) {
            return Ok(false);
        }
        if longest(node) + target.len() > PATH_MAX {
            return Ok(false);
        }
        let node = relabel(node, self.options);
        self.dest.graft(target, node).map_err(|e| failed_mkdir(e, target))?;
        Ok(true)
    }

    /// `copyDirectory`: true when the folder was made.
    fn copy_folder(
        &mut self,
        node: &'a Node,
        path: &[u8],
        target: &[u8],
        overwrite: bool,
        verdict: &Verdict,
    ) -> Result<bool, ApplyError> {
        let created = verdict.included && self.folder_only(node, target, overwrite)?;
        if self.filter.stays_out(verdict) {
            return Ok(false);
        }
        self.waiting.push(Waiting { node, target: target.to_vec(), made: verdict.included });
        for (name, child) in node.entries() {
            let path = if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() };
            let target = gopath::join(&[target, name]);
            self.copy(child, &path, &target, true, &verdict.parents)?;
        }
        self.waiting.pop();
        Ok(created)
    }

    /// Makes the folders above a file that is copied, where that had to wait (`createParentDirs`).
    fn make_waiting(&mut self, overwrite: bool) -> Result<(), ApplyError> {
        for i in 0..self.waiting.len() {
            if self.waiting[i].made {
                continue;
            }
            let (node, target) = (self.waiting[i].node, self.waiting[i].target.clone());
            if self.folder_only(node, &target, overwrite)? {
                self.copy_info(node, &target)?;
            }
            self.waiting[i].made = true;
        }
        Ok(())
    }

    /// `copyDirectoryOnly`: true when the folder was made.
    fn folder_only(&mut self, node: &Node, target: &[u8], overwrite: bool) -> Result<bool, ApplyError> {
        let is_dir = match self.dest.lstat(target) {
            Err(Errno::NoEntry) => {
                self.dest.mkdir(target, node.stat.mode).map_err(|e| failed_mkdir(e, target))?;
                return Ok(true);
            }
            Err(error) => return Err(error.at("lstat", target)),
            Ok(stat) => stat.is_dir(),
        };
        if !is_dir {
            let text = format!("cannot copy to non-directory: {}", mounted(target));
            return Err(ApplyError::fails("copy-folder-over-file", text));
        }
        if overwrite {
            self.dest.chmod(target, node.stat.mode).map_err(|e| e.at("chmod", target))?;
        }
        Ok(false)
    }

    /// `ensureEmptyFileTarget`.
    fn empty_target(&mut self, target: &[u8]) -> Result<(), ApplyError> {
        match self.dest.lstat(target) {
            Err(Errno::NoEntry) => Ok(()),
            Err(error) => Err(error.at("lstat", target).wrap("failed to lstat file target")),
            Ok(stat) if stat.is_dir() => {
                let text = format!("cannot replace to directory {} with file", mounted(target));
                Err(ApplyError::fails("copy-file-over-folder", text))
            }
            Ok(_) => self.dest.remove(target).map_err(|e| e.at("remove", target)),
        }
    }

    fn make_file(&mut self, node: &Node, target: &[u8]) -> Result<(), ApplyError> {
        let new = bare(node);
        let kind = new.stat.file_type;
        self.dest.create(target, new).map_err(|e| match kind {
            FileType::File => e
                .at("open", target)
                .wrap(&format!("failed to open target {}", mounted(target)))
                .wrap("failed to copy files"),
            FileType::Symlink => e
                .link("symlink", &String::from_utf8_lossy(node.stat.linkname()), &mounted(target))
                .wrap(&format!("failed to create symlink: {}", mounted(target))),
            _ => ApplyError::fails("path-refused", format!("failed to create device: {e}")),
        })
    }

    /// `copyFileInfo` and `copyXAttrs`.
    fn copy_info(&mut self, node: &Node, target: &[u8]) -> Result<(), ApplyError> {
        let stat = &node.stat;
        let Ids { uid, gid } = self.options.owner.unwrap_or(Ids { uid: stat.uid, gid: stat.gid });
        let lost = |e: Errno| e.at("lchown", target).wrap("failed to copy file info");
        self.dest.lchown(target, uid, gid).map_err(lost)?;
        if stat.file_type != FileType::Symlink {
            self.dest.chmod(target, self.options.mode(stat)).map_err(lost)?;
        }
        for (name, value) in stat.xattrs() {
            self.dest.setxattr(target, name, value).map_err(lost)?;
        }
        Ok(())
    }
}

fn failed_mkdir(error: Errno, target: &[u8]) -> ApplyError {
    error.at("mkdir", target).wrap(&format!("failed to mkdir {}", mounted(target)))
}

/// The new file, before it gets owner, mode and xattrs.
fn bare(node: &Node) -> Node {
    let mut stat = match copied_type(node.stat.file_type) {
        FileType::Dir => folder_stat(0),
        FileType::File => file_stat(0o666, node.stat.size),
        other => Stat { file_type: other, mode: 0o777, size: node.stat.size, ..folder_stat(0) },
    };
    stat.mtime_ns = node.stat.mtime_ns;
    if let Some(extra) = &node.stat.extra {
        super::disk::edit_extra(&mut stat, |new| {
            new.linkname.clone_from(&extra.linkname);
            (new.devmajor, new.devminor) = (extra.devmajor, extra.devminor);
        });
    }
    Node::file(stat, node.content.clone())
}

/// `copyDevice` clears the bits of `S_IFSOCK` from the type, so that a socket becomes a regular file and a block device a
/// character device.
fn copied_type(file_type: FileType) -> FileType {
    match file_type {
        FileType::Socket => FileType::File,
        FileType::BlockDevice => FileType::CharDevice,
        other => other,
    }
}

/// The copy of a subtree where nothing was. What doesn't change is shared with the source.
fn relabel(node: &Node, options: &CopyOptions<'_>) -> Arc<Node> {
    let mut stat = options.restat(&node.stat);
    stat.file_type = copied_type(stat.file_type);
    if stat.file_type == FileType::File && node.stat.file_type == FileType::Socket {
        stat.size = 0;
    }
    let content = if stat.file_type == FileType::File { node.content.clone() } else { Content::Empty };
    let mut new = Node::file(stat, content);
    for (name, child) in node.shared() {
        let child = if unchanged(child, options) { child.clone() } else { relabel(child, options) };
        new.insert_shared(name.clone(), child);
    }
    Arc::new(new)
}

/// True when the copy of a whole subtree is the subtree itself.
fn unchanged(node: &Node, options: &CopyOptions<'_>) -> bool {
    if options.owner.is_none() && matches!(options.chmod, Chmod::Keep) {
        return alike(node);
    }
    node.is_empty() && alike(node) && options.restat(&node.stat) == node.stat
}

fn alike(node: &Node) -> bool {
    copied_type(node.stat.file_type) == node.stat.file_type && node.entries().all(|(_, n)| alike(n))
}

/// The length of the longest path below a folder, with its leading slash.
fn longest(node: &Node) -> usize {
    node.entries().map(|(name, child)| 1 + name.len() + longest(child)).max().unwrap_or(0)
}
