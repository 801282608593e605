//! What the prediction and the transfer do once for both: the walk of the context, and, where the prediction can wait, the reading of
//! its files.
//!
//! Without an earlier build there is nothing to compare with, and a verdict hangs on no content. Digests are then only wanted for the next
//! build's sake, so that those of the files which the engine asks for are computed from the bytes that are sent. What it has already is
//! read when the transfer is over.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::cache::{Producer, write_header};
use crate::digest::{Hasher, Request as Wanted};
use crate::entry::Entry;
use crate::index::{Identity, Known, nanoseconds};
use crate::ops::known::Seen;
use crate::session::files::{Digesting, Event, Passing, Walk, Walker};

/// So many bytes are digested at a time: all digests of them while they are in the processor's cache, and on this thread.
const PIECE: usize = 64 << 10;

/// What to do now, for a prediction that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Now {
    /// Read what nobody has read.
    Read,
    /// Read nothing: the build has failed, and only the reasons are wanted.
    Explain,
}

/// The side of the transfer.
#[derive(Debug, Clone)]
pub struct Shared {
    walk: Walk,
    later: Option<(Arc<Seen>, Sender<Now>)>,
}

/// The side of the prediction.
pub struct Ahead {
    /// Says what is found.
    pub walker: Walker,
    /// For one that waits: what was read meanwhile, and when to go on.
    pub later: Option<(Arc<Seen>, Receiver<Now>)>,
}

/// Both sides; `later` if the prediction can wait.
pub fn shared(later: bool) -> (Shared, Ahead) {
    let walk = Walk::default();
    let walker = walk.walker();
    let (theirs, ours) = later
        .then(|| {
            let seen = Arc::new(Seen::new(None));
            let (sender, receiver) = channel();
            ((Arc::clone(&seen), sender), (seen, receiver))
        })
        .unzip();
    (Shared { walk, later: theirs }, Ahead { walker, later: ours })
}

impl Shared {
    /// The walk.
    pub fn walk(&self) -> Walk {
        self.walk.clone()
    }

    /// Who digests what is sent, if somebody does.
    pub fn digesting(&self) -> Option<Arc<dyn Digesting>> {
        let (seen, _) = self.later.as_ref()?;
        Some(Arc::new(Sent(Arc::clone(seen))))
    }

    /// Tells a prediction that waits what to do; only the first time counts.
    pub fn tell(&self, now: Now) {
        if let Some((_, sender)) = &self.later {
            // One that is gone has failed, and says so itself.
            let _ = sender.send(now);
        }
    }

    /// Hears of a transfer: when that of the context is over, what was not sent may be read.
    pub fn hear(&self, event: &Event<'_>) {
        if let Event::Ended { local: "context", totals, .. } = event
            && totals.entries > FEW
        {
            self.tell(Now::Read);
        }
    }
}

/// An engine looks for ignore files before it asks for a context.
const FEW: u64 = 2;

/// Digests what is sent.
#[derive(Debug)]
struct Sent(Arc<Seen>);

/// A file that is being sent.
struct File {
    seen: Arc<Seen>,
    identity: Identity,
    hasher: Hasher,
}

impl Digesting for Sent {
    fn begin(&self, listed: &Entry, opened: &Metadata) -> Option<Box<dyn Passing>> {
        let identity = Identity {
            device: opened.dev(),
            inode: opened.ino(),
            size: opened.size(),
            mtime_ns: nanoseconds(opened.mtime(), opened.mtime_nsec()),
            ctime_ns: nanoseconds(opened.ctime(), opened.ctime_nsec()),
            mode: listed.stat.mode,
            xattrs: 0,
        };
        // Attributes enter the digest, and few files have them: those are read once more.
        let same = identity.is_of(opened)
            && listed.stat.size == identity.size
            && listed.stat.mtime_ns == identity.mtime_ns
            && listed.stat.xattrs().is_empty();
        if !same {
            return None;
        }
        let mut header = Vec::with_capacity(128);
        write_header(&listed.stat, Producer::Transfer, &mut header);
        let wanted = Wanted { headed: true, sha256: false, blake3: true };
        Some(Box::new(File { seen: Arc::clone(&self.0), identity, hasher: Hasher::new(wanted, &header) }))
    }
}

impl Passing for File {
    fn take(&mut self, bytes: &[u8]) {
        bytes.chunks(PIECE).for_each(|piece| self.hasher.update(piece));
    }

    fn end(self: Box<Self>) {
        let Self { seen, identity, hasher } = *self;
        let digests = hasher.finish();
        if let Some(headed) = digests.headed {
            seen.learn(identity, Known { headed, blake3: digests.blake3 });
        }
    }
}

/// Whether two paths lead to the same folder.
pub fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
