//! Files in memory.

use std::io::{self, Read};
use std::sync::Arc;

use crate::entry::{ContextPath, Entry, Extra, FileType, Source, Stat};

/// A tree in memory: what a listing would look like with other files.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    entries: Vec<Entry>,
    contents: Vec<Arc<[u8]>>,
}

impl MemoryTree {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a folder.
    pub fn dir(self, path: ContextPath, mode: u16) -> Self {
        self.put(path, FileType::Dir, mode, b"", None)
    }

    /// Adds a regular file. Folders above it that aren't there come with it, of mode 0755.
    pub fn file(self, path: ContextPath, mode: u16, content: &[u8]) -> Self {
        self.put(path, FileType::File, mode, content, None)
    }

    /// Adds a link.
    pub fn link(self, path: ContextPath, target: &[u8]) -> Self {
        let extra = Extra { linkname: target.to_vec(), ..Extra::default() };
        self.put(path, FileType::Symlink, 0o777, target, Some(Box::new(extra)))
    }

    fn put(
        mut self,
        path: ContextPath,
        file_type: FileType,
        mode: u16,
        content: &[u8],
        extra: Option<Box<Extra>>,
    ) -> Self {
        if let Some(parent) = path.parent()
            && self.position(&parent).is_err()
        {
            self = self.dir(parent, 0o755);
        }
        let size = if file_type == FileType::Dir { 0 } else { content.len() as u64 };
        let stat = Stat { file_type, mode, uid: 0, gid: 0, size, mtime_ns: 0, extra };
        let at = self.position(&path);
        let entry = Entry { path, stat, hardlink: None };
        match at {
            Ok(at) => {
                self.entries[at] = entry;
                self.contents[at] = content.into();
            }
            Err(at) => {
                self.entries.insert(at, entry);
                self.contents.insert(at, content.into());
            }
        }
        self
    }

    fn position(&self, path: &ContextPath) -> Result<usize, usize> {
        self.entries.binary_search_by(|e| e.path.cmp(path))
    }
}

impl Source for MemoryTree {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn open(&self, entry: &Entry) -> io::Result<Box<dyn Read + Send + '_>> {
        let at = self.position(&entry.path).map_err(|_| io::ErrorKind::NotFound)?;
        Ok(match entry.stat.file_type {
            FileType::File => Box::new(&self.contents[at][..]),
            _ => Box::new(io::empty()),
        })
    }
}
