//! Hard links: the second and later names of one inode point at the first one that is sent (`fsutil/hardlinks.go`).

use rustc_hash::FxHashMap;

use crate::entry::Entry;

/// Sets `hardlink` on `entries`, which are all that is sent, in order.
///
/// The key is the inode number alone, as in fsutil (`seenFiles map[uint64]string`), whatever the device.
pub(super) fn set_hard_links(entries: &mut [Entry]) {
    let mut first: FxHashMap<u64, usize> = FxHashMap::default();
    for i in 0..entries.len() {
        entries[i].hardlink = None;
        let Some((_, inode)) = entries[i].stat.extra.as_ref().and_then(|extra| extra.inode) else { continue };
        let original = *first.entry(inode).or_insert(i);
        if original != i {
            entries[i].hardlink = Some(entries[original].path.clone());
        }
    }
}
