//! Hard links: the second and later names of one inode point at the first one that is sent (`fsutil/hardlinks.go`).

use std::collections::hash_map::Entry as Slot;

use rustc_hash::FxHashMap;

use crate::entry::{ContextPath, Entry};

/// Sets `hardlink` on `entries`, which are all that is sent, in order.
pub(super) fn set_hard_links(entries: &mut [Entry]) {
    let mut first_names = FirstNames::default();
    entries.iter_mut().for_each(|entry| first_names.resolve(entry));
}

/// The first name of each inode that has several.
///
/// The key is the inode number alone, as in fsutil (`seenFiles map[uint64]string`), whatever the device.
#[derive(Debug, Default)]
pub(super) struct FirstNames(FxHashMap<u64, ContextPath>);

impl FirstNames {
    /// Sets `hardlink` on the next entry that is sent.
    pub(super) fn resolve(&mut self, entry: &mut Entry) {
        entry.hardlink = None;
        let Some((_, inode)) = entry.stat.extra.as_ref().and_then(|extra| extra.inode) else { return };
        match self.0.entry(inode) {
            Slot::Occupied(first) => entry.hardlink = Some(first.get().clone()),
            Slot::Vacant(slot) => {
                slot.insert(entry.path.clone());
            }
        }
    }
}
