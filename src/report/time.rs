//! Moments for people.

/// Seconds since 1970 as `2026-11-21 13:40 UTC`.
pub fn utc(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", rest / 3600, rest / 60 % 60)
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. Years begin in March, so that the leap day is their
/// last; 400 of them are one era.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        let shown = [0, -1, 951_782_399, 951_782_400, 1_795_268_400, 4_107_542_400].map(utc);
        assert_eq!(
            shown,
            [
                "1970-01-01 00:00 UTC",
                "1969-12-31 23:59 UTC",
                "2000-02-28 23:59 UTC",
                "2000-02-29 00:00 UTC",
                "2026-11-21 13:40 UTC",
                "2100-03-01 00:00 UTC"
            ]
        );
    }
}
