//! Sizes such as `64m`: go-units' `RAMInBytes`.

/// Bytes; `None` for what is no size.
pub(super) fn ram_in_bytes(size: &str) -> Option<i64> {
    let end = size.rfind(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '))?;
    let (number, rest) = size.split_at(end + 1);
    let number =
        parse_float(number.strip_suffix(' ').unwrap_or(number)).filter(|n| *n >= 0.0 || n.is_nan())?;
    let factor = match rest.len() {
        0 => 1.0,
        1..=3 => factor(&rest.to_lowercase())?,
        _ => return None,
    };
    Some(to_i64(number * factor))
}

/// What a unit multiplies with: `b`, or one of `kmgtp` with nothing, `b` or `ib` behind it.
fn factor(unit: &str) -> Option<f64> {
    if unit == "b" {
        return Some(1.0);
    }
    let (name, rest) = unit.split_at_checked(1)?;
    let power = ["k", "m", "g", "t", "p"].iter().position(|n| *n == name)?;
    matches!(rest, "" | "b" | "ib").then(|| 1024_f64.powi(i32::try_from(power).unwrap_or(0) + 1))
}

/// `strconv.ParseFloat` of text that ends with a digit or a dot: decimal, or hexadecimal with a `p` exponent.
fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        let value = hex_float(&unsigned[2..])?;
        return Some(if text.starts_with('-') { -value } else { value });
    }
    let decimal =
        unsigned.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    text.parse::<f64>().ok().filter(|n| decimal && n.is_finite())
}

/// The part behind `0x`.
fn hex_float(text: &str) -> Option<f64> {
    let text = plain_hex(text)?;
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if whole.len() + fraction.len() == 0 || digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    let exponent: i32 =
        exponent.parse().unwrap_or(if exponent.starts_with('-') { -100_000 } else { 100_000 });
    Some(value * 2_f64.powi(exponent.saturating_sub(shift))).filter(|n| n.is_finite())
}

/// Without the underscores, which may stand behind the prefix and between digits alone.
fn plain_hex(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |i: Option<usize>| i.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_hexdigit);
    let misplaced = |i: usize| !(i == 0 || digit(i.checked_sub(1))) || !digit(Some(i + 1));
    let wrong = bytes.iter().enumerate().any(|(i, b)| *b == b'_' && misplaced(i));
    (!wrong).then(|| text.replace('_', ""))
}

/// Go's conversion on amd64: what does not fit becomes the smallest number.
#[allow(clippy::cast_possible_truncation)]
fn to_i64(value: f64) -> i64 {
    if value < 9_223_372_036_854_775_808.0 { value as i64 } else { i64::MIN }
}

#[cfg(test)]
mod tests {
    use super::ram_in_bytes;

    #[test]
    fn units_are_powers_of_1024() {
        for (text, bytes) in [
            ("32", 32),
            ("32b", 32),
            ("32KB", 32 << 10),
            ("1.5 m", 3 << 19),
            ("2GiB", 2 << 30),
            ("1p", 1 << 50),
            ("0x1p4", 16),
        ] {
            assert_eq!(ram_in_bytes(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "m", "-1m", "1mm", "1bb", "1kbb", "1x", "1  m", "a1", "1_0", "1é"] {
            assert_eq!(ram_in_bytes(text), None, "{text}");
        }
    }
}
