//! Writing an archive.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::atomic::Ordering;

use super::{Compression, END, Options, PackError, Sink, Summary, header};
use crate::digest::{Algorithm, Digests, Hasher, Request};
use crate::entry::{Entry, FileType, Source};
use crate::observer::Observer;

/// Writes the archive of a listing.
///
/// # Errors
/// [`PackError`]; what was written until then is to be thrown away.
pub fn write(
    source: &dyn Source,
    options: &Options<'_>,
    sink: Sink<'_>,
    _observer: &dyn Observer,
) -> Result<Summary, PackError> {
    match sink {
        Sink::Writer(writer) => compressed(source, options, writer),
        Sink::Descriptor(fd) => {
            let mut file = File::from(fd.try_clone_to_owned().map_err(PackError::write)?);
            compressed(source, options, &mut file)
        }
    }
}

fn compressed(
    source: &dyn Source,
    options: &Options<'_>,
    writer: &mut (dyn Write + Send),
) -> Result<Summary, PackError> {
    let mut out = Counted { inner: writer, bytes: 0, hasher: hasher(options) };
    let mut summary = match options.compression {
        Compression::None => plain(source, options, &mut out)?,
        Compression::Gzip => {
            let mut gzip = flate2::write::GzEncoder::new(&mut out, flate2::Compression::default());
            let summary = plain(source, options, &mut gzip)?;
            gzip.finish().map_err(PackError::write)?;
            summary
        }
        Compression::Zstd(level) => {
            let mut zstd = zstd::Encoder::new(&mut out, i32::from(level)).map_err(PackError::Compress)?;
            let summary = plain(source, options, &mut zstd)?;
            zstd.finish().map_err(PackError::write)?;
            summary
        }
    };
    out.inner.flush().map_err(PackError::write)?;
    summary.written = out.bytes;
    summary.digest = digest(out.hasher.finish());
    Ok(summary)
}

fn plain(source: &dyn Source, options: &Options<'_>, out: &mut dyn Write) -> Result<Summary, PackError> {
    let mut out = Counted { inner: out, bytes: 0, hasher: hasher(options) };
    let mut summary = Summary::default();
    let mut buffer = Vec::new();
    for entry in source.entries() {
        if options.cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Err(PackError::Cancelled);
        }
        buffer.clear();
        header::push(&mut buffer, entry, options)?;
        out.write_all(&buffer).map_err(PackError::write)?;
        let length = header::content(entry);
        if length > 0 {
            copy(source, entry, length, &mut out)?;
            out.write_all(&[0; 512][..header::padding(length)]).map_err(PackError::write)?;
        }
        count(&mut summary, entry);
    }
    out.write_all(&[0; END]).map_err(PackError::write)?;
    summary.tar_bytes = out.bytes;
    summary.tar_digest = digest(out.hasher.finish());
    Ok(summary)
}

fn count(summary: &mut Summary, entry: &Entry) {
    match entry.stat.file_type {
        FileType::File | FileType::Socket => summary.files += 1,
        FileType::Dir => summary.dirs += 1,
        FileType::Symlink => summary.symlinks += 1,
        FileType::Fifo | FileType::CharDevice | FileType::BlockDevice => summary.special += 1,
    }
    summary.bytes += header::content(entry);
}

fn copy(source: &dyn Source, entry: &Entry, length: u64, out: &mut dyn Write) -> Result<(), PackError> {
    let failed = |source| PackError::Read { path: entry.path.clone(), source };
    let mut reader = source.open(entry).map_err(failed)?;
    let mut buffer = vec![0; 128 * 1024];
    let mut left = length;
    loop {
        let n = match reader.read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            other => other.map_err(failed)?,
        };
        if n == 0 && left == length {
            return Err(PackError::Unreadable { path: entry.path.clone() });
        }
        if (n == 0) != (left == 0) || n as u64 > left {
            let found = format!("listed with {length} bytes, now there are other");
            return Err(PackError::Changed { path: entry.path.clone(), found });
        }
        if n == 0 {
            return Ok(());
        }
        out.write_all(&buffer[..n]).map_err(PackError::write)?;
        left -= n as u64;
    }
}

fn hasher(options: &Options<'_>) -> Hasher {
    let request = Request {
        headed: false,
        sha256: options.digest == Some(Algorithm::Sha256),
        blake3: options.digest == Some(Algorithm::Blake3),
    };
    Hasher::new(request, b"")
}

fn digest(digests: Digests) -> Option<crate::digest::Digest> {
    digests.sha256.or(digests.blake3)
}

/// A writer that counts and hashes what passes.
struct Counted<W> {
    inner: W,
    bytes: u64,
    hasher: Hasher,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(data)?;
        self.bytes += n as u64;
        self.hasher.update(&data[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
