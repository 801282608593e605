//! Bytes as BuildKit's displays show them: decimal units, two digits.

/// `512B`, `1.23kB`, `45.60MB`
pub fn bytes(n: i64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if n.unsigned_abs() < 1000 {
        return format!("{n}B");
    }
    let mut base = 1000_u64;
    let mut unit = 0;
    while n.unsigned_abs() / 1000 >= base && unit + 1 < UNITS.len() {
        base *= 1000;
        unit += 1;
    }
    #[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
    let value = n as f64 / base as f64;
    format!("{value:.2}{}", UNITS[unit])
}

/// How far something is: nothing, `1.23kB` or `1.23kB / 4.56kB`.
pub fn progress(current: i64, total: i64) -> Option<String> {
    match (current, total) {
        (0, 0) => None,
        (_, 0) => Some(bytes(current)),
        _ => Some(format!("{} / {}", bytes(current), bytes(total))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_whole_below_a_thousand_and_have_two_digits_above() {
        let shown = [0, 1, 999, 1000, 1234, 999_999, 1_000_000, 390_004_711, i64::MAX, -1, -1234].map(bytes);
        assert_eq!(
            shown,
            [
                "0B",
                "1B",
                "999B",
                "1.00kB",
                "1.23kB",
                "1000.00kB",
                "1.00MB",
                "390.00MB",
                "9.22EB",
                "-1B",
                "-1.23kB"
            ]
        );
    }
}
