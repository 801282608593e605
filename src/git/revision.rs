//! [`Revision`]: a commit as a checkout writes it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::attributes::Conversion;
use super::filter::Filters;
use super::lfs::{self, Pointer};
use super::listing::{Content, Listing};
use super::place::{self, Permissions};
use super::{Change, GitError, Leaf, LeafKind, Oid, Repository};
use crate::entry::{ContextPath, Entry, Extra, FileType, Stat};

/// A commit as a checkout writes it: all files of the work tree with their stats and contents. `.git` isn't among them, since
/// its bytes can't be known.
///
/// Times are 0, because git keeps none.
#[derive(Debug, Clone)]
pub struct Revision {
    repository: Arc<Repository>,
    commit: Oid,
    permissions: Permissions,
    leaves: BTreeMap<Vec<u8>, Leaf>,
    conversions: BTreeMap<Vec<u8>, Conversion>,
    nodes: BTreeMap<ContextPath, Node>,
    /// Files that git was told not to look at.
    unsure: HashSet<Vec<u8>>,
    warnings: Vec<RevisionWarning>,
}

/// A file or link of the work tree. Folders follow from paths; those of missing submodules are nodes.
#[derive(Debug, Clone)]
struct Node {
    kind: NodeKind,
    /// The work tree has it as a checkout would leave it.
    here: bool,
}

#[derive(Debug, Clone)]
enum NodeKind {
    EmptyFolder,
    File { executable: bool, size: u64, content: Content },
    Link(Arc<[u8]>),
}

/// Something about a revision that will surprise people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevisionWarning {
    /// The path below the top of the work tree.
    pub path: Vec<u8>,
    /// Which kind of surprise.
    pub code: RevisionWarningCode,
}

/// The kinds of [`RevisionWarning`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RevisionWarningCode {
    /// The content of a Git LFS file isn't on this machine.
    LfsMissing,
    /// No repository here has the commit of a submodule.
    SubmoduleMissing,
    /// A filter program failed.
    FilterFailed,
    /// A sparse checkout leaves it out.
    Sparse,
}

impl RevisionWarningCode {
    /// A short name for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LfsMissing => "lfs-missing",
            Self::SubmoduleMissing => "submodule-missing",
            Self::FilterFailed => "filter-failed",
            Self::Sparse => "sparse",
        }
    }

    /// A sentence without the path.
    pub fn message(self) -> &'static str {
        match self {
            Self::LfsMissing => {
                "is kept by Git LFS, and its content is not on this machine: it counts as unknown"
            }
            Self::SubmoduleMissing => {
                "is a submodule whose commit is not on this machine: it counts as an empty folder"
            }
            Self::FilterFailed => "goes through a filter that fails: its content counts as unknown",
            Self::Sparse => "is left out by the sparse checkout",
        }
    }
}

impl Revision {
    /// Reads a commit.
    ///
    /// # Errors
    /// [`GitError`] when git can't read it. What isn't on this machine is a warning.
    pub fn read(
        repository: &Arc<Repository>,
        commit: Oid,
        permissions: Permissions,
    ) -> Result<Self, GitError> {
        let leaves: BTreeMap<Vec<u8>, Leaf> = repository.tree(commit)?.into_iter().collect();
        let mut revision = Self {
            repository: repository.clone(),
            commit,
            permissions,
            leaves,
            conversions: BTreeMap::new(),
            nodes: BTreeMap::new(),
            unsure: HashSet::new(),
            warnings: Vec::new(),
        };
        revision.leave_out()?;
        let paths: Vec<Vec<u8>> = revision.leaves.keys().cloned().collect();
        revision.look_up_conversions(&paths)?;
        revision.add(&paths)?;
        if permissions.keep {
            revision.compare()?;
        }
        revision.warnings.sort();
        Ok(revision)
    }

    /// Goes on to the commit that comes from this one by some changes. What didn't change is not read again.
    ///
    /// # Errors
    /// As [`Revision::read`]; what the revision holds then is of no use.
    pub fn advance(&mut self, commit: Oid, changes: &[Change]) -> Result<(), GitError> {
        if self.permissions.keep || self.has_submodules() || changes.iter().any(is_about_files) {
            *self = Self::read(&self.repository, commit, self.permissions)?;
            return Ok(());
        }
        self.commit = commit;
        let mut come = Vec::new();
        let mut new = Vec::new();
        for Change { path, now } in changes {
            if let Ok(place) = ContextPath::new(&path[..]) {
                self.nodes.remove(&place);
            }
            self.warnings.retain(|w| w.path != *path);
            let before = self.leaves.remove(path);
            let Some(leaf) = now else { continue };
            self.leaves.insert(path.clone(), *leaf);
            come.push(path.clone());
            if before.is_none() {
                new.push(path.clone());
            }
        }
        for Change { path, .. } in changes.iter().filter(|c| c.now.is_none()) {
            self.conversions.remove(path);
        }
        self.look_up_conversions(&new)?;
        self.add(&come)?;
        self.warnings.sort();
        Ok(())
    }

