//! Writing an archive: threads read ahead and compress, the calling one writes in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::compress::{self, Compressor, Frame, Packed};
use super::large::{Large, Opened, Whole};
use super::line::{Line, StopOnDrop};
use super::out::{Out, SendError};
use super::tasks::{Sizes, Task, Tasks};
use super::{BLOCK, Compression, END, Options, PackError, Sink, Summary, content, header};
use crate::digest::{Algorithm, Digest, Hasher, Request};
use crate::entry::{Entry, FileType, Source};
use crate::observer::{Event, Observer};

/// Bytes of a task that isn't compressed.
const TASK: usize = 512 * 1024;
/// Contents from here on are sent as wholes, where that saves a copy.
const LARGE: u64 = 256 * 1024;
/// More threads than these only wait for the one that writes.
const READERS: usize = 8;
/// More threads than these would take too much memory: each has a task with its result, and a compressor.
const COMPRESSORS: usize = 12;
/// Buffer for streams that are sent as wholes.
const BUFFER: usize = 256 * 1024;

/// Writes the archive of a listing.
///
/// Each file is opened once and must have as many bytes as the listing says; a large one must not be written to meanwhile. What is
/// read ahead is bounded: memory doesn't depend on the sizes of files.
///
/// # Errors
/// [`PackError`]; what was written until then is to be thrown away.
pub fn write(
    source: &dyn Source,
    options: &Options<'_>,
    sink: Sink<'_>,
    observer: &dyn Observer,
) -> Result<Summary, PackError> {
    let out = Out::new(sink);
    let sizes = sizes(options, &out);
    let threads = threads(options);
    let line = Line::new(Tasks::new(source.entries(), sizes), ahead(options, threads));
    let reader = Reader { source, options, sizes, spare: Mutex::new(Vec::new()) };
    let mut writer = Writer::new(options, out, observer);
    let mut summary = count(source.entries());
    observer.event(Event::PackStarted { bytes: summary.bytes });
    thread::scope(|scope| {
        let _stop = StopOnDrop(&line);
        for _ in 0..threads {
            scope.spawn(|| reader.work(&line));
        }
        writer.around(Frame::start(options.compression))?;
        while let Some(piece) = line.next() {
            writer.piece(piece?, &reader)?;
        }
        writer.finish(&mut summary)
    })?;
    Ok(summary)
}

fn sizes(options: &Options<'_>, out: &Out<'_>) -> Sizes {
    match options.compression {
        Compression::None if options.digest.is_none() && out.sends_files() => {
            Sizes { task: TASK, large: LARGE, whole: true }
        }
        Compression::None => Sizes { task: TASK, large: TASK as u64, whole: false },
        Compression::Gzip | Compression::Zstd(_) => {
            Sizes { task: compress::TASK, large: compress::TASK as u64, whole: false }
        }
    }
}

fn threads(options: &Options<'_>) -> usize {
    let most = if options.compression == Compression::None { READERS } else { COMPRESSORS };
    let machine = || thread::available_parallelism().map_or(1, usize::from);
    let wanted = if options.threads == 0 { machine() } else { options.threads };
    wanted.min(most)
}

/// How many tasks may be under way or wait to be written. Compressed ones are large, and take longer than their writing.
fn ahead(options: &Options<'_>, threads: usize) -> usize {
    if options.compression == Compression::None { threads * 2 + 2 } else { threads + 2 }
}

fn count(entries: &[Entry]) -> Summary {
    let mut summary = Summary::default();
    for entry in entries {
        match entry.stat.file_type {
            FileType::File | FileType::Socket => summary.files += 1,
            FileType::Dir => summary.dirs += 1,
            FileType::Symlink => summary.symlinks += 1,
            FileType::Fifo | FileType::CharDevice | FileType::BlockDevice => summary.special += 1,
        }
        summary.bytes += header::content(entry);
    }
    summary
}

/// A part of the archive.
enum Piece<'a> {
    /// Bytes as they are written.
    Plain(Vec<u8>),
    /// Compressed bytes, and how many they were; the bytes themselves where they are to be hashed.
    Packed { length: usize, raw: Option<Vec<u8>>, packed: Packed },
    /// A content to send, with the padding behind it.
    Whole(&'a Entry, Whole<'a>),
}

type Answer<'a> = Result<Piece<'a>, PackError>;

