//! Compression by tasks: each is compressed alone, so that all cores work and none of them leaves a trace in the bytes.
//!
//! Zstandard gets a frame a task, gzip a run of deflate blocks of one member that ends on a byte, as `pigz -i` does it. A
//! frame or run refers to nothing before it, which costs a hundredth or so in size.

use std::io;

use flate2::{Compress, Crc, FlushCompress};

use super::{Compression, PackError};

/// Bytes of a task that is compressed. They decide the bytes of the archive: of half as many it would be some hundredths larger, and
/// twice as many would need twice the memory.
pub const TASK: usize = 2 << 20;

/// What begins a gzip member without name and time, by an unknown system.
const GZIP_START: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// A last deflate block with nothing in it.
const DEFLATE_END: [u8; 2] = [3, 0];

/// One thread's compressor.
pub enum Compressor {
    /// Nothing is done.
    None,
    /// Deflate without a wrapper.
    Gzip(Compress),
    /// Zstandard.
    Zstd(Box<zstd::bulk::Compressor<'static>>),
}

impl Compressor {
    /// A compressor.
    pub fn new(compression: Compression) -> Result<Self, PackError> {
        Ok(match compression {
            Compression::None => Self::None,
            Compression::Gzip => Self::Gzip(Compress::new(flate2::Compression::default(), false)),
            Compression::Zstd(level) => {
                Self::Zstd(Box::new(zstd_compressor(level).map_err(PackError::Compress)?))
            }
        })
    }

    /// Compresses the bytes of a task into a buffer that `buffer` gives; `None` if they stay as they are.
    pub fn pack(
        &mut self,
        raw: &[u8],
        buffer: impl FnOnce() -> Vec<u8>,
    ) -> Result<Option<Packed>, PackError> {
        let packed = match self {
            Self::None => return Ok(None),
            Self::Gzip(deflate) => gzip(deflate, raw, buffer()),
            Self::Zstd(zstd) => compress(zstd, raw, buffer()),
        };
        packed.map(Some).map_err(PackError::Compress)
    }
}

fn zstd_compressor(level: u8) -> io::Result<zstd::bulk::Compressor<'static>> {
    let mut zstd = zstd::bulk::Compressor::new(i32::from(level))?;
    zstd.include_checksum(true)?;
    Ok(zstd)
}

fn compress(
    zstd: &mut zstd::bulk::Compressor<'static>,
    raw: &[u8],
    mut bytes: Vec<u8>,
) -> io::Result<Packed> {
    bytes.clear();
    bytes.reserve(zstd::zstd_safe::compress_bound(raw.len()));
    zstd.compress_to_buffer(raw, &mut bytes)?;
    Ok(Packed { bytes, crc: None })
}

/// A compressed task.
pub struct Packed {
    /// The bytes to write.
    pub bytes: Vec<u8>,
    crc: Option<Crc>,
}

fn gzip(deflate: &mut Compress, raw: &[u8], mut bytes: Vec<u8>) -> io::Result<Packed> {
    let mut crc = Crc::new();
    crc.update(raw);
    deflate.reset();
    bytes.clear();
    bytes.reserve(raw.len() / 2 + 64);
    let mut rest = raw;
    loop {
        let before = deflate.total_in();
        deflate.compress_vec(rest, &mut bytes, FlushCompress::Sync)?;
        rest = &rest[(deflate.total_in() - before) as usize..];
        // Room is left when all that was to be flushed is out.
        if rest.is_empty() && bytes.len() < bytes.capacity() {
            return Ok(Packed { bytes, crc: Some(crc) });
        }
        bytes.reserve(raw.len() / 8 + 64);
    }
}

/// What stands around the compressed tasks.
#[derive(Default)]
pub struct Frame {
    crc: Crc,
}

impl Frame {
    /// What comes before the first task.
    pub fn start(compression: Compression) -> &'static [u8] {
        if compression == Compression::Gzip { &GZIP_START } else { &[] }
    }

    /// Takes note of a task that is written now.
    pub fn add(&mut self, packed: &Packed) {
        if let Some(crc) = &packed.crc {
            self.crc.combine(crc);
        }
    }

    /// What follows the last task: for gzip the checksum, and the length in the 32 bits that the format has for it.
    pub fn end(&self, compression: Compression) -> Vec<u8> {
        if compression != Compression::Gzip {
            return Vec::new();
        }
        [&DEFLATE_END[..], &self.crc.sum().to_le_bytes(), &self.crc.amount().to_le_bytes()].concat()
    }
}
