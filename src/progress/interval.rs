//! Spans of time in which a vertex worked.

use jiff::{SignedDuration, Timestamp};

/// From when to when; one that is still open has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub start: Timestamp,
    pub stop: Option<Timestamp>,
}

impl Interval {
    /// Seconds until the end or, where it is open, until now.
    pub fn seconds(&self, now: Timestamp) -> f64 {
        seconds(self.stop.unwrap_or(now).duration_since(self.start))
    }

    /// The same span some time later; a moment out of range stays.
    pub fn later(&self, by: SignedDuration) -> Self {
        let add = |t: Timestamp| t.checked_add(by).unwrap_or(t);
        Self { start: add(self.start), stop: self.stop.map(add) }
    }
}

/// Seconds as Go computes them from a duration: whole ones and the rest apart.
#[allow(clippy::cast_precision_loss, reason = "a few digits are shown")]
pub fn seconds(duration: SignedDuration) -> f64 {
    duration.as_secs() as f64 + f64::from(duration.subsec_nanos()) / 1e9
}

/// Joins spans that overlap or touch; nothing comes after one that is open.
pub fn merge(spans: impl IntoIterator<Item = Interval>) -> Vec<Interval> {
    let mut spans: Vec<_> = spans.into_iter().collect();
    spans.sort_by_key(|span| span.start);
    let mut merged: Vec<Interval> = Vec::new();
    for next in spans {
        let Some(last) = merged.last_mut() else {
            merged.push(next);
            continue;
        };
        match (last.stop, next.stop) {
            (None, _) => break,
            (Some(stop), _) if stop < next.start => merged.push(next),
            (Some(_), None) => last.stop = None,
            (Some(stop), Some(end)) => last.stop = Some(stop.max(end)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: i64, stop: Option<i64>) -> Interval {
        let at = |s| Timestamp::from_second(s).expect("in range");
        Interval { start: at(start), stop: stop.map(at) }
    }

    #[test]
    fn spans_that_touch_become_one_and_an_open_one_swallows_the_rest() {
        assert_eq!(merge([]), []);
        assert_eq!(
            merge([span(5, Some(6)), span(1, Some(3)), span(3, Some(4))]),
            [span(1, Some(4)), span(5, Some(6))]
        );
        assert_eq!(merge([span(1, Some(9)), span(2, Some(3))]), [span(1, Some(9))]);
        assert_eq!(merge([span(1, Some(3)), span(2, None), span(7, Some(8))]), [span(1, None)]);
    }
}
