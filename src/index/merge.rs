//! What is written: what is learned, and what was known and isn't disproved.

use rustc_hash::FxHashMap;

use super::Identity;
use super::format::Record;

/// After so many rewrites in which nobody saw its file, a record is dropped. A file isn't seen while another ignore file hides
/// it, so that records don't go at once.
pub(super) const PATIENCE: u8 = 8;
/// So many records of unseen files are kept beside those of the files that are there.
pub(super) const MOST_UNSEEN: usize = 65_536;

/// The records to write, one for each inode. `present` are all files of the context that are there.
pub(super) fn merge(
    known: impl Iterator<Item = Record>,
    mut learned: Vec<Record>,
    present: impl Iterator<Item = Identity>,
) -> Vec<Record> {
    let place = |identity: &Identity| (identity.device, identity.inode);
    let mut there: FxHashMap<(u64, u64), Identity> = present.map(|i| (place(&i), i)).collect();
    learned.sort_unstable_by_key(|r| place(&r.identity));
    // Hard links are one file.
    learned.dedup_by_key(|r| place(&r.identity));
    let is_learned = |i: &Identity| learned.binary_search_by_key(&place(i), |r| place(&r.identity)).is_ok();
    let (mut kept, mut unseen) = (Vec::new(), Vec::new());
    for mut record in known.filter(|r| !is_learned(&r.identity)) {
        match there.remove(&place(&record.identity)) {
            Some(identity) if identity == record.identity => {
                record.unseen = 0;
                kept.push(record);
            }
            Some(_) => {}
            None if record.unseen < PATIENCE => {
                record.unseen += 1;
                unseen.push(record);
            }
            None => {}
        }
    }
    unseen.sort_by_key(|record| record.unseen);
    unseen.truncate(MOST_UNSEEN);
    learned.append(&mut kept);
    learned.append(&mut unseen);
    learned
}
