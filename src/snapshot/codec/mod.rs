//! Snapshots as bytes.
//!
//! ```text
//! stowaway snapshot\n    18 bytes
//! version                u16, little endian; what follows is version 1
//! length of the payload  u64
//! length when packed     u64
//! checksum               BLAKE3 over the 18 bytes before it and the packed payload
//! packed payload         one zstd frame
//! ```
//!
//! The payload is a list of sections: a number, a length, and that many bytes. A reader passes over sections that it does not
//! know, so that something that older readers can do without is added as a section of its own, and the version stays. Anything
//! else gets a new version, and the reader of the old one stays beside the new one: `fixtures/snapshot` has a file of each,
//! which must be read as long as there is a reader.
//!
//! Equal snapshots give equal bytes. Reading never takes more memory than [`limit`] of the file's size, whatever lengths the
//! file claims.

mod check;
mod graph;
mod source;
mod steps;
#[cfg(test)]
mod tests;
mod wire;

use std::cell::Cell;
use std::io::{self, Read as _, Write as _};

use self::wire::{Reader, Writer};
use super::Snapshot;
use crate::buildkit::Version;

pub use self::wire::Malformed;

const MAGIC: &[u8; 18] = b"stowaway snapshot\n";
/// What is written, and the newest that is read.
pub const VERSION: u16 = 1;
/// The bytes in front of the packed payload.
pub const HEADER: usize = 18 + 2 + 8 + 8 + 32;
/// Files that were copied several times stand far apart in the payload: a window of 16 MiB still sees both.
const WINDOW_LOG: u32 = 24;

/// Why bytes are no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Something else.
    #[error("not a snapshot of stowaway")]
    Foreign,
    /// The format is newer than this program.
    #[error("written by a newer stowaway (format {found}; this one reads up to {VERSION})")]
    Newer {
        /// Its version.
        found: u16,
    },
    /// The end is missing.
    #[error("cut short: {there} of {length} bytes are there")]
    Cut {
        /// How many bytes there are.
        there: u64,
        /// How many there should be; of a file without a whole header, the header's.
        length: u64,
    },
    /// It is not what was written.
    #[error("damaged: {0}")]
    Damaged(&'static str),
    /// The checksum is right, and yet the content makes no sense.
    #[error("not a snapshot that makes sense: {0}")]
    Malformed(#[from] Malformed),
}

/// How much memory may be taken to read a file of this size: enough for a million empty files with the most regular names.
pub fn limit(size: u64) -> u64 {
    (256 << 20) + size.saturating_mul(100)
}

/// The version of BuildKit that a snapshot is of which doesn't tell one.
const FIRST: Version = Version::FIRST;

/// The largest file that is read.
pub const LARGEST: u64 = 1 << 30;

/// What the first bytes tell.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Bytes of the payload.
    payload: u64,
    /// Bytes of the packed payload.
    pub packed: u64,
    checksum: [u8; 32],
}

impl Header {
    /// Reads the first [`HEADER`] bytes of a file, or all that there are.
    pub fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        let known = MAGIC.len().min(bytes.len());
        if bytes.is_empty() || bytes[..known] != MAGIC[..known] {
            return Err(FormatError::Foreign);
        }
        match bytes_at(bytes, 18).map(u16::from_le_bytes) {
            Some(0) => return Err(FormatError::Damaged("there is no format 0")),
            Some(found) if found > VERSION => return Err(FormatError::Newer { found }),
            _ => {}
        }
        let header = || {
            Some(Self {
                payload: u64::from_le_bytes(bytes_at(bytes, 20)?),
                packed: u64::from_le_bytes(bytes_at(bytes, 28)?),
                checksum: bytes_at(bytes, 36)?,
            })
        };
        let cut = FormatError::Cut { there: bytes.len() as u64, length: HEADER as u64 };
        match header() {
            Some(header) if header.packed > LARGEST => Err(Malformed::TooLarge.into()),
            header => header.ok_or(cut),
        }
    }

    /// The header in front of a packed payload.
    fn write(payload: u64, packed: &[u8]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&payload.to_le_bytes());
        out.extend_from_slice(&(packed.len() as u64).to_le_bytes());
        let checksum = checksum(&out[MAGIC.len()..], packed);
        out.extend_from_slice(&checksum);
        out
    }
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn checksum(lengths: &[u8], packed: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(lengths).update_rayon(packed).finalize().as_bytes()
}

/// The bytes of a snapshot's file.
pub fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let payload = payload(snapshot);
    let packed = pack(&payload).expect("memory takes every byte");
    let mut out = Header::write(payload.len() as u64, &packed);
    out.extend_from_slice(&packed);
    out
}

