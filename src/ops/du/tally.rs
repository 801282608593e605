//! Bytes by folder.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::Marks;
use super::hidden::{self, Inode};
use crate::entry::{Entry, FileType, Source as _};
use crate::error::Error;
use crate::ops::local::Local;
use crate::report::{DuFolder, PathField, Shares, Weight};

/// The weights of a context and of the folders near its top.
pub(super) struct Tally {
    /// All of it.
    pub whole: Shares,
    /// Hidden folders that can't be listed.
    pub unreadable: Vec<Vec<u8>>,
    folders: BTreeMap<Vec<u8>, Shares>,
    depth: usize,
}

/// The parts of a context that count apart.
#[derive(Clone, Copy)]
enum Part {
    Visible,
    Sent,
    Used,
    Unused,
    Hidden,
}

impl Tally {
    /// Weighs a folder; folders down to `depth` have weights of their own.
    pub fn of(local: &Local, marks: &Marks, depth: usize) -> Result<Self, Error> {
        let known = marks.sent.as_ref().map(|_| Weight::default());
        let whole = Shares { sent: known, used: known, unused: known, ..Shares::default() };
        let mut tally = Self { whole, unreadable: Vec::new(), folders: BTreeMap::new(), depth };
        let entries = local.context.entries();
        let is = |marks: &Option<Vec<bool>>, at: usize| marks.as_ref().is_some_and(|m| m[at]);
        tally.add(entries, Part::Visible, &mut Inodes::default(), |_| true);
        if marks.sent.is_some() {
            tally.add(entries, Part::Sent, &mut Inodes::default(), |at| is(&marks.sent, at));
            let mut inodes = Inodes::default();
            tally.add(entries, Part::Used, &mut inodes, |at| is(&marks.used, at));
            // The same inodes: a second name of a file that is used costs nothing more.
            tally.add(entries, Part::Unused, &mut inodes, |at| !is(&marks.used, at));
        }
        tally.add_hidden(local)?;
        Ok(tally)
    }

    /// The folders, the heaviest first.
    pub fn into_folders(self) -> Vec<DuFolder> {
        let folder = |(path, shares): (Vec<u8>, Shares)| DuFolder { path: PathField(path), shares };
        let mut folders: Vec<DuFolder> = self.folders.into_iter().map(folder).collect();
        folders.sort_by_key(|f| std::cmp::Reverse((f.shares.visible.bytes, f.shares.hidden.bytes)));
        folders
    }

    /// Adds the files of a part.
    fn add(&mut self, entries: &[Entry], part: Part, inodes: &mut Inodes, belongs: impl Fn(usize) -> bool) {
        let file = |e: &Entry| matches!(e.stat.file_type, FileType::File | FileType::Socket);
        for (_, entry) in entries.iter().enumerate().filter(|(at, e)| file(e) && belongs(*at)) {
            let inode = entry.stat.extra.as_ref().and_then(|e| e.inode);
            let bytes = if inodes.is_new(inode) { entry.stat.size } else { 0 };
            self.count(entry.path.as_bytes(), part, bytes);
        }
    }

    /// Adds what the ignore file hides.
    fn add_hidden(&mut self, local: &Local) -> Result<(), Error> {
        let mut inodes = Inodes::default();
        let seen = local.context.entries().iter().filter_map(|e| e.stat.extra.as_ref()?.inode);
        inodes.0.extend(seen);
        let mut unreadable = Vec::new();
        hidden::each(&local.context, &mut unreadable, |file| {
            let bytes = if inodes.is_new(file.inode) { file.size } else { 0 };
            self.count(file.path, Part::Hidden, bytes);
        })?;
        self.unreadable = unreadable;
        Ok(())
    }

    /// Counts one file for the whole and for the folders above it.
    fn count(&mut self, path: &[u8], part: Part, bytes: u64) {
        add(&mut self.whole, part, bytes);
        let slashes = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        for end in slashes.take(self.depth) {
            let folder = &path[..end];
            if !self.folders.contains_key(folder) {
                let known = self.whole.sent.map(|_| Weight::default());
                let empty = Shares { sent: known, used: known, unused: known, ..Shares::default() };
                self.folders.insert(folder.to_vec(), empty);
            }
            if let Some(shares) = self.folders.get_mut(folder) {
                add(shares, part, bytes);
            }
        }
    }
}

/// The weight of a part.
fn weight(shares: &mut Shares, part: Part) -> &mut Weight {
    match part {
        Part::Visible => &mut shares.visible,
        Part::Sent => shares.sent.get_or_insert_default(),
        Part::Used => shares.used.get_or_insert_default(),
        Part::Unused => shares.unused.get_or_insert_default(),
        Part::Hidden => &mut shares.hidden,
    }
}

/// Counts one file.
fn add(shares: &mut Shares, part: Part, bytes: u64) {
    let weight = weight(shares, part);
    weight.files += 1;
    weight.bytes += bytes;
}

/// The files with several names that were counted.
#[derive(Default)]
struct Inodes(FxHashSet<Inode>);

impl Inodes {
    /// True for a file that has one name, or whose first name this is.
    fn is_new(&mut self, inode: Option<Inode>) -> bool {
        inode.is_none_or(|inode| self.0.insert(inode))
    }
}
