//! Hashing the files of a listing: one read of each gives every digest asked for.
//!
//! Files are read, not mapped. A mapping saves nothing that can be measured here (the copy out of the page cache is
//! hidden behind the hash functions), while a file that another program truncates would end the process with a
//! signal; read, it is an error that names the file. Work is split by bytes, not by count: a minimum number of files
//! per thread would put all big files on one.

use std::fs::File;
use std::io::{self, ErrorKind, Read};

use super::{Digests, Hasher};
use crate::entry::{ContextPath, Entry, FileType, Source};
use crate::observer::{Event, Observer};

/// What opening and closing a file costs, in bytes of hashing.
const FILE_COST: u64 = 16 * 1024;
/// So much work is done by one thread in one go.
const LEAF: u64 = 4 * 1024 * 1024;
/// Buffer for small files, which are read by one call.
const SMALL: usize = 128 * 1024;
/// Buffer for large files.
const LARGE: usize = 1024 * 1024;

/// Which digests are wanted of each file.
#[derive(Clone, Copy, Default)]
pub struct Request<'a> {
    /// Writes the header that is hashed in front of the content; `None` when [`Digests::headed`] is not wanted.
    pub header: Option<&'a WriteHeader>,
    /// SHA-256 of the content alone.
    pub sha256: bool,
    /// BLAKE3 of the content alone.
    pub blake3: bool,
}

/// Appends an entry's header to the buffer; called from several threads at once.
pub type WriteHeader = dyn Fn(&Entry, &mut Vec<u8>) + Sync;

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { header, sha256, blake3 } = self;
        write!(f, "Request {{ header: {}, sha256: {sha256}, blake3: {blake3} }}", header.is_some())
    }
}

/// Why a file has no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The file was opened but not read.
    #[error("reading {path}: {why}")]
    Read {
        /// The file.
        path: ContextPath,
        /// What the file system says.
        why: String,
    },
    /// The file's size is no longer what the listing says.
    #[error("reading {path}: it changed while the context was read (listed with {listed} bytes, {found})")]
    Changed {
        /// The file.
        path: ContextPath,
        /// Bytes as listed.
        listed: u64,
        /// What was found, in words.
        found: String,
    },
}

/// Hashes the entries of `source` whose indexes are `wanted`; answers in the same order.
///
/// Everything but a regular file counts as empty (`fsutil`: a socket arrives as an empty file). A file that cannot be
/// opened hashes as empty, with [`Digests::unopened`] set.
///
/// # Panics
/// If an index lies outside the listing.
pub fn hash_files(
    source: &dyn Source,
    wanted: &[usize],
    request: &Request<'_>,
    observer: &dyn Observer,
) -> Vec<Result<Digests, Box<HashError>>> {
    let entries = source.entries();
    let bytes = wanted.iter().map(|i| size(&entries[*i])).sum();
    observer.event(Event::HashStarted { files: wanted.len() as u64, bytes });
    let mut out = vec![Ok(Digests::default()); wanted.len()];
    let job = Job { source, request, observer };
    job.split(wanted, &mut out, bytes + FILE_COST * wanted.len() as u64);
    observer.event(Event::HashDone);
    out
}

fn size(entry: &Entry) -> u64 {
    if entry.stat.file_type == FileType::File { entry.stat.size } else { 0 }
}

struct Job<'a> {
    source: &'a dyn Source,
    request: &'a Request<'a>,
    observer: &'a dyn Observer,
}

type Answer = Result<Digests, Box<HashError>>;

impl Job<'_> {
    /// Halves the list where half of its weight lies, until a piece is light or a single file.
    fn split(&self, wanted: &[usize], out: &mut [Answer], weight: u64) {
        if wanted.len() < 2 || weight <= LEAF {
            return self.leaf(wanted, out);
        }
        let (cut, left) = self.half(wanted, weight);
        let (wanted_a, wanted_b) = wanted.split_at(cut);
        let (out_a, out_b) = out.split_at_mut(cut);
        rayon::join(|| self.split(wanted_a, out_a, left), || self.split(wanted_b, out_b, weight - left));
    }

    /// How many files make up about half of `weight`, and what they weigh.
    fn half(&self, wanted: &[usize], weight: u64) -> (usize, u64) {
        let entries = self.source.entries();
        let mut left = 0;
        for (n, i) in wanted.iter().enumerate().take(wanted.len() - 1) {
            left += size(&entries[*i]) + FILE_COST;
            if left >= weight / 2 {
                return (n + 1, left);
            }
        }
        (wanted.len() - 1, left)
    }

    fn leaf(&self, wanted: &[usize], out: &mut [Answer]) {
        let entries = self.source.entries();
        let largest = wanted.iter().map(|i| size(&entries[*i])).max().unwrap_or(0);
        let mut buffer = vec![0; if largest < SMALL as u64 { SMALL } else { LARGE }];
        let mut header = Vec::new();
        for (i, slot) in wanted.iter().zip(out) {
            let entry = &entries[*i];
            header.clear();
            if let Some(write) = self.request.header {
                write(entry, &mut header);
            }
            *slot = self.one(entry, &header, &mut buffer);
        }
    }

    fn one(&self, entry: &Entry, header: &[u8], buffer: &mut [u8]) -> Answer {
        let mut hasher = Hasher::new(self.request, header);
        if size(entry) == 0 {
            return Ok(hasher.finish());
        }
        match Content::open(self.source, entry) {
            Ok(content) => {
                self.read(entry, content, &mut hasher, buffer).map_err(Box::new)?;
                Ok(hasher.finish())
            }
            Err(e) if e.kind() == ErrorKind::NotFound => Err(Box::new(HashError::Changed {
                path: entry.path.clone(),
                listed: entry.stat.size,
                found: "gone when opened".to_owned(),
            })),
            Err(_) => {
                self.observer.event(Event::Hashed(size(entry)));
                Ok(Digests { unopened: true, ..hasher.finish() })
            }
        }
    }

    fn read(
        &self,
        entry: &Entry,
        mut content: Content<'_>,
        hasher: &mut Hasher,
        buffer: &mut [u8],
    ) -> Result<(), HashError> {
        let listed = entry.stat.size;
        let mut total = 0;
        loop {
            let n = content
                .fill(buffer)
                .map_err(|e| HashError::Read { path: entry.path.clone(), why: e.to_string() })?;
            total += n as u64;
            if total > listed {
                break;
            }
            hasher.update(&buffer[..n]);
            self.observer.event(Event::Hashed(n as u64));
            if n == 0 || n < buffer.len() && total == listed {
                break;
            }
        }
        if total == listed {
            return Ok(());
        }
        let found = if total > listed { "more when read".to_owned() } else { format!("{total} when read") };
        Err(HashError::Changed { path: entry.path.clone(), listed, found })
    }
}

enum Content<'a> {
    File(File),
    Stream(Box<dyn Read + Send + 'a>),
}

impl<'a> Content<'a> {
    fn open(source: &'a dyn Source, entry: &Entry) -> io::Result<Self> {
        Ok(match source.file(entry)? {
            Some(file) => Self::File(file),
            None => Self::Stream(source.open(entry)?),
        })
    }

    /// Reads into the buffer; 0 at the end of the content. A short read that completes the listed size is the end of a
    /// regular file, which saves the last, empty read of every small file.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => loop {
                match file.read(buffer) {
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    other => return other,
                }
            },
            Self::Stream(stream) => fill_from(stream, buffer),
        }
    }
}

fn fill_from(stream: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match stream.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}
