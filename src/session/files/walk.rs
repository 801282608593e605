//! A walk that is going on for other reasons, and answers an engine as well: what is looked at is looked at once.
//!
//! BuildKit's client walks when the engine asks. A walk that is still going on then, or that ended so recently that it might have been
//! just that walk, is as good: the engine gets the listing in blocks while it is being made. An older one isn't shared. The folder is
//! walked anew, and what is different by then is told.

use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message as _;

use super::super::packet::{PREFIX, Packet, go_mode, has_content, put_stat};
use crate::context::{Context, ContextError, Excludes, Request, Streamed};
use crate::entry::{ContextPath, Entry, Extra, FileType, Source as _, Stat};

/// So long after its end a walk may still stand for the one that a request asks for: what a build takes from its start until the
/// engine asks. An engine that pulled an image first asks later, and files may have been saved meanwhile.
pub(super) const FRESH: Duration = Duration::from_secs(2);
/// A block is published when it has about so many bytes.
const BLOCK: usize = if cfg!(test) { 100 } else { 16 << 10 };

/// No content stands behind an entry.
const NOTHING: u32 = u32::MAX;
/// The entry is a socket, which looks like a file.
const SOCKET: u32 = 1 << 31;

/// A walk, for those who wait for what it finds.
#[derive(Debug, Clone, Default)]
pub struct Walk(Arc<Shared>);

/// The side that walks. Dropping it before the end tells everybody to walk for themselves.
#[derive(Debug)]
pub struct Walker {
    walk: Walk,
    frames: Vec<u8>,
    slots: Vec<u32>,
    scratch: Vec<u8>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    /// The patterns with which it walks; known from [`Stage::Going`] on.
    excludes: Excludes,
    /// What was found so far; let go of at the end, when the context has it.
    blocks: Vec<Arc<Block>>,
    /// How many entries that is.
    listed: usize,
    /// Before which entry a client's walk fails.
    problem: Option<usize>,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Awaited,
    Going,
    Ended(Arc<Context>, Instant),
    Failed,
}

/// Entries as they are sent.
#[derive(Debug)]
pub(super) struct Block {
    /// The place of the first one.
    first: usize,
    /// Their STATs.
    pub(super) frames: Bytes,
    /// Where in `frames` each begins, if it has content.
    slots: Vec<u32>,
}

/// How a request is answered.
pub(super) enum Answer {
    /// With all that the walk finds.
    All,
    /// With a part of what it found.
    Part(Arc<Context>),
    /// By another walk. What this one found is no longer fresh.
    Own(Option<Arc<Context>>),
}

/// What comes next of a listing.
enum Next {
    Block(Arc<Block>),
    /// The rest, and where a client's walk fails.
    Rest(Arc<Context>, Option<usize>),
    Failed,
}

impl Walk {
    /// The side that walks. There is one.
    pub fn walker(&self) -> Walker {
        Walker { walk: self.clone(), frames: Vec::new(), slots: Vec::new(), scratch: Vec::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&'g self, state: MutexGuard<'g, State>) -> MutexGuard<'g, State> {
        self.0.news.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the walk answers a request. One for some paths doesn't wait for it, since it may look at little of the folder.
    pub(super) fn answer(&self, request: &Request) -> Answer {
        let whole = request.includes.is_empty() && request.follow_paths.is_empty();
        let mut state = self.state();
        while whole && matches!(state.stage, Stage::Awaited) {
            state = self.wait(state);
        }
        let same = request.includes.is_empty() && state.excludes.are(&request.excludes);
        match &state.stage {
            Stage::Going if whole && same => Answer::All,
            Stage::Ended(_, end) if whole && same && end.elapsed() <= FRESH => Answer::All,
            Stage::Ended(context, end) if same && end.elapsed() <= FRESH => Answer::Part(Arc::clone(context)),
            Stage::Ended(context, _) if same => Answer::Own(Some(Arc::clone(context))),
            _ => Answer::Own(None),
        }
    }

    /// Hands on the whole listing, in blocks as far as it isn't complete yet. False when there is none after all; then nothing was
    /// handed on.
    ///
    /// # Errors
    /// What a client's walk ends with, behind the entries before it.
    pub(super) fn follow(
        &self,
        block: &mut dyn FnMut(&Block) -> ControlFlow<()>,
        entry: &mut dyn FnMut(usize, &Entry) -> ControlFlow<()>,
    ) -> Result<bool, ContextError> {
        let (mut blocks, mut place) = (0, 0);
        loop {
            match self.next(blocks) {
                Next::Block(next) => {
                    blocks += 1;
                    place += next.slots.len();
                    if block(&next).is_break() {
                        return Ok(true);
                    }
                }
                Next::Rest(context, problem) => {
                    let entries = &context.entries()[..problem.unwrap_or(context.entries().len())];
                    let mut rest = entries.iter().enumerate().skip(place);
                    let broken_off = rest.try_for_each(|(at, e)| entry(at, e)).is_break();
                    return if broken_off { Ok(true) } else { context.check().map(|()| true) };
                }
                Next::Failed if place == 0 => return Ok(false),
                Next::Failed => return Err(ContextError::Stopped),
            }
        }
    }

    /// Lets it have ended so much earlier.
    #[cfg(test)]
    pub(super) fn grow_older(&self, by: Duration) {
        let mut state = self.state();
        if let Stage::Ended(_, end) = &mut state.stage {
            *end -= by;
        }
    }

    fn next(&self, blocks: usize) -> Next {
        let mut state = self.state();
        loop {
            match &state.stage {
                Stage::Ended(context, _) => return Next::Rest(Arc::clone(context), state.problem),
                Stage::Failed => return Next::Failed,
                Stage::Awaited | Stage::Going => {}
            }
            if let Some(block) = state.blocks.get(blocks) {
                return Next::Block(Arc::clone(block));
            }
            state = self.wait(state);
        }
    }

    /// The entry at a place that was handed on.
    pub(super) fn entry(&self, place: usize) -> Option<Entry> {
        let state = self.state();
        if let Stage::Ended(context, _) = &state.stage {
            return context.entries().get(place).cloned();
        }
        let at = state.blocks.partition_point(|block| block.first <= place).checked_sub(1)?;
        let block = Arc::clone(&state.blocks[at]);
        drop(state);
        block.entry(place - block.first)
    }
}

impl Walker {
    /// The walk begins, with these patterns.
    pub fn begin(&mut self, excludes: Excludes) {
        let mut state = self.walk.state();
        state.excludes = excludes;
        state.stage = Stage::Going;
        drop(state);
        self.walk.0.news.notify_all();
    }

