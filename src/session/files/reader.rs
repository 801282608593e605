//! Threads that read what the engine asked for (`fsutil/send.go`, `sendFile`).

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use rustix::io::Errno;

use super::buffer::{Buffer, CHUNK, Pool};
use super::desk::Idle;
use super::event::{Change, Passing};
use super::open::Root;
use super::transfer::{Outlet, Shared};
use crate::entry::{Entry, FileType};

/// Small files are put together up to so many bytes before they go out.
const TOGETHER: usize = 64 << 10;

/// One of the threads.
pub(super) struct Reader {
    pub(super) shared: Arc<Shared>,
    pub(super) outlet: Outlet,
    pub(super) pool: Arc<Pool>,
    pub(super) root: Option<Arc<Root>>,
    pub(super) buffer: Option<Buffer>,
}

/// Why a reader stops early.
#[derive(Debug)]
pub(super) enum Stop {
    /// Nobody takes anything any more.
    Gone,
    /// A file can't be read to its end.
    Read(io::Error),
}

/// A content that is open.
enum Content<'a> {
    /// As it is by now.
    File(File, Metadata),
    Other(Box<dyn Read + Send + 'a>),
}

impl Reader {
    /// Reads until nothing more will be asked for.
    pub(super) fn run(mut self) {
        loop {
            // What is ready goes out before there is waiting.
            let wait = self.buffer.as_ref().is_none_or(|buffer| buffer.len() == 0);
            match self.shared.desk.next(&self.shared.local, wait) {
                Ok((id, entry)) => match self.send(id, &entry) {
                    Ok(()) => {}
                    Err(Stop::Gone) => return,
                    Err(Stop::Read(error)) => {
                        self.outlet.fail(&format!("read {}: {error}", entry.path));
                        return;
                    }
                },
                Err(Idle::Yet) if self.flush().is_ok() => {}
                Err(Idle::Yet) => return,
                Err(Idle::ForGood) => {
                    let _ = self.flush();
                    return;
                }
            }
        }
    }

    fn send(&mut self, id: u32, entry: &Entry) -> Result<(), Stop> {
        let shared = Arc::clone(&self.shared);
        let sent = match open(&shared, self.root.as_deref(), entry) {
            Ok(None) => None,
            Ok(Some(Content::File(mut file, now))) => {
                let mut passing = shared.local.digesting().and_then(|d| d.begin(entry, &now));
                let bytes = self.content(id, now.len(), &mut file, &mut passing)?;
                passing.filter(|_| bytes == entry.stat.size).into_iter().for_each(Passing::end);
                Some((bytes, mtime_ns(&now) != entry.stat.mtime_ns))
            }
            Ok(Some(Content::Other(mut reader))) => {
                Some((self.content(id, entry.stat.size, &mut reader, &mut None)?, false))
            }
            Err(change) => {
                shared.changed(entry, change);
                None
            }
        };
        match sent {
            Some((bytes, _)) if bytes != entry.stat.size => {
                shared.changed(entry, Change::Size { listed: entry.stat.size, sent: bytes });
            }
            Some((_, true)) => shared.changed(entry, Change::Written),
            _ => {}
        }
        self.room(0)?.end(id);
        if self.buffer.as_ref().is_some_and(|buffer| buffer.len() >= TOGETHER) {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Sends a content, all that there is of it; gives its length. `size` is what is expected.
    fn content(
        &mut self,
        id: u32,
        size: u64,
        content: &mut dyn Read,
        passing: &mut Option<Box<dyn Passing>>,
    ) -> Result<u64, Stop> {
        let mut sent = 0;
        loop {
            // What has grown may go on for long.
            let left = size.checked_sub(sent).and_then(|left| usize::try_from(left).ok());
            let left = left.map_or(CHUNK, |left| left.min(CHUNK));
            // One byte more than there should be shows the end without another read.
            let most = (left + 1).min(CHUNK);
            let fill = |room: &mut [u8]| {
                let len = read_full(content, room, left)?;
                passing.iter_mut().for_each(|passing| passing.take(&room[..len]));
                Ok(len)
            };
            let len = self.room(most)?.data(id, left, most, fill).map_err(Stop::Read)?;
            sent += len as u64;
            self.shared.counters.content.fetch_add(len as u64, Relaxed);
            if len < most {
                return Ok(sent);
            }
        }
    }

    /// A buffer with room for so much content.
    fn room(&mut self, content: usize) -> Result<&mut Buffer, Stop> {
        if self.buffer.as_ref().is_some_and(|buffer| !buffer.has_room(content)) {
            self.flush()?;
        }
        Ok(self.buffer.get_or_insert_with(|| self.pool.take()))
    }

    fn flush(&mut self) -> Result<(), Stop> {
        match self.buffer.take() {
            Some(buffer) if buffer.len() > 0 => self.outlet.send(buffer.into_bytes()).map_err(|_| Stop::Gone),
            _ => Ok(()),
        }
    }
}

/// Reads until `room` is full or the content is at its end, which is believed at once where it is `likely`.
fn read_full(content: &mut dyn Read, room: &mut [u8], likely: usize) -> io::Result<usize> {
    let mut len = 0;
    while len < room.len() {
        match content.read(&mut room[len..]) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if len == likely {
            break;
        }
    }
    Ok(len)
}

/// Opens the content of an entry; `None` for one that has none.
fn open<'a>(shared: &'a Shared, root: Option<&Root>, entry: &Entry) -> Result<Option<Content<'a>>, Change> {
    if entry.stat.file_type != FileType::File || shared.refuses(entry.path.as_bytes()) {
        return Ok(None);
    }
    let Some(root) = root else {
        let content = shared.local.tree().open(entry);
        return content.map(|content| Some(Content::Other(content))).map_err(|e| unreadable(&e));
    };
    let file = root.file(entry.path.as_bytes()).map_err(|e| unreadable(&e))?;
    let now = file.metadata().map_err(|e| unreadable(&e))?;
    if !now.is_file() {
        return Err(Change::NoFile);
    }
    Ok(Some(Content::File(file, now)))
}

fn mtime_ns(now: &Metadata) -> i64 {
    now.mtime().saturating_mul(1_000_000_000).saturating_add(now.mtime_nsec())
}

fn unreadable(error: &io::Error) -> Change {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        // A link where a file was, or a socket.
        Some(Errno::LOOP | Errno::XDEV | Errno::NXIO) => Change::NoFile,
        _ => Change::Unreadable(error.to_string()),
    }
}
