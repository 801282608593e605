//! Go's `slices.SortFunc` (`zsortanyfunc.go`, pattern-defeating quicksort), step for step: it is not stable, and where a
//! step has more than 12 patterns BuildKit hashes selectors with equal paths in whatever order it leaves them.

use std::cmp::Ordering;

/// Shorter slices are sorted by insertion.
const INSERTION: usize = 12;
/// From this length on the pivot is a median of medians, and single pairs out of order are moved into place.
const LONG: usize = 50;

/// Sorts as Go does, elements that compare as equal included.
pub(super) fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let limit = bits(items.len());
    let less = |a: &T, b: &T| compare(a, b) == Ordering::Less;
    let end = items.len();
    Sort { items, less }.quick(0, end, limit);
}

/// How many bits a number takes.
fn bits(n: usize) -> u32 {
    usize::BITS - n.leading_zeros()
}

/// What choosing the pivot tells of the order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hint {
    Unknown,
    Increasing,
    Decreasing,
}

struct Sort<'a, T, F> {
    items: &'a mut [T],
    less: F,
}

impl<T, F: Fn(&T, &T) -> bool> Sort<'_, T, F> {
    fn less(&self, a: usize, b: usize) -> bool {
        (self.less)(&self.items[a], &self.items[b])
    }

    fn quick(&mut self, mut a: usize, mut b: usize, mut limit: u32) {
        let (mut balanced, mut partitioned) = (true, true);
        while b - a > INSERTION {
            if limit == 0 {
                return self.heap(a, b);
            }
            if !balanced {
                self.scatter(a, b);
                limit -= 1;
            }
            let (mut pivot, mut hint) = self.pivot(a, b);
            if hint == Hint::Decreasing {
                self.items[a..b].reverse();
                pivot = (b - 1) - (pivot - a);
                hint = Hint::Increasing;
            }
            if balanced && partitioned && hint == Hint::Increasing && self.finish_sorted(a, b) {
                return;
            }
            if a > 0 && !self.less(a - 1, pivot) {
                a = self.partition_equal(a, b, pivot);
                continue;
            }
            let length = b - a;
            let (middle, already) = self.partition(a, b, pivot);
            partitioned = already;
            let (left, right) = (middle - a, b - middle);
            balanced = left.min(right) >= length / 8;
            if left < right {
                self.quick(a, middle, limit);
                a = middle + 1;
            } else {
                self.quick(middle + 1, b, limit);
                b = middle;
            }
        }
        self.insertion(a, b);
    }

    fn insertion(&mut self, a: usize, b: usize) {
        for i in a + 1..b {
            let mut j = i;
            while j > a && self.less(j, j - 1) {
                self.items.swap(j, j - 1);
                j -= 1;
            }
        }
    }

    fn heap(&mut self, a: usize, b: usize) {
        let length = b - a;
        for root in (0..=(length - 1) / 2).rev() {
            self.sift_down(root, length, a);
        }
        for last in (0..length).rev() {
            self.items.swap(a, a + last);
            self.sift_down(0, last, a);
        }
    }

    fn sift_down(&mut self, mut root: usize, end: usize, first: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= end {
                return;
            }
            if child + 1 < end && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.items.swap(first + root, first + child);
            root = child;
        }
    }

    /// Everything below the pivot to its left, the rest to its right; true when nothing had to move.
    fn partition(&mut self, a: usize, b: usize, pivot: usize) -> (usize, bool) {
        self.items.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        let mut swapped = false;
        loop {
            while i <= j && self.less(i, a) {
                i += 1;
            }
            while i <= j && !self.less(j, a) {
                j -= 1;
            }
            if i > j {
                self.items.swap(j, a);
                return (j, !swapped);
            }
            self.items.swap(i, j);
            swapped = true;
            i += 1;
            j -= 1;
        }
    }

    /// Where nothing is below the pivot: its equals to the left; gives the end of these.
    fn partition_equal(&mut self, a: usize, b: usize, pivot: usize) -> usize {
        self.items.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        loop {
            while i <= j && !self.less(a, i) {
                i += 1;
            }
            while i <= j && self.less(a, j) {
                j -= 1;
            }
            if i > j {
                return i;
            }
            self.items.swap(i, j);
            i += 1;
            j -= 1;
        }
    }

    /// Moves a few pairs that are out of order; true when all is sorted then.
    fn finish_sorted(&mut self, a: usize, b: usize) -> bool {
        let mut i = a + 1;
        for _ in 0..5 {
            while i < b && !self.less(i, i - 1) {
                i += 1;
            }
            if i == b {
                return true;
            }
            if b - a < LONG {
                return false;
            }
            self.items.swap(i, i - 1);
            if i - a >= 2 {
                let mut j = i - 1;
                while j >= 1 && self.less(j, j - 1) {
                    self.items.swap(j, j - 1);
                    j -= 1;
                }
            }
            if b - i >= 2 {
                let mut j = i + 1;
                while j < b && self.less(j, j - 1) {
                    self.items.swap(j, j - 1);
                    j += 1;
                }
            }
        }
        false
    }

    /// Breaks patterns that made the last partition lopsided.
    fn scatter(&mut self, a: usize, b: usize) {
        let length = b - a;
        let mut random = length as u64;
        let mask = (1u64 << bits(length)) - 1;
        let middle = a + length / 4 * 2;
        for place in middle - 1..=middle + 1 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let other = usize::try_from(random & mask).unwrap_or(0);
            let other = if other >= length { other - length } else { other };
            self.items.swap(place, a + other);
        }
    }

    fn pivot(&self, a: usize, b: usize) -> (usize, Hint) {
        let length = b - a;
        let [mut i, mut j, mut k] = [1, 2, 3].map(|n| a + length / 4 * n);
        let mut swaps = 0;
        if length >= LONG {
            [i, j, k] = [i, j, k].map(|m| self.median([m - 1, m, m + 1], &mut swaps));
        }
        let pivot = self.median([i, j, k], &mut swaps);
        let hint = match swaps {
            0 => Hint::Increasing,
            12 => Hint::Decreasing,
            _ => Hint::Unknown,
        };
        (pivot, hint)
    }

    fn median(&self, [mut a, mut b, mut c]: [usize; 3], swaps: &mut u32) -> usize {
        let mut order = |x: &mut usize, y: &mut usize| {
            if self.less(*y, *x) {
                *swaps += 1;
                std::mem::swap(x, y);
            }
        };
        order(&mut a, &mut b);
        order(&mut b, &mut c);
        order(&mut a, &mut b);
        b
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    fn numbers(v: &Value) -> Vec<u64> {
        v.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect()
    }

    #[test]
    fn equal_elements_end_up_where_go_leaves_them() {
        for line in include_str!("../../fixtures/arithmetic/sort.jsonl").lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            let mut items: Vec<(u64, u64)> = numbers(&case["keys"]).into_iter().zip(0..).collect();
            super::sort_by(&mut items, |a, b| a.0.cmp(&b.0));
            let order: Vec<u64> = items.iter().map(|(_, place)| *place).collect();
            assert_eq!(order, numbers(&case["order"]), "{} items", items.len());
        }
    }
}
