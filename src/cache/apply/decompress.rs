//! Decompression by content (moby's `compression.DecompressStream`).

use std::io::{self, BufRead, BufReader, Read};

/// What a stream is compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Compression {
    /// Looks at the first bytes.
    pub fn detect(start: &[u8]) -> Self {
        let skippable = start.len() >= 8 && start[0] & 0xf0 == 0x50 && start[1..4] == [0x2a, 0x4d, 0x18];
        if start.starts_with(b"BZh") {
            Self::Bzip2
        } else if start.starts_with(b"\x1f\x8b\x08") {
            Self::Gzip
        } else if start.starts_with(b"\xfd7zXZ\0") {
            Self::Xz
        } else if start.starts_with(b"\x28\xb5\x2f\xfd") || skippable {
            Self::Zstd
        } else {
            Self::None
        }
    }
}

/// The decompressed stream.
pub(super) fn decompress<'r>(stream: Box<dyn Read + 'r>) -> io::Result<Box<dyn Read + 'r>> {
    let mut stream = BufReader::with_capacity(64 << 10, Prefetched::new(stream)?);
    let start = stream.fill_buf()?;
    let compression = Compression::detect(&start[..start.len().min(10)]);
    let inner: Box<dyn Read + 'r> = match compression {
        Compression::None => return Ok(Box::new(stream)),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(stream)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(stream)),
        Compression::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(stream)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(stream)?),
    };
    Ok(Box::new(Decoded { inner, compression }))
}

/// A decoder whose errors read as those that BuildKit shows: Go's decoders, and the program `xz`.
struct Decoded<'r> {
    inner: Box<dyn Read + 'r>,
    compression: Compression,
}

impl Read for Decoded<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf).map_err(|e| {
            let text = match (self.compression, e.kind()) {
                (Compression::Xz, io::ErrorKind::UnexpectedEof) => {
                    "exit status 1: xz: (stdin): Unexpected end of input\n"
                }
                (Compression::Xz, _) => "exit status 1: xz: (stdin): Compressed data is corrupt\n",
                (_, io::ErrorKind::UnexpectedEof) => "unexpected EOF",
                _ => return e,
            };
            io::Error::new(e.kind(), text)
        })
    }
}

/// A stream whose first read gives at least ten bytes where there are so many.
struct Prefetched<R> {
    start: io::Cursor<Vec<u8>>,
    rest: R,
}

impl<R: Read> Prefetched<R> {
    fn new(mut rest: R) -> io::Result<Self> {
        let mut start = Vec::with_capacity(512);
        rest.by_ref().take(512).read_to_end(&mut start)?;
        Ok(Self { start: io::Cursor::new(start), rest })
    }
}

impl<R: Read> Read for Prefetched<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.start.read(buf)? {
            0 => self.rest.read(buf),
            n => Ok(n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_compression() {
        for (start, want) in [
            (&b"BZh9"[..], Compression::Bzip2),
            (b"\x1f\x8b\x08\0", Compression::Gzip),
            (b"\x1f\x8b\x07\0", Compression::None),
            (b"\xfd7zXZ\0\0", Compression::Xz),
            (b"\x28\xb5\x2f\xfd", Compression::Zstd),
            (b"\x5a\x2a\x4d\x18\0\0\0\0", Compression::Zstd),
            (b"\x5a\x2a\x4d\x18", Compression::None),
            (b"", Compression::None),
        ] {
            assert_eq!(Compression::detect(start), want, "{start:?}");
        }
    }

    #[test]
    fn several_gzip_members_are_one_stream() {
        use std::io::Write;
        let mut bytes = Vec::new();
        for part in ["one ", "two"] {
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gz.write_all(part.as_bytes()).unwrap();
            bytes.extend(gz.finish().unwrap());
        }
        let mut out = String::new();
        decompress(Box::new(&bytes[..])).unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(out, "one two");
    }
}
