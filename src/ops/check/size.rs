//! Sizes as people type them.

/// Reads `4096`, `50MB`, `1.5GiB`: decimal units with B alone, binary ones with iB; a letter alone is binary, as Docker reads it.
///
/// # Errors
/// How a size is written.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || "write a number with or without a unit, such as 50MB or 1.5GiB".to_owned();
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim().to_ascii_lowercase());
    let factor = factor(&unit).ok_or_else(wrong)?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor).ok_or_else(|| "that is more than can be counted".to_owned());
    }
    let value: f64 = number.parse().map_err(|_| wrong())?;
    #[allow(clippy::cast_precision_loss, reason = "a factor has few digits")]
    let bytes = value * factor as f64;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is not negative, and a cast saturates"
    )]
    Ok(bytes.round() as u64)
}

/// How many bytes a unit has.
fn factor(unit: &str) -> Option<u64> {
    let (letter, base) = match unit {
        "" | "b" => return Some(1),
        unit if unit.ends_with("ib") => (&unit[..unit.len() - 2], 1024_u64),
        unit if unit.ends_with('b') => (&unit[..unit.len() - 1], 1000),
        unit => (unit, 1024),
    };
    let power = ["k", "m", "g", "t"].iter().position(|l| *l == letter)?;
    base.checked_pow(u32::try_from(power).ok()? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_decimal_with_b_and_binary_with_ib_or_alone() {
        let read = ["0", "12", "12b", "50MB", "50 MiB", "2k", "1.5GiB", "1t"].map(|t| parse_size(t).unwrap());
        let gib = 1 << 30;
        assert_eq!(read, [0, 12, 12, 50_000_000, 50 << 20, 2048, gib + gib / 2, 1 << 40]);
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "MB", "1.2.3", "-1", "5 apples", "1ib", "99999999999999T", "1é"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