    /// The commit.
    pub fn commit(&self) -> Oid {
        self.commit
    }

    /// The repository.
    pub fn repository(&self) -> &Arc<Repository> {
        &self.repository
    }

    /// What will surprise people, sorted by path.
    pub fn warnings(&self) -> &[RevisionWarning] {
        &self.warnings
    }

    /// How many files and links it has.
    pub fn files(&self) -> usize {
        self.nodes.len()
    }

    /// The leaf of a path.
    pub fn leaf(&self, path: &[u8]) -> Option<Leaf> {
        self.leaves.get(path).copied()
    }

    fn has_submodules(&self) -> bool {
        self.leaves.values().any(|l| l.kind == LeafKind::Submodule)
    }

    fn leave_out(&mut self) -> Result<(), GitError> {
        let paths: Vec<&[u8]> = self.leaves.keys().map(Vec::as_slice).collect();
        if !self.permissions.keep {
            return Ok(());
        }
        for path in self.repository.left_out(&paths)? {
            self.leaves.remove(&path);
            self.warnings.push(RevisionWarning { path, code: RevisionWarningCode::Sparse });
        }
        Ok(())
    }

    fn look_up_conversions(&mut self, paths: &[Vec<u8>]) -> Result<(), GitError> {
        let own = |p: &Vec<u8>| p == b".gitattributes" || p.ends_with(b"/.gitattributes");
        let has_attributes = self.leaves.keys().any(own);
        let is_file = |p: &&Vec<u8>| matches!(self.leaves[*p].kind, LeafKind::File | LeafKind::Executable);
        let files: Vec<&[u8]> = paths.iter().filter(is_file).map(Vec::as_slice).collect();
        let found = self.repository.conversions(self.commit, &files, has_attributes)?;
        self.conversions.extend(found);
        Ok(())
    }

    /// Makes nodes of leaves.
    fn add(&mut self, paths: &[Vec<u8>]) -> Result<(), GitError> {
        let repository = self.repository.clone();
        let blobs = paths.iter().map(|p| self.leaves[p]).filter(|l| l.kind != LeafKind::Submodule);
        repository.know_sizes(blobs.map(|l| l.object))?;
        let mut filters = None;
        let names = match paths.iter().any(|p| self.leaves[p].kind == LeafKind::Submodule) {
            true => repository.submodule_names(&self.leaves)?,
            false => BTreeMap::new(),
        };
        for path in paths {
            let leaf = self.leaves[path];
            // What git itself would never check out.
            let Ok(place) = ContextPath::new(&path[..]) else { continue };
            let kind = match leaf.kind {
                LeafKind::Submodule => {
                    self.add_submodule(&place, leaf.object, names.get(path).map(Vec::as_slice))?;
                    continue;
                }
                LeafKind::Link => NodeKind::Link(repository.small_blob(leaf.object, "a link")?),
                LeafKind::File | LeafKind::Executable => {
                    let (content, size) = self.content(path, leaf, &mut filters)?;
                    NodeKind::File { executable: leaf.kind == LeafKind::Executable, size, content }
                }
            };
            self.nodes.insert(place, Node { kind, here: false });
        }
        Ok(())
    }

    fn content(
        &mut self,
        path: &[u8],
        leaf: Leaf,
        filters: &mut Option<Filters>,
    ) -> Result<(Content, u64), GitError> {
        let Some(size) = self.repository.known_size(leaf.object) else {
            let what = String::from_utf8_lossy(path).into_owned();
            return Err(GitError::MissingObject { object: leaf.object.to_string(), what });
        };
        let blob = || (Content::Blob(self.repository.clone(), leaf.object), size);
        match self.conversions.get(path) {
            None => Ok(blob()),
            Some(_) if size == 0 => Ok(blob()),
            Some(Conversion::Lfs) if size >= lfs::LONGEST => Ok(blob()),
            Some(Conversion::Lfs) => {
                let pointer =
                    Pointer::parse(&self.repository.small_blob(leaf.object, "a pointer of Git LFS")?);
                match pointer {
                    None => Ok(blob()),
                    Some(pointer) => Ok(self.lfs_content(path, leaf, &pointer, size)),
                }
            }
            Some(conversion) => {
                let key = (leaf.object, path.to_vec(), conversion.clone());
                self.converted(key, filters)
            }
        }
    }

