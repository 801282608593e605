//! Values as Go's packages read them: one line of CSV, booleans, sizes.

/// Why a value can't be read: what is wrong with it, never the value itself, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad(pub String);

impl Bad {
    /// A reason in words.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// The fields of one line of CSV, as `go-csvvalue` splits them: a quote inside a field that doesn't begin with one is an error.
///
/// # Errors
/// Misplaced quotes, and a line without anything.
pub fn fields(line: &str) -> Result<Vec<String>, Bad> {
    let line = line.strip_suffix('\n').map_or(line, |l| l.strip_suffix('\r').unwrap_or(l));
    if line.is_empty() {
        return Err(Bad::new("it is empty"));
    }
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => plain_field(rest)?,
        };
        fields.push(field);
        match after {
            Some(after) => rest = after,
            None => return Ok(fields),
        }
    }
}

/// A field up to the next comma.
fn plain_field(rest: &str) -> Result<(String, Option<&str>), Bad> {
    let (field, after) = match rest.split_once(',') {
        Some((field, after)) => (field, Some(after)),
        None => (rest, None),
    };
    if field.contains('"') {
        return Err(Bad::new("there is a quote inside a field that doesn't begin with one"));
    }
    Ok((field.to_owned(), after))
}

/// A field up to its closing quote; two quotes stand for one.
fn quoted_field(mut rest: &str) -> Result<(String, Option<&str>), Bad> {
    let mut field = String::new();
    loop {
        let (piece, after) = rest.split_once('"').ok_or_else(|| Bad::new("a quote is not closed"))?;
        field.push_str(piece);
        match after.chars().next() {
            None => return Ok((field, None)),
            Some(',') => return Ok((field, Some(&after[1..]))),
            Some('"') => {
                field.push('"');
                rest = &after[1..];
            }
            Some(_) => return Err(Bad::new("something follows a closing quote")),
        }
    }
}

/// `KEY=VALUE`.
///
/// # Errors
/// A field without `=`; it is named by its place.
pub fn pair(field: &str, place: usize) -> Result<(&str, &str), Bad> {
    field.split_once('=').ok_or_else(|| Bad::new(format!("field {} is not KEY=VALUE", place + 1)))
}

/// `strconv.ParseBool`.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A size in bytes, as `go-units` reads one of memory: `64m`, `1.5 GiB`, `4096`; letters count in 1024.
pub fn memory(text: &str) -> Option<i64> {
    let at = text.rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ')?;
    let (number, suffix) = match text.as_bytes()[at] {
        b' ' => (&text[..at], &text[at + 1..]),
        _ => text.split_at(at + 1),
    };
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: f64 = plain.then(|| number.parse().ok()).flatten()?;
    let suffix = suffix.to_ascii_lowercase();
    let power = match suffix.as_str() {
        "" | "b" => 0,
        _ => 1 + "kmgtp".find(suffix.chars().next()?)?,
    };
    if power > 0 && !matches!(&suffix[1..], "" | "b" | "ib") {
        return None;
    }
    let bytes = number * 1024f64.powi(i32::try_from(power).ok()?);
    // A float that is too large saturates.
    #[allow(clippy::cast_possible_truncation, reason = "as Go converts: towards zero")]
    Some(bytes as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_end_at_commas_but_not_in_quotes() {
        let split = |line| fields(line).unwrap();
        assert_eq!(split("type=local,dest=out"), ["type=local", "dest=out"]);
        assert_eq!(split(r#"type=image,"name=a,b",push=true"#), ["type=image", "name=a,b", "push=true"]);
        assert_eq!(split(r#""a""b",c"#), [r#"a"b"#, "c"]);
        assert_eq!(split("a,"), ["a", ""]);
        assert_eq!(split("a\r\n"), ["a"]);
        for bad in ["", "\n", r#"a"b"#, r#""a"#, r#""a"b"#] {
            assert!(fields(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sizes_count_in_1024() {
        for (text, bytes) in [
            ("64m", 64 << 20),
            ("1.5g", 3 << 29),
            ("1 GiB", 1 << 30),
            ("4096", 4096),
            ("2KB", 2048),
            ("7b", 7),
            ("1p", 1 << 50),
        ] {
            assert_eq!(memory(text), Some(bytes), "{text}");
        }
        for bad in ["", "m", "-1", "1x", "1mm", "1kibs", "1.2.3", "b7"] {
            assert_eq!(memory(bad), None, "{bad}");
        }
    }

    #[test]
    fn booleans_are_gos() {
        assert_eq!(
            ["1", "True", "f", "0", "yes", ""].map(boolean),
            [Some(true), Some(true), Some(false), Some(false), None, None]
        );
    }
}
