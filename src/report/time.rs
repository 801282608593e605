//! Moments for people.

use jiff::Timestamp;

/// Seconds since 1970 as `2026-11-21 13:40 UTC`; a number outside the calendar as it is.
pub fn utc(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map_or_else(|_| seconds.to_string(), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_utc() {
        let shown = [0, -1, 1_795_268_400, i64::MAX].map(utc);
        assert_eq!(
            shown,
            ["1970-01-01 00:00 UTC", "1969-12-31 23:59 UTC", "2026-11-21 13:40 UTC", "9223372036854775807"]
        );
    }
}