    fn lfs_content(&mut self, path: &[u8], leaf: Leaf, pointer: &Pointer, size: u64) -> (Content, u64) {
        use std::os::unix::ffi::OsStrExt as _;
        let name: Arc<str> = pointer.sha256.as_str().into();
        if let Some(stored) = self.repository.lfs_object(pointer) {
            return (Content::File(stored, name), pointer.size);
        }
        let here = self.repository.top().join(std::ffi::OsStr::from_bytes(path));
        if !self.repository.is_bare() {
            if pointer.is_content_of(&here).unwrap_or(false) {
                return (Content::File(here, name), pointer.size);
            }
            // Checkouts in this place write the pointers themselves.
            if self.permissions.keep && self.repository.is_blob(&here, leaf.object) {
                return (Content::Blob(self.repository.clone(), leaf.object), size);
            }
        }
        self.warnings.push(RevisionWarning { path: path.to_vec(), code: RevisionWarningCode::LfsMissing });
        (Content::Unknown(name), pointer.size)
    }

    fn converted(
        &mut self,
        key: (Oid, Vec<u8>, Conversion),
        filters: &mut Option<Filters>,
    ) -> Result<(Content, u64), GitError> {
        let bytes = match self.repository.known_conversion(&key) {
            Some(known) => known,
            None => {
                let running = match filters {
                    Some(running) => running,
                    None => filters.insert(Filters::start(&self.repository, self.commit)?),
                };
                let bytes: Option<Arc<[u8]>> = running.content(key.0, &key.1).ok().map(Into::into);
                if bytes.is_none() {
                    // It has ended, and another one answers for the rest.
                    *filters = None;
                }
                self.repository.know_conversion(key.clone(), bytes.clone());
                bytes
            }
        };
        let Some(bytes) = bytes else {
            self.warnings.push(RevisionWarning { path: key.1, code: RevisionWarningCode::FilterFailed });
            return Ok((Content::Unknown(key.0.to_string().into()), 0));
        };
        let digest = *blake3::hash(&bytes).as_bytes();
        let size = bytes.len() as u64;
        Ok((Content::Bytes(bytes, digest), size))
    }

    fn add_submodule(
        &mut self,
        place: &ContextPath,
        commit: Oid,
        name: Option<&[u8]>,
    ) -> Result<(), GitError> {
        let path = place.as_bytes();
        self.nodes.insert(place.clone(), Node { kind: NodeKind::EmptyFolder, here: true });
        let Some(repository) = self.repository.submodule(path, name, commit)? else {
            let code = RevisionWarningCode::SubmoduleMissing;
            self.warnings.push(RevisionWarning { path: path.to_vec(), code });
            return Ok(());
        };
        let keep = self.permissions.keep && !repository.is_bare();
        let inner = Self::read(&repository, commit, Permissions { keep, ..self.permissions })?;
        let outer = |inner: &[u8]| [path, b"/", inner].concat();
        for (inner, node) in inner.nodes {
            if let Ok(place) = ContextPath::new(outer(inner.as_bytes())) {
                self.nodes.insert(place, node);
            }
        }
        self.unsure.extend(inner.unsure.iter().map(|p| outer(p)));
        let warnings = inner.warnings.into_iter();
        self.warnings.extend(warnings.map(|w| RevisionWarning { path: outer(&w.path), ..w }));
        Ok(())
    }

    /// Finds out which files a checkout wouldn't touch.
    fn compare(&mut self) -> Result<(), GitError> {
        let differing = self.repository.differing(self.commit)?;
        self.unsure = self.repository.not_looked_at()?;
        for path in self.leaves.keys().filter(|p| !differing.contains(*p)) {
            if let Some(node) = ContextPath::new(&path[..]).ok().and_then(|p| self.nodes.get_mut(&p)) {
                node.here = true;
            }
        }
        Ok(())
    }

