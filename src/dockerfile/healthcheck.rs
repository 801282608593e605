//! HEALTHCHECK (`parseHealthcheck` of `instructions/parse.go`).

use super::ast::Healthcheck;
use super::error::Fault;
use super::flags::{Flags, Kind};
use super::gotext::{quote, text, to_upper};
use super::node::Node;

const FLAGS: [(&str, Kind); 5] = [
    ("interval", Kind::Text),
    ("timeout", Kind::Text),
    ("start-period", Kind::Text),
    ("start-interval", Kind::Text),
    ("retries", Kind::Text),
];

/// The test with its times.
pub(super) fn parse(node: &Node) -> Result<Healthcheck, Fault> {
    let Some((first, args)) = node.args.words.split_first() else {
        return Err(Fault::new("HEALTHCHECK requires at least one argument"));
    };
    let kind = to_upper(&text(first));
    if kind == "NONE" {
        return if args.is_empty() {
            Ok(Healthcheck::default())
        } else {
            Err(Fault::new("HEALTHCHECK NONE takes no arguments"))
        };
    }
    let flags = Flags::parse(&node.flags, &FLAGS)?;
    if kind != "CMD" {
        return Err(Fault::new(format!("Unknown type {} in HEALTHCHECK (try CMD)", quote(kind.as_bytes()))));
    }
    if args.is_empty() {
        return Err(Fault::new("Missing command after HEALTHCHECK CMD"));
    }
    let [interval, timeout, start_period, start_interval] = times(&flags)?;
    let retries = flags.text("retries").unwrap_or_default();
    let retries = if retries.is_empty() { 0 } else { number(&retries)? };
    let start = if node.args.json { "CMD" } else { "CMD-SHELL" };
    let test = std::iter::once(start.into()).chain(args.iter().map(|arg| text(arg))).collect();
    Ok(Healthcheck { test: Some(test), interval, timeout, start_period, start_interval, retries })
}

/// The times in nanoseconds, in the order of [`FLAGS`]; 0 for those that are not given.
fn times(flags: &Flags) -> Result<[i64; 4], Fault> {
    let mut times = [0; 4];
    for ((name, _), time) in FLAGS.iter().zip(&mut times) {
        let value = flags.text(name).unwrap_or_default();
        if value.is_empty() {
            continue;
        }
        *time = duration(&value).map_err(|e| Fault::new(e).at(value))?;
        if *time != 0 && *time < 1_000_000 {
            return Err(
                Fault::new(format!("Interval \"{name}\" cannot be less than 1ms")).at(format!("--{name}"))
            );
        }
    }
    Ok(times)
}

/// `strconv.ParseInt(value, 10, 32)`, and no negative number.
fn number(value: &str) -> Result<i32, Fault> {
    let problem = |what| {
        Err(Fault::new(format!("strconv.ParseInt: parsing {}: {what}", quote(value.as_bytes()))).at(value))
    };
    let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return problem("invalid syntax");
    }
    match value.parse::<i32>() {
        Err(_) => problem("value out of range"),
        Ok(n) if n < 0 => Err(Fault::new(format!("--retries cannot be negative ({n})")).at(value)),
        Ok(n) => Ok(n),
    }
}

/// `time.ParseDuration`: nanoseconds, or Go's error.
fn duration(original: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", go_time_quote(original));
    let (negative, mut rest) = match original.as_bytes() {
        [sign @ (b'+' | b'-'), ..] => (*sign == b'-', &original[1..]),
        _ => (false, original),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (value, next) = one_unit(rest, original)?;
        rest = next;
        total = total.checked_add(value).filter(|t| *t <= 1 << 63).ok_or_else(invalid)?;
    }
    match i64::try_from(total) {
        Ok(n) => Ok(if negative { -n } else { n }),
        Err(_) if negative => Ok(i64::MIN),
        Err(_) => Err(invalid()),
    }
}

/// A number with a unit at the start of `text`, in nanoseconds, and what follows.
fn one_unit<'a>(text: &'a str, original: &str) -> Result<(u64, &'a str), String> {
    let whole_duration = go_time_quote(original);
    let invalid = || format!("time: invalid duration {whole_duration}");
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(invalid());
    }
    // Go's limit is 1<<63, not more.
    let number = if whole.is_empty() {
        0
    } else {
        whole.parse().ok().filter(|n: &u64| *n <= 1 << 63).ok_or_else(invalid)?
    };
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    if unit.is_empty() {
        return Err(format!("time: missing unit in duration {whole_duration}"));
    }
    let Some(size) = unit_size(unit) else {
        return Err(format!("time: unknown unit {} in duration {whole_duration}", go_time_quote(unit)));
    };
    if number > (1 << 63) / size {
        return Err(invalid());
    }
    let total = number * size + part_of(fraction, size);
    if total > 1 << 63 { Err(invalid()) } else { Ok((total, rest)) }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn unit_size(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `.fraction` of a unit, rounded as Go does; digits that do not fit are dropped.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn part_of(fraction: &str, unit: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0_f64);
    for digit in fraction.bytes() {
        match value.checked_mul(10).and_then(|v| v.checked_add(u64::from(digit - b'0'))) {
            Some(next) if value <= (u64::MAX >> 1) / 10 && next <= 1 << 63 => value = next,
            _ => break,
        }
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

/// How Go's `time` package quotes: every byte that is not printable ASCII in hex.
fn go_time_quote(text: &str) -> String {
    let mut out = String::from('"');
    for b in text.bytes() {
        match b {
            b'"' | b'\\' => out.extend(['\\', char::from(b)]),
            0..0x20 | 0x80.. => out.push_str(&format!("\\x{b:02x}")),
            _ => out.push(char::from(b)),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        assert_eq!(duration("1m30s"), Ok(90_000_000_000));
        assert_eq!(duration("-1.5h"), Ok(-5_400_000_000_000));
        assert_eq!(duration("0"), Ok(0));
        assert_eq!(duration(".5ms"), Ok(500_000));
        for (text, error) in [
            ("", "time: invalid duration \"\""),
            ("5", "time: missing unit in duration \"5\""),
            ("5x", "time: unknown unit \"x\" in duration \"5x\""),
            ("5\u{b5}", "time: unknown unit \"\\xc2\\xb5\" in duration \"5\\xc2\\xb5\""),
            (".s", "time: invalid duration \".s\""),
            ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
        ] {
            assert_eq!(duration(text), Err(error.into()), "{text}");
        }
    }

    #[test]
    fn retries_are_a_small_number() {
        let retries = |value| number(value).map_err(|fault| fault.reason);
        assert_eq!(retries("+3"), Ok(3));
        assert_eq!(retries("-1"), Err("--retries cannot be negative (-1)".into()));
        assert_eq!(retries("x"), Err("strconv.ParseInt: parsing \"x\": invalid syntax".into()));
        assert_eq!(
            retries("2147483648"),
            Err("strconv.ParseInt: parsing \"2147483648\": value out of range".into())
        );
    }
}
