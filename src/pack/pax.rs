//! Records of a pax extended header: `LENGTH KEY=VALUE\n`, where the length counts itself.

use std::collections::BTreeMap;

/// Appends a record.
pub fn push(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + digits(rest);
    // One more digit when the length's own digits carry it over a power of ten.
    length = rest + digits(length);
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |n| n as usize + 1)
}

/// A time as a record's value: seconds, and as many decimals as it has.
pub fn time(nanoseconds: i128) -> String {
    const SECOND: u128 = 1_000_000_000;
    let (sign, size) = (if nanoseconds < 0 { "-" } else { "" }, nanoseconds.unsigned_abs());
    match size % SECOND {
        0 => format!("{sign}{}", size / SECOND),
        rest => format!("{sign}{}.{}", size / SECOND, format!("{rest:09}").trim_end_matches('0')),
    }
}

/// The key of an extended attribute's record. GNU tar's way to write a `=`, which ends a key, and a `%` that would be taken for
/// the start of such a sequence.
pub fn xattr_key(name: &[u8]) -> Vec<u8> {
    let mut key = XATTR.to_vec();
    for (i, byte) in name.iter().enumerate() {
        match byte {
            b'=' => key.extend_from_slice(b"%3D"),
            b'%' if [&b"25"[..], b"3D"].iter().any(|code| name[i + 1..].starts_with(code)) => {
                key.extend_from_slice(b"%25");
            }
            _ => key.push(*byte),
        }
    }
    key
}

/// What stands in front of the name of an extended attribute.
pub const XATTR: &[u8] = b"SCHILY.xattr.";

/// The records of an extended header, the last of a key; `None` if they are none.
pub fn parse(mut bytes: &[u8]) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut records = BTreeMap::new();
    while !bytes.is_empty() {
        let space = bytes.iter().take(20).position(|b| *b == b' ')?;
        let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
        let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|b| *b == b'=')?;
        records.insert(record[..equals].to_vec(), record[equals + 1..].to_vec());
        bytes = &bytes[length..];
    }
    Some(records)
}

/// The number that a record holds.
pub fn number(records: &BTreeMap<Vec<u8>, Vec<u8>>, key: &str) -> Option<u64> {
    std::str::from_utf8(records.get(key.as_bytes())?).ok()?.parse().ok()
}

/// The extended attributes among records, sorted by name.
pub fn xattrs(records: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let of = |(key, value): (&Vec<u8>, &Vec<u8>)| Some((xattr_name(key.strip_prefix(XATTR)?), value.clone()));
    let mut xattrs: Vec<_> = records.iter().filter_map(of).collect();
    xattrs.sort();
    xattrs
}

/// The name that [`xattr_key`] wrote.
fn xattr_name(mut key: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(key.len());
    while let Some((first, rest)) = key.split_first() {
        let (byte, rest) = match rest {
            [b'2', b'5', rest @ ..] if *first == b'%' => (b'%', rest),
            [b'3', b'D', rest @ ..] if *first == b'%' => (b'=', rest),
            _ => (*first, rest),
        };
        name.push(byte);
        key = rest;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_counts_its_own_digits() {
        for length in (0..120).chain(960..1020).chain(9_960..10_020).chain(99_960..100_020) {
            let mut out = Vec::new();
            push(&mut out, b"k", &vec![b'v'; length]);
            let space = out.iter().position(|b| *b == b' ').unwrap();
            let said: usize = std::str::from_utf8(&out[..space]).unwrap().parse().unwrap();
            assert_eq!(said, out.len(), "value of {length} bytes");
        }
    }

    #[test]
    fn times_have_the_decimals_that_they_need() {
        for (time, want) in [
            (0, "0"),
            (1_500_000_000, "1.5"),
            (-1, "-0.000000001"),
            (-1_250_000_000, "-1.25"),
            (1_000_000_000_000_000_001, "1000000000.000000001"),
            (i128::from(i64::MIN), "-9223372036.854775808"),
        ] {
            assert_eq!(super::time(time), want);
        }
    }

    #[test]
    fn a_name_with_an_equals_sign_is_written_as_gnu_tar_does() {
        assert_eq!(xattr_key(b"user.a=b"), b"SCHILY.xattr.user.a%3Db");
        assert_eq!(xattr_key(b"user.100%"), b"SCHILY.xattr.user.100%");
        assert_eq!(xattr_key(b"user.%3D%25"), b"SCHILY.xattr.user.%253D%2525");
    }

    #[test]
    fn names_of_attributes_come_back() {
        for name in
            [&b"user.a=b"[..], b"user.100%", b"user.%3D%25", b"user.%%25=", b"%", b"user.%2", b"user.\xff"]
        {
            let key = xattr_key(name);
            assert!(!key.contains(&b'='));
            assert_eq!(xattr_name(key.strip_prefix(XATTR).unwrap()), name);
        }
    }

    #[test]
    fn records_come_back_whatever_their_values_hold() {
        let values = [&b"plain"[..], b"two\nlines\n", b"9 a=b\n", b"", b"\0=\xff"];
        let mut bytes = Vec::new();
        for (i, value) in values.iter().enumerate() {
            push(&mut bytes, format!("key{i}").as_bytes(), value);
        }
        let records = parse(&bytes).unwrap();
        assert_eq!(records.len(), values.len());
        for (i, value) in values.iter().enumerate() {
            assert_eq!(records[format!("key{i}").as_bytes()], *value);
        }
    }

    #[test]
    fn what_are_no_records_is_refused() {
        for bad in [
            &b"6 a=b"[..],
            b"7 a=b\n",
            b"5 a=b\n",
            b"x a=b\n",
            b"6 a-b\n",
            b"99999999999999999999 a=b\n",
            b"0 ",
            b" ",
        ] {
            assert!(parse(bad).is_none(), "{:?}", String::from_utf8_lossy(bad));
        }
        assert_eq!(parse(b"6 a=b\n").unwrap().len(), 1);
    }
}
