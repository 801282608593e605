//! Carries file operations out on trees as BuildKit does on disk (`solver/llbsolver/file/backend.go`), as root on overlayfs.

mod chmod;
mod copy;
mod decompress;
mod disk;
mod error;
mod filter;
mod layers;
mod mkdir;
mod owner;
#[cfg(test)]
mod recorded;
mod rootpath;
mod scan;
mod source;
mod spool;
mod tar;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod unpack;
mod wildcard;

pub use error::ApplyError;
pub use layers::{image_tree, merge};
pub use scan::{LayerEntry, LayerError, LayerFile, scan_layer};
pub use source::source_tree;

use std::cell::OnceCell;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use self::copy::{Chmod, CopyOptions, Patterns};
use self::disk::{Disk, file_stat};
use self::error::Errno;
use self::mkdir::{Ids, mkdir_all};
use self::rootpath::root_path;
use super::tree::{Content, FileTree, Node};
use crate::gopath;
use crate::plan::{CopyAction, FileAction, FileActionKind, Owner, User};

/// Opens the contents of a tree: archives and user files are looked into.
pub trait ContentReader {
    /// The content from its start.
    ///
    /// # Errors
    /// What the file system says.
    fn open<'c>(&'c self, content: &'c Content) -> io::Result<Box<dyn Read + 'c>>;
}

/// Opens what needs no source: everything but [`Content::Entry`], which is `None`.
///
/// ```
/// use std::io::Read;
/// let content = stowaway::cache::Content::Bytes(b"text"[..].into());
/// let mut text = String::new();
/// stowaway::cache::open_content(&content).unwrap().read_to_string(&mut text).unwrap();
/// assert_eq!(text, "text");
/// ```
pub fn open_content(content: &Content) -> Option<Box<dyn Read + '_>> {
    Some(match content {
        Content::Empty => Box::new(io::empty()),
        Content::Bytes(bytes) => Box::new(&bytes[..]),
        Content::Range { file, offset, len } => Box::new(Range { file, at: *offset, end: offset + len }),
        Content::Entry(..) => return None,
    })
}

/// Reads a part of a file without moving its position, so that threads can share it.
struct Range<'c> {
    file: &'c std::fs::File,
    at: u64,
    end: u64,
}

impl Read for Range<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let len = buf.len().min(left);
        let read = self.file.read_at(&mut buf[..len], self.at)?;
        self.at += read as u64;
        if read == 0 && len > 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
    }
}

/// Carries out the actions of one FileOp (`FileOpSolver.Solve`) and gives its result, output 0.
///
/// `inputs` are the trees of the vertex's inputs, `None` for an empty one.
///
/// # Errors
/// [`ApplyError::Fails`] with BuildKit's text where the build fails, [`ApplyError::Read`] where a file that has to be looked
/// into can't be read here.
pub fn apply_file_op(
    actions: &[FileAction],
    inputs: &[Option<&FileTree>],
    contents: &dyn ContentReader,
) -> Result<FileTree, ApplyError> {
    let output = actions.iter().position(|a| a.output == 0);
    let output = output.ok_or_else(|| ApplyError::fails("bad-file-op", "no outputs specified"))?;
    let mut states = States { inputs, results: vec![None; actions.len()], uses: vec![0; actions.len()] };
    states.uses[output] = 1;
    for action in actions {
        for index in references(action) {
            states.count(index);
        }
    }
    for (i, action) in actions.iter().enumerate() {
        states.results[i] = Some(states.run(action, contents)?);
    }
    states.results[output].take().ok_or_else(|| ApplyError::fails("bad-file-op", "no outputs specified"))
}

/// The trees that actions refer to: the vertex's inputs, then the results of earlier actions.
struct States<'a> {
    inputs: &'a [Option<&'a FileTree>],
    results: Vec<Option<FileTree>>,
    /// How often each result is still needed: the last user changes it in place.
    uses: Vec<usize>,
}

fn references(action: &FileAction) -> Vec<i64> {
    [action.input, action.secondary].into_iter().chain(users(action)).collect()
}