    /// Takes what [`Context::load_streaming`] tells.
    pub fn take(&mut self, streamed: &Streamed<'_>) {
        match streamed {
            Streamed::Entries(entries) => {
                for entry in *entries {
                    self.add(entry);
                }
                if self.frames.len() >= BLOCK {
                    self.publish();
                }
            }
            Streamed::Problem(_) => {
                self.publish();
                let mut state = self.walk.state();
                state.problem = Some(state.listed);
            }
        }
    }

    fn add(&mut self, entry: &Entry) {
        let slot = match (has_content(entry.stat.file_type), u32::try_from(self.frames.len())) {
            (true, Ok(at)) if at < SOCKET => {
                at | if entry.stat.file_type == FileType::Socket { SOCKET } else { 0 }
            }
            _ => NOTHING,
        };
        self.slots.push(slot);
        put_stat(&mut self.frames, &mut self.scratch, entry);
    }

    fn publish(&mut self) {
        let frames = std::mem::take(&mut self.frames).into();
        let slots = std::mem::take(&mut self.slots);
        let mut state = self.walk.state();
        let first = state.listed;
        state.listed += slots.len();
        state.blocks.push(Arc::new(Block { first, frames, slots }));
        drop(state);
        self.walk.0.news.notify_all();
    }

    /// The walk is over.
    pub fn end(self, context: Arc<Context>) {
        let mut state = self.walk.state();
        state.stage = Stage::Ended(context, Instant::now());
        state.blocks = Vec::new();
    }
}

impl Drop for Walker {
    fn drop(&mut self) {
        let mut state = self.walk.state();
        if !matches!(state.stage, Stage::Ended(..)) {
            state.stage = Stage::Failed;
        }
        drop(state);
        self.walk.0.news.notify_all();
    }
}

impl Block {
    /// For each entry its place, if it has content.
    pub(super) fn places(&self) -> impl Iterator<Item = Option<usize>> {
        self.slots.iter().enumerate().map(|(i, slot)| (*slot != NOTHING).then_some(self.first + i))
    }

    /// What is needed of an entry to read it, out of what is sent of it.
    fn entry(&self, at: usize) -> Option<Entry> {
        let slot = *self.slots.get(at).filter(|slot| **slot != NOTHING)?;
        let frame = self.frames.get((slot & !SOCKET) as usize..)?;
        let (head, rest) = frame.split_first_chunk::<PREFIX>()?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let sent = Packet::decode(rest.get(..length)?).ok()?.stat?;
        let bit = |sent_as: u32, bit: u32| if sent.mode & sent_as == 0 { 0 } else { bit };
        let special =
            bit(go_mode::SETUID, 0o4000) | bit(go_mode::SETGID, 0o2000) | bit(go_mode::STICKY, 0o1000);
        let xattrs: Vec<_> = sent.xattrs.into_iter().map(|pair| (pair.name, pair.value)).collect();
        let stat = Stat {
            file_type: if slot & SOCKET == 0 { FileType::File } else { FileType::Socket },
            mode: u16::try_from(sent.mode & 0o777 | special).ok()?,
            uid: sent.uid,
            gid: sent.gid,
            size: sent.size.cast_unsigned(),
            mtime_ns: sent.mtime_ns,
            extra: (!xattrs.is_empty()).then(|| Box::new(Extra { xattrs, ..Extra::default() })),
        };
        Some(Entry { path: ContextPath::new(sent.path).ok()?, stat, hardlink: None })
    }
}
