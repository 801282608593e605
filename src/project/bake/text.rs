//! Functions on text.

use std::collections::BTreeMap;

use super::functions::{Given, list_at, number_at, text_at};
use super::types::csv;
use super::value::Value;

/// Each word with a capital.
pub(super) fn title(text: &str) -> String {
    let mut before = ' ';
    let mut out = String::new();
    for c in text.chars() {
        let inside = before.is_alphanumeric() || before == '_' || before == '\'';
        if inside {
            out.push(c)
        } else {
            out.extend(c.to_uppercase())
        }
        before = c;
    }
    out
}

/// The last part of a path.
pub(super) fn basename(path: &str) -> String {
    let base = crate::gopath::base(path.as_bytes());
    String::from_utf8_lossy(base).into_owned()
}

/// A path without its last part.
pub(super) fn dirname(path: &str) -> String {
    String::from_utf8_lossy(&crate::gopath::dir(path.as_bytes())).into_owned()
}

/// A name that a target may have.
pub(super) fn sanitize(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).collect()
}

/// Percent signs for all but letters, digits and `-_.~`; a blank is `+`.
pub(super) fn url_encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

fn compiled(pattern: &str) -> Result<regex::Regex, String> {
    regex::Regex::new(pattern).map_err(|_| format!("{pattern:?} is not a regular expression"))
}

/// `regex_replace(text, pattern, replacement)`.
pub(super) fn regex_replace(args: &[Value]) -> Given {
    let (text, pattern, with) = (text_at(args, 0)?, text_at(args, 1)?, text_at(args, 2)?);
    Ok(Value::Text(compiled(&pattern)?.replace_all(&text, with.as_str()).into_owned()))
}

/// `regex(pattern, text)`: the match, or its groups.
pub(super) fn regex(args: &[Value]) -> Given {
    let (pattern, text) = (compiled(&text_at(args, 0)?)?, text_at(args, 1)?);
    let captures = pattern.captures(&text).ok_or_else(|| "the pattern did not match".to_owned())?;
    Ok(groups(&pattern, &captures))
}

/// `regexall(pattern, text)`.
pub(super) fn regex_all(args: &[Value]) -> Given {
    let (pattern, text) = (compiled(&text_at(args, 0)?)?, text_at(args, 1)?);
    Ok(Value::List(pattern.captures_iter(&text).map(|c| groups(&pattern, &c)).collect()))
}

/// A match as text, as a list of its groups, or as an object of its named groups.
fn groups(pattern: &regex::Regex, captures: &regex::Captures<'_>) -> Value {
    let of = |at: usize| captures.get(at).map_or(Value::Null, |m| Value::text(m.as_str()));
    let names: Vec<(usize, &str)> =
        pattern.capture_names().enumerate().filter_map(|(i, n)| n.map(|n| (i, n))).collect();
    if captures.len() == 1 {
        of(0)
    } else if names.is_empty() {
        Value::List((1..captures.len()).map(of).collect())
    } else {
        Value::Object(names.into_iter().map(|(i, n)| (n.to_owned(), of(i))).collect())
    }
}

/// `substr(text, offset, length)`: a negative offset counts from the end, a negative length is all the rest.
pub(super) fn substr(args: &[Value]) -> Given {
    let text: Vec<char> = text_at(args, 0)?.chars().collect();
    let (offset, length) = (number_at(args, 1)?, number_at(args, 2)?);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let from_end = |n: f64| if n < 0.0 { text.len().saturating_sub(-n as usize) } else { n as usize };
    let begin = from_end(offset).min(text.len());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let end = if length < 0.0 { text.len() } else { begin.saturating_add(length as usize).min(text.len()) };
    Ok(Value::Text(text[begin..end].iter().collect()))
}

/// `indent(spaces, text)`: every line but the first.
pub(super) fn indent(args: &[Value]) -> Given {
    let (spaces, text) = (number_at(args, 0)?, text_at(args, 1)?);
    if !(0.0..=1000.0).contains(&spaces) {
        return Err("that many spaces are not meant".to_owned());
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let pad = " ".repeat(spaces as usize);
    Ok(Value::Text(text.replace('\n', &format!("\n{pad}"))))
}

/// `join(separator, list, …)`.
pub(super) fn join(args: &[Value]) -> Given {
    let separator = text_at(args, 0)?;
    let mut parts = Vec::new();
    for at in 1..args.len() {
        for value in list_at(args, at)? {
            let part = value.to_text();
            parts.push(part.ok_or_else(|| format!("only text can be joined, not {}", value.kind()))?);
        }
    }
    Ok(Value::Text(parts.join(&separator)))
}

/// `split(separator, text)`.
pub(super) fn split(args: &[Value]) -> Given {
    let (separator, text) = (text_at(args, 0)?, text_at(args, 1)?);
    let parts: Vec<Value> = if separator.is_empty() {
        text.chars().map(|c| Value::text(c.to_string())).collect()
    } else {
        text.split(&separator).map(Value::text).collect()
    };
    Ok(Value::List(parts))
}

/// Lines of fields, the first line names them.
pub(super) fn csv_decode(text: &str) -> Value {
    let mut lines = text.lines().filter(|l| !l.is_empty()).map(csv);
    let header = lines.next().unwrap_or_default();
    let row = |fields: Vec<String>| {
        let map: BTreeMap<String, Value> =
            header.iter().cloned().zip(fields.into_iter().map(Value::Text)).collect();
        Value::Object(map)
    };
    Value::List(lines.map(row).collect())
}
