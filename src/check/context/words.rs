//! Numbers in words.

/// `1 file`, `1,204 files`
pub(super) fn count(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {one}s", thousands(n)) }
}

/// `1,204`
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `17 B`, `4.6 KiB`, `1.2 GiB`
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A path as text; it is escaped when it is printed.
pub(super) fn name(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// `` `a`, `b` and 4 more ``
pub(super) fn list(names: &[Vec<u8>], all: u64) -> String {
    let shown: Vec<String> = names.iter().take(3).map(|n| format!("`{}`", name(n))).collect();
    match all.saturating_sub(shown.len() as u64) {
        0 => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), thousands(more)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units_and_threes() {
        assert_eq!((count(1, "file"), count(15_901, "file")), ("1 file".into(), "15,901 files".into()));
        assert_eq!((size(17), size(412 << 20)), ("17 B".into(), "412.0 MiB".into()));
        assert_eq!(list(&[b"a".to_vec(), b"b".to_vec()], 1_002), "`a`, `b` and 1,000 more");
    }
}
