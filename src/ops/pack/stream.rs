//! A tar that is read while it is being written: what an upload to an engine takes.

use std::io::{self, PipeReader, Read};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::{PackOptions, Packable, pack};
use crate::error::Error;
use crate::observer::Silent;
use crate::pack::{Sink, Summary};

/// A tar as a stream of bytes. A thread writes it into a pipe as fast as somebody reads, so that nothing of it is kept.
///
/// A failure is an error of the last read: a tar that ends early looks complete to an engine, so its end is told only after
/// the writer has succeeded.
#[derive(Debug)]
pub struct PackStream {
    pipe: PipeReader,
    writer: Option<JoinHandle<Result<Summary, Error>>>,
}

impl PackStream {
    /// Starts to write.
    ///
    /// # Errors
    /// What the system says when there is no pipe or no thread to be had.
    pub fn new(packable: Arc<Packable>, options: PackOptions) -> io::Result<Self> {
        let (pipe, end) = io::pipe()?;
        let write = move || pack(&packable, &options, Sink::Descriptor(end.as_fd()), None, &Silent);
        let writer = std::thread::Builder::new().name("pack".into()).spawn(write)?;
        Ok(Self { pipe, writer: Some(writer) })
    }

    /// What became of the writer, once.
    fn end(&mut self) -> io::Result<usize> {
        match self.writer.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(_))) => Ok(0),
            Some(Ok(Err(error))) => Err(io::Error::other(error)),
            Some(Err(_)) => Err(io::Error::other("packing the context ended without a reason")),
        }
    }
}

impl Read for PackStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.pipe.read(buffer)? {
            0 if !buffer.is_empty() => self.end(),
            n => Ok(n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mtime;
    use super::*;
    use crate::digest::Digest;
    use crate::ops::Request;

    fn stream(folder: &std::path::Path, change: impl FnOnce()) -> PackStream {
        let request = Request { context: folder.to_owned(), ..Request::default() };
        let options = PackOptions { mtime: Mtime::Listed, ..PackOptions::default() };
        let packable = Packable::of(&request, &options, &Silent).unwrap();
        change();
        PackStream::new(Arc::new(packable), options).unwrap()
    }

    #[test]
    fn the_stream_is_the_tar() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Dockerfile"), "FROM scratch\n").unwrap();
        std::fs::write(folder.path().join("big"), vec![7; 3 << 20]).unwrap();
        let mut bytes = Vec::new();
        stream(folder.path(), || {}).read_to_end(&mut bytes).unwrap();
        let names: Vec<Vec<u8>> = tar::Archive::new(&bytes[..])
            .entries()
            .unwrap()
            .map(|e| e.unwrap().path_bytes().into_owned())
            .collect();
        assert_eq!(names, [&b"Dockerfile"[..], b"big"]);
        let mut again = Vec::new();
        stream(folder.path(), || {}).read_to_end(&mut again).unwrap();
        assert_eq!(Digest::blake3(again), Digest::blake3(bytes));
    }

    #[test]
    fn a_tar_that_could_not_be_finished_has_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        std::fs::write(&file, "content").unwrap();
        let mut broken = stream(folder.path(), || std::fs::remove_file(&file).unwrap());
        let error = broken.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().starts_with("packing a: "), "{error}");
    }

    #[test]
    fn a_stream_that_nobody_reads_ends_its_writer() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("big"), vec![7; 3 << 20]).unwrap();
        let mut stream = stream(folder.path(), || {});
        let writer = stream.writer.take().unwrap();
        drop(stream);
        assert!(writer.join().unwrap().is_err());
    }
}