/// Reads a snapshot's file.
pub fn decode(bytes: &[u8]) -> Result<Snapshot, FormatError> {
    let header = Header::read(bytes)?;
    let packed = &bytes[HEADER..];
    let there = packed.len() as u64;
    if there < header.packed {
        let length = header.packed + HEADER as u64;
        return Err(FormatError::Cut { there: bytes.len() as u64, length });
    }
    if there > header.packed {
        return Err(FormatError::Damaged("something stands behind its end"));
    }
    if checksum(&bytes[MAGIC.len()..HEADER - 32], packed) != header.checksum {
        return Err(FormatError::Damaged("the checksum is another"));
    }
    let limit = limit(bytes.len() as u64);
    if header.payload > limit {
        return Err(Malformed::TooLarge.into());
    }
    let payload = unpack(packed, header.payload).map_err(|_| Malformed::Value("the compression"))?;
    Ok(read_payload(&payload, limit)?)
}

fn pack(payload: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3)?;
    encoder.window_log(WINDOW_LOG)?;
    encoder.long_distance_matching(true)?;
    encoder.include_checksum(false)?;
    encoder.set_pledged_src_size(Some(payload.len() as u64))?;
    encoder.write_all(payload)?;
    encoder.finish()
}

/// At most `length` bytes, which must be all.
fn unpack(packed: &[u8], length: u64) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
    decoder.window_log_max(WINDOW_LOG)?;
    let mut out = Vec::new();
    decoder.take(length.saturating_add(1)).read_to_end(&mut out)?;
    if out.len() as u64 == length { Ok(out) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// The sections of version 1.
fn payload(snapshot: &Snapshot) -> Vec<u8> {
    let mut out = Writer::default();
    section(&mut out, 1, |out| steps::write_subject(out, &snapshot.subject));
    section(&mut out, 2, |out| steps::write_arguments(out, &snapshot.arguments));
    section(&mut out, 3, |out| steps::write_ignore_files(out, &snapshot.ignore_files));
    section(&mut out, 4, |out| out.list(&snapshot.sources, source::write));
    section(&mut out, 5, |out| out.list(&snapshot.vertices, graph::write_vertex));
    section(&mut out, 6, |out| steps::write_steps(out, &snapshot.steps));
    section(&mut out, 7, |out| out.option(snapshot.target, Writer::size));
    section(&mut out, 8, |out| graph::write_remembered(out, &snapshot.remembered));
    section(&mut out, 9, |out| out.list(&snapshot.failures, steps::write_failure));
    // Added later: readers skip sections that they don't know, and without this one it is the version that was the newest then.
    if snapshot.buildkit != FIRST {
        section(&mut out, 10, |out| out.text(&snapshot.buildkit.to_string()));
    }
    out.0
}

fn section(out: &mut Writer, number: u64, write: impl FnOnce(&mut Writer)) {
    let mut body = Writer::default();
    write(&mut body);
    out.number(number);
    out.bytes(&body.0);
}

fn read_payload(payload: &[u8], limit: u64) -> Result<Snapshot, Malformed> {
    let grant = Cell::new(limit);
    let mut sections = Reader::new(payload, &grant);
    let mut snapshot = Snapshot { buildkit: FIRST, ..Snapshot::default() };
    while !sections.is_empty() {
        let number = sections.number()?;
        let length = sections.size()?;
        let mut body = Reader::new(sections.take(length)?, &grant);
        if read_section(&mut snapshot, number, &mut body)? && !body.is_empty() {
            return Err(Malformed::Value("a section's length"));
        }
    }
    check::places(&snapshot)?;
    Ok(snapshot)
}

/// Reads a section; false for one that isn't known.
fn read_section(snapshot: &mut Snapshot, number: u64, from: &mut Reader<'_>) -> Result<bool, Malformed> {
    match number {
        1 => snapshot.subject = steps::read_subject(from)?,
        2 => snapshot.arguments = steps::read_arguments(from)?,
        3 => snapshot.ignore_files = steps::read_ignore_files(from)?,
        4 => snapshot.sources = from.list(source::read)?,
        5 => snapshot.vertices = from.list(graph::read_vertex)?,
        6 => snapshot.steps = steps::read_steps(from)?,
        7 => snapshot.target = from.option(Reader::size)?,
        8 => snapshot.remembered = graph::read_remembered(from)?,
        9 => snapshot.failures = from.list(steps::read_failure)?,
        10 => {
            let version = from.text()?.parse();
            snapshot.buildkit = version.map_err(|_| Malformed::Value("the version of BuildKit"))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