/// What the threads share that read and compress.
struct Reader<'a> {
    source: &'a dyn Source,
    options: &'a Options<'a>,
    sizes: Sizes,
    /// Buffers that were written, to be used again.
    spare: Mutex<Vec<Vec<u8>>>,
}

impl<'a> Reader<'a> {
    fn work(&self, line: &Line<Tasks<'a>, Answer<'a>>) {
        let mut compressor = Compressor::new(self.options.compression);
        line.work(|task| match &mut compressor {
            _ if self.cancelled() => Err(refuse(&task, PackError::Cancelled)),
            Ok(compressor) => self.piece(task, compressor),
            Err(why) => Err(refuse(&task, PackError::Compress(std::io::Error::other(why.to_string())))),
        });
    }

    fn cancelled(&self) -> bool {
        self.options.cancel.is_some_and(|flag: &AtomicBool| flag.load(Ordering::Relaxed))
    }

    fn piece(&self, task: Task<'a>, compressor: &mut Compressor) -> Answer<'a> {
        let mut raw = self.buffer();
        match task {
            Task::Whole(large) => return Ok(Piece::Whole(large.entry(), large.whole(self.source)?)),
            Task::Part { large, at, length } => self.part(&large, at, length, &mut raw)?,
            Task::Members { entries, end } => {
                raw.clear();
                if let Some(first) =
                    self.source.entries().first().filter(|_| self.options.top && entries.start == 0)
                {
                    header::push_top(&mut raw, first, self.options)?;
                }
                for entry in &self.source.entries()[entries] {
                    self.member(entry, &mut raw)?;
                }
                raw.resize(raw.len() + if end { END } else { 0 }, 0);
            }
        }
        Ok(match compressor.pack(&raw, || self.buffer())? {
            None => Piece::Plain(raw),
            Some(packed) => {
                let length = raw.len();
                let raw = match self.options.digest {
                    Some(_) => Some(raw),
                    None => {
                        self.give_back(raw);
                        None
                    }
                };
                Piece::Packed { length, raw, packed }
            }
        })
    }

    fn member(&self, entry: &Entry, out: &mut Vec<u8>) -> Result<(), PackError> {
        header::push(out, entry, self.options)?;
        let length = header::content(entry);
        if length > 0 && length < self.sizes.large {
            content::push(out, self.source, entry)?;
            out.resize(out.len() + header::padding(length), 0);
        }
        Ok(())
    }

    fn part(&self, large: &Large<'a>, at: u64, length: usize, out: &mut Vec<u8>) -> Result<(), PackError> {
        let last = at + length as u64 == large.length();
        out.resize(length, 0);
        large.part(self.source, at, out)?;
        out.resize(length + if last { header::padding(large.length()) } else { 0 }, 0);
        Ok(())
    }

    /// A buffer with anything in it.
    fn buffer(&self) -> Vec<u8> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_default()
    }

    fn give_back(&self, buffer: Vec<u8>) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

/// Tells others that a task won't be done.
fn refuse(task: &Task<'_>, why: PackError) -> PackError {
    if let Task::Part { large, .. } = task {
        large.give_up();
    }
    why
}

/// Writes the pieces, counts and hashes them.
struct Writer<'a, 's> {
    options: &'a Options<'a>,
    out: Out<'s>,
    observer: &'a dyn Observer,
    frame: Frame,
    /// Of the archive before compression.
    tar: Hasher,
    tar_bytes: u64,
    /// Of what is written, with compression.
    packed: Hasher,
    written: u64,
}

impl<'a, 's> Writer<'a, 's> {
    fn new(options: &'a Options<'a>, out: Out<'s>, observer: &'a dyn Observer) -> Self {
        Self {
            options,
            out,
            observer,
            frame: Frame::default(),
            tar: hasher(options),
            tar_bytes: 0,
            packed: hasher(options),
            written: 0,
        }
    }

