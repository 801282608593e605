//! The records of an index file, to be found by inode.

use super::format::{self, Record, Records};
use super::{Identity, Known};
use crate::digest::Bytes;

/// No record stands here.
const FREE: u32 = u32::MAX;

/// A checked index file with a hash table over it: the inode's number leads to the record's. There is one record for an
/// inode, or a few when the context spans file systems.
#[derive(Debug, Default)]
pub(super) struct Table {
    file: Option<Bytes>,
    /// Numbers of records, at most half full; a record stands in the first free slot from its hash on.
    slots: Vec<u32>,
}

impl Table {
    /// The table of a file, if that is whole, of this place, and not from the future.
    pub fn new(file: Bytes, place: &[u8; 32], now_ns: i64) -> Option<Self> {
        let slots = slots(format::check(&file, place, now_ns)?)?;
        Some(Self { file: Some(file), slots })
    }

    /// The digests of a file in exactly this state.
    pub fn find(&self, identity: &Identity) -> Option<Known> {
        let records = self.checked()?;
        let mut slot = start(identity.inode, self.slots.len());
        loop {
            let at = *self.slots.get(slot).filter(|at| **at != FREE)? as usize;
            if records.inode(at) == identity.inode {
                let record = records.get(at);
                if record.identity == *identity {
                    return Some(record.known);
                }
            }
            slot = (slot + 1) % self.slots.len();
        }
    }

    /// All records.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        let records = self.checked();
        records.into_iter().flat_map(|records| (0..records.len()).map(move |at| records.get(at)))
    }

    fn checked(&self) -> Option<Records<'_>> {
        self.file.as_ref().map(|file| format::checked(file))
    }
}

/// The hash table; `None` for more records than it can number.
fn slots(records: Records<'_>) -> Option<Vec<u32>> {
    let count = u32::try_from(records.len()).ok().filter(|count| *count != FREE)?;
    let mut slots = vec![FREE; (records.len() * 2).next_power_of_two()];
    for number in 0..count {
        let mut slot = start(records.inode(number as usize), slots.len());
        while slots[slot] != FREE {
            slot = (slot + 1) % slots.len();
        }
        slots[slot] = number;
    }
    Some(slots)
}

/// Where the search for an inode starts; `len` is a power of two. Multiplying by a large odd number spreads inodes that follow
/// each other.
fn start(inode: u64, len: usize) -> usize {
    (inode.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & len.wrapping_sub(1)
}
