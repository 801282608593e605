//! Go's `slices.SortFunc` on slices that may hold equal elements.

use std::cmp::Ordering;

/// Sorts; up to 12 elements keep the order of equals, as Go's insertion sort does.
pub(super) fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    items.sort_by(compare);
}