/// Where the names of users and groups are looked up.
fn users(action: &FileAction) -> impl Iterator<Item = i64> {
    let users = owner(action).iter().flat_map(|o| [&o.user, &o.group]).flatten();
    users.filter_map(|u| if let User::Name(_, input) = u { Some(*input) } else { None })
}

fn owner(action: &FileAction) -> &Option<Owner> {
    match &action.kind {
        FileActionKind::Copy(copy) => &copy.owner,
        FileActionKind::Mkdir { owner, .. } | FileActionKind::Mkfile { owner, .. } => owner,
    }
}

/// The index, below 0, of an input that isn't there, in which the name of a user or group would be looked up: such an action
/// fails whatever the files are (`solver/llbsolver/ops/file.go`, `loadUser`).
pub fn user_of_nothing(action: &FileAction) -> Option<i64> {
    users(action).find(|index| *index < 0)
}

impl States<'_> {
    fn result_of(&self, index: i64) -> Option<usize> {
        usize::try_from(index).ok()?.checked_sub(self.inputs.len()).filter(|i| *i < self.results.len())
    }

    fn count(&mut self, index: i64) {
        if let Some(i) = self.result_of(index) {
            self.uses[i] += 1;
        }
    }

    fn get(&self, index: i64) -> Result<FileTree, ApplyError> {
        if index == -1 {
            return Ok(FileTree::scratch());
        }
        if let Some(input) = usize::try_from(index).ok().and_then(|i| self.inputs.get(i)) {
            return Ok(input.map_or_else(FileTree::scratch, FileTree::clone));
        }
        let result = self.result_of(index).and_then(|i| self.results[i].clone());
        result.ok_or_else(|| {
            let count = self.inputs.len() + self.results.len();
            ApplyError::fails("bad-file-op", format!("invalid input index {index}, {count} provided"))
        })
    }

    fn take(&mut self, index: i64) -> Result<FileTree, ApplyError> {
        if let Some(i) = self.result_of(index) {
            self.uses[i] -= 1;
            if self.uses[i] == 0
                && let Some(tree) = self.results[i].take()
            {
                return Ok(tree);
            }
        }
        self.get(index)
    }

    fn run(&mut self, action: &FileAction, contents: &dyn ContentReader) -> Result<FileTree, ApplyError> {
        let owner = self.owner(action, contents)?;
        let source = self.get(action.secondary)?;
        for index in references(action).into_iter().skip(1) {
            if let Some(i) = self.result_of(index) {
                self.uses[i] -= 1;
            }
        }
        let mut disk = Disk::mount(self.take(action.input)?);
        match &action.kind {
            FileActionKind::Copy(copy) => copy_action(copy, &source, &mut disk, owner, contents)?,
            FileActionKind::Mkdir { path, mode, parents, .. } => {
                mkdir(&mut disk, path, (*mode & 0o777) as u16, *parents, owner)?;
            }
            FileActionKind::Mkfile { path, mode, data, .. } => {
                mkfile(&mut disk, path, (*mode & 0o777) as u16, data, owner)?;
            }
        }
        Ok(disk.tree)
    }

    fn owner(&self, action: &FileAction, contents: &dyn ContentReader) -> Result<Option<Ids>, ApplyError> {
        let Some(owner) = owner(action) else { return Ok(None) };
        let lookup = |index: i64| {
            if index < 0 {
                return Err(ApplyError::fails("bad-user-index", format!("invalid user index: {index}")));
            }
            self.get(index)
        };
        owner::ids(owner, lookup, contents).map(Some)
    }
}

/// `mkdir` of the backend.
fn mkdir(
    disk: &mut Disk,
    path: &str,
    mode: u16,
    parents: bool,
    owner: Option<Ids>,
) -> Result<(), ApplyError> {
    let path = root_path(&disk.tree, path.as_bytes())?;
    if parents {
        return mkdir_all(disk, &path, mode, owner);
    }
    match disk.mkdir(&path, mode) {
        Err(Errno::Exists) => return Ok(()),
        other => other.map_err(|e| e.at("mkdir", &path))?,
    }
    chown(disk, &path, owner)
}

