//! The parallel walk on disk, handed on in fsutil's order while it is going on.
//!
//! Threads list folders, the first one in order that nobody has begun, and look at what is in them; whoever ends a folder hands on,
//! as far as nothing before it is missing. What was found further down waits in the listings of its folders: all of it becomes
//! part of a context; where nothing is kept, the threads wait when there is too much of it.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError, TryLockError};

use super::ContextOptions;
use super::crew::Crew;
use super::error::ContextError;
use super::filter::Filter;
use super::handles::Handles;
use super::look::{Job, Listing, Looker, Mark, Slot, Walk};
use super::ordered::{Found, Ordered};
use super::sieve::Sieve;
use super::walk::Walked;
use crate::entry::Entry;
use crate::observer::{Event, Observer, Silent};
use crate::pattern::Matcher;

/// So many entries are handed on at a time.
pub(super) const PORTION: usize = 512;
/// So many may be found before they are taken, where they aren't kept.
const AHEAD: usize = 1 << 16;

/// What a walk hands on.
#[derive(Debug)]
pub(super) enum Handed {
    /// The next entries.
    Entries(Vec<Entry>),
    /// What stands here makes a client's walk fail. Only the first one is told.
    Problem(ContextError),
}

/// In which portions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portions {
    /// Entries are handed on when there are so many.
    pub(super) entries: usize,
    /// So many may be found before they are taken.
    pub(super) ahead: usize,
}

/// Walks `root`, which is resolved and a directory. The calling thread takes what is handed on, until it breaks off; then there is
/// no result. The result lacks the entries, which were handed on.
pub(super) fn walk(
    root: &Path,
    sieve: &Sieve<'_>,
    options: &ContextOptions<'_>,
    observer: &dyn Observer,
    portions: Portions,
    take: &mut dyn FnMut(Handed) -> ControlFlow<()>,
) -> Option<Walked> {
    let walk = Walk { root, sieve, index: options.index, observer, handles: Handles::new(root) };
    let first = Job::root();
    let hand = Hand {
        front: Mutex::new(Front::new(&first.slot, portions.entries)),
        ended: AtomicUsize::new(0),
        crew: Crew::new(first, portions.ahead),
    };
    let threads = if options.threads == 0 { rayon::current_num_threads() } else { options.threads };
    let (sender, receiver) = channel();
    let complete = std::thread::scope(|scope| {
        let mut crew = 0;
        for _ in 0..threads {
            let (walk, hand, sender) = (&walk, &hand, sender.clone());
            let thread = std::thread::Builder::new().name("walk".into());
            crew += usize::from(thread.spawn_scoped(scope, move || hand.work(walk, &sender)).is_ok());
        }
        if crew == 0 {
            // The system has no more threads.
            Hand::work(&hand, &walk, &sender);
        }
        drop(sender);
        let complete = hand.consume(receiver, take);
        if complete.is_break() {
            hand.crew.stop();
        }
        complete
    });
    observer.event(Event::WalkDone);
    let front = hand.front.into_inner().unwrap_or_else(PoisonError::into_inner);
    complete.is_continue().then(|| front.ordered.finish())
}

/// Hands on what two lists of patterns let through of `root`, without keeping it and without entering folders that they don't reach;
/// [`Sieve::new`] says what empty ones do.
///
/// # Errors
/// What a client's walk ends with, behind all entries that it sends before.
pub(super) fn list(
    root: &Path,
    include: Option<&Matcher>,
    exclude: Option<&Matcher>,
    take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
) -> Result<(), ContextError> {
    let sieve = Sieve::new(include.map(Filter::include), exclude.map(Filter::exclude));
    let portions = Portions { entries: PORTION, ahead: AHEAD };
    let mut result = Ok(());
    let take = &mut |handed| match handed {
        Handed::Entries(entries) => entries.into_iter().try_for_each(&mut *take),
        Handed::Problem(problem) => {
            result = Err(problem);
            ControlFlow::Break(())
        }
    };
    walk(root, &sieve, &ContextOptions::default(), &Silent, portions, take);
    result
}

/// Puts together what the threads find.
struct Hand<'w> {
    front: Mutex<Front>,
    /// Listings that were finished since someone last looked.
    ended: AtomicUsize,
    crew: Crew<Job<'w>>,
}