    fn piece(&mut self, piece: Piece<'_>, reader: &Reader<'_>) -> Result<(), PackError> {
        match piece {
            Piece::Plain(bytes) => {
                self.plain(&bytes)?;
                reader.give_back(bytes);
            }
            Piece::Packed { length, raw, packed } => {
                self.frame.add(&packed);
                let tar = &mut self.tar;
                let hash = || raw.iter().for_each(|raw| tar.update(raw));
                let ((), result) =
                    rayon::join(hash, || write_and_hash(&mut self.out, &mut self.packed, &packed.bytes));
                result?;
                self.written += packed.bytes.len() as u64;
                self.tar_bytes += length as u64;
                self.observer.event(Event::Packed(length as u64));
                raw.into_iter().chain([packed.bytes]).for_each(|buffer| reader.give_back(buffer));
            }
            Piece::Whole(entry, whole) => self.whole(entry, whole, reader)?,
        }
        Ok(())
    }

    /// Writes bytes of an archive that isn't compressed.
    fn plain(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        match self.options.digest {
            None => self.out.write(bytes).map_err(PackError::write)?,
            Some(_) => {
                let (hasher, out) = (&mut self.tar, &mut self.out);
                let ((), result) = rayon::join(|| hasher.update(bytes), || out.write(bytes));
                result.map_err(PackError::write)?;
            }
        }
        self.sent(bytes.len() as u64);
        Ok(())
    }

    fn sent(&mut self, bytes: u64) {
        self.tar_bytes += bytes;
        self.written += bytes;
        self.observer.event(Event::Packed(bytes));
    }

    fn whole(&mut self, entry: &Entry, whole: Whole<'_>, reader: &Reader<'_>) -> Result<(), PackError> {
        match whole {
            Whole::File(opened) => self.file(entry, &opened, reader)?,
            Whole::Stream(mut stream) => self.stream(entry, &mut stream, reader)?,
        }
        self.plain(&[0; BLOCK][..header::padding(header::content(entry))])
    }

    fn file(&mut self, entry: &Entry, opened: &Opened, reader: &Reader<'_>) -> Result<(), PackError> {
        let (mut at, length) = (0, header::content(entry));
        while at < length {
            if reader.cancelled() {
                return Err(PackError::Cancelled);
            }
            let n = self.out.send(opened.file(), at, length - at).map_err(|error| match error {
                SendError::Short => content::cut(entry, std::io::ErrorKind::UnexpectedEof.into()),
                SendError::Read(error) => content::failed(entry, error),
                SendError::Write(error) => PackError::write(error),
            })?;
            at += n;
            self.sent(n);
        }
        opened.check(entry)
    }

    fn stream(
        &mut self,
        entry: &Entry,
        stream: &mut dyn std::io::Read,
        reader: &Reader<'_>,
    ) -> Result<(), PackError> {
        let (mut at, length) = (0, header::content(entry));
        let mut buffer = vec![0; BUFFER];
        while at < length {
            if reader.cancelled() {
                return Err(PackError::Cancelled);
            }
            let n = usize::try_from(length - at).map_or(BUFFER, |left| left.min(BUFFER));
            let end = at + n as u64 == length;
            content::read_exactly(stream, entry, at, &mut buffer[..n], end)?;
            self.plain(&buffer[..n])?;
            at += n as u64;
        }
        Ok(())
    }

    fn finish(mut self, summary: &mut Summary) -> Result<(), PackError> {
        let end = self.frame.end(self.options.compression);
        self.around(&end)?;
        self.out.flush().map_err(PackError::write)?;
        summary.tar_bytes = self.tar_bytes;
        summary.written = self.written;
        summary.tar_digest = digest(self.tar);
        summary.digest = match self.options.compression {
            Compression::None => summary.tar_digest,
            Compression::Gzip | Compression::Zstd(_) => digest(self.packed),
        };
        Ok(())
    }

    /// Writes what stands around compressed tasks.
    fn around(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        self.written += bytes.len() as u64;
        write_and_hash(&mut self.out, &mut self.packed, bytes)
    }
}

fn write_and_hash(out: &mut Out<'_>, hasher: &mut Hasher, bytes: &[u8]) -> Result<(), PackError> {
    out.write(bytes).map_err(PackError::write)?;
    hasher.update(bytes);
    Ok(())
}

fn hasher(options: &Options<'_>) -> Hasher {
    let request = Request {
        headed: false,
        sha256: options.digest == Some(Algorithm::Sha256),
        blake3: options.digest == Some(Algorithm::Blake3),
    };
    Hasher::new(request, b"")
}

fn digest(hasher: Hasher) -> Option<Digest> {
    let digests = hasher.finish();
    digests.sha256.or(digests.blake3)
}
