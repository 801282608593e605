//! Plain scalars → null, bool, number or text, by the rules of Go's yaml.v3, which reads Compose files.

use super::{Value, number};

/// What an unquoted scalar without a tag means.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Number(number::float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Value::Number(number::float(f64::INFINITY));
        }
        "-.inf" | "-.Inf" | "-.INF" => return Value::Number(number::float(f64::NEG_INFINITY)),
        // The one zero with a sign, read as a float.
        "-0" => return Value::Number(text.to_owned()),
        _ => {}
    }
    if let Some(date) = date(text) {
        return Value::Text(date);
    }
    let begins = text.as_bytes().first().is_some_and(|b| b.is_ascii_digit() || b"+-.".contains(b));
    let number = if begins { integer(text).or_else(|| fraction(text)) } else { None };
    number.map_or_else(|| Value::Text(text.to_owned()), Value::Number)
}

/// A date without a time: it is read as a point in time, and printed as Go prints one.
fn date(text: &str) -> Option<String> {
    let mut parts = text.split('-');
    let mut part = |shortest: usize, longest: usize| {
        let part = parts.next().filter(|p| (shortest..=longest).contains(&p.len()))?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten()
    };
    let (year, month, day) = (part(4, 4)?, part(1, 2)?, part(1, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let whole = parts.next().is_none() && (1..=days).contains(&day);
    whole.then(|| format!("{year:04}-{month:02}-{day:02} 00:00:00 +0000 UTC"))
}

/// A whole number, in decimal: `0x`, `0o`, `0b` and a leading `0` say other bases, `_` is skipped.
fn integer(text: &str) -> Option<String> {
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.strip_prefix(['+', '-']) {
        Some(digits) => (plain.starts_with('-'), digits),
        None => (false, plain.as_str()),
    };
    if !digits.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    let of = |radix: u32, digits: &str| {
        u64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))
    };
    let value = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        of(16, hex)?
    } else if let Some(binary) = digits.strip_prefix("0b").or_else(|| digits.strip_prefix("0B")) {
        of(2, binary)?
    } else if let Some(octal) = digits.strip_prefix("0o").or_else(|| digits.strip_prefix("0O")) {
        of(8, octal)?
    } else if digits.len() > 1 && digits.starts_with('0') {
        of(8, &digits[1..])?
    } else {
        of(10, digits)?
    };
    if negative && value > 1 << 63 {
        return None;
    }
    Some(if negative && value != 0 { format!("-{value}") } else { value.to_string() })
}

/// A number with a point or an exponent.
fn fraction(text: &str) -> Option<String> {
    let plain = text.replace('_', "");
    let body = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((m, e)) => (m, Some(e)),
        None => (body, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (whole, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !digits(whole) || !digits(rest) || (whole.is_empty() && rest.is_empty()) {
        return None;
    }
    if let Some(e) = exponent {
        let e = e.strip_prefix(['+', '-']).unwrap_or(e);
        if e.is_empty() || !digits(e) {
            return None;
        }
    }
    plain.parse().ok().map(number::float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_go_makes_of_them() {
        for (text, means) in [
            ("1.10", "1.1"),
            ("0755", "493"),
            ("0o14", "12"),
            ("0x1F", "31"),
            ("1_000", "1000"),
            ("-7", "-7"),
            ("-0", "-0"),
            ("-00", "0"),
            ("1e3", "1000"),
            ("1.5e30", "1.5e+30"),
            ("1234567.5", "1.2345675e+06"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
            (".5", "0.5"),
            ("0.00001", "1e-05"),
        ] {
            assert_eq!(resolve(text), Value::Number(means.to_owned()), "{text}");
        }
        for text in ["yes", "on", "1.2.3", "1e", "-", ".", "0x", "12a", "+x", "08x"] {
            assert_eq!(resolve(text), Value::Text(text.to_owned()), "{text}");
        }
        assert_eq!(resolve("2024-1-31"), Value::Text("2024-01-31 00:00:00 +0000 UTC".to_owned()));
        assert_eq!(resolve("2023-02-29"), Value::Text("2023-02-29".to_owned()));
        assert_eq!(resolve("~"), Value::Null);
        assert_eq!(resolve("TRUE"), Value::Bool(true));
    }
}