/// `mkfile` of the backend: `os.WriteFile`, which leaves the mode of a file that is there.
fn mkfile(disk: &mut Disk, path: &str, mode: u16, data: &[u8], owner: Option<Ids>) -> Result<(), ApplyError> {
    let path = root_path(&disk.tree, &gopath::join(&[b"/", path.as_bytes()]))?;
    // BuildKit takes the mount point off the path, which leaves nothing of the root's.
    let shown: &[u8] = if path == b"/" { b"" } else { &path };
    let failed = |e: Errno| e.at("open", shown);
    match disk.stat(&path) {
        Ok(stat) if stat.is_dir() => return Err(failed(Errno::IsDir)),
        Ok(_) => {}
        Err(Errno::NoEntry) => {
            disk.create(&path, Node::file(file_stat(mode, 0), Content::Empty)).map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    let content = if data.is_empty() { Content::Empty } else { Content::Bytes(Arc::from(data)) };
    disk.write(&path, content, data.len() as u64).map_err(failed)?;
    chown(disk, &path, owner)
}

fn chown(disk: &mut Disk, path: &[u8], owner: Option<Ids>) -> Result<(), ApplyError> {
    let Some(Ids { uid, gid }) = owner else { return Ok(()) };
    disk.lchown(path, uid, gid).map_err(|e| e.at("lchown", path))
}

/// `docopy` of the backend.
fn copy_action(
    action: &CopyAction,
    source: &FileTree,
    disk: &mut Disk,
    owner: Option<Ids>,
    contents: &dyn ContentReader,
) -> Result<(), ApplyError> {
    let from = clean_path(action.src.as_bytes());
    let to = clean_path(action.dest.as_bytes());
    if !action.create_dest_path {
        let path = root_path(&disk.tree, &gopath::join(&[b"/", action.dest.as_bytes()]))?;
        let folder = gopath::dir(&path);
        let what = format!("failed to stat {}", action.dest);
        disk.lstat(&folder).map_err(|e| e.at("lstat", &folder).wrap(&what))?;
    }
    let sources = if action.allow_wildcard {
        wildcard::resolve(source, &from, action.follow_symlink)?
    } else {
        vec![from.clone()]
    };
    if sources.is_empty() && !action.allow_empty_wildcard {
        let text = format!("{} not found", String::from_utf8_lossy(&from));
        return Err(ApplyError::fails("copy-source-missing", text));
    }
    let mut options = None;
    for from in &sources {
        if action.attempt_unpack && unpack::unpack(source, from, disk, &to, owner, contents)? {
            continue;
        }
        copy::make_parents(disk, &to, parent_mode(action), owner)?;
        if options.is_none() {
            options = Some(copy_options(action, owner)?);
        }
        if let Some(options) = &options {
            copy::copy(source, from, disk, &to, options)?;
        }
    }
    Ok(())
}

/// The mode of folders that are made for the destination (`perm` in fsutil's `Copy`): symbolic modes don't count.
fn parent_mode(action: &CopyAction) -> u16 {
    if action.mode_str.is_empty() && action.mode != -1 { (action.mode & 0o777) as u16 } else { 0o755 }
}

fn copy_options(action: &CopyAction, owner: Option<Ids>) -> Result<CopyOptions<'_>, ApplyError> {
    let chmod = if !action.mode_str.is_empty() {
        Chmod::Change(chmod::ModeChange::parse(&action.mode_str)?)
    } else if action.mode != -1 {
        Chmod::Bits((action.mode & 0o7777) as u16)
    } else {
        Chmod::Keep
    };
    Ok(CopyOptions {
        owner,
        chmod,
        parent_mode: parent_mode(action),
        patterns: Patterns {
            include: &action.include_patterns,
            exclude: &action.exclude_patterns,
            read: OnceCell::new(),
        },
        dir_contents: action.dir_copy_contents,
        follow_links: action.follow_symlink,
        always_replace: action.always_replace,
    })
}

/// `cleanPath` of the backend: clean and absolute, but a final `/` or `/.` stays.
fn clean_path(path: &[u8]) -> Vec<u8> {
    let mut clean = gopath::join(&[b"/", path]);
    let slash = clean != b"/";
    if path.ends_with(b"/.") {
        clean.extend_from_slice(if slash { b"/." } else { b"." });
    } else if path.ends_with(b"/") && slash {
        clean.push(b'/');
    }
    clean
}
