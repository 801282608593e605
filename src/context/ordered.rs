//! Puts a listing together, entry by entry in fsutil's order: ignored folders only when something in them is sent, and second
//! names of a file as links to the first.

use rayon::slice::ParallelSliceMut;

use super::links::FirstNames;
use super::walk::{Hidden, Inode, Walked};
use crate::entry::Entry;
use crate::pattern::Decision;

/// One entry as a walk found it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) entry: Entry,
    /// `None` in a listing.
    pub(super) inode: Option<Inode>,
}

/// A listing that is being put together. Everything has to come in order.
#[derive(Debug, Default)]
pub(super) struct Ordered {
    pub(super) walked: Walked,
    /// How many entries were taken out of `walked`.
    taken: usize,
    /// Ignored folders, each in the one before, of which nothing is sent so far; and what hides them, if it is the ignore file.
    held: Vec<(Found, Option<Decision>)>,
    first_names: FirstNames,
    /// An ignored folder is only known to be hidden after what is in it.
    hidden_unsorted: bool,
}

impl Ordered {
    /// Takes an entry that is sent, and with it the folders that it is in.
    pub(super) fn push(&mut self, found: Found) {
        if !self.held.is_empty() {
            self.leave(found.entry.path.as_bytes());
            for (parent, decision) in std::mem::take(&mut self.held) {
                if decision.is_some() {
                    let place = self.taken + self.walked.entries.len();
                    self.walked.only_parents.extend(u32::try_from(place));
                }
                self.append(parent);
            }
        }
        self.append(found);
    }

    /// Takes a folder that is sent when something in it is.
    pub(super) fn hold(&mut self, found: Found, hidden_by: Option<Decision>) {
        self.leave(found.entry.path.as_bytes());
        self.held.push((found, hidden_by));
    }

    /// Takes an entry that the ignore file hides.
    pub(super) fn hide(&mut self, hidden: Hidden) {
        self.walked.counts.ignored += 1;
        self.walked.counts.hidden_folders += u64::from(hidden.closed);
        self.walked.hidden.push(hidden);
    }

    /// Takes out the entries that are there so far.
    pub(super) fn take(&mut self) -> Vec<Entry> {
        self.taken += self.walked.entries.len();
        let next = Vec::with_capacity(self.walked.entries.len());
        std::mem::replace(&mut self.walked.entries, next)
    }

    /// What there is, without the entries that were taken out.
    pub(super) fn finish(mut self) -> Walked {
        self.leave(b"");
        let mut walked = self.walked;
        if self.hidden_unsorted {
            walked.hidden.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
        }
        walked.warnings.sort_unstable();
        walked.problems.sort_by(|a, b| a.path.cmp(&b.path));
        walked
    }

    fn append(&mut self, mut found: Found) {
        self.first_names.resolve(&mut found.entry);
        self.walked.entries.push(found.entry);
        self.walked.inodes.extend(found.inode);
    }

    /// Lets go of the held folders that `path` isn't in.
    fn leave(&mut self, path: &[u8]) {
        let is_above = |folder: &[u8]| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"));
        while let Some((found, hidden_by)) = self.held.pop_if(|(f, _)| !is_above(f.entry.path.as_bytes())) {
            let Some(decision) = hidden_by else { continue };
            let Entry { path, stat, .. } = found.entry;
            self.hidden_unsorted = true;
            self.hide(Hidden { path, file_type: stat.file_type, size: stat.size, closed: false, decision });
        }
    }
}
