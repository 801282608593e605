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
    /// Whether somebody keeps what is known in the end. Otherwise nothing need be known of any content.
    keeps: bool,
}

/// The side of the prediction.
pub struct Ahead {
    /// Says what is found.
    pub walker: Walker,
    /// For one that waits: what was read meanwhile, and when to go on.
    pub later: Option<(Arc<Seen>, Receiver<Now>)>,
    /// It is only asked whether the key is still that of the last build; what follows from it is said when it is another one.
    pub key_first: bool,
}

/// Both sides; `later` if the prediction can wait, `keeps` if somebody keeps what is known in the end.
pub fn shared(later: bool, keeps: bool) -> (Shared, Ahead) {
    let walk = Walk::default();
    let walker = walk.walker();
    let (theirs, ours) = later
        .then(|| {
            let seen = Arc::new(Seen::new(None));
            let (sender, receiver) = channel();
            ((Arc::clone(&seen), sender), (seen, receiver))
        })
        .unzip();
    (Shared { walk, later: theirs, keeps }, Ahead { walker, later: ours, key_first: false })
}

impl Shared {
    /// The walk.
    pub fn walk(&self) -> Walk {
        self.walk.clone()
    }

    /// Who digests what is sent, if somebody does.
    pub fn digesting(&self) -> Option<Arc<dyn Digesting>> {
        let (seen, _) = self.later.as_ref().filter(|_| self.keeps)?;
        Some(Arc::new(Sent(Arc::clone(seen))))
    }

    /// Tells a prediction that waits what to do; only the first time counts.
    pub fn tell(&self, now: Now) {
        if let Some((_, sender)) = &self.later {
            // One that is gone has failed, and says so itself.
            let _ = sender.send(if self.keeps { now } else { Now::Explain });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Context, ContextOptions};
    use crate::digest::Digest;
    use crate::entry::Source as _;
    use crate::observer::Silent;

    /// What is known of the only file of a folder once `content` went by.
    fn learned(root: &Path, content: &[u8]) -> (Option<Known>, Digest) {
        let context = Context::load(root, None, &ContextOptions::default(), &Silent).unwrap();
        let entry = &context.entries()[0];
        let seen = Arc::new(Seen::new(None));
        let opened = std::fs::metadata(root.join("f")).unwrap();
        if let Some(mut passing) = Sent(Arc::clone(&seen)).begin(entry, &opened) {
            content.chunks(300_000).for_each(|piece| passing.take(piece));
            passing.end();
        }
        let mut headed = Vec::new();
        write_header(&entry.stat, Producer::Transfer, &mut headed);
        headed.extend_from_slice(content);
        (context.identity(0).and_then(|identity| seen.recall(&identity)), Digest::sha256(headed))
    }

    #[test]
    fn the_digests_of_what_is_sent_are_those_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        for length in [0, 1, PIECE, 1_000_000] {
            let content = vec![7; length];
            std::fs::write(dir.path().join("f"), &content).unwrap();
            let (known, headed) = learned(dir.path(), &content);
            assert_eq!(known, Some(Known { headed, blake3: Some(Digest::blake3(&content)) }), "{length}");
        }
    }

    #[test]
    fn a_file_that_is_no_longer_what_was_listed_teaches_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "one").unwrap();
        let context = Context::load(dir.path(), None, &ContextOptions::default(), &Silent).unwrap();
        std::fs::write(dir.path().join("f"), "other").unwrap();
        let opened = std::fs::metadata(dir.path().join("f")).unwrap();
        assert!(Sent(Arc::new(Seen::new(None))).begin(&context.entries()[0], &opened).is_none());
    }

    #[test]
    fn only_the_first_word_counts_and_a_look_at_ignore_files_is_none() {
        let (shared, ahead) = shared(true, true);
        let ended = |entries, local| {
            let totals = crate::session::files::Totals { entries, ..Default::default() };
            shared.hear(&Event::Ended {
                transfer: 1,
                local,
                totals,
                took: Default::default(),
                failure: None,
            });
        };
        let (_, now) = ahead.later.unwrap();
        ended(1, "context");
        ended(9, "dockerfile");
        assert!(now.try_recv().is_err());
        ended(9, "context");
        shared.tell(Now::Explain);
        assert_eq!(now.recv(), Ok(Now::Read));
    }

    #[test]
    fn where_nothing_is_kept_nothing_is_read() {
        let (shared, ahead) = shared(true, false);
        assert!(shared.digesting().is_none());
        shared.tell(Now::Read);
        assert_eq!(ahead.later.unwrap().1.recv(), Ok(Now::Explain));
    }
}
