//! Where requests for contents are handed in and taken up: no id is accepted that wasn't listed, and none twice.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::super::packet::has_content;
use super::local::Local;
use crate::entry::{ContextPath, Entry, FileType, Stat};

/// No content stands behind this id, or it was asked for already.
const NOTHING: u32 = u32::MAX;

/// Ids that were listed, and those of them that are asked for. Never more of these than of those.
#[derive(Debug, Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// For each id the place of its entry: in the context, or in `own`.
    places: Vec<u32>,
    /// Files that are in no context.
    own: Files,
    asked: VecDeque<(u32, u32)>,
    closed: bool,
}

/// What is kept of files to find them again: 100,000 of them are some megabytes.
#[derive(Debug, Default)]
struct Files {
    paths: Vec<u8>,
    files: Vec<Kept>,
}

#[derive(Debug, Clone, Copy)]
struct Kept {
    path_end: usize,
    size: u64,
    mtime_ns: i64,
    file_type: FileType,
}

/// Entries that are about to be listed.
#[derive(Debug, Default)]
pub(super) struct Batch {
    places: Vec<u32>,
    own: Files,
}

impl Files {
    fn push(&mut self, entry: &Entry) {
        self.paths.extend_from_slice(entry.path.as_bytes());
        let stat = &entry.stat;
        let (size, mtime_ns, file_type) = (stat.size, stat.mtime_ns, stat.file_type);
        self.files.push(Kept { path_end: self.paths.len(), size, mtime_ns, file_type });
    }

    fn append(&mut self, other: &mut Self) {
        let shift = self.paths.len();
        self.paths.append(&mut other.paths);
        let shifted = |kept: Kept| Kept { path_end: kept.path_end + shift, ..kept };
        self.files.extend(other.files.drain(..).map(shifted));
    }

    /// An entry with what is needed to open it.
    fn get(&self, at: usize) -> Option<Entry> {
        let Kept { path_end, size, mtime_ns, file_type } = *self.files.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.files[before].path_end);
        let path = ContextPath::new(&self.paths[start..path_end]).ok()?;
        let stat = Stat { file_type, mode: 0, uid: 0, gid: 0, size, mtime_ns, extra: None };
        Some(Entry { path, stat, hardlink: None })
    }
}

/// Why there is no next id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idle {
    /// Nothing is asked for at the moment.
    Yet,
    /// Nothing more will be.
    ForGood,
}

impl Batch {
    /// Takes note of the next entry; `place` is where it stands in the context, if it does.
    pub(super) fn add(&mut self, place: Option<usize>, entry: &Entry) {
        let place = match place {
            _ if !has_content(entry.stat.file_type) => NOTHING,
            Some(place) => u32::try_from(place).unwrap_or(NOTHING),
            None => {
                self.own.push(entry);
                u32::try_from(self.own.files.len() - 1).unwrap_or(NOTHING)
            }
        };
        self.places.push(place);
    }
}

impl Batch {
    /// Takes note of entries of which those with content stand in the context.
    pub(super) fn extend(&mut self, places: impl Iterator<Item = Option<usize>>) {
        let place = |place: Option<usize>| place.and_then(|p| u32::try_from(p).ok()).unwrap_or(NOTHING);
        self.places.extend(places.map(place));
    }

    /// How many entries it has.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers entries, in a local of one kind only. This comes before they are sent, since the engine may ask at once.
    pub(super) fn register(&self, batch: &mut Batch) {
        let mut state = self.state();
        let shift = u32::try_from(state.own.files.len()).unwrap_or(NOTHING);
        let moved = !batch.own.files.is_empty();
        let shifted =
            |place: u32| if moved && place != NOTHING { place.saturating_add(shift) } else { place };
        state.places.extend(batch.places.drain(..).map(shifted));
        state.own.append(&mut batch.own);
    }

    /// Hands in a request; false for an id that can't be asked for.
    pub(super) fn ask(&self, id: u32) -> bool {
        let mut state = self.state();
        let slot = usize::try_from(id).ok().and_then(|at| state.places.get_mut(at));
        let place = slot.map_or(NOTHING, |slot| std::mem::replace(slot, NOTHING));
        if place != NOTHING {
            state.asked.push_back((id, place));
            self.news.notify_one();
        }
        place != NOTHING
    }

    /// Nothing more will be asked for. What was is still taken up.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.news.notify_all();
    }

    /// Nothing more is taken up either.
    pub(super) fn abandon(&self) {
        self.state().asked.clear();
        self.close();
    }

    /// The next id and its entry; waits for one if `wait`.
    pub(super) fn next(&self, local: &Local, wait: bool) -> Result<(u32, Entry), Idle> {
        let mut state = self.state();
        loop {
            if let Some((id, place)) = state.asked.pop_front() {
                let place = place as usize;
                // A listing is either all of the context's entries or all of its own.
                let entry = match state.own.files.is_empty() {
                    true => local.entry(place),
                    false => state.own.get(place),
                };
                match entry {
                    Some(entry) => return Ok((id, entry)),
                    None => continue,
                }
            }
            match (state.closed, wait) {
                (true, _) => return Err(Idle::ForGood),
                (false, false) => return Err(Idle::Yet),
                (false, true) => state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