impl<'w> Hand<'w> {
    fn work(&self, walk: &'w Walk<'w>, sender: &Sender<Handed>) {
        let mut looker = Looker::new(walk);
        self.crew.work(|job, new| {
            self.crew.made(looker.work(job, new));
            self.advance(sender);
        });
    }

    /// Hands on what can be, unless another thread is doing that; then that one looks once more.
    fn advance(&self, sender: &Sender<Handed>) {
        self.ended.fetch_add(1, Ordering::SeqCst);
        while self.ended.load(Ordering::SeqCst) > 0 {
            let mut front = match self.front.try_lock() {
                Ok(front) => front,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            let ended = self.ended.load(Ordering::SeqCst);
            front.advance(&mut |handed| {
                if let Handed::Entries(entries) = &handed {
                    self.crew.ready(entries.len());
                }
                if sender.send(handed).is_err() {
                    self.crew.stop();
                }
            });
            drop(front);
            self.ended.fetch_sub(ended, Ordering::SeqCst);
        }
    }

    fn consume(
        &self,
        receiver: Receiver<Handed>,
        take: &mut dyn FnMut(Handed) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for handed in receiver {
            let count = if let Handed::Entries(entries) = &handed { entries.len() } else { 0 };
            take(handed)?;
            self.crew.taken(count);
        }
        ControlFlow::Continue(())
    }
}

/// How far the walk is in order.
struct Front {
    /// The listings of the folders on the way to where it stands.
    open: Vec<Open>,
    /// What it waits for.
    awaited: Option<Slot>,
    ordered: Ordered,
    portion: usize,
    failed: bool,
}

struct Open {
    found: std::vec::IntoIter<Found>,
    marks: std::iter::Peekable<std::vec::IntoIter<(usize, Mark)>>,
    at: usize,
}

impl From<Listing> for Open {
    fn from(listing: Listing) -> Self {
        Self { found: listing.found.into_iter(), marks: listing.marks.into_iter().peekable(), at: 0 }
    }
}

impl Front {
    fn new(root: &Slot, portion: usize) -> Self {
        let (open, ordered) = (Vec::new(), Ordered::default());
        Self { open, awaited: Some(root.clone()), ordered, portion, failed: false }
    }

    /// Goes on as far as listings are there.
    fn advance(&mut self, hand_on: &mut dyn FnMut(Handed)) {
        loop {
            if let Some(slot) = &self.awaited {
                let Some(listing) = slot.take() else { return };
                self.awaited = None;
                self.begin(listing);
            }
            let Some(open) = self.open.last_mut() else { break };
            match open.marks.next_if(|(at, _)| *at == open.at) {
                Some((_, mark)) => self.mark(mark, hand_on),
                None => match open.found.next() {
                    Some(found) => {
                        open.at += 1;
                        self.ordered.push(found);
                        if self.ordered.walked.entries.len() >= self.portion {
                            hand_on(Handed::Entries(self.ordered.take()));
                        }
                    }
                    None => drop(self.open.pop()),
                },
            }
        }
        if !self.ordered.walked.entries.is_empty() {
            hand_on(Handed::Entries(self.ordered.take()));
        }
    }

    fn begin(&mut self, mut listing: Listing) {
        let walked = &mut self.ordered.walked;
        walked.warnings.append(&mut listing.warnings);
        walked.counts.ignored += listing.ignored;
        walked.counts.hidden_folders += listing.hidden_folders;
        self.open.push(listing.into());
    }

    fn mark(&mut self, mark: Mark, hand_on: &mut dyn FnMut(Handed)) {
        match mark {
            Mark::Below(slot) => self.awaited = Some(slot),
            Mark::Hidden(hidden) => self.ordered.hide(hidden),
            Mark::Held(by) => {
                let Some(open) = self.open.last_mut() else { return };
                let Some(found) = open.found.next() else { return };
                open.at += 1;
                self.ordered.hold(found, by);
            }
            Mark::Problem(problem) => {
                if !std::mem::replace(&mut self.failed, true) {
                    if !self.ordered.walked.entries.is_empty() {
                        hand_on(Handed::Entries(self.ordered.take()));
                    }
                    hand_on(Handed::Problem(problem.to_error()));
                }
                self.ordered.walked.problems.push(problem);
            }
        }
    }
}
