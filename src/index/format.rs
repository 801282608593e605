//! An index file as bytes. All numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | [`MAGIC`], the version in it |
//! | 32 | the place: a hash of machine, user and context |
//! | 8 | when it was written, in nanoseconds since 1970 |
//! | 8 | how many records follow |
//! | 120 each | records |
//! | 32 | BLAKE3 of all before |

use super::{Identity, Known};
use crate::digest::{Algorithm, Digest};

/// The first bytes of an index; the last of them is the version.
const MAGIC: &[u8; 8] = b"stowidx\x01";
const HEADER: usize = 56;
const RECORD: usize = 120;
const CHECKSUM: usize = 32;

/// What is known of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// With the volume in place of the device.
    pub identity: Identity,
    pub known: Known,
    /// In how many rewrites nobody saw the file.
    pub unseen: u8,
}

/// A whole index file.
pub(super) fn encode(place: &[u8; 32], written_ns: i64, records: &[Record]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + records.len() * RECORD + CHECKSUM);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(place);
    out.extend_from_slice(&written_ns.to_le_bytes());
    out.extend_from_slice(&(records.len() as u64).to_le_bytes());
    for record in records {
        encode_record(record, &mut out);
    }
    let checksum = checksum(&out);
    out.extend_from_slice(&checksum);
    out
}

fn encode_record(record: &Record, out: &mut Vec<u8>) {
    let Record { identity, known, unseen } = record;
    for word in [identity.device, identity.inode, identity.size] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    for time in [identity.mtime_ns, identity.ctime_ns] {
        out.extend_from_slice(&time.to_le_bytes());
    }
    out.extend_from_slice(&identity.xattrs.to_le_bytes());
    out.extend_from_slice(&identity.mode.to_le_bytes());
    out.extend_from_slice(&[u8::from(known.blake3.is_some()), *unseen, 0, 0, 0, 0]);
    out.extend_from_slice(&known.headed.bytes);
    out.extend_from_slice(&known.blake3.map_or([0; 32], |digest| digest.bytes));
}

/// The records of an index file, once it is known to be whole, of this place, and not from the future.
pub(super) fn check<'a>(file: &'a [u8], place: &[u8; 32], now_ns: i64) -> Option<Records<'a>> {
    let (content, sum) = file.split_at_checked(file.len().checked_sub(CHECKSUM)?)?;
    let (header, records) = content.split_at_checked(HEADER)?;
    let (records, rest) = records.as_chunks::<RECORD>();
    let fits = header[..8] == *MAGIC
        && header[8..40] == *place
        && i64::from_le_bytes(field(header, 40)) <= now_ns
        && u64::from_le_bytes(field(header, 48)) == records.len() as u64
        && rest.is_empty();
    (fits && *sum == checksum(content)).then_some(Records(records))
}

/// The records of an index file that was [checked](check), and is given again.
pub(super) fn checked(file: &[u8]) -> Records<'_> {
    let end = file.len().saturating_sub(CHECKSUM);
    Records(file.get(HEADER..end).unwrap_or_default().as_chunks().0)
}

/// The records of an index file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records<'a>(&'a [[u8; RECORD]]);

impl Records<'_> {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The inode of a record, without decoding the rest.
    pub fn inode(&self, at: usize) -> u64 {
        u64::from_le_bytes(field(&self.0[at], 8))
    }

    pub fn get(&self, at: usize) -> Record {
        let bytes = &self.0[at];
        let word = |from| u64::from_le_bytes(field(bytes, from));
        let time = |from| i64::from_le_bytes(field(bytes, from));
        let digest = |algorithm, from| Digest { algorithm, bytes: field(bytes, from) };
        let identity = Identity {
            device: word(0),
            inode: word(8),
            size: word(16),
            mtime_ns: time(24),
            ctime_ns: time(32),
            xattrs: word(40),
            mode: u16::from_le_bytes(field(bytes, 48)),
        };
        let blake3 = (bytes[50] == 1).then(|| digest(Algorithm::Blake3, 88));
        let known = Known { headed: digest(Algorithm::Sha256, 56), blake3 };
        Record { identity, known, unseen: bytes[51] }
    }
}

/// The `N` bytes from `from` on.
fn field<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[from..from + N]);
    out
}

fn checksum(content: &[u8]) -> [u8; CHECKSUM] {
    *blake3::Hasher::new().update_rayon(content).finalize().as_bytes()
}
