//! A large content: opened once, read in parts by several threads where it is a file, in turn where it is a stream.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::PackError;
use super::content::{self, Content};
use super::header;
use crate::entry::{Entry, Source};

/// The content of an entry with many bytes.
pub struct Large<'a> {
    entry: &'a Entry,
    state: Mutex<State<'a>>,
    /// Told when a stream has moved on.
    moved: Condvar,
}

enum State<'a> {
    Unopened,
    File(Arc<Opened>),
    Stream { reader: Box<dyn Read + Send + 'a>, at: u64 },
    Failed,
}

/// A file, and what it was when it was opened.
pub struct Opened {
    file: File,
    written: (i64, i64),
}

impl Opened {
    fn new(file: File, entry: &Entry) -> Result<Self, PackError> {
        let meta = file.metadata().map_err(|e| content::failed(entry, e))?;
        content::same_size(entry, meta.len())?;
        Ok(Self { file, written: (meta.mtime(), meta.mtime_nsec()) })
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Checks that nobody has written to the file since it was opened.
    pub fn check(&self, entry: &Entry) -> Result<(), PackError> {
        let meta = self.file.metadata().map_err(|e| content::failed(entry, e))?;
        content::same_size(entry, meta.len())?;
        match (meta.mtime(), meta.mtime_nsec()) == self.written {
            true => Ok(()),
            false => Err(content::changed(entry, "it was written to while it was read".into())),
        }
    }
}

/// A large content, to be read from its start.
pub enum Whole<'a> {
    /// A file.
    File(Opened),
    /// A stream.
    Stream(Box<dyn Read + Send + 'a>),
}

impl<'a> Large<'a> {
    /// The content of an entry, not opened yet.
    pub fn new(entry: &'a Entry) -> Self {
        Self { entry, state: Mutex::new(State::Unopened), moved: Condvar::new() }
    }

    /// Whose content it is.
    pub fn entry(&self) -> &'a Entry {
        self.entry
    }

    /// Its bytes.
    pub fn length(&self) -> u64 {
        header::content(self.entry)
    }

    /// Opens it, and asks the system to read it ahead.
    pub fn whole(&self, source: &'a dyn Source) -> Result<Whole<'a>, PackError> {
        match content::open(source, self.entry)? {
            Content::Stream(stream) => Ok(Whole::Stream(stream)),
            Content::File(file) => {
                #[cfg(any(target_os = "linux", target_os = "android"))]
                let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
                Opened::new(file, self.entry).map(Whole::File)
            }
        }
    }

    /// Fills `out` with the part from `at` on. The part that ends the content checks that nothing follows.
    pub fn part(&self, source: &'a dyn Source, at: u64, out: &mut [u8]) -> Result<(), PackError> {
        let mut state = self.lock();
        // The first part opens it, so that what goes wrong then is told in its turn.
        if at == 0 && matches!(*state, State::Unopened) {
            *state = State::Failed;
            self.moved.notify_all();
            *state = match content::open(source, self.entry)? {
                Content::File(file) => State::File(Arc::new(Opened::new(file, self.entry)?)),
                Content::Stream(reader) => State::Stream { reader, at: 0 },
            };
        }
        while matches!(*state, State::Unopened) {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if let State::File(opened) = &*state {
            let opened = opened.clone();
            drop(state);
            return self.read_file(&opened, at, out);
        }
        self.read_stream(state, at, out)
    }

    /// Lets those go who wait for a part that nobody will read.
    pub fn give_up(&self) {
        *self.lock() = State::Failed;
        self.moved.notify_all();
    }

    fn read_file(&self, opened: &Opened, at: u64, out: &mut [u8]) -> Result<(), PackError> {
        opened.file.read_exact_at(out, at).map_err(|e| content::cut(self.entry, e))?;
        if at + out.len() as u64 == self.length() { opened.check(self.entry) } else { Ok(()) }
    }

    /// Waits until the stream stands at `at`. The thread that brings it there has taken its task before this one, so it
    /// isn't waiting for it.
    fn read_stream(
        &self,
        mut state: MutexGuard<'_, State<'a>>,
        offset: u64,
        out: &mut [u8],
    ) -> Result<(), PackError> {
        loop {
            match &mut *state {
                State::Stream { reader, at } if *at == offset => {
                    let end = offset + out.len() as u64 == self.length();
                    let result = content::read_exactly(reader, self.entry, offset, out, end);
                    *at += out.len() as u64;
                    if result.is_err() {
                        *state = State::Failed;
                    }
                    self.moved.notify_all();
                    return result;
                }
                State::Failed => return Err(PackError::Cancelled),
                _ => state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