    /// A folder of the work tree (empty for its top); `None` when the revision has no such folder.
    pub fn below(&self, folder: &[u8]) -> Option<Listing> {
        let inside = |path: &ContextPath| folder.is_empty() || path.is_below(folder);
        let nodes: Vec<(&ContextPath, &Node)> = self.nodes.iter().filter(|(p, _)| inside(p)).collect();
        let is_empty_folder = || {
            let place = ContextPath::new(folder).ok()?;
            self.nodes.get(&place).filter(|n| matches!(n.kind, NodeKind::EmptyFolder))
        };
        if nodes.is_empty() && !folder.is_empty() && is_empty_folder().is_none() {
            return None;
        }
        let folders = folders(&nodes, folder.len());
        let here = self.here(&nodes, &folders);
        let umask = self.permissions.umask.unwrap_or_else(|| place::umask(here.values()));
        let mut all: Vec<(Entry, Content, bool)> = Vec::with_capacity(nodes.len() + folders.len());
        let relative = |path: &[u8]| {
            let start = if folder.is_empty() { 0 } else { folder.len() + 1 };
            ContextPath::new(&path[start..]).ok()
        };
        for path in folders {
            let stat = here.get(path).cloned().unwrap_or_else(|| folder_stat(umask));
            all.extend(relative(path).map(|path| (entry(path, stat), Content::None, false)));
        }
        for (path, node) in nodes {
            if let NodeKind::EmptyFolder = node.kind {
                continue;
            }
            let kept = here.get(path.as_bytes()).filter(|_| node.here).cloned();
            let is_here = kept.is_some() && !self.unsure.contains(path.as_bytes());
            let (stat, content) = node.stat(kept, umask);
            all.extend(relative(path.as_bytes()).map(|path| (entry(path, stat), content, is_here)));
        }
        all.sort_by(|a, b| a.0.path.cmp(&b.0.path));
        let mut listing = Listing::default();
        for (entry, content, here) in all {
            listing.entries.push(entry);
            listing.contents.push(content);
            listing.here.push(here);
        }
        Some(listing)
    }

    /// The stats of what is here.
    fn here(&self, nodes: &[(&ContextPath, &Node)], folders: &BTreeSet<&[u8]>) -> BTreeMap<Vec<u8>, Stat> {
        if !self.permissions.keep {
            return BTreeMap::new();
        }
        let files = nodes.iter().filter(|(_, n)| n.here).map(|(p, n)| (p.as_bytes(), n.file_type()));
        let folders = folders.iter().map(|p| (*p, FileType::Dir));
        let wanted: Vec<(&[u8], FileType)> = files.chain(folders).collect();
        let mut stats = place::stats(self.repository.top(), &wanted);
        // git keeps no times.
        stats.values_mut().for_each(|s| s.mtime_ns = 0);
        stats
    }
}

/// Whether a change is about more than its own path: attributes, submodules.
fn is_about_files(change: &Change) -> bool {
    let name = change.path.rsplit(|b| *b == b'/').next().unwrap_or_default();
    let submodule = change.now.is_some_and(|l| l.kind == LeafKind::Submodule);
    submodule || matches!(name, b".gitattributes" | b".gitmodules")
}

/// All folders that lie below one whose path has this length, and hold something.
fn folders<'p>(nodes: &[(&'p ContextPath, &Node)], top: usize) -> BTreeSet<&'p [u8]> {
    let mut folders = BTreeSet::new();
    for (path, node) in nodes {
        let path = path.as_bytes();
        if matches!(node.kind, NodeKind::EmptyFolder) {
            folders.insert(path);
        }
        for end in (top + 1..path.len()).rev().filter(|i| path[*i] == b'/') {
            // Those above it are there already.
            if !folders.insert(&path[..end]) {
                break;
            }
        }
    }
    folders
}

fn entry(path: ContextPath, stat: Stat) -> Entry {
    Entry { path, stat, hardlink: None }
}

fn plain(file_type: FileType, mode: u16, size: u64, extra: Option<Box<Extra>>) -> Stat {
    Stat { file_type, mode, uid: 0, gid: 0, size, mtime_ns: 0, extra }
}

fn folder_stat(umask: u16) -> Stat {
    plain(FileType::Dir, 0o777 & !umask, 0, None)
}

impl Node {
    fn file_type(&self) -> FileType {
        match self.kind {
            NodeKind::EmptyFolder => FileType::Dir,
            NodeKind::File { .. } => FileType::File,
            NodeKind::Link(_) => FileType::Symlink,
        }
    }

    /// Its stat: the one that it has here if it keeps that, and its content.
    fn stat(&self, kept: Option<Stat>, umask: u16) -> (Stat, Content) {
        match &self.kind {
            NodeKind::EmptyFolder => (folder_stat(umask), Content::None),
            NodeKind::Link(target) => {
                let extra = Extra { linkname: target.to_vec(), ..Extra::default() };
                let stat = plain(FileType::Symlink, 0o777, target.len() as u64, Some(Box::new(extra)));
                (kept.unwrap_or(stat), Content::None)
            }
            NodeKind::File { executable, size, content } => {
                let mode = if *executable { 0o777 } else { 0o666 } & !umask;
                let stat = kept.unwrap_or_else(|| plain(FileType::File, mode, *size, None));
                (Stat { size: *size, ..stat }, content.clone())
            }
        }
    }
}
