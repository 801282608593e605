//! The longest common subsequence of two lists.

use std::ops::Range;

/// Beyond this many pairs of elements the middle is not compared one by one: what is equal at both ends is found still.
const MOST_PAIRS: usize = 4_000_000;

/// The places of elements that are common to both, in order.
pub(super) fn pairs<T: PartialEq>(a: &[T], b: &[T]) -> Vec<(usize, usize)> {
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (rest_a, rest_b) = (&a[start..], &b[start..]);
    let end = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (middle_a, middle_b) = (&rest_a[..rest_a.len() - end], &rest_b[..rest_b.len() - end]);
    let mut out: Vec<(usize, usize)> = (0..start).map(|i| (i, i)).collect();
    out.extend(middle(middle_a, middle_b).into_iter().map(|(i, j)| (start + i, start + j)));
    out.extend((0..end).map(|i| (a.len() - end + i, b.len() - end + i)));
    out
}

/// What lies between common elements: ranges of both lists, of which at most one is empty.
pub(super) fn gaps<T: PartialEq>(a: &[T], b: &[T]) -> Vec<(Range<usize>, Range<usize>)> {
    let mut out = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (x, y) in pairs(a, b).into_iter().chain([(a.len(), b.len())]) {
        if x > i || y > j {
            out.push((i..x, j..y));
        }
        (i, j) = (x + 1, y + 1);
    }
    out
}

fn middle<T: PartialEq>(a: &[T], b: &[T]) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    if a.is_empty() || b.is_empty() || a.len().saturating_mul(b.len()) > MOST_PAIRS {
        return Vec::new();
    }
    // `best[i * width + j]`: how much is common to `a[i..]` and `b[j..]`.
    let mut best = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            best[i * width + j] = if a[i] == b[j] {
                best[(i + 1) * width + j + 1] + 1
            } else {
                best[(i + 1) * width + j].max(best[i * width + j + 1])
            };
        }
    }
    let mut out = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            out.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if best[(i + 1) * width + j] >= best[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_common_keeps_its_order() {
        assert_eq!(pairs(b"abcde", b"xbzde"), [(1, 1), (3, 3), (4, 4)]);
        assert_eq!(pairs(b"ab", b"ba").len(), 1);
        assert_eq!(pairs(b"", b"a"), []);
    }

    #[test]
    fn gaps_are_what_is_not_common() {
        assert_eq!(gaps(b"abc", b"axc"), [(1..2, 1..2)]);
        assert_eq!(gaps(b"ac", b"abc"), [(1..1, 1..2)]);
        assert_eq!(gaps(b"a", b"a"), []);
    }
}
