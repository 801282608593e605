//! `formatdate`: a point in time, written as people want it.

use super::functions::{Given, text_at};
use super::value::Value;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// A point in time as it is written.
struct Moment {
    year: i64,
    month: usize,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    zone: String,
}

/// `formatdate(spec, "2006-01-02T15:04:05Z")`; for `formattimestamp` also seconds since 1970.
pub(super) fn format_date(args: &[Value]) -> Given {
    let spec = text_at(args, 0)?;
    let moment = match args.get(1) {
        #[allow(clippy::cast_possible_truncation)]
        Some(Value::Number(n)) if n.fract() == 0.0 && n.abs() < 1e14 => from_seconds(*n as i64),
        _ => parse(&text_at(args, 1)?)?,
    };
    if spec == "X" {
        return Ok(Value::Text(moment.seconds()?.to_string()));
    }
    moment.write(&spec).map(Value::Text)
}

/// Reads RFC 3339.
fn parse(text: &str) -> Result<Moment, String> {
    let wrong = || format!("{text:?} is not a time such as 2006-01-02T15:04:05Z");
    let digits = |from: usize, to: usize| -> Result<u32, String> {
        let part = text.get(from..to).filter(|p| p.bytes().all(|b| b.is_ascii_digit()));
        part.and_then(|p| p.parse().ok()).ok_or_else(wrong)
    };
    let moment = Moment {
        year: digits(0, 4)?.into(),
        month: digits(5, 7)? as usize,
        day: digits(8, 10)?,
        hour: digits(11, 13)?,
        minute: digits(14, 16)?,
        second: digits(17, 19)?,
        zone: text
            .get(19..)
            .map(|z| z.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()))
            .unwrap_or_default()
            .to_owned(),
    };
    let valid = (1..=12).contains(&moment.month)
        && (1..=31).contains(&moment.day)
        && moment.hour < 24
        && moment.minute < 60
        && moment.second < 60
        && (moment.zone == "Z" || (moment.zone.len() == 6 && moment.zone.starts_with(['+', '-'])));
    if valid { Ok(moment) } else { Err(wrong()) }
}

/// Days since 1970 of a date.
fn days(year: i64, month: usize, day: u32) -> i64 {
    // March is the first month here, so that the leap day is the last day of a year.
    #[allow(clippy::cast_possible_wrap)]
    let month = month as i64;
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn from_seconds(seconds: i64) -> Moment {
    let (whole, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let from_march = whole + 719_468;
    let of_era = from_march.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march = (5 * of_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = from_march.div_euclid(146_097) * 400 + year_of_era + i64::from(month <= 2);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Moment {
        year,
        month: month as usize,
        day: (of_year - (153 * march + 2) / 5 + 1) as u32,
        hour: (rest / 3600) as u32,
        minute: (rest / 60 % 60) as u32,
        second: (rest % 60) as u32,
        zone: "Z".to_owned(),
    }
}

impl Moment {
    /// Seconds since 1970.
    fn seconds(&self) -> Result<i64, String> {
        let zone = match self.zone.as_str() {
            "Z" => 0,
            zone => {
                let part = |from: usize, to: usize| {
                    zone.get(from..to)
                        .and_then(|p| p.parse::<i64>().ok())
                        .ok_or_else(|| "the zone is not understood".to_owned())
                };
                let offset = part(1, 3)? * 3600 + part(4, 6)? * 60;
                if zone.starts_with('-') { -offset } else { offset }
            }
        };
        let of_day = i64::from(self.hour * 3600 + self.minute * 60 + self.second);
        Ok(days(self.year, self.month, self.day) * 86_400 + of_day - zone)
    }

    fn write(&self, spec: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = spec;
        while let Some(first) = rest.chars().next() {
            if first == '\'' {
                let end = rest[1..].find('\'').ok_or_else(|| "a ' is missing".to_owned())?;
                out.push_str(if end == 0 { "'" } else { &rest[1..=end] });
                rest = &rest[end + 2..];
                continue;
            }
            let run = rest.chars().take_while(|c| *c == first).count();
            let end = run * first.len_utf8();
            if first.is_ascii_alphabetic() {
                out.push_str(&self.part(&rest[..end])?);
            } else {
                out.push_str(&rest[..end]);
            }
            rest = &rest[end..];
        }
        Ok(out)
    }

    fn part(&self, verb: &str) -> Result<String, String> {
        let weekday = DAYS[usize::try_from(days(self.year, self.month, self.day).rem_euclid(7)).unwrap_or(0)];
        let month = MONTHS[self.month - 1];
        let twelve = if self.hour.is_multiple_of(12) { 12 } else { self.hour % 12 };
        let half = if self.hour < 12 { "am" } else { "pm" };
        let utc = self.zone == "Z";
        Ok(match verb {
            "YYYY" => format!("{:04}", self.year),
            "YY" => format!("{:02}", self.year % 100),
            "MMMM" => month.to_owned(),
            "MMM" => month[..3].to_owned(),
            "MM" => format!("{:02}", self.month),
            "M" => self.month.to_string(),
            "DD" => format!("{:02}", self.day),
            "D" => self.day.to_string(),
            "EEEE" => weekday.to_owned(),
            "EEE" => weekday[..3].to_owned(),
            "hh" => format!("{:02}", self.hour),
            "h" => self.hour.to_string(),
            "HH" => format!("{twelve:02}"),
            "H" => twelve.to_string(),
            "AA" => half.to_uppercase(),
            "aa" => half.to_owned(),
            "mm" => format!("{:02}", self.minute),
            "m" => self.minute.to_string(),
            "ss" => format!("{:02}", self.second),
            "s" => self.second.to_string(),
            "ZZZZZ" => {
                if utc {
                    "+00:00".to_owned()
                } else {
                    self.zone.clone()
                }
            }
            "ZZZZ" => {
                if utc {
                    "+0000".to_owned()
                } else {
                    self.zone.replace(':', "")
                }
            }
            "ZZZ" => {
                if utc {
                    "UTC".to_owned()
                } else {
                    self.zone.replace(':', "")
                }
            }
            "Z" => self.zone.clone(),
            other => return Err(format!("there is no part {other:?} of a date")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_asked() {
        let put = |spec: &str, time: &str| format_date(&[Value::text(spec), Value::text(time)]);
        let time = "2024-02-29T15:04:05Z";
        for (spec, means) in [
            ("YYYYMMDD-hhmmss", "20240229-150405"),
            ("EEE, D MMM YY 'at' H:mm aa ZZZ", "Thu, 29 Feb 24 at 3:04 pm UTC"),
            ("X", "1709219045"),
        ] {
            assert_eq!(put(spec, time), Ok(Value::text(means)), "{spec}");
        }
        assert_eq!(put("X", "1970-01-01T01:00:00+01:00"), Ok(Value::text("0")));
        assert!(put("YYY", time).is_err() && put("YYYY", "today").is_err() && put("'", time).is_err());
        let from = format_date(&[Value::text("YYYY-MM-DD hh:mm:ss"), Value::Number(1_709_219_045.0)]);
        assert_eq!(from, Ok(Value::text("2024-02-29 15:04:05")));
    }
}
