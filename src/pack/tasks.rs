//! How an archive is cut into tasks: by the listing alone, so that what is compressed apart doesn't depend on threads.

use std::ops::Range;
use std::sync::Arc;

use super::BLOCK;
use super::header;
use super::large::Large;
use crate::entry::Entry;

/// What one thread does in one go. Done in their order, the tasks make the archive.
pub enum Task<'a> {
    /// Headers of entries, each with its content unless that is large; behind the last ones the end of the archive.
    Members {
        /// Which entries.
        entries: Range<usize>,
        /// Whether the archive ends behind them.
        end: bool,
    },
    /// A part of a large content, the last one with its padding.
    Part {
        /// Whose content.
        large: Arc<Large<'a>>,
        /// Where it begins.
        at: u64,
        /// Its bytes.
        length: usize,
    },
    /// A large content that is opened now and sent when it is its turn; with its padding.
    Whole(Arc<Large<'a>>),
}

/// Sizes of tasks.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Bytes of a task, as far as entries allow.
    pub task: usize,
    /// Contents from here on are large. Not above `task`.
    pub large: u64,
    /// Whether large contents are sent as wholes.
    pub whole: bool,
}

/// The tasks of a listing, one by one.
pub struct Tasks<'a> {
    entries: &'a [Entry],
    sizes: Sizes,
    next: usize,
    /// The large content that comes next, and where in it.
    content: Option<(Arc<Large<'a>>, u64)>,
    ended: bool,
}

impl<'a> Tasks<'a> {
    /// Cuts a listing.
    pub fn new(entries: &'a [Entry], sizes: Sizes) -> Self {
        Self { entries, sizes, next: 0, content: None, ended: false }
    }

    fn members(&mut self) -> Task<'a> {
        let (first, mut bytes) = (self.next, 0);
        while let Some(entry) = self.entries.get(self.next) {
            let content = header::content(entry);
            let large = content >= self.sizes.large;
            let cost = BLOCK + if large { 0 } else { usize::try_from(content).unwrap_or(usize::MAX) };
            if bytes > 0 && cost > self.sizes.task.saturating_sub(bytes) {
                break;
            }
            bytes = bytes.saturating_add(cost);
            self.next += 1;
            if large {
                self.content = Some((Arc::new(Large::new(entry)), 0));
                break;
            }
        }
        self.ended = self.next == self.entries.len() && self.content.is_none();
        Task::Members { entries: first..self.next, end: self.ended }
    }
}

impl<'a> Iterator for Tasks<'a> {
    type Item = Task<'a>;

    fn next(&mut self) -> Option<Task<'a>> {
        let Some((large, at)) = self.content.take() else {
            return (!self.ended).then(|| self.members());
        };
        if self.sizes.whole {
            return Some(Task::Whole(large));
        }
        let left = large.length() - at;
        let length = usize::try_from(left).map_or(self.sizes.task, |left| left.min(self.sizes.task));
        if left > length as u64 {
            self.content = Some((large.clone(), at + length as u64));
        }
        Some(Task::Part { large, at, length })
    }
}
